/* Frames as a device sends them to cli/serial_probe.c, by code of their own (doc/firmware.md). */
#ifndef OFA_TESTS_SERIAL_FRAME_H
#define OFA_TESTS_SERIAL_FRAME_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "firmware/protocol.h"

#define SERIAL_FRAME_MOST (2 + FIRMWARE_HEAD_BYTES + FIRMWARE_MOST_PAYLOAD + FIRMWARE_CRC_BYTES)

/* Division by the polynomial of IEEE 802.3, most significant bit first on mirrored bytes. */
static inline uint32_t serial_crc(const uint8_t *p, size_t n)
{
	uint32_t rest = UINT32_MAX, mirrored = 0;

	for (size_t i = 0; i < 8 * n; i++) {
		uint32_t bit = p[i / 8] >> i % 8 & 1;

		rest = rest << 1 ^ (rest >> 31 != bit ? UINT32_C(0x04c11db7) : 0);
	}
	for (int i = 0; i < 32; i++)
		mirrored |= (rest >> i & 1) << (31 - i);
	return ~mirrored;
}

/* n <= FIRMWARE_MOST_PAYLOAD; how many bytes there are in ret. */
static inline size_t serial_frame(uint8_t type, uint8_t sequence, const uint8_t *payload, size_t n,
                                  uint8_t ret[SERIAL_FRAME_MOST])
{
	uint32_t crc;

	ret[0] = FIRMWARE_SYNC_0;
	ret[1] = FIRMWARE_SYNC_1;
	ret[2] = type;
	ret[3] = sequence;
	ret[4] = (uint8_t)n;
	ret[5] = (uint8_t)(n >> 8);
	if (n > 0)
		memcpy(ret + 6, payload, n);
	crc = serial_crc(ret + 2, FIRMWARE_HEAD_BYTES + n);
	for (int i = 0; i < FIRMWARE_CRC_BYTES; i++)
		ret[6 + n + (size_t)i] = (uint8_t)(crc >> 8 * i);
	return 6 + n + FIRMWARE_CRC_BYTES;
}

#endif
