#include "ops/ref.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

static float clip6(float x)
{
	return x < 0.0f ? 0.0f : x > 6.0f ? 6.0f : x;
}

float ofa_ref_act(float x, enum ofa_act act)
{
	switch (act) {
	case OFA_ACT_RELU:
		return x > 0.0f ? x : 0.0f;
	case OFA_ACT_RELU6:
		return clip6(x);
	case OFA_ACT_HSWISH:
		return x * clip6(x + 3.0f) / 6.0f;
	case OFA_ACT_HSIGMOID:
		return clip6(x + 3.0f) / 6.0f;
	default:
		return x;
	}
}

float ofa_ref_act_grad(float x, enum ofa_act act)
{
	int inside = x > -3.0f && x < 3.0f;

	switch (act) {
	case OFA_ACT_RELU:
		return x > 0.0f;
	case OFA_ACT_RELU6:
		return x > 0.0f && x < 6.0f;
	case OFA_ACT_HSWISH:
		return inside ? (2.0f * x + 3.0f) / 6.0f : x >= 3.0f;
	case OFA_ACT_HSIGMOID:
		return inside ? 1.0f / 6.0f : 0.0f;
	default:
		return 1.0f;
	}
}

/* Index into (h,w,c), or -1 in the padding. */
static ptrdiff_t at(int y, int x, int h, int w, int c, int ch)
{
	return y < 0 || y >= h || x < 0 || x >= w ? -1 : ((ptrdiff_t)y * w + x) * c + ch;
}

void ofa_ref_conv(const float *x, int h, int w, int c_in, const float *weight, int c_out, int k, int stride, float *y)
{
	int ho = (h - 1) / stride + 1, wo = (w - 1) / stride + 1;

	for (int oy = 0; oy < ho; oy++)
		for (int ox = 0; ox < wo; ox++)
			for (int o = 0; o < c_out; o++) {
				double sum = 0;

				for (int ky = 0; ky < k; ky++)
					for (int kx = 0; kx < k; kx++)
						for (int c = 0; c < c_in; c++) {
							ptrdiff_t i = at(oy * stride + ky - k / 2,
									 ox * stride + kx - k / 2, h, w, c_in, c);

							if (i >= 0)
								sum += (double)x[i] *
								       weight[((o * k + ky) * k + kx) * c_in + c];
						}
				*y++ = (float)sum;
			}
}

void ofa_ref_conv_backward(const float *x, int h, int w, int c_in, const float *weight, int c_out, int k, int stride,
			   const float *dy, float *dx, float *dw)
{
	int ho = (h - 1) / stride + 1, wo = (w - 1) / stride + 1;

	memset(dx, 0, (size_t)h * w * c_in * sizeof *dx);
	memset(dw, 0, (size_t)c_out * k * k * c_in * sizeof *dw);
	for (int oy = 0; oy < ho; oy++)
		for (int ox = 0; ox < wo; ox++)
			for (int o = 0; o < c_out; o++, dy++)
				for (int ky = 0; ky < k; ky++)
					for (int kx = 0; kx < k; kx++)
						for (int c = 0; c < c_in; c++) {
							ptrdiff_t i = at(oy * stride + ky - k / 2,
									 ox * stride + kx - k / 2, h, w, c_in, c);
							int j = ((o * k + ky) * k + kx) * c_in + c;

							if (i < 0)
								continue;
							dx[i] += *dy * weight[j];
							dw[j] += *dy * x[i];
						}
}

void ofa_ref_depthwise(const float *x, int h, int w, int c, const float *weight, int k, int stride, float *y)
{
	int ho = (h - 1) / stride + 1, wo = (w - 1) / stride + 1;

	for (int oy = 0; oy < ho; oy++)
		for (int ox = 0; ox < wo; ox++)
			for (int ch = 0; ch < c; ch++) {
				double sum = 0;

				for (int ky = 0; ky < k; ky++)
					for (int kx = 0; kx < k; kx++) {
						ptrdiff_t i = at(oy * stride + ky - k / 2, ox * stride + kx - k / 2, h,
								 w, c, ch);

						if (i >= 0)
							sum += (double)x[i] * weight[(ky * k + kx) * c + ch];
					}
				*y++ = (float)sum;
			}
}

void ofa_ref_depthwise_backward(const float *x, int h, int w, int c, const float *weight, int k, int stride,
				const float *dy, float *dx, float *dw)
{
	int ho = (h - 1) / stride + 1, wo = (w - 1) / stride + 1;

	memset(dx, 0, (size_t)h * w * c * sizeof *dx);
	memset(dw, 0, (size_t)k * k * c * sizeof *dw);
	for (int oy = 0; oy < ho; oy++)
		for (int ox = 0; ox < wo; ox++)
			for (int ch = 0; ch < c; ch++, dy++)
				for (int ky = 0; ky < k; ky++)
					for (int kx = 0; kx < k; kx++) {
						ptrdiff_t i = at(oy * stride + ky - k / 2, ox * stride + kx - k / 2, h,
								 w, c, ch);

						if (i < 0)
							continue;
						dx[i] += *dy * weight[(ky * k + kx) * c + ch];
						dw[(ky * k + kx) * c + ch] += *dy * x[i];
					}
}

