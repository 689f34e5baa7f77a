#include "ops/pool.h"

#include <stddef.h>

/* The pixels of the window at (oy, ox); returns how many. */
static int window_rows(const struct ofa_window *p, const float *x, int oy, int ox, const float *rows[OFA_MAX_WINDOW])
{
	int y0 = oy * p->stride - p->pad, x0 = ox * p->stride - p->pad, n = 0;

	for (int iy = y0 < 0 ? 0 : y0; iy < y0 + p->k && iy < p->h; iy++)
		for (int ix = x0 < 0 ? 0 : x0; ix < x0 + p->k && ix < p->w; ix++)
			rows[n++] = x + ((size_t)iy * (size_t)p->w + (size_t)ix) * (size_t)p->c;
	return n;
}

void ofa_pool_max(const struct ofa_kernels *kn, const struct ofa_window *p, const float *x, float *y)
{
	const float *rows[OFA_MAX_WINDOW];

	for (int oy = 0; oy < p->ho; oy++)
		for (int ox = 0; ox < p->wo; ox++, y += p->c)
			kn->max_rows(rows, window_rows(p, x, oy, ox, rows), p->c, y);
}

void ofa_pool_average(const struct ofa_kernels *kn, const struct ofa_window *p, const float *x, float *y)
{
	const float *rows[OFA_MAX_WINDOW];

	for (int oy = 0; oy < p->ho; oy++) {
		for (int ox = 0; ox < p->wo; ox++, y += p->c) {
			int n = window_rows(p, x, oy, ox, rows);

			kn->sum_rows(rows, n, p->c, OFA_ACT_NONE, y);
			for (int c = 0; c < p->c; c++)
				y[c] *= 1.0f / (float)n;
		}
	}
}
