#include "export/flat.h"

#include <stdlib.h>
#include <string.h>

#include "pack/bytes.h"

#define FIRST_CAPACITY 4096
#define REF_BYTES 4

void ofa_flat_init(struct ofa_flat *f, size_t max_bytes)
{
	*f = (struct ofa_flat){.max = max_bytes, .align = REF_BYTES};
}

void ofa_flat_release(struct ofa_flat *f)
{
	free(f->data);
	f->data = NULL;
}

/* Room for n bytes before those written, zero. */
static uint8_t *prepend(struct ofa_flat *f, size_t n)
{
	size_t cap = f->cap ? f->cap : FIRST_CAPACITY;
	uint8_t *data;

	if (f->status == OFA_OK && n > f->max - f->len)
		f->status = OFA_ERR_LIMIT;
	if (f->status != OFA_OK)
		return NULL;
	while (cap < f->len + n)
		cap *= 2;
	if (cap > f->cap) {
		data = malloc(cap);
		if (!data) {
			f->status = OFA_ERR_NOMEM;
			return NULL;
		}
		if (f->len)
			memcpy(data + cap - f->len, f->data + f->cap - f->len, f->len);
		free(f->data);
		f->data = data;
		f->cap = cap;
	}
	f->len += n;
	return memset(f->data + f->cap - f->len, 0, n);
}

/* Padding, so that what is written next, `bytes` long, begins at a multiple of align. */
static void pad(struct ofa_flat *f, size_t bytes, size_t align)
{
	if (align > f->align)
		f->align = align;
	prepend(f, (align - (f->len + bytes) % align) % align);
}

/* The number that leads from `at`, itself a distance from the end, to the reference. */
static void put_ref(uint8_t *p, size_t at, ofa_flat_ref ref)
{
	ofa_put_u32(p, at - ref);
}

static ofa_flat_ref here(const struct ofa_flat *f)
{
	return f->status == OFA_OK ? (ofa_flat_ref)f->len : 0;
}

static void put_length(struct ofa_flat *f, size_t n)
{
	uint8_t *p = prepend(f, REF_BYTES);

	if (p)
		ofa_put_u32(p, n);
}

ofa_flat_ref ofa_flat_vector(struct ofa_flat *f, const void *elements, size_t n, size_t width, size_t align)
{
	uint8_t *p;

	if (width && n > f->max / width) {
		f->status = OFA_ERR_LIMIT;
		return 0;
	}
	pad(f, n * width, align > REF_BYTES ? align : REF_BYTES);
	p = prepend(f, n * width);
	if (p && n)
		memcpy(p, elements, n * width);
	put_length(f, n);
	return here(f);
}

ofa_flat_ref ofa_flat_refs(struct ofa_flat *f, const ofa_flat_ref *refs, size_t n)
{
	uint8_t *p;

	pad(f, 0, REF_BYTES);
	p = prepend(f, n * REF_BYTES);
	for (size_t i = 0; p && i < n; i++)
		put_ref(p + i * REF_BYTES, f->len - i * REF_BYTES, refs[i]);
	put_length(f, n);
	return here(f);
}

ofa_flat_ref ofa_flat_text(struct ofa_flat *f, const char *s)
{
	const size_t n = strlen(s);
	uint8_t *p;

	pad(f, n + 1, REF_BYTES);
	p = prepend(f, n + 1);
	if (p)
		memcpy(p, s, n);
	put_length(f, n);
	return here(f);
}

static unsigned field_width(const struct ofa_flat_field *field)
{
	return field->width ? field->width : REF_BYTES;
}

static bool is_written(const struct ofa_flat_field *field)
{
	return field->width || field->value;
}

static void put_field(uint8_t *p, size_t at, const struct ofa_flat_field *field)
{
	if (field->width == 0)
		put_ref(p, at, field->value);
	for (unsigned i = 0; i < field->width; i++)
		p[i] = (uint8_t)(field->value >> (8 * i));
}

/* The distance to the vtable, which is written right before the table; then the fields, the widest first, so that all
 * are aligned. */
ofa_flat_ref ofa_flat_table(struct ofa_flat *f, const struct ofa_flat_field *fields, size_t n)
{
	static const unsigned widths[] = {4, 2, 1};
	uint16_t offset[OFA_FLAT_MAX_SLOTS] = {0};
	uint32_t slots = 0, bytes = REF_BYTES, vtable;
	ofa_flat_ref table;
	uint8_t *p;

	for (size_t w = 0; w < OFA_ARRAY_LEN(widths); w++) {
		for (size_t i = 0; i < n; i++) {
			if (field_width(&fields[i]) != widths[w] || !is_written(&fields[i]))
				continue;
			offset[fields[i].slot] = (uint16_t)bytes;
			bytes += widths[w];
			slots = fields[i].slot + 1 > slots ? fields[i].slot + 1 : slots;
		}
	}
	vtable = 2 * (2 + slots);
	pad(f, bytes, REF_BYTES);
	p = prepend(f, bytes);
	for (size_t i = 0; p && i < n; i++) {
		if (is_written(&fields[i]))
			put_field(p + offset[fields[i].slot], f->len - offset[fields[i].slot], &fields[i]);
	}
	if (p)
		ofa_put_u32(p, vtable);
	table = here(f);
	p = prepend(f, vtable);
	if (p) {
		ofa_put_u16(p, vtable);
		ofa_put_u16(p + 2, bytes);
	}
	for (uint32_t i = 0; p && i < slots; i++)
		ofa_put_u16(p + 4 + 2 * i, offset[i]);
	return table;
}

enum ofa_status ofa_flat_finish(struct ofa_flat *f, ofa_flat_ref root, const char identifier[4], uint8_t **ret_data,
				size_t *ret_size)
{
	uint8_t *p;

	pad(f, 2 * REF_BYTES, f->align);
	p = prepend(f, 2 * REF_BYTES);
	if (p) {
		put_ref(p, f->len, root);
		memcpy(p + REF_BYTES, identifier, 4);
		memmove(f->data, f->data + f->cap - f->len, f->len);
		*ret_data = f->data;
		*ret_size = f->len;
		f->data = NULL;
	}
	return f->status;
}
