#include "quantise/histogram.h"

#include <math.h>
#include <string.h>

#define HALF (OFA_HISTOGRAM_BINS / 2)
#define MANTISSA_SHIFT 18 /* leaves five bits */
#define FIRST ((127 - OFA_HISTOGRAM_OCTAVES / 2) << 5) /* the bin of 2^-24, counted from that of 0 */
#define STEPS 40 /* candidates for an end of a range, each a fortieth of the way to 0 */

typedef float floats __attribute__((vector_size(16)));
typedef int32_t masks __attribute__((vector_size(16)));
#define LANES 4

/* A comparison that waits for the one before it would take longer than all the rest. */
static void widen(struct ofa_histogram *h, const float *x, size_t n)
{
	floats low = {0}, high = {0}, v;
	size_t i = 0;

	for (; i + LANES <= n; i += LANES) {
		masks below, above;

		memcpy(&v, x + i, sizeof(v));
		below = v < low;
		above = v > high;
		low = (floats)(((masks)v & below) | ((masks)low & ~below));
		high = (floats)(((masks)v & above) | ((masks)high & ~above));
	}
	for (; i < n; i++) {
		h->low = fminf(h->low, x[i]);
		h->high = fmaxf(h->high, x[i]);
	}
	for (int lane = 0; lane < LANES; lane++) {
		h->low = fminf(h->low, low[lane]);
		h->high = fmaxf(h->high, high[lane]);
	}
}

void ofa_histogram_add(struct ofa_histogram *h, const float *x, size_t n)
{
	widen(h, x, n);
	for (size_t i = 0; i < n; i++) {
		uint32_t bits;
		int bin;

		memcpy(&bits, &x[i], sizeof(bits));
		bin = (int)(bits >> MANTISSA_SHIFT & 0x1fff) - FIRST;
		bin = bin < 0 ? 0 : bin >= HALF ? HALF - 1 : bin;
		h->bins[bin + (bits >> 31 ? HALF : 0)]++;
	}
}

void ofa_histogram_merge(struct ofa_histogram *h, const struct ofa_histogram *from)
{
	h->low = fminf(h->low, from->low);
	h->high = fmaxf(h->high, from->high);
	for (int i = 0; i < OFA_HISTOGRAM_BINS; i++)
		h->bins[i] += from->bins[i];
}

/* The middle of a bin; the lowest ones hold zero. */
static double bin_value(int bin)
{
	const int i = bin % HALF;
	const double size = i ? ldexp(1.0 + (i % 32 + 0.5) / 32, i / 32 - OFA_HISTOGRAM_OCTAVES / 2) : 0.0;

	return bin < HALF ? size : -size;
}

/* The value that a share `cut` of all lies beyond, at the end that `sign` says. */
static float percentile(const struct ofa_histogram *h, double cut, int sign)
{
	const int base = sign > 0 ? 0 : HALF;
	uint64_t total = 0, beyond = 0;
	int bin = HALF - 1;

	for (int i = 0; i < OFA_HISTOGRAM_BINS; i++)
		total += h->bins[i];
	for (; bin > 0; bin--) {
		beyond += h->bins[base + bin];
		if ((double)beyond > cut * (double)total)
			break;
	}
	return (float)bin_value(base + bin);
}

/* The bins that hold something. */
struct occupied {
	int n;
	double value[OFA_HISTOGRAM_BINS], count[OFA_HISTOGRAM_BINS];
};

static double squared_error(const struct occupied *o, double low, double high)
{
	const double step = (high - low) / 255, rounding = step * step / 12;
	double sum = 0;

	for (int i = 0; i < o->n; i++) {
		const double v = o->value[i], beyond = v < low ? low - v : v > high ? v - high : 0;

		sum += o->count[i] * (v == 0 ? 0 : beyond * beyond + rounding);
	}
	return sum;
}

/* One end after the other: they hardly depend on each other. */
static struct ofa_range least_error(const struct ofa_histogram *h, float low, float high)
{
	struct occupied o = {.n = 0};
	struct ofa_range best = {low, high};
	double least = INFINITY;

	for (int i = 0; i < OFA_HISTOGRAM_BINS; i++) {
		if (h->bins[i] == 0)
			continue;
		/* all that lies below the floor is as good as the floor */
		o.value[o.n] = fmax(bin_value(i), low);
		o.count[o.n++] = h->bins[i];
	}
	for (int round = 0; round < 2; round++) {
		for (int i = STEPS; i > 0; i--) {
			const float end = high * (float)i / STEPS;
			const double error = squared_error(&o, best.low, end);

			if (error < least) {
				least = error;
				best.high = end;
			}
		}
		for (int i = STEPS; i > 0 && low < 0; i--) {
			const float end = low * (float)i / STEPS;
			const double error = squared_error(&o, end, best.high);

			if (error < least) {
				least = error;
				best.low = end;
			}
		}
	}
	return best;
}

struct ofa_range ofa_histogram_range(const struct ofa_histogram *h, const struct ofa_quantise_options *opt,
				     float floor)
{
	struct ofa_range r = {fmaxf(h->low, floor), h->high};

	switch (opt->range) {
	case OFA_RANGE_PERCENTILE:
		r.low = fmaxf(r.low, percentile(h, opt->cut, -1));
		r.high = fminf(r.high, percentile(h, opt->cut, 1));
		break;
	case OFA_RANGE_MSE:
		r = least_error(h, r.low, r.high);
		break;
	default:
		break;
	}
	return r;
}
