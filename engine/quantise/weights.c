#include "quantise/weights.h"

#include <math.h>

#include "ops/kernels.h"
#include "quantise/rescale.h"

#define LARGEST_WEIGHT 127
#define LARGEST_INPUT 255 /* less its zero point */
#define LARGEST_SUM ((double)(1 << 30))

static float weight(const struct ofa_weight_source *from, int o, int t)
{
	const size_t columns = (size_t)from->segments * (size_t)from->width;

	return from->w[((size_t)o / OFA_WEIGHT_PANEL * columns + (size_t)t) * OFA_WEIGHT_PANEL +
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

	for (int t = 0; t < from->segments * from->width; t++) {
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

void ofa_weights_quantise(const struct ofa_weight_source *from, struct ofa_affine in, float out_scale,
			  const struct ofa_weight_target *to)
{
	for (int o = 0; o < from->rows; o++) {
		const double scale = weight_scale(from, o, in);
		const struct ofa_rescale r = ofa_rescale_from(scale * from->gain * in.scale / out_scale);
		int64_t sum = 0;

		for (int t = 0; t < from->segments * from->width; t++) {
			const int q = (int)lround(weight(from, o, t) / scale);
			const size_t at = from->depthwise ? (size_t)t * (size_t)from->rows + (size_t)o
							  : ofa_quad_index(o, t / from->width, t % from->width,
									   from->segments, from->width);

			to->w[at] = (int8_t)q;
			sum += q;
		}
		to->bias[o] = (int32_t)(llround(bias(from, o) / (scale * in.scale)) - in.zero * sum);
		to->multiplier[o] = r.multiplier;
		to->shift[o] = r.shift;
	}
}
