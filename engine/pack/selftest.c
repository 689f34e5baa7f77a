#include "pack/selftest.h"

#include <math.h>
#include <stdlib.h>

#include "pack/bytes.h"
#include "quantise/quantise.h"

static uint8_t to_pixel(float x, float mean, float std)
{
	float v = roundf((x * std + mean) * 255.0f);

	return v <= 0.0f ? 0 : v >= 255.0f ? 255 : (uint8_t)v;
}

static void calibration_pixels(const struct ofa_supernet *net, int r, float *x, uint8_t *pixels)
{
	int c = net->calibration.c;

	ofa_supernet_calibration_input(net, 0, 1, r, x);
	for (size_t i = 0; i < (size_t)r * r * c; i++)
		pixels[i] = to_pixel(x[i], net->mean[i % c], net->std[i % c]);
}

/* Smooth in neither direction and different in every channel. */
static void pattern_pixels(int r, int channels, uint8_t *pixels)
{
	for (int y = 0; y < r; y++)
		for (int x = 0; x < r; x++)
			for (int c = 0; c < channels; c++)
				*pixels++ = (uint8_t)(37 * y + 59 * x + 3 * x * y + 101 * c);
}

static enum ofa_status run_floats(const struct ofa_supernet *net, const struct ofa_subnet *sub, const uint8_t *pixels,
				  uint8_t *ret_logits, struct ofa_error *err)
{
	const int r = sub->plan.arch.image_size, c = net->space.input_channels;
	const size_t n = (size_t)r * r * c, classes = (size_t)sub->plan.classes;
	float *x = malloc((n + classes) * sizeof(*x)), *logits = x ? x + n : NULL;
	enum ofa_status st;

	if (!x)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory for the self-test");
	for (size_t i = 0; i < n; i++)
		x[i] = ((float)pixels[i] / 255.0f - net->mean[i % c]) / net->std[i % c];
	st = ofa_subnet_forward(sub, x, 1, NULL, logits, err);
	if (st == OFA_OK)
		ofa_put_floats(ret_logits, logits, classes);
	free(x);
	return st;
}

static enum ofa_status run_int8(const struct ofa_quantised *q, const uint8_t *pixels, uint8_t *ret_logits,
				struct ofa_error *err)
{
	const struct ofa_value *in = &q->plan.values[0];
	int8_t *x = malloc((size_t)in->h * in->w * in->c);
	enum ofa_status st;

	if (!x)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory for the self-test");
	ofa_quantised_input(q, pixels, 1, x);
	st = ofa_quantised_forward(q, x, 1, NULL, (int8_t *)ret_logits, err);
	free(x);
	return st;
}

static enum ofa_status fill_pixels(const struct ofa_supernet *net, int r, uint8_t *pixels, struct ofa_error *err)
{
	const int c = net->space.input_channels;
	float *x;

	if (net->calibration.n == 0) {
		pattern_pixels(r, c, pixels);
		return OFA_OK;
	}
	x = malloc((size_t)r * r * c * sizeof(*x));
	if (!x)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory for the self-test's input");
	calibration_pixels(net, r, x, pixels);
	free(x);
	return OFA_OK;
}

enum ofa_status ofa_pack_self_test(const struct ofa_supernet *net, const struct ofa_pack_stored *stored,
				   uint8_t *pixels, uint8_t *logits, struct ofa_error *err)
{
	enum ofa_status st = fill_pixels(net, stored->plan->arch.image_size, pixels, err);

	if (st != OFA_OK)
		return st;
	return stored->quantised ? run_int8(stored->quantised, pixels, logits, err)
				 : run_floats(net, stored->sub, pixels, logits, err);
}
