#include "kernels.h"

#ifndef OFA_DEVICE_INT8_ONLY
const struct ofa_device_kernels *ofa_device_kernels_for(uint32_t cpu, int half)
{
#ifdef OFA_DEVICE_X86
	if (cpu & OFA_CPU_AVX512)
		return half ? &ofa_device_kernels_half_avx512 : &ofa_device_kernels_avx512;
	if (cpu & OFA_CPU_AVX2)
		return half ? &ofa_device_kernels_half_avx2 : &ofa_device_kernels_avx2;
#endif
	(void)cpu;
	return half ? &ofa_device_kernels_half : &ofa_device_kernels_base;
}
#endif
