/* Tap lists for depthwise_row: which weights meet which input pixels. */
#ifndef OFA_OPS_TAPS_H
#define OFA_OPS_TAPS_H

#include <stddef.h>
#include "ops/kernels.h"

#define OFA_MAX_TAPS 49

/* Forward: all k*k weights over a padded input whose rows are `pitch` floats apart. */
int ofa_taps_forward(int k, int c, size_t pitch, struct ofa_tap taps[OFA_MAX_TAPS]);

/* Backward to the input at a pixel whose padded coordinates are (py,px) modulo stride: the weights (ky,kx) with
 * ky = py, kx = px (mod stride) meet output pixel ((Y-ky)/stride, (X-kx)/stride).  Offsets are relative to the
 * output pixel (Y/stride, X/stride), rows `pitch` floats apart. */
int ofa_taps_backward(int k, int stride, int py, int px, int c, size_t pitch, struct ofa_tap taps[OFA_MAX_TAPS]);

#endif
