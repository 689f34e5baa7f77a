/* Packages to export, of networks as different as they come, each with images and the device runtime's logits:
 * NAME.ofa, NAME.input (n,h,w,c), NAME.logits (n,classes), and a line of cases.jsonl; into the folder that
 * OFA_EXPORT_CASES names. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "../device/golden_package.h"
#include "ofa_device.h"
#include "pack/pack.h"
#include "random_net.h"
#include "spaces.h"
#include "train/dataset.h"

#define IMAGES 6
#define FASHION "/usr/share/datasets/fashion-mnist"

static const struct ofa_pack_info info = {.predicted_accuracy = NAN, .latency_ms = NAN};

struct work {
	const char *folder;
	const struct ofa_dataset *images;
	FILE *list;
};

/* The images again, with as many channels as the network takes: each a pixel further on. */
static void widen(const struct ofa_dataset *d, int channels, struct ofa_dataset *ret)
{
	const size_t pixels = (size_t)d->h * (size_t)d->w;

	*ret = *d;
	ret->n = IMAGES;
	ret->c = channels;
	ret->images = malloc(IMAGES * pixels * (size_t)channels);
	for (size_t i = 0; i < IMAGES * pixels; i++) {
		for (size_t c = 0; c < (size_t)channels; c++)
			ret->images[i * (size_t)channels + c] = d->images[i + c];
	}
}

static void write_file(const struct work *w, const char *name, const char *suffix, const void *data, size_t size)
{
	struct ofa_error err = {0};
	char path[1024];

	snprintf(path, sizeof(path), "%s/%s%s", w->folder, name, suffix);
	ASSERT_OK(ofa_file_write_atomic(path, data, size, &err), &err);
}

static void run_float(const struct ofa_device_model *m, const float *x, float *logits)
{
	const size_t pixels = (size_t)m->height * m->width * m->channels;
	void *arena = aligned_alloc(64, (ofa_device_arena_bytes(m) + 63) / 64 * 64);

	for (size_t i = 0; i < IMAGES; i++)
		ck_assert_int_eq(ofa_device_run(m, arena, ofa_device_arena_bytes(m), x + i * pixels,
						logits + i * m->classes),
				 OFA_DEVICE_OK);
	free(arena);
}

static void write_images(const struct work *w, const char *name, const struct ofa_device_model *m)
{
	static const uint32_t index[IMAGES] = {0, 1, 2, 3, 4, 5};
	const size_t floats = IMAGES * (size_t)m->height * m->width * m->channels;
	float *x = malloc(floats * sizeof(*x)), *logits = malloc(IMAGES * m->classes * sizeof(*logits));
	uint8_t labels[IMAGES];
	struct ofa_dataset d;

	widen(w->images, (int)m->channels, &d);
	ofa_dataset_batch(&d, index, IMAGES, (int)m->height, m->mean, m->std, NULL, 0, 0, x, labels);
	run_float(m, x, logits);
	write_file(w, name, ".input", x, floats * sizeof(*x));
	write_file(w, name, ".logits", logits, IMAGES * m->classes * sizeof(*logits));
	fprintf(w->list,
		"{\"name\": \"%s\", \"dtype\": \"float32\", \"height\": %u, \"width\": %u, \"channels\": %u, "
		"\"classes\": %u}\n",
		name, m->height, m->width, m->channels, m->classes);
	free(d.images);
	free(x);
	free(logits);
}

static void make_case(const struct work *w, const struct ofa_supernet *net, const struct ofa_arch *arch,
		      const char *name)
{
	struct ofa_device_model model;
	struct ofa_error err = {0};
	uint8_t *package;
	size_t size;

	ASSERT_OK(ofa_pack_build(net, arch, &info, NULL, &package, &size, NULL, &err), &err);
	ck_assert_int_eq(ofa_device_load(package, size, &model, NULL), OFA_DEVICE_OK);
	write_file(w, name, ".ofa", package, size);
	write_images(w, name, &model);
	free(package);
}

/* Smallest, largest and two in between. */
static void make_cases(const struct work *w, const struct ofa_supernet *net)
{
	struct ofa_arch arch;
	struct ofa_rng rng;
	char name[80];

	ofa_rng_init(&rng, 7);
	for (int i = 0; i < 4; i++) {
		if (i == 0)
			ofa_arch_smallest(&net->space, &arch);
		else if (i == 1)
			ofa_arch_largest(&net->space, &arch);
		else
			ofa_arch_sample(&net->space, &rng, &arch);
		snprintf(name, sizeof(name), "%s-%d", net->space.name, i);
		make_case(w, net, &arch, name);
	}
}

static const char *const spaces[] = {tiny_json, small_resnet_json, tiny_resnet_json, golden_space, golden_resnet_space};

/* The shipped network, then a random one of each space. */
static struct ofa_supernet *open_network(int i)
{
	struct ofa_error err = {0};
	struct ofa_supernet *net;
	struct ofa_space space;
	char path[1024];

	if (i == 0) {
		snprintf(path, sizeof(path), "%s/models/fashion/fashion.safetensors", getenv("OFA_SRCDIR"));
		ASSERT_OK(ofa_supernet_load(path, &net, &err), &err);
		return net;
	}
	load_space(spaces[i - 1], &space);
	return random_net(&space, &(struct random_net_options){
					  .seed = 10 + (uint64_t)i, .class_names = true, .calibration_images = 16});
}

START_TEST(make)
{
	struct ofa_supernet *net = open_network(_i);
	struct ofa_dataset train, test;
	struct ofa_error err = {0};
	struct work w = {.folder = getenv("OFA_EXPORT_CASES"), .images = &test};
	char path[1024];

	ck_assert_ptr_nonnull(w.folder);
	snprintf(path, sizeof(path), "%s/cases.jsonl", w.folder);
	w.list = fopen(path, "a");
	ck_assert_ptr_nonnull(w.list);
	ASSERT_OK(ofa_dataset_load(FASHION, &train, &test, &err), &err);
	make_cases(&w, net);
	ofa_supernet_free(net);
	ofa_dataset_release(&train);
	ofa_dataset_release(&test);
	ck_assert_int_eq(fclose(w.list), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("packages to export");
	TCase *tcase = tcase_create("packages to export");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_set_timeout(tcase, 300);
	tcase_add_loop_test(tcase, make, 0, (int)OFA_ARRAY_LEN(spaces) + 1);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
