#include "internal.h"
#include "kernels.h"

size_t ofa_device_arena_bytes(const struct ofa_device_model *model)
{
	return model->arena_bytes;
}

static float *at(void *arena, uint32_t offset)
{
	return (float *)(void *)((uint8_t *)arena + offset);
}

float *ofa_device_input(const struct ofa_device_model *model, void *arena)
{
	return at(arena, model->input_offset);
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

static void run_range(const struct ofa_device_model *model, uint32_t i, uint32_t end, void *arena)
{
	while (i < end)
		i += run_next(model, i, end, arena);
}

static enum ofa_device_status check_arena(const struct ofa_device_model *model, const void *arena, size_t arena_size)
{
	if (arena_size < model->arena_bytes)
		return OFA_DEVICE_ERR_ARENA_SIZE;
	if ((uintptr_t)arena % sizeof(float) != 0)
		return OFA_DEVICE_ERR_ARENA_ALIGNMENT;
	return OFA_DEVICE_OK;
}

static float *run_all(const struct ofa_device_model *model, void *arena)
{
	struct ofa_device_op last;

	run_range(model, 0, model->n_ops, arena);
	ofa_device_op_decode(ofa_device_op_record(model, model->n_ops - 1), &last);
	return at(arena, last.out);
}

enum ofa_device_status ofa_device_run(const struct ofa_device_model *model, void *arena, size_t arena_size,
				      const float *input, float *logits)
{
	const enum ofa_device_status status = check_arena(model, arena, arena_size);
	float *place;

	if (status != OFA_DEVICE_OK)
		return status;
	place = ofa_device_input(model, arena);
	if (input != place)
		memcpy(place, input, (size_t)model->height * model->width * model->channels * sizeof(float));
	memcpy(logits, run_all(model, arena), model->classes * sizeof(float));
	return OFA_DEVICE_OK;
}

enum ofa_device_status ofa_device_run_ops(const struct ofa_device_model *model, void *arena, size_t arena_size,
					  uint32_t first, uint32_t count)
{
	const enum ofa_device_status status = check_arena(model, arena, arena_size);

	if (status != OFA_DEVICE_OK)
		return status;
	if (first > model->n_ops || count > model->n_ops - first)
		return OFA_DEVICE_ERR_RANGE;
	run_range(model, first, first + count, arena);
	return OFA_DEVICE_OK;
}

void ofa_device_normalise(const struct ofa_device_model *model, const uint8_t *pixels, float *input)
{
	const size_t n = (size_t)model->height * model->width;
	size_t i;
	uint32_t c;

	for (i = 0; i < n; i++) {
		for (c = 0; c < model->channels; c++)
			*input++ = ((float)*pixels++ / 255.0f - model->mean[c]) / model->std[c];
	}
}

/* Written so that a NaN anywhere fails. */
static int logits_agree(const float *got, const float *want, uint32_t n, float tolerance)
{
	float largest = 0.0f;
	uint32_t i;

	for (i = 0; i < n; i++) {
		const float magnitude = want[i] < 0.0f ? -want[i] : want[i];

		if (magnitude > largest)
			largest = magnitude;
	}
	for (i = 0; i < n; i++) {
		const float d = got[i] < want[i] ? want[i] - got[i] : got[i] - want[i];

		if (!(d <= tolerance * largest))
			return 0;
	}
	return 1;
}

enum ofa_device_status ofa_device_self_test(const struct ofa_device_model *model, void *arena, size_t arena_size)
{
	const enum ofa_device_status status = check_arena(model, arena, arena_size);

	if (status != OFA_DEVICE_OK)
		return status;
	ofa_device_normalise(model, model->pixels, ofa_device_input(model, arena));
	if (!logits_agree(run_all(model, arena), model->logits, model->classes, model->tolerance))
		return OFA_DEVICE_ERR_SELF_TEST;
	return OFA_DEVICE_OK;
}
