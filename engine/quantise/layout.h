/* Where the numbers of an int8 layer lie: doc/pack-format.md, "int8". */
#ifndef OFA_QUANTISE_LAYOUT_H
#define OFA_QUANTISE_LAYOUT_H

#include "quantise/quantise.h"

/* An activation that is a table, not a bound. */
static inline bool ofa_layer_looks_up(const struct ofa_layer *l)
{
	return l->op != OFA_OP_SE && (l->act == OFA_ACT_HSWISH || l->act == OFA_ACT_HSIGMOID);
}

/* Bytes of a segment of `width` weights. */
static inline size_t ofa_quads_width(int width)
{
	return ((size_t)width + OFA_FMT_QUAD - 1) / OFA_FMT_QUAD * OFA_FMT_QUAD;
}

/* Index of weight i of a segment of output o, in rows of `segments` times `width` weights. */
size_t ofa_quad_index(int o, int segment, int i, int segments, int width);

/* The arrays of a layer, by enum ofa_fmt_role; NULL: it has none. */
struct ofa_quantised_arrays {
	void *of_role[OFA_FMT_LOOKUP + 1];
};
/* Arrays that follow each other from `at` on; returns their bytes with padding. */
size_t ofa_quantised_place(const struct ofa_layer *l, uint8_t *at, struct ofa_quantised_arrays *ret);

#endif
