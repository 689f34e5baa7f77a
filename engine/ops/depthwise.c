#include "ops/depthwise.h"

static int strided(int n, int stride)
{
	return (n - 1) / stride + 1;
}

void ofa_depthwise_forward(int k, int stride, int h, int w, int c, struct ofa_depthwise *d)
{
	d->pitch = w + k - 1;
	d->plane = (size_t)(h + k - 1) * (size_t)d->pitch;
	d->origin = 0;
	d->step = stride;
	d->rows = strided(h, stride);
	d->count = strided(w, stride);
	d->y_step = (size_t)c;
	d->y_pitch = (size_t)d->count * (size_t)c;
	d->n_taps = 0;
	d->act = OFA_ACT_NONE;
	for (int i = 0; i < k * k; i++)
		d->taps[d->n_taps++] = (struct ofa_tap){.x = i / k * d->pitch + i % k, .w = i};
}

void ofa_depthwise_backward(int k, int stride, int py, int px, int h, int w, int c, struct ofa_depthwise *d,
			    size_t *first)
{
	int pad = k / 2, h_out = strided(h, stride), w_out = strided(w, stride);
	int y0 = ((py - pad) % stride + stride) % stride, x0 = ((px - pad) % stride + stride) % stride;

	d->pitch = w_out + k - 1;
	d->plane = (size_t)(h_out + k - 1) * (size_t)d->pitch;
	d->origin = ((y0 + pad) / stride + pad) * d->pitch + (x0 + pad) / stride + pad;
	d->step = 1;
	d->rows = (h - y0 + stride - 1) / stride;
	d->count = (w - x0 + stride - 1) / stride;
	d->y_step = (size_t)stride * (size_t)c;
	d->y_pitch = (size_t)stride * (size_t)w * (size_t)c;
	*first = ((size_t)y0 * (size_t)w + (size_t)x0) * (size_t)c;
	d->n_taps = 0;
	d->act = OFA_ACT_NONE;
	for (int y = py; y < k; y += stride) {
		for (int x = px; x < k; x += stride)
			d->taps[d->n_taps++] =
				(struct ofa_tap){.x = -(y / stride * d->pitch + x / stride), .w = y * k + x};
	}
}
