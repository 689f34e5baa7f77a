/* The same kernels for processors with AVX2 and FMA; ofa_device_load() asks the processor.
 * The headers are included before the pragma: only our own functions may use the instructions. */
#include "kernels.h"

#ifdef OFA_DEVICE_HAVE_AVX2
#define OFA_KERNELS_AVX2
#define OFA_KERNEL_TABLE ofa_device_kernels_avx2

#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif

#include "kernels_body.h"

#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