static void column_moments(const float *x, int rows, int c, int ch, double *ret_mean, double *ret_var)
{
	double sum = 0, square = 0;

	for (int i = 0; i < rows; i++)
		sum += x[(size_t)i * c + ch];
	*ret_mean = sum / rows;
	for (int i = 0; i < rows; i++) {
		double d = x[(size_t)i * c + ch] - *ret_mean;

		square += d * d;
	}
	*ret_var = square / rows;
}

/* Largest and sum over one window, and how many pixels it holds. */
static int window(const float *x, int h, int w, int c, int k, int y0, int x0, int ch, float *most, double *sum)
{
	int n = 0;

	*sum = 0;
	for (int ky = 0; ky < k; ky++)
		for (int kx = 0; kx < k; kx++) {
			ptrdiff_t i = at(y0 + ky, x0 + kx, h, w, c, ch);

			if (i < 0)
				continue;
			*most = n == 0 || x[i] > *most ? x[i] : *most;
			*sum += x[i];
			n++;
		}
	return n;
}

void ofa_ref_max_pool(const float *x, int h, int w, int c, int k, int stride, int pad, int ho, int wo, float *y)
{
	double sum;

	for (int oy = 0; oy < ho; oy++)
		for (int ox = 0; ox < wo; ox++)
			for (int ch = 0; ch < c; ch++)
				window(x, h, w, c, k, oy * stride - pad, ox * stride - pad, ch, y++, &sum);
}

void ofa_ref_average_pool(const float *x, int h, int w, int c, int k, int stride, int pad, int ho, int wo, float *y)
{
	for (int oy = 0; oy < ho; oy++)
		for (int ox = 0; ox < wo; ox++)
			for (int ch = 0; ch < c; ch++) {
				double sum;
				int n = window(x, h, w, c, k, oy * stride - pad, ox * stride - pad, ch, y, &sum);

				*y++ = (float)(sum / n);
			}
}

void ofa_ref_batch_norm(const float *x, int rows, int c, const float *gamma, const float *beta, float eps, float *y)
{
	for (int ch = 0; ch < c; ch++) {
		double mean, var;

		column_moments(x, rows, c, ch, &mean, &var);
		for (int i = 0; i < rows; i++) {
			size_t j = (size_t)i * c + ch;

			y[j] = (float)(gamma[ch] * (x[j] - mean) / sqrt(var + eps) + beta[ch]);
		}
	}
}

void ofa_ref_batch_norm_backward(const float *x, int rows, int c, const float *gamma, float eps, const float *dy,
				 float *dx, float *dgamma, float *dbeta)
{
	for (int ch = 0; ch < c; ch++) {
		double mean, var, sum = 0, dot = 0;

		column_moments(x, rows, c, ch, &mean, &var);
		for (int i = 0; i < rows; i++) {
			size_t j = (size_t)i * c + ch;

			sum += dy[j];
			dot += dy[j] * (x[j] - mean) / sqrt(var + eps);
		}
		for (int i = 0; i < rows; i++) {
			size_t j = (size_t)i * c + ch;
			double xhat = (x[j] - mean) / sqrt(var + eps);

			dx[j] = (float)(gamma[ch] / sqrt(var + eps) * (dy[j] - sum / rows - xhat * dot / rows));
		}
		dgamma[ch] = (float)dot;
		dbeta[ch] = (float)sum;
	}
}

void ofa_ref_se(const float *x, int hw, int c, int hidden, const float *w1, const float *b1, const float *w2,
		const float *b2, float *y)
{
	for (int ch = 0; ch < c; ch++) {
		double gate = b2[ch];

		for (int h = 0; h < hidden; h++) {
			double v = b1[h];

			for (int j = 0; j < c; j++) {
				double mean = 0;

				for (int i = 0; i < hw; i++)
					mean += x[(size_t)i * c + j];
				v += mean / hw * w1[(size_t)h * c + j];
			}
			gate += (v > 0 ? v : 0) * w2[(size_t)ch * hidden + h];
		}
		for (int i = 0; i < hw; i++)
			y[(size_t)i * c + ch] = x[(size_t)i * c + ch] * ofa_ref_act((float)gate, OFA_ACT_HSIGMOID);
	}
}

void ofa_ref_int8_sum_rows(const int16_t *const *rows, int n, const int16_t *const *less, int n_less, int c, int shift,
			   int16_t *sum, uint8_t *y)
{
	for (int j = 0; j < c; j++) {
		int total = 0, shifted;

		for (int i = 0; i < n; i++)
			total += rows[i][j];
		for (int i = 0; i < n_less; i++)
			total -= less[i][j];
		shifted = total < 0 ? 0 : total >> shift;
		sum[j] = (int16_t)total;
		y[j] = (uint8_t)(shifted > 255 ? 255 : shifted);
	}
}

void ofa_ref_int8_dense(const struct ofa_int8_dense *d, const uint8_t *x, float *y)
{
	for (int j = 0; j < d->out; j++) {
		const int8_t *panel = d->weights + (size_t)(j / OFA_INT8_PANEL) * (size_t)d->in * OFA_INT8_PANEL;
		int32_t sum = 0;

		for (int i = 0; i < d->in; i++)
			sum += x[i] * panel[i / 4 * 4 * OFA_INT8_PANEL + j % OFA_INT8_PANEL * 4 + i % 4];
		y[j] = fmaxf(0, d->scale[j] * (float)sum + d->bias[j]);
	}
}
