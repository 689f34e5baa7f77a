/* Little-endian numbers into bytes and back, whatever the host. */
#ifndef OFA_PACK_BYTES_H
#define OFA_PACK_BYTES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline void ofa_put_u16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static inline void ofa_put_u32(uint8_t *p, uint64_t v)
{
	ofa_put_u16(p, (uint32_t)v);
	ofa_put_u16(p + 2, (uint32_t)v >> 16);
}

static inline void ofa_put_i32(uint8_t *p, int32_t v)
{
	ofa_put_u32(p, (uint32_t)v);
}

static inline uint32_t ofa_get_u32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline void ofa_put_f32(uint8_t *p, float f)
{
	uint32_t bits;

	memcpy(&bits, &f, sizeof(bits));
	ofa_put_u32(p, bits);
}

static inline void ofa_put_floats(uint8_t *p, const float *f, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ofa_put_f32(p + i * sizeof(*f), f[i]);
}

#endif
