/* The portable kernels for binary16 weights: the same source with one lane. */
#define OFA_DEVICE_PORTABLE
#define OFA_HALF_WEIGHTS
#include "kernels.h"
#define OFA_KERNEL_TABLE portable_half_kernels
extern const struct ofa_device_kernels portable_half_kernels;
#include "kernels_body.h"
