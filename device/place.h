/* Where the values of an operation stand in the arena; used by the loader's checks only. */
#ifndef OFA_DEVICE_PLACE_H
#define OFA_DEVICE_PLACE_H

#include "internal.h"

/* A value that exists as a whole. */
struct place {
	uint32_t offset, h, w, c;
};

static inline struct place place_input(const struct ofa_device_op *op)
{
	const struct place p = {op->in, op->h_in, op->w_in, op->c_in};

	return p;
}

static inline struct place place_output(const struct ofa_device_op *op)
{
	const struct place p = {op->out, op->h_out, op->w_out, op->c_out};

	return p;
}

/* The same value in the same place? */
static inline int place_same(const struct place *a, const struct place *b)
{
	return a->offset == b->offset && a->h == b->h && a->w == b->w && a->c == b->c;
}

#endif
