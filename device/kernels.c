/* The kernels with the vectors that every processor of the target has, or with none. */
#include "kernels.h"

#ifdef OFA_HALF_WEIGHTS
#define OFA_KERNEL_TABLE ofa_device_kernels_half
#else
#define OFA_KERNEL_TABLE ofa_device_kernels_base
#endif

#include "kernels_body.h"
