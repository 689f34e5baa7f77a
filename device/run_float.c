#include "internal.h"

#ifndef OFA_DEVICE_INT8_ONLY
#include "kernels.h"

static float *at(void *arena, uint32_t offset)
{
	return (float *)(void *)((uint8_t *)arena + offset);
}

static const float *tensor_floats(const struct ofa_device_model *model, const struct ofa_device_op *op, uint32_t i)
{
	struct ofa_device_tensor t;

	if (i >= op->n_tensors)
		return NULL;
	ofa_device_tensor(model, op->first_tensor + i, &t);
	return (const float *)(const void *)t.data;
}

static void decode(const struct ofa_device_model *model, uint32_t i, void *arena, struct ofa_device_op *op,
		   struct ofa_device_args *args)
{
	ofa_device_op_decode(ofa_device_op_record(model, i), op);
	args->x = at(arena, op->in);
	args->y = at(arena, op->out);
	args->residual = op->residual != OFA_FMT_NONE ? at(arena, op->residual) : NULL;
	args->scratch = op->scratch != OFA_FMT_NONE ? at(arena, op->scratch) : NULL;
	args->w = tensor_floats(model, op, 0);
	args->b = tensor_floats(model, op, 1);
	args->w2 = tensor_floats(model, op, 2);
	args->b2 = tensor_floats(model, op, 3);
}

/* Runs operation i, or it and the next, and returns how many. */
static uint32_t run_next(const struct ofa_device_model *model, uint32_t i, uint32_t end, void *arena)
{
	struct ofa_device_args args, next_args;
	struct ofa_device_op op, next;
	int copy;

	decode(model, i, arena, &op, &args);
	if (i + 1 < end) {
		decode(model, i + 1, arena, &next, &next_args);
		if (ofa_device_fuses(model, i, &op, &next, &copy)) {
			const size_t pixels = (size_t)op.h_in * op.w_in;

			if (copy)
				args.x = memcpy(args.y + pixels * OFA_DEVICE_EXPAND_MOST, args.x,
						pixels * op.c_in * sizeof(float));
			model->kernels->expand(&op, &args, &next, &next_args);
			return 2;
		}
	}
	model->kernels->by_kind[op.kind](&op, &args);
	return 1;
}

void ofa_device_run_float(const struct ofa_device_model *model, uint32_t i, uint32_t end, void *arena)
{
	while (i < end)
		i += run_next(model, i, end, arena);
}
#endif
