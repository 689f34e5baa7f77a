/* How a device decides whether to use a package (doc/signing.md).
 *
 *	check_package PACKAGE ENVELOPE KEY [LAST-SEQUENCE [PROFILE]]
 *
 * ENVELOPE: what GET /subnets/{id}/signed-manifest answers.  KEY: the trusted public key, 64 hex digits.  Prints the
 * sequence to store and ends with 0 when the package is to be used; else says why not and ends with 1. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "ofa_device_manifest.h"

#define PACKAGE_MOST (64L << 20)
#define ENVELOPE_MOST 4096L

static void *read_file(const char *path, long most, size_t *ret_size)
{
	FILE *f = fopen(path, "rb");
	void *data = f != NULL ? malloc((size_t)most) : NULL;

	*ret_size = data != NULL ? fread(data, 1, (size_t)most, f) : 0;
	if (f != NULL)
		fclose(f);
	if (*ret_size == 0)
		fprintf(stderr, "check_package: cannot read %s\n", path);
	return data;
}

static int read_key(const char *hex, uint8_t key[OFA_MANIFEST_PUBLIC_BYTES])
{
	int i;

	for (i = 0; i < OFA_MANIFEST_PUBLIC_BYTES; i++) {
		unsigned byte;

		if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
			return 0;
		key[i] = (uint8_t)byte;
	}
	return 1;
}

static enum ofa_manifest_status decide(const void *package, size_t package_size, const char *text, size_t text_size,
				       const struct ofa_manifest_trust *trust, struct ofa_manifest *ret)
{
	struct ofa_manifest_envelope envelope;
	enum ofa_manifest_status st = ofa_manifest_open(text, text_size, &envelope);

	if (st == OFA_MANIFEST_OK)
		st = ofa_manifest_verify(&envelope, trust, ret);
	if (st == OFA_MANIFEST_OK)
		st = ofa_manifest_check_package(ret, package, package_size);
	ret->profile = NULL; /* was inside the envelope */
	return st;
}

int main(int argc, char **argv)
{
	uint8_t keys[1][OFA_MANIFEST_PUBLIC_BYTES];
	struct ofa_manifest_trust trust = {NULL, 1, 0, 0, NULL};
	struct ofa_manifest manifest;
	enum ofa_manifest_status st = OFA_MANIFEST_ERR_SYNTAX;
	size_t package_size, text_size;
	void *package, *text;

	if (argc < 4 || strlen(argv[3]) != 2 * OFA_MANIFEST_PUBLIC_BYTES || !read_key(argv[3], keys[0])) {
		fprintf(stderr, "usage: check_package PACKAGE ENVELOPE KEY [LAST-SEQUENCE [PROFILE]]\n");
		return 2;
	}
	trust.keys = (const uint8_t(*)[OFA_MANIFEST_PUBLIC_BYTES])keys;
	trust.now = (uint64_t)time(NULL);
	trust.last_sequence = argc > 4 ? strtoull(argv[4], NULL, 10) : 0;
	trust.profile = argc > 5 ? argv[5] : NULL;
	package = read_file(argv[1], PACKAGE_MOST, &package_size);
	text = read_file(argv[2], ENVELOPE_MOST, &text_size);
	if (package_size > 0 && text_size > 0)
		st = decide(package, package_size, text, text_size, &trust, &manifest);
	if (st == OFA_MANIFEST_OK)
		printf("%llu\n", (unsigned long long)manifest.sequence);
	else
		fprintf(stderr, "check_package: %s\n", ofa_manifest_strerror(st));
	free(package);
	free(text);
	return st != OFA_MANIFEST_OK;
}
