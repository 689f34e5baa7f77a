/* main() of a fuzz target where there is no libFuzzer: runs every file of tests/fuzz/corpus/NAME (the
 * program's name without "fuzz_"), or of the folders given, then damaged copies of each. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/rng.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DAMAGED_COPIES = 500, MAX_FILE = 1 << 22 };

/* A few bytes overwritten, often with values at the edges; sometimes the end is missing. */
static size_t damage(uint8_t *data, size_t size, struct ofa_rng *rng)
{
	static const uint8_t edges[] = {0, 1, 0x7f, 0x80, 0xff, ' ', '"', '{', '}', '['};
	uint32_t n = 1 + ofa_rng_below(rng, 8);

	while (n-- > 0) {
		/* headers are short and decide: half of the damage goes to the first 512 bytes */
		size_t within = size > 512 && ofa_rng_below(rng, 2) ? 512 : size;
		uint8_t *at = &data[ofa_rng_below(rng, (uint32_t)within)];

		*at = ofa_rng_below(rng, 2) ? edges[ofa_rng_below(rng, sizeof(edges))] : (uint8_t)ofa_rng_u64(rng);
	}
	return ofa_rng_below(rng, 8) == 0 ? ofa_rng_below(rng, (uint32_t)size) : size;
}

static int replay_file(const char *path, struct ofa_rng *rng)
{
	uint8_t *data = malloc(MAX_FILE), *copy = malloc(MAX_FILE);
	FILE *f = fopen(path, "rb");
	size_t size = 0;

	if (!f || !data || !copy) {
		fprintf(stderr, "cannot read %s\n", path);
		exit(EXIT_FAILURE);
	}
	size = fread(data, 1, MAX_FILE, f);
	fclose(f);
	LLVMFuzzerTestOneInput(data, size);
	for (int i = 0; size > 0 && i < DAMAGED_COPIES; i++) {
		memcpy(copy, data, size);
		LLVMFuzzerTestOneInput(copy, damage(copy, size, rng));
	}
	free(data);
	free(copy);
	return 1;
}

/* Number of files run. */
static int replay_folder(const char *folder, struct ofa_rng *rng)
{
	struct dirent **entries;
	int n = scandir(folder, &entries, NULL, alphasort), files = 0;
	char path[2048];
	struct stat st;

	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
		if (stat(path, &st) == 0 && S_ISREG(st.st_mode))
			files += replay_file(path, rng);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	printf("%s: %d files, %d damaged copies of each\n", folder, files, DAMAGED_COPIES);
	return files;
}

static int replay_own_corpus(const char *program, struct ofa_rng *rng)
{
	const char *root = getenv("OFA_SRCDIR"), *name = strrchr(program, '/');
	char folder[1024];

	name = name ? name + 1 : program;
	if (strncmp(name, "fuzz_", 5) == 0)
		name += 5;
	snprintf(folder, sizeof(folder), "%s/tests/fuzz/corpus/%s", root ? root : ".", name);
	return replay_folder(folder, rng);
}

int main(int argc, char **argv)
{
	struct ofa_rng rng;
	int files = 0;

	ofa_rng_init(&rng, 1);
	if (argc < 2)
		files = replay_own_corpus(argv[0], &rng);
	for (int i = 1; i < argc; i++)
		files += replay_folder(argv[i], &rng);
	return files > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
