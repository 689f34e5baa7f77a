#include "ops/im2col.h"

#include <string.h>
#include "tensor/gemm.h"

/* Patches that are multiplied together: 256 KB, or 64 of them so that the weights are not read too often. */
#define TILE_FLOATS ((size_t)64 << 10)
#define TILE_PIXELS 64

/* One row of a window: the k*c floats of row iy from column ix on, zero outside. */
static void copy_row(const float *x, int h, int w, int c, int k, int iy, int ix, float *col)
{
	int first = ix < 0 ? -ix : 0, end = ix + k > w ? w - ix : k;
	size_t pixel = (size_t)c * sizeof *col;

	if (iy < 0 || iy >= h || first >= end) {
		memset(col, 0, (size_t)k * pixel);
		return;
	}
	memset(col, 0, (size_t)first * pixel);
	memcpy(col + (size_t)first * (size_t)c, x + ((size_t)iy * (size_t)w + (size_t)(ix + first)) * (size_t)c,
	       (size_t)(end - first) * pixel);
	memset(col + (size_t)end * (size_t)c, 0, (size_t)(k - end) * pixel);
}

/* The patches of `count` output pixels from `from` on, counted through the images. */
static void patches(const struct ofa_conv *p, const float *x, size_t from, size_t count, float *col)
{
	const size_t wo = (size_t)p->wo, map = (size_t)p->ho * wo, row = (size_t)p->k * (size_t)p->c_in;

	for (size_t i = from; i < from + count; i++) {
		const float *image = x + i / map * (size_t)p->h * (size_t)p->w * (size_t)p->c_in;
		int iy = (int)(i % map / wo) * p->stride - p->pad, ix = (int)(i % wo) * p->stride - p->pad;

		for (int ky = 0; ky < p->k; ky++, col += row)
			copy_row(image, p->h, p->w, p->c_in, p->k, iy + ky, ix, col);
	}
}

void ofa_im2col(const float *x, int h, int w, int c, int k, int stride, int pad, int ho, int wo, float *col)
{
	struct ofa_conv p = {.h = h, .w = w, .c_in = c, .k = k, .stride = stride, .pad = pad, .ho = ho, .wo = wo};

	patches(&p, x, 0, (size_t)ho * (size_t)wo, col);
}

static size_t patch_floats(const struct ofa_conv *c)
{
	return (size_t)c->k * (size_t)c->k * (size_t)c->c_in;
}

static size_t tile_pixels(const struct ofa_conv *c)
{
	size_t n = TILE_FLOATS / patch_floats(c);

	return n < TILE_PIXELS ? TILE_PIXELS : n;
}

size_t ofa_conv_floats(const struct ofa_conv *c)
{
	return tile_pixels(c) * patch_floats(c);
}

void ofa_conv_run(const struct ofa_conv *c, int n, const float *x, const float *weight, float *col, float *y)
{
	const size_t all = (size_t)n * (size_t)c->ho * (size_t)c->wo, tile = tile_pixels(c);
	const int width = (int)patch_floats(c);

	for (size_t i = 0; i < all; i += tile) {
		size_t count = all - i < tile ? all - i : tile;

		patches(c, x, i, count, col);
		ofa_gemm_nt((int)count, c->c_out, width, col, width, weight, width, 0.0f, y + i * (size_t)c->c_out,
			    c->c_out);
	}
}

void ofa_conv_run_panels(const struct ofa_kernels *kernels, const struct ofa_conv *c, int n, const float *x,
			 const float *panels, const float *zeros, float *col, float *y)
{
	const size_t all = (size_t)n * (size_t)c->ho * (size_t)c->wo, tile = tile_pixels(c);

	for (size_t i = 0; i < all; i += tile) {
		size_t count = all - i < tile ? all - i : tile;
		struct ofa_panel_conv product = ofa_panel_product(col, (int)count, (int)patch_floats(c), panels, zeros,
								  c->c_out, y + i * (size_t)c->c_out);

		patches(c, x, i, count, col);
		kernels->conv(&product);
	}
}
