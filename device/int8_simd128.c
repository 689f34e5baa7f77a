/* The int8 kernels by WebAssembly's vectors, which every processor of that name has or has not. */
#include "kernels_int8.h"

#ifdef OFA_DEVICE_SIMD128
#define OFA_INT8_TABLE ofa_device_int8_simd128
#define OFA_INT8_NAME "simd128"

#include "int8_wasm_vec.h"
#include "int8_vec.h"
#endif
