/* The same kernels for processors with AVX2, FMA and F16C; cpu.c asks the processor.
 * The headers are included before the pragma: only our own functions may use the instructions. */
#include "kernels.h"

#if defined(OFA_DEVICE_X86) && !defined(OFA_DEVICE_INT8_ONLY)
#include <immintrin.h>
#define OFA_KERNELS_AVX2
#ifdef OFA_HALF_WEIGHTS
#define OFA_KERNEL_TABLE ofa_device_kernels_half_avx2
#else
#define OFA_KERNEL_TABLE ofa_device_kernels_avx2
#endif

#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma,f16c")
#endif

#include "kernels_body.h"

#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
