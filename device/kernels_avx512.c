/* The same kernels for processors with AVX-512; ofa_device_load() asks the processor.
 * The headers are included before the pragma: only our own functions may use the instructions. */
#include "kernels.h"

#ifdef OFA_DEVICE_HAVE_AVX512
#include <immintrin.h>
#define OFA_KERNELS_AVX512
#define OFA_KERNEL_TABLE ofa_device_kernels_avx512

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
