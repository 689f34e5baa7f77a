/* The exported array, run as its comment says; prints "1 passed, 0 failed". */
#include <stdio.h>
#include <stdlib.h>

#include "exported.h"
#include "ofa_device.h"

int main(void)
{
	struct ofa_device_model model;
	void *arena = aligned_alloc(64, (EXPORTED_ARENA_BYTES + 63) / 64 * 64);

	if (arena == NULL || (size_t)(const void *)exported % 64 != 0 ||
	    ofa_device_load(exported, sizeof(exported), &model, NULL) != OFA_DEVICE_OK ||
	    ofa_device_arena_bytes(&model) != EXPORTED_ARENA_BYTES ||
	    ofa_device_verify(&model, NULL) != OFA_DEVICE_OK ||
	    ofa_device_self_test(&model, arena, EXPORTED_ARENA_BYTES) != OFA_DEVICE_OK) {
		printf("0 passed, 1 failed\n");
		return EXIT_FAILURE;
	}
	free(arena);
	printf("1 passed, 0 failed\n");
	return EXIT_SUCCESS;
}
