/* The int8 kernels for processors with AVX-VNNI; cpu.c asks the processor.
 * The headers are included before the pragma: only our own functions may use the instructions. */
#include "cpu.h"
#include "kernels_int8.h"

#ifdef OFA_DEVICE_AVXVNNI
#include <immintrin.h>
#include "vec.h"
#define OFA_INT8_VNNI
#define OFA_INT8_TABLE ofa_device_int8_avxvnni
#define OFA_INT8_NAME "avxvnni"

#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,avxvnni"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,avxvnni")
#endif

#include "int8_x86_vec.h"
#include "int8_vec.h"

#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
