#include "kernels_int8.h"

const struct ofa_device_int8_kernels *ofa_device_choose_int8(void)
{
#ifdef OFA_DEVICE_X86
	const uint32_t cpu = ofa_device_cpu();

	if (cpu & OFA_CPU_AVX512_INT8)
		return &ofa_device_int8_avx512;
#ifdef OFA_DEVICE_AVXVNNI
	if (cpu & OFA_CPU_AVXVNNI)
		return &ofa_device_int8_avxvnni;
#endif
	if (cpu & OFA_CPU_AVX2)
		return &ofa_device_int8_avx2;
#endif
#if defined(OFA_DEVICE_MVE)
	return &ofa_device_int8_mve;
#elif defined(OFA_DEVICE_DSP)
	return &ofa_device_int8_dsp;
#elif defined(OFA_DEVICE_SIMD128)
	return &ofa_device_int8_simd128;
#else
	return &ofa_device_int8_portable;
#endif
}
