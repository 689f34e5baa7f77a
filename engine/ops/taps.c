#include "ops/taps.h"

int ofa_taps_forward(int k, int c, size_t pitch, struct ofa_tap taps[OFA_MAX_TAPS])
{
	int n = 0;

	for (int y = 0; y < k; y++) {
		for (int x = 0; x < k; x++, n++) {
			taps[n].x = (int32_t)((size_t)y * pitch + (size_t)x * c);
			taps[n].w = (y * k + x) * c;
		}
	}
	return n;
}

int ofa_taps_backward(int k, int stride, int py, int px, int c, size_t pitch, struct ofa_tap taps[OFA_MAX_TAPS])
{
	int n = 0;

	for (int y = py; y < k; y += stride) {
		for (int x = px; x < k; x += stride, n++) {
			taps[n].x = -(int32_t)((size_t)(y / stride) * pitch + (size_t)(x / stride) * c);
			taps[n].w = (y * k + x) * c;
		}
	}
	return n;
}
