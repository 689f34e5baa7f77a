/* What a runtime for int8 alone does: passes the self-test of each int8 package, and refuses those of other types.
 *
 *	int8_only int8|other PACKAGE.. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "ofa_device.h"

static uint32_t package[1 << 14], arena[1 << 12];

static enum ofa_device_status try_package(const char *path)
{
	FILE *f = fopen(path, "rb");
	struct ofa_device_model model;
	enum ofa_device_status status;
	size_t size;

	if (f == NULL)
		return OFA_DEVICE_ERR_TRUNCATED;
	size = fread(package, 1, sizeof(package), f);
	fclose(f);
	status = ofa_device_load(package, size, &model, NULL);
	if (status == OFA_DEVICE_OK)
		status = ofa_device_verify(&model, NULL);
	return status != OFA_DEVICE_OK ? status : ofa_device_self_test(&model, arena, sizeof(arena));
}

int main(int argc, char **argv)
{
	const int int8 = argc > 1 && strcmp(argv[1], "int8") == 0;
	int i, failed = argc < 3;

	for (i = 2; i < argc; i++) {
		const enum ofa_device_status status = try_package(argv[i]);

		if (status != (int8 ? OFA_DEVICE_OK : OFA_DEVICE_ERR_TYPE)) {
			fprintf(stderr, "%s: %s\n", argv[i], ofa_device_strerror(status));
			failed = 1;
		}
	}
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
