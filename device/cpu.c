#include "cpu.h"

#ifdef OFA_DEVICE_X86
#include <cpuid.h>

/* Compilers that know the word "f16c" here are younger than those that we build with. */
static int has_f16c(void)
{
	uint32_t a, b, c = 0, d;

	return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
}
#endif

uint32_t ofa_device_cpu(void)
{
	uint32_t cpu = 0;

#ifdef OFA_DEVICE_X86
	__builtin_cpu_init();
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c())
		cpu |= OFA_CPU_AVX2;
	if (cpu && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
	    __builtin_cpu_supports("avx512vl"))
		cpu |= OFA_CPU_AVX512;
#endif
	return cpu;
}
