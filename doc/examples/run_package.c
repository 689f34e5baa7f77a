/* How to use the runtime: runs a packed subnet on one input and prints the three likeliest classes.
 *
 *	run_package PACKAGE [INPUT]
 *
 * INPUT: height x width x channels normalised float32, little-endian, as the package's input is;
 * without it, the input of the package's self-test. */
#include <stdio.h>
#include <stdlib.h>
#include "ofa_device.h"

/* A malloc'ed block lies at a multiple of 4 at least, which is all the runtime asks for. */
static void *read_file(const char *path, size_t *ret_size)
{
	FILE *f = fopen(path, "rb");
	void *data = NULL;
	long size = -1;

	if (f != NULL && fseek(f, 0, SEEK_END) == 0)
		size = ftell(f);
	if (size > 0 && fseek(f, 0, SEEK_SET) == 0)
		data = malloc((size_t)size);
	if (data != NULL && fread(data, 1, (size_t)size, f) != (size_t)size) {
		free(data);
		data = NULL;
	}
	if (f != NULL)
		fclose(f);
	if (data == NULL)
		fprintf(stderr, "run_package: cannot read %s\n", path);
	*ret_size = (size_t)size;
	return data;
}

static void print_best(const struct ofa_device_model *model, float *logits)
{
	uint32_t shown, i, best;

	for (shown = 0; shown < 3 && shown < model->classes; shown++) {
		const char *name;

		for (i = 1, best = 0; i < model->classes; i++) {
			if (logits[i] > logits[best])
				best = i;
		}
		name = ofa_device_class_name(model, best);
		printf("%5lu  %-24s %10.4f\n", (unsigned long)best, name != NULL ? name : "", (double)logits[best]);
		logits[best] = -1e30f;
	}
}

static int run(const struct ofa_device_model *model, const char *input_path)
{
	const size_t arena_bytes = ofa_device_arena_bytes(model);
	void *arena = malloc(arena_bytes), *input = NULL;
	float *logits = malloc(model->classes * sizeof(*logits));
	enum ofa_device_status status = OFA_DEVICE_OK;
	size_t size = 0;
	int rc = EXIT_FAILURE;

	if (arena == NULL || logits == NULL) {
		fprintf(stderr, "run_package: no memory for %lu bytes of arena\n", (unsigned long)arena_bytes);
		goto out;
	}
	if (input_path == NULL) {
		ofa_device_put_pixels(model, model->pixels, arena);
	} else {
		input = read_file(input_path, &size);
		if (input == NULL)
			goto out;
		if (size != sizeof(float) * model->height * model->width * model->channels) {
			fprintf(stderr, "run_package: %s is not %lux%lux%lu floats\n", input_path,
				(unsigned long)model->height, (unsigned long)model->width,
				(unsigned long)model->channels);
			goto out;
		}
	}
	status = ofa_device_run(model, arena, arena_bytes, input, logits); /* NULL: what is in the arena */
	if (status == OFA_DEVICE_OK) {
		print_best(model, logits);
		rc = EXIT_SUCCESS;
	} else {
		fprintf(stderr, "run_package: %s\n", ofa_device_strerror(status));
	}
out:
	free(input);
	free(logits);
	free(arena);
	return rc;
}

int main(int argc, char **argv)
{
	struct ofa_device_model model;
	enum ofa_device_status status;
	uint32_t where = 0;
	size_t size;
	void *package;
	int rc;

	if (argc < 2 || argc > 3) {
		fprintf(stderr, "usage: run_package PACKAGE [INPUT]\n");
		return EXIT_FAILURE;
	}
	package = read_file(argv[1], &size);
	if (package == NULL)
		return EXIT_FAILURE;
	status = ofa_device_load(package, size, &model, &where);
	if (status == OFA_DEVICE_OK)
		status = ofa_device_verify(&model, &where);
	if (status != OFA_DEVICE_OK) {
		fprintf(stderr, "run_package: %s: %s (byte %lu)\n", argv[1], ofa_device_strerror(status),
			(unsigned long)where);
		free(package);
		return EXIT_FAILURE;
	}
	rc = run(&model, argc == 3 ? argv[2] : NULL);
	free(package);
	return rc;
}
