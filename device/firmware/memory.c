#include "firmware.h"

void firmware_paint(uint8_t *from, uint8_t *to, uint8_t paint)
{
	/* This function's own frame is the lowest one in use. */
	uint8_t *const frame = (uint8_t *)__builtin_frame_address(0) - 64;
	uint8_t *const end = frame >= from && frame < to ? frame : to;

	while (from < end)
		*(volatile uint8_t *)from++ = paint;
}

uint32_t firmware_written_from_start(const uint8_t *from, const uint8_t *to, uint8_t paint)
{
	while (to > from && to[-1] == paint)
		to--;
	return firmware_distance(from, to);
}

uint32_t firmware_written_from_end(const uint8_t *from, const uint8_t *to, uint8_t paint)
{
	while (from < to && *from == paint)
		from++;
	return firmware_distance(from, to);
}
