#include "group.h"

static int runs_in_turns(const struct ofa_device_op *op)
{
	return op->kind == OFA_FMT_CONV || op->kind == OFA_FMT_DWCONV;
}

static int follows(const struct ofa_device_op *op, const struct ofa_device_op *before)
{
	return runs_in_turns(op) && op->in == before->out && op->origin == op->in && op->h_in == before->h_out &&
	       op->w_in == before->w_out && op->c_in == before->c_out;
}

/* The latest stage before n whose window is what stage n adds. */
static uint32_t find_window(const struct ofa_device_group *g, uint32_t n)
{
	const struct ofa_device_op *op = &g->stages[n].op;

	while (op->residual != OFA_FMT_NONE && n-- > 0) {
		const struct ofa_device_op *from = &g->stages[n].op;

		if (from->out == op->residual && from->h_out == op->h_out && from->w_out == op->w_out &&
		    from->c_out == op->c_out)
			return n;
	}
	return OFA_FMT_NONE;
}

enum ofa_device_status ofa_device_group_init(const struct ofa_device_model *model, uint32_t i,
					     struct ofa_device_group *g)
{
	struct ofa_device_stage *stage = g->stages;

	for (g->n = 0;; g->n++, i++, stage++) {
		if (g->n == OFA_FMT_MAX_GROUP || i == model->n_ops)
			return OFA_DEVICE_ERR_GROUP;
		ofa_device_op_decode(ofa_device_op_record(model, i), &stage->op);
		if (g->n > 0 && !follows(&stage->op, &stage[-1].op))
			return OFA_DEVICE_ERR_GROUP;
		stage->next = 0;
		stage->adds = find_window(g, g->n);
		if (stage->op.rows == 0)
			break;
		if (!runs_in_turns(&stage->op))
			return OFA_DEVICE_ERR_GROUP;
	}
	g->n++;
	return OFA_DEVICE_OK;
}

uint32_t ofa_device_group_turn(const struct ofa_device_group *g)
{
	uint32_t i = g->n - 1, first, end;

	while (i > 0) {
		ofa_device_rows_read(&g->stages[i].op, g->stages[i].next, &first, &end);
		if (g->stages[i - 1].next >= end)
			break;
		i--;
	}
	return i;
}
