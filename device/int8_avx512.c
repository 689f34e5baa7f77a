/* The int8 kernels for processors with AVX-512, VNNI and VBMI; cpu.c asks the processor.
 * The headers are included before the pragma: only our own functions may use the instructions. */
#include "cpu.h"
#include "kernels_int8.h"

#ifdef OFA_DEVICE_X86
#include <immintrin.h>
#include "vec.h"
#define OFA_INT8_AVX512
#define OFA_INT8_TABLE ofa_device_int8_avx512
#define OFA_INT8_NAME "avx512vnni"

#ifdef __clang__
#pragma clang attribute push(                                                                                         \
	__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vnni"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vnni")
#endif

#include "int8_x86_vec.h"
#include "int8_vec.h"

#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
