/* Where a package is kept that comes over the serial port: flash of the board, or what stands for it.  The emulated
 * boards write to it like to memory; a board with flash erases in begin() and programs in write(). */
#ifndef FIRMWARE_STORE_H
#define FIRMWARE_STORE_H

#include <stdint.h>
#include "board.h"

static inline const uint8_t *firmware_store(void)
{
	return (const uint8_t *)(uintptr_t)STORE_ORIGIN;
}

/* Room for `bytes`, at most STORE_BYTES; what was there is lost.  0 when the flash refuses. */
int firmware_store_begin(uint32_t bytes);
/* In ascending order without gaps; every offset is a multiple of 64. */
int firmware_store_write(uint32_t offset, const uint8_t *bytes, uint32_t n);
int firmware_store_fill(uint32_t offset, uint8_t value, uint32_t n);

#endif
