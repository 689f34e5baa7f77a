/* Writes FlatBuffers (flatbuffers.dev/internals), back to front: what is referred to is written before what refers to
 * it.  The first failure sticks: the functions after it do nothing, and the status is looked at once, at the end. */
#ifndef OFA_EXPORT_FLAT_H
#define OFA_EXPORT_FLAT_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* Where something lies: bytes from the end of the file; 0: nowhere. */
typedef uint32_t ofa_flat_ref;

struct ofa_flat {
	uint8_t *data; /* cap bytes, the last `len` of which are written; owned */
	size_t len, cap, max;
	size_t align; /* largest so far */
	enum ofa_status status;
};

void ofa_flat_init(struct ofa_flat *f, size_t max_bytes); /* at most 2 GiB */
void ofa_flat_release(struct ofa_flat *f);

/* n elements of `width` bytes, little-endian as they lie, the first at a multiple of `align` (a power of two). */
ofa_flat_ref ofa_flat_vector(struct ofa_flat *f, const void *elements, size_t n, size_t width, size_t align);
ofa_flat_ref ofa_flat_refs(struct ofa_flat *f, const ofa_flat_ref *refs, size_t n);
ofa_flat_ref ofa_flat_text(struct ofa_flat *f, const char *s);

/* A field of a table: scalar of `width` bytes, or what a reference points to. */
struct ofa_flat_field {
	unsigned slot;
	unsigned width; /* 1, 2 or 4; 0: a reference, left out when it is nowhere */
	uint32_t value;
};
#define OFA_FLAT_MAX_SLOTS 16
/* Fields of distinct slots below OFA_FLAT_MAX_SLOTS. */
ofa_flat_ref ofa_flat_table(struct ofa_flat *f, const struct ofa_flat_field *fields, size_t n);

/* Closes the file with its root and a four-character identifier.  *ret_data is malloc'ed and the caller's. */
enum ofa_status ofa_flat_finish(struct ofa_flat *f, ofa_flat_ref root, const char identifier[4], uint8_t **ret_data,
				size_t *ret_size) OFA_MUST_CHECK;

#endif
