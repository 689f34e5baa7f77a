#include "board.h"
#include "firmware.h"
#include "frame.h"

#define TIMEOUT_TICKS (10u * CLOCK_HZ) /* from one byte of a frame to the next */

/* CRC-32 of IEEE 802.3, by bits: a table would cost a kilobyte. */
static uint32_t crc_of(uint32_t crc, const uint8_t *p, uint32_t n)
{
	uint32_t bit;

	for (; n > 0; n--, p++) {
		crc ^= *p;
		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (UINT32_C(0xedb88320) & (0u - (crc & 1)));
	}
	return crc;
}

static uint32_t frame_crc(const struct firmware_frame *f, uint32_t n)
{
	return ~crc_of(crc_of(UINT32_MAX, f->head, FIRMWARE_HEAD_BYTES), f->payload, n);
}

/* A sync may follow half a sync. */
static void find_sync(void)
{
	int before = -1, byte = -1;

	do {
		before = byte;
		byte = firmware_serial_get(TIMEOUT_TICKS);
	} while (before != FIRMWARE_SYNC_0 || byte != FIRMWARE_SYNC_1);
}

static int receive(uint8_t *p, uint32_t n)
{
	for (; n > 0; n--, p++) {
		const int byte = firmware_serial_get(TIMEOUT_TICKS);

		if (byte < 0)
			return 0;
		*p = (uint8_t)byte;
	}
	return 1;
}

uint8_t firmware_frame_receive(struct firmware_frame *f)
{
	uint8_t crc[FIRMWARE_CRC_BYTES];
	uint32_t n;

	find_sync();
	if (!receive(f->head, FIRMWARE_HEAD_BYTES))
		return FIRMWARE_ERR_FRAME;
	n = firmware_frame_length(f);
	if (n > FIRMWARE_MOST_PAYLOAD || !receive(f->payload, n) || !receive(crc, sizeof(crc)) ||
	    firmware_u32(crc) != frame_crc(f, n))
		return FIRMWARE_ERR_FRAME;
	return 0;
}

static void send(const uint8_t *p, uint32_t n)
{
	for (; n > 0; n--)
		firmware_serial_put(*p++);
}

void firmware_frame_send(struct firmware_frame *f, uint8_t type, uint32_t n)
{
	static const uint8_t sync[] = {FIRMWARE_SYNC_0, FIRMWARE_SYNC_1};
	uint8_t crc[FIRMWARE_CRC_BYTES];

	f->head[0] = type;
	f->head[2] = (uint8_t)n;
	f->head[3] = (uint8_t)(n >> 8);
	firmware_put_u32(crc, frame_crc(f, n));
	send(sync, sizeof(sync));
	send(f->head, FIRMWARE_HEAD_BYTES);
	send(f->payload, n);
	send(crc, sizeof(crc));
}
