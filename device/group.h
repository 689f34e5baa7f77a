/* Groups of an int8 package: operations that run in turns, each keeping some rows of its output (doc/pack-format.md,
 * "Stripes").  Checks and executor walk through them alike.  Not installed. */
#ifndef OFA_DEVICE_GROUP_H
#define OFA_DEVICE_GROUP_H

#include "internal.h"

struct ofa_device_stage {
	struct ofa_device_op op;
	uint32_t next; /* row to compute */
	uint32_t adds; /* which stage's window it adds; OFA_FMT_NONE: a value that exists as a whole, or none */
};

struct ofa_device_group {
	struct ofa_device_stage stages[OFA_FMT_MAX_GROUP];
	uint32_t n;
};

/* The group that begins with operation i, no row of which is computed.  ERR_GROUP where it is none: every operation
 * but the last must be a convolution, of either kind, whose output the next one reads. */
enum ofa_device_status ofa_device_group_init(const struct ofa_device_model *model, uint32_t i,
					     struct ofa_device_group *ret_group);

/* Which stage computes its next row now.  The caller adds 1 to that stage's `next`; the group ends when all rows of
 * the last one are computed. */
uint32_t ofa_device_group_turn(const struct ofa_device_group *group);

static inline uint32_t ofa_device_row_bytes(uint32_t w, uint32_t c)
{
	return w * c; /* at most 2^28 */
}

/* Arena offset of row y of an operation's output. */
static inline uint32_t ofa_device_row(const struct ofa_device_op *op, uint32_t y)
{
	return op->out + (op->rows > 0 ? y % op->rows : y) * ofa_device_row_bytes(op->w_out, op->c_out);
}

/* Rows [*first, *end) of its input that row y of an operation is computed from. */
static inline void ofa_device_rows_read(const struct ofa_device_op *op, uint32_t y, uint32_t *first, uint32_t *end)
{
	const uint32_t from = y * op->stride, to = from + op->k - op->pad; /* pad < k */

	*first = from > op->pad ? from - op->pad : 0;
	*end = to < op->h_in ? to : op->h_in;
}

#endif
