#include "internal.h"

size_t ofa_device_arena_bytes(const struct ofa_device_model *model)
{
	return model->arena_bytes;
}

int8_t *ofa_device_input_int8(const struct ofa_device_model *model, void *arena)
{
	return model->type == OFA_DEVICE_INT8 ? (int8_t *)arena + model->input_offset : NULL;
}

static enum ofa_device_status check_arena(const struct ofa_device_model *model, const void *arena, size_t arena_size)
{
	if (arena_size < model->arena_bytes)
		return OFA_DEVICE_ERR_ARENA_SIZE;
	if ((uintptr_t)arena % 4 != 0)
		return OFA_DEVICE_ERR_ARENA_ALIGNMENT;
	return OFA_DEVICE_OK;
}

static size_t input_numbers(const struct ofa_device_model *model)
{
	return (size_t)model->height * model->width * model->channels;
}

static void run_range(const struct ofa_device_model *model, uint32_t first, uint32_t end, void *arena)
{
#ifndef OFA_DEVICE_INT8_ONLY
	if (model->type != OFA_DEVICE_INT8) {
		ofa_device_run_float(model, first, end, arena);
		return;
	}
#endif
	ofa_device_run_groups(model, first, end, arena);
}

/* All operations; where the logits are. */
static const uint8_t *run_all(const struct ofa_device_model *model, void *arena)
{
	struct ofa_device_op last;

	run_range(model, 0, model->n_ops, arena);
	ofa_device_op_decode(ofa_device_op_record(model, model->n_ops - 1), &last);
	return (const uint8_t *)arena + last.out;
}

enum ofa_device_status ofa_device_run_int8(const struct ofa_device_model *model, void *arena, size_t arena_size,
					   const int8_t *input, int8_t *logits)
{
	const enum ofa_device_status status = check_arena(model, arena, arena_size);
	int8_t *place;

	if (model->type != OFA_DEVICE_INT8)
		return OFA_DEVICE_ERR_TYPE;
	if (status != OFA_DEVICE_OK)
		return status;
	place = ofa_device_input_int8(model, arena);
	if (input != NULL && input != place)
		memcpy(place, input, input_numbers(model));
	memcpy(logits, run_all(model, arena), model->classes);
	return OFA_DEVICE_OK;
}

static int begins_group(const struct ofa_device_model *model, uint32_t i)
{
	struct ofa_device_op before;

	if (model->type != OFA_DEVICE_INT8 || i == 0)
		return 1;
	ofa_device_op_decode(ofa_device_op_record(model, i - 1), &before);
	return before.rows == 0;
}

enum ofa_device_status ofa_device_run_ops(const struct ofa_device_model *model, void *arena, size_t arena_size,
					  uint32_t first, uint32_t count)
{
	const enum ofa_device_status status = check_arena(model, arena, arena_size);

	if (status != OFA_DEVICE_OK)
		return status;
	if (first > model->n_ops || count > model->n_ops - first || !begins_group(model, first) ||
	    !begins_group(model, first + count))
		return OFA_DEVICE_ERR_RANGE;
	run_range(model, first, first + count, arena);
	return OFA_DEVICE_OK;
}

void ofa_device_quantise(const struct ofa_device_model *model, const uint8_t *pixels, int8_t *input)
{
	const size_t n = (size_t)model->height * model->width;
	size_t i;
	uint32_t c;

	if (model->type != OFA_DEVICE_INT8)
		return;
	for (i = 0; i < n; i++) {
		for (c = 0; c < model->channels; c++) {
			/* below 2^31: both are bounded */
			const int32_t q = (model->gain[c] * *pixels++ + model->offset[c]) >> 16;

			*input++ = (int8_t)(q < -128 ? -128 : q > 127 ? 127 : q);
		}
	}
}

#ifdef OFA_DEVICE_INT8_ONLY
void ofa_device_put_pixels(const struct ofa_device_model *model, const uint8_t *pixels, void *arena)
{
	ofa_device_quantise(model, pixels, ofa_device_input_int8(model, arena));
}

static int passes_self_test(const struct ofa_device_model *model, const uint8_t *result)
{
	return memcmp(result, model->logits_int8, model->classes) == 0;
}
#else
float *ofa_device_input(const struct ofa_device_model *model, void *arena)
{
	if (model->type == OFA_DEVICE_INT8)
		return NULL;
	return (float *)(void *)((uint8_t *)arena + model->input_offset);
}

/* To the nearest, ties away from zero; NaN becomes the zero point. */
static int8_t quantise(float x, float scale, int32_t zero)
{
	float steps = x / scale;
	int32_t q;

	if (steps != steps)
		steps = 0.0f;
	steps = steps < -256.0f ? -256.0f : steps > 256.0f ? 256.0f : steps;
	q = (int32_t)(steps < 0.0f ? steps - 0.5f : steps + 0.5f) + zero;
	return (int8_t)(q < -128 ? -128 : q > 127 ? 127 : q);
}

static void run_quantised(const struct ofa_device_model *model, void *arena, const float *input, float *logits)
{
	const size_t n = input_numbers(model);
	int8_t *place = ofa_device_input_int8(model, arena);
	const uint8_t *result;
	size_t i;

	for (i = 0; input != NULL && i < n; i++)
		place[i] = quantise(input[i], model->in_scale, model->in_zero);
	result = run_all(model, arena);
	for (i = 0; i < model->classes; i++)
		logits[i] = model->out_scale * (float)((int8_t)result[i] - model->out_zero);
}

enum ofa_device_status ofa_device_run(const struct ofa_device_model *model, void *arena, size_t arena_size,
				      const float *input, float *logits)
{
	const enum ofa_device_status status = check_arena(model, arena, arena_size);
	float *place;

	if (status != OFA_DEVICE_OK)
		return status;
	place = ofa_device_input(model, arena);
	if (place == NULL) {
		run_quantised(model, arena, input, logits);
		return OFA_DEVICE_OK;
	}
	if (input != NULL && input != place)
		memcpy(place, input, input_numbers(model) * sizeof(float));
	memcpy(logits, run_all(model, arena), (size_t)model->classes * sizeof(float));
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

void ofa_device_put_pixels(const struct ofa_device_model *model, const uint8_t *pixels, void *arena)
{
	if (model->type == OFA_DEVICE_INT8)
		ofa_device_quantise(model, pixels, ofa_device_input_int8(model, arena));
	else
		ofa_device_normalise(model, pixels, ofa_device_input(model, arena));
}

static int passes_self_test(const struct ofa_device_model *model, const uint8_t *result)
{
	if (model->type == OFA_DEVICE_INT8)
		return memcmp(result, model->logits_int8, model->classes) == 0;
	return logits_agree((const float *)(const void *)result, model->logits, model->classes, model->tolerance);
}
#endif

enum ofa_device_status ofa_device_self_test(const struct ofa_device_model *model, void *arena, size_t arena_size)
{
	const enum ofa_device_status status = check_arena(model, arena, arena_size);

	if (status != OFA_DEVICE_OK)
		return status;
	ofa_device_put_pixels(model, model->pixels, arena);
	return passes_self_test(model, run_all(model, arena)) ? OFA_DEVICE_OK : OFA_DEVICE_ERR_SELF_TEST;
}
