/* Any bytes as the value of --packages: what is understood is within its bounds and fit for a path, a host and a URL,
 * and what is not is refused with a message.
 *
 * With libFuzzer, from the source tree, new inputs going to new-inputs/:
 *	clang -g -O1 -fsanitize=fuzzer,address,undefined -Iengine -Iserver tests/fuzz/fuzz_packages_url.c \
 *		server/packages/package_location.c engine/base/status.c -o fuzz_packages_url
 *	mkdir -p new-inputs && ./fuzz_packages_url -max_len=1000 new-inputs tests/fuzz/corpus/packages_url
 * Without it, tests/fuzz/replay.c runs the corpus and simple mutations of it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "packages/package_location.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int holds)
{
	if (!holds)
		abort();
}

/* Nothing that would end a line, a path or a part of a URL. */
static void check_text(const char *text, size_t cap)
{
	must(strnlen(text, cap) < cap);
	must(strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_/:[]") == strlen(text));
}

static void check_s3(const struct package_location *l)
{
	size_t n = strlen(l->prefix);

	check_text(l->bucket, sizeof(l->bucket));
	check_text(l->prefix, sizeof(l->prefix));
	check_text(l->endpoint, sizeof(l->endpoint));
	check_text(l->region, sizeof(l->region));
	must(strlen(l->bucket) >= 3 && !strchr(l->bucket, '/') && !strchr(l->bucket, ':'));
	must(n == 0 || (l->prefix[n - 1] == '/' && l->prefix[0] != '/'));
	must(!strstr(l->prefix, "//") && !strstr(l->prefix, "/../") && strncmp(l->prefix, "../", 3) != 0);
	must(!*l->endpoint || strncmp(l->endpoint, "http", 4) == 0);
	must(!*l->endpoint || !strchr(strstr(l->endpoint, "//") + 2, '/'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *url = malloc(size + 1);
	struct ofa_error err = {0};
	struct package_location l;

	must(url != NULL);
	if (size)
		memcpy(url, data, size);
	url[size] = '\0';
	if (package_location_parse(url, &l, &err) != OFA_OK)
		must(err.message[0] && strcmp(err.field, "--packages") == 0);
	else if (l.kind == PACKAGES_IN_S3)
		check_s3(&l);
	else if (l.kind == PACKAGES_IN_DIR)
		must(strcmp(l.dir, url + 4) == 0);
	free(url);
	return 0;
}
