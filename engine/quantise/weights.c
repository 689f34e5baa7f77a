#include "quantise/weights.h"

#include <math.h>

#include "ops/kernels.h"
#include "quantise/rescale.h"

#define LARGEST_WEIGHT 127
#define LARGEST_INPUT 255 /* less its zero point */
#define LARGEST_SUM ((double)(1 << 30))

static int columns(const struct ofa_weight_source *from)
{
	return from->k * from->k * from->channels;
}

static float weight(const struct ofa_weight_source *from, int o, int t)
{
	return from->w[((size_t)o / OFA_WEIGHT_PANEL * (size_t)columns(from) + (size_t)t) * OFA_WEIGHT_PANEL +
		       (size_t)o % OFA_WEIGHT_PANEL];
}

static double bias(const struct ofa_weight_source *from, int o)
{
	return (double)from->bias[o] + from->plus;
}

/* Largest and summed absolute weights of an output. */
static void measure(const struct ofa_weight_source *from, int o, double *ret_most, double *ret_sum)
{
	double most = 0, sum = 0;

	for (int t = 0; t < columns(from); t++) {
		const double size = fabs(weight(from, o, t));

		most = size > most ? size : most;
		sum += size;
	}
	*ret_most = most;
	*ret_sum = sum;
}

double ofa_weights_bound(const struct ofa_weight_source *from, struct ofa_affine in)
{
	double bound = 0, most, sum;

	for (int o = 0; o < from->rows; o++) {
		measure(from, o, &most, &sum);
		bound = fmax(bound, sum * LARGEST_INPUT * in.scale + fabs(bias(from, o)));
	}
	return bound * from->gain;
}

/* The scale of an output's weights: as fine as they allow, and as their longest sum does. */
static double weight_scale(const struct ofa_weight_source *from, int o, struct ofa_affine in)
{
	double most, sum, scale;

	measure(from, o, &most, &sum);
	scale = fmax(most / LARGEST_WEIGHT, (sum * LARGEST_INPUT + fabs(bias(from, o)) / in.scale) / LARGEST_SUM);
	return scale > 0 ? scale : 1.0; /* all zero */
}

/* Where weight t of output o is stored. */
static size_t place(const struct ofa_weight_source *from, int o, int t)
{
	const int width = from->k * from->channels;

	if (from->depthwise)
		return (size_t)t * (size_t)from->rows + (size_t)o;
	return ofa_quad_index(o, t / width, t % width, from->k, width);
}

/* The mean of input t of output o. */
static double expected(const struct ofa_weight_source *from, int o, int t)
{
	const int c = from->depthwise ? o : t % from->channels;

	return from->mean ? (double)from->mean[c] * from->inside[t / from->channels] : 0;
}

void ofa_weights_quantise(const struct ofa_weight_source *from, struct ofa_affine in, float out_scale,
			  const struct ofa_weight_target *to)
{
	for (int o = 0; o < from->rows; o++) {
		const double scale = weight_scale(from, o, in);
		const struct ofa_rescale r = ofa_rescale_from(scale * from->gain * in.scale / out_scale);
		double added = 0;
		int64_t sum = 0;

		for (int t = 0; t < columns(from); t++) {
			const float w = weight(from, o, t);
			const int q = (int)lround(w / scale);

			to->w[place(from, o, t)] = (int8_t)q;
			sum += q;
			added += (q * scale - w) * expected(from, o, t);
		}
		to->bias[o] = (int32_t)(llround((bias(from, o) - added) / (scale * in.scale)) - in.zero * sum);
		to->multiplier[o] = r.multiplier;
		to->shift[o] = r.shift;
	}
}
