#include "kernels_body.h"

const struct ofa_device_kernels ofa_device_kernels_base = OFA_KERNEL_TABLE;
