#include "tensor/resize.h"
#include <assert.h>
#include <math.h>
#include <string.h>

/* One output pixel whose centre is at `centre` in source pixels; returns the number of taps written. */
static int make_taps(int n_in, float centre, float support, uint16_t *ret_start, float *weight)
{
	*ret_start = 0;
	if (centre < 0 || centre >= (float)n_in)
		return 0;
	int first = (int)ceilf(centre - support - 0.5f), last = (int)floorf(centre + support - 0.5f);
	if (first < 0)
		first = 0;
	if (last > n_in - 1)
		last = n_in - 1;
	float sum = 0;
	int n = 0;
	for (int i = first; i <= last; i++) {
		float v = 1 - fabsf((float)i + 0.5f - centre) / support;
		weight[n] = v > 0 ? v : 0;
		sum += weight[n++];
	}
	for (int i = 0; i < n; i++)
		weight[i] /= sum;
	*ret_start = (uint16_t)first;
	return n;
}

void ofa_resize_axis_init(struct ofa_resize_axis *a, int n_in, float lo, float side, int n_out, bool mirror)
{
	assert(n_in >= 1 && n_in <= OFA_RESIZE_MAX_IN && n_out >= 1 && n_out <= OFA_RESIZE_MAX_OUT);
	assert(side > 0 && side <= OFA_RESIZE_MAX_RATIO * (float)n_in);
	float step = side / (float)n_out, support = step > 1 ? step : 1;
	int used = 0;
	a->n = n_out;
	for (int i = 0; i < n_out; i++) {
		float centre = lo + step * ((float)(mirror ? n_out - 1 - i : i) + 0.5f);
		int n = make_taps(n_in, centre, support, &a->start[i], a->weight + used);
		a->offset[i] = (uint16_t)used;
		a->count[i] = (uint16_t)n;
		used += n;
	}
}

/* Vertical pass of one output row; the row stays in the source's scale. */
#define DEFINE_BLEND_ROWS(name, type)                                                                                  \
	static void name(const struct ofa_resize_axis *rows, int y, const type *restrict x, size_t n,                  \
			 float *restrict row)                                                                          \
	{                                                                                                              \
		memset(row, 0, n * sizeof(*row));                                                                      \
		const float *weight = rows->weight + rows->offset[y];                                                  \
		const type *src = x + (size_t)rows->start[y] * n;                                                      \
		for (int t = 0; t < rows->count[y]; t++, src += n) {                                                   \
			float v = weight[t];                                                                           \
			for (size_t i = 0; i < n; i++)                                                                 \
				row[i] += v * (float)src[i];                                                           \
		}                                                                                                      \
	}
DEFINE_BLEND_ROWS(blend_rows, uint8_t)
DEFINE_BLEND_ROWS(blend_float_rows, float)

static void blend_columns(const struct ofa_resize_axis *cols, const float *row, int c, const float *gain,
			  const float *bias, float *y)
{
	for (int i = 0; i < cols->n; i++) {
		const float *weight = cols->weight + cols->offset[i];
		const float *src = row + (size_t)cols->start[i] * (size_t)c;
		for (int j = 0; j < c; j++) {
			float sum = 0;
			for (int t = 0; t < cols->count[i]; t++)
				sum += weight[t] * src[t * c + j];
			*y++ = sum * gain[j] + bias[j];
		}
	}
}

void ofa_resize_image(const struct ofa_resize_axis *rows, const struct ofa_resize_axis *cols, const uint8_t *x, int w,
		      int c, const float *gain, const float *bias, float *y)
{
	assert(w <= OFA_RESIZE_MAX_IN && c <= 4);
	float row[OFA_RESIZE_MAX_IN * 4];
	for (int i = 0; i < rows->n; i++) {
		blend_rows(rows, i, x, (size_t)w * (size_t)c, row);
		blend_columns(cols, row, c, gain, bias, y + (size_t)i * (size_t)(cols->n * c));
	}
}

void ofa_resize_normalise(const uint8_t *x, int n, int h, int w, int c, int r, const float *mean, const float *std,
			  float *y)
{
	struct ofa_resize_axis rows, cols;
	float gain[4], bias[4];
	for (int i = 0; i < c; i++) {
		gain[i] = 1 / (255 * std[i]);
		bias[i] = -mean[i] / std[i];
	}
	ofa_resize_axis_init(&rows, h, 0, (float)h, r, false);
	ofa_resize_axis_init(&cols, w, 0, (float)w, r, false);
	for (int i = 0; i < n; i++)
		ofa_resize_image(&rows, &cols, x + (size_t)i * (size_t)(h * w * c), w, c, gain, bias,
				 y + (size_t)i * (size_t)(r * r * c));
}

void ofa_resize_floats(const float *x, int n, int h, int w, int c, int r, float *y)
{
	static const float gain[4] = {1, 1, 1, 1}, bias[4] = {0};
	struct ofa_resize_axis rows, cols;
	float row[OFA_RESIZE_MAX_IN * 4];
	const size_t in = (size_t)h * (size_t)w * (size_t)c, out = (size_t)r * (size_t)r * (size_t)c;

	assert(w <= OFA_RESIZE_MAX_IN && c <= 4);
	if (h == r && w == r) {
		memcpy(y, x, (size_t)n * in * sizeof(*y));
		return;
	}
	ofa_resize_axis_init(&rows, h, 0, (float)h, r, false);
	ofa_resize_axis_init(&cols, w, 0, (float)w, r, false);
	for (int i = 0; i < n; i++, x += in, y += out) {
		for (int j = 0; j < r; j++) {
			blend_float_rows(&rows, j, x, (size_t)w * (size_t)c, row);
			blend_columns(&cols, row, c, gain, bias, y + (size_t)j * (size_t)(r * c));
		}
	}
}
