#include "ops/im2col.h"

#include <stddef.h>
#include <string.h>

void ofa_im2col(const float *x, int h, int w, int c, int k, int stride, int pad, int ho, int wo, float *col)
{
	for (int oy = 0; oy < ho; oy++) {
		for (int ox = 0; ox < wo; ox++) {
			for (int ky = 0; ky < k; ky++) {
				int iy = oy * stride + ky - pad, ix = ox * stride - pad;

				for (int kx = 0; kx < k; kx++, ix++, col += c) {
					if (iy < 0 || iy >= h || ix < 0 || ix >= w)
						memset(col, 0, (size_t)c * sizeof *col);
					else
						memcpy(col, x + ((size_t)iy * w + ix) * c, (size_t)c * sizeof *col);
				}
			}
		}
	}
}
