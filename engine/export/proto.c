#include "export/proto.h"

#include <string.h>

#include "pack/bytes.h"

#define VARINT_BYTES 10
#define LENGTH_BYTES 5 /* of a varint that holds 32 bits */

enum wire { WIRE_VARINT = 0, WIRE_BYTES = 2, WIRE_32 = 5 };

void ofa_proto_init(struct ofa_proto *p, size_t max_bytes)
{
	ofa_buf_init(&p->out, max_bytes);
	p->status = OFA_OK;
}

void ofa_proto_release(struct ofa_proto *p)
{
	ofa_buf_release(&p->out);
}

static void append(struct ofa_proto *p, const void *data, size_t n)
{
	if (p->status == OFA_OK)
		p->status = ofa_buf_append(&p->out, data, n);
}

static size_t encode(uint64_t v, uint8_t out[VARINT_BYTES])
{
	size_t n = 0;

	for (; v >= 0x80; v >>= 7)
		out[n++] = (uint8_t)(v | 0x80);
	out[n++] = (uint8_t)v;
	return n;
}

static void varint(struct ofa_proto *p, uint64_t v)
{
	uint8_t bytes[VARINT_BYTES];

	append(p, bytes, encode(v, bytes));
}

static void tag(struct ofa_proto *p, uint32_t field, enum wire wire)
{
	varint(p, (uint64_t)field << 3 | wire);
}

void ofa_proto_int(struct ofa_proto *p, uint32_t field, int64_t v)
{
	tag(p, field, WIRE_VARINT);
	varint(p, (uint64_t)v);
}

void ofa_proto_float(struct ofa_proto *p, uint32_t field, float v)
{
	uint8_t bytes[4];

	ofa_put_f32(bytes, v);
	tag(p, field, WIRE_32);
	append(p, bytes, sizeof(bytes));
}

void ofa_proto_bytes(struct ofa_proto *p, uint32_t field, const void *data, size_t size)
{
	tag(p, field, WIRE_BYTES);
	varint(p, size);
	append(p, data, size);
}

void ofa_proto_text(struct ofa_proto *p, uint32_t field, const char *s)
{
	ofa_proto_bytes(p, field, s, strlen(s));
}

size_t ofa_proto_begin(struct ofa_proto *p, uint32_t field)
{
	static const uint8_t room[LENGTH_BYTES];

	tag(p, field, WIRE_BYTES);
	append(p, room, sizeof(room));
	return p->out.len;
}

/* The length is as short as it can be, so the content moves up to it. */
void ofa_proto_end(struct ofa_proto *p, size_t begun)
{
	uint8_t length[VARINT_BYTES], *at;
	size_t size, n;

	if (p->status != OFA_OK)
		return;
	size = p->out.len - begun;
	if (size > UINT32_MAX) {
		p->status = OFA_ERR_LIMIT;
		return;
	}
	n = encode(size, length);
	at = p->out.data + begun - LENGTH_BYTES;
	memcpy(at, length, n);
	memmove(at + n, p->out.data + begun, size);
	p->out.len -= LENGTH_BYTES - n;
}
