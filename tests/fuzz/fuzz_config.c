/* Any bytes as a configuration file.  What is accepted is printed as a file that gives the same again; a refusal says
 * why.
 *
 * Without libFuzzer, tests/fuzz/replay.c runs the corpus and simple mutations of it; with it, link this file with
 * clang -fsanitize=fuzzer,address,undefined and run ./fuzz_config tests/fuzz/corpus/config. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads the bytes as the file of --config; the settings as a file when they are accepted, NULL otherwise. */
static char *read_and_print(const char *data, size_t size)
{
	static char *const environment[] = {NULL};
	char path[64], program[] = "ofad", option[] = "--config";
	char *argv[] = {program, option, path, NULL}, *printed = NULL;
	struct ofa_error err = {.status = OFA_OK};
	int fd = memfd_create("config", 0);
	struct settings settings;
	size_t n = 0;
	FILE *out;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (settings_parse(&settings, 3, argv, environment, &err) == OFA_OK) {
		out = open_memstream(&printed, &n);
		settings_print(&settings, out);
		fclose(out);
	} else if (err.message[0] == '\0') {
		abort();
	}
	settings_release(&settings);
	close(fd);
	return printed;
}

/* Without the comments that say where values came from: they begin at the last " # " of a line. */
static void drop_origins(char *text)
{
	char *to = text;

	while (*text) {
		size_t n = strcspn(text, "\n"), kept = n;

		for (size_t i = n; i >= 3; i--)
			if (memcmp(text + i - 3, " # ", 3) == 0) {
				kept = i - 3;
				break;
			}
		memmove(to, text, kept);
		to += kept;
		*to++ = '\n';
		text += n + (text[n] == '\n');
	}
	*to = '\0';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *first = read_and_print((const char *)data, size), *second;

	if (!first)
		return 0;
	second = read_and_print(first, strlen(first));
	if (!second)
		abort();
	drop_origins(first);
	drop_origins(second);
	if (strcmp(first, second) != 0)
		abort();
	free(first);
	free(second);
	return 0;
}
