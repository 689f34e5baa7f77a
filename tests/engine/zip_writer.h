/* Zip archives as a test wants them, right or wrong: stored entries, every field at the caller's mercy. */
#ifndef OFA_TESTS_ZIP_WRITER_H
#define OFA_TESTS_ZIP_WRITER_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "runner.h"

struct zip_entry {
	const char *name;
	const void *data;
	size_t size;
	/* What the archive says instead, where not 0. */
	uint32_t says_size, says_packed, says_offset, says_crc;
	uint16_t method, flags;
};

struct zip_writer {
	uint8_t bytes[1 << 16];
	size_t n;
};

static inline void zip_put(struct zip_writer *z, uint32_t value, int width)
{
	ck_assert_uint_lt(z->n + 4, sizeof(z->bytes));
	for (int i = 0; i < width; i++)
		z->bytes[z->n++] = (uint8_t)(value >> (8 * i));
}

static inline void zip_put_bytes(struct zip_writer *z, const void *p, size_t n)
{
	ck_assert_uint_lt(z->n + n, sizeof(z->bytes));
	memcpy(z->bytes + z->n, p, n);
	z->n += n;
}

/* The fields that local and central headers share, from "version needed" to the name's length. */
static inline void zip_put_common(struct zip_writer *z, const struct zip_entry *e)
{
	uint32_t size = e->says_size ? e->says_size : (uint32_t)e->size;

	zip_put(z, 20, 2);
	zip_put(z, e->flags, 2);
	zip_put(z, e->method, 2);
	zip_put(z, 0, 4); /* time and date */
	zip_put(z, e->says_crc ? e->says_crc : (uint32_t)crc32(0, e->data, (uInt)e->size), 4);
	zip_put(z, e->says_packed ? e->says_packed : (uint32_t)e->size, 4);
	zip_put(z, size, 4);
	zip_put(z, (uint32_t)strlen(e->name), 2);
}

/* says_entries: 0 for the truth. */
static inline void zip_write(struct zip_writer *z, const struct zip_entry *e, size_t n, uint32_t says_entries)
{
	uint32_t offset[16];
	size_t central, end;

	ck_assert_uint_le(n, 16);
	z->n = 0;
	for (size_t i = 0; i < n; i++) {
		offset[i] = (uint32_t)z->n;
		zip_put(z, 0x04034b50, 4);
		zip_put_common(z, &e[i]);
		zip_put(z, 0, 2);
		zip_put_bytes(z, e[i].name, strlen(e[i].name));
		zip_put_bytes(z, e[i].data, e[i].size);
	}
	central = z->n;
	for (size_t i = 0; i < n; i++) {
		zip_put(z, 0x02014b50, 4);
		zip_put(z, 20, 2);
		zip_put_common(z, &e[i]);
		for (int field = 0; field < 6; field++)
			zip_put(z, 0, 2); /* extra, comment, disk, attributes */
		zip_put(z, e[i].says_offset ? e[i].says_offset : offset[i], 4);
		zip_put_bytes(z, e[i].name, strlen(e[i].name));
	}
	end = z->n;
	says_entries = says_entries ? says_entries : (uint32_t)n;
	zip_put(z, 0x06054b50, 4);
	zip_put(z, 0, 4);
	zip_put(z, says_entries, 2);
	zip_put(z, says_entries, 2);
	zip_put(z, (uint32_t)(end - central), 4);
	zip_put(z, (uint32_t)central, 4);
	zip_put(z, 0, 2);
}

#endif
