/* The same kernels for processors with AVX-512; cpu.c asks the processor.
 * The headers are included before the pragma: only our own functions may use the instructions. */
#include "kernels.h"

#if defined(OFA_DEVICE_X86) && !defined(OFA_DEVICE_INT8_ONLY)
#include <immintrin.h>
#define OFA_KERNELS_AVX512
#ifdef OFA_HALF_WEIGHTS
#define OFA_KERNEL_TABLE ofa_device_kernels_half_avx512
#define OFA_NARROW_TABLE ofa_device_kernels_half_avx2
#else
#define OFA_KERNEL_TABLE ofa_device_kernels_avx512
#define OFA_NARROW_TABLE ofa_device_kernels_avx2
#endif

#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512vl,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512dq,avx512vl,fma")
#endif

#include "kernels_body.h"

#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
