/* Frames on the serial port (protocol.h), from the device's side. */
#ifndef FIRMWARE_FRAME_H
#define FIRMWARE_FRAME_H

#include <stdint.h>
#include "protocol.h"

struct firmware_frame {
	uint8_t head[FIRMWARE_HEAD_BYTES];
	uint8_t payload[FIRMWARE_MOST_PAYLOAD];
};

static inline uint32_t firmware_u32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline void firmware_put_u32(uint8_t *p, uint32_t n)
{
	p[0] = (uint8_t)n;
	p[1] = (uint8_t)(n >> 8);
	p[2] = (uint8_t)(n >> 16);
	p[3] = (uint8_t)(n >> 24);
}

static inline uint32_t firmware_frame_length(const struct firmware_frame *f)
{
	return f->head[2] | (uint32_t)f->head[3] << 8;
}

/* Waits for a frame as long as none begins; passes over what is none.  0, or FIRMWARE_ERR_FRAME: it broke off, is too
 * long or damaged; nothing of it but the sequence is to be used then. */
uint8_t firmware_frame_receive(struct firmware_frame *f);

/* Sends n bytes of the payload. */
void firmware_frame_send(struct firmware_frame *f, uint8_t type, uint32_t n);

#endif
