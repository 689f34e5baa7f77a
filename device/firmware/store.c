#include <string.h>
#include "store.h"

static uint8_t *place(uint32_t offset)
{
	return (uint8_t *)(uintptr_t)(STORE_ORIGIN + offset);
}

int firmware_store_begin(uint32_t bytes)
{
	return bytes <= STORE_BYTES;
}

int firmware_store_write(uint32_t offset, const uint8_t *bytes, uint32_t n)
{
	memcpy(place(offset), bytes, n);
	return 1;
}

int firmware_store_fill(uint32_t offset, uint8_t value, uint32_t n)
{
	memset(place(offset), value, n);
	return 1;
}
