#include "cpu.h"

#ifdef OFA_DEVICE_X86
#include <cpuid.h>

/* Compilers that know words for these are younger than those that we build with. */
static uint32_t asked_by_number(void)
{
	uint32_t a, b, c, d, parts = 0;

	if (__get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C))
		parts |= OFA_CPU_AVX2;
	if (__get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & 1 << 4))
		parts |= OFA_CPU_AVXVNNI;
	return parts;
}
#endif

uint32_t ofa_device_cpu(void)
{
	uint32_t cpu = 0;

#ifdef OFA_DEVICE_X86
	__builtin_cpu_init();
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
		cpu = asked_by_number();
	if (!(cpu & OFA_CPU_AVX2))
		return 0;
	if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
	    __builtin_cpu_supports("avx512vl"))
		cpu |= OFA_CPU_AVX512;
	if ((cpu & OFA_CPU_AVX512) && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vbmi") &&
	    __builtin_cpu_supports("avx512vnni"))
		cpu |= OFA_CPU_AVX512_INT8;
#endif
	return cpu;
}
