#include "quantise/kernels.h"

#include <stdbool.h>
#include <string.h>

extern const struct ofa_quantised_kernels ofa_quantised_generic;
#ifdef OFA_X86_64
extern const struct ofa_quantised_kernels ofa_quantised_avx2, ofa_quantised_avx512vnni;
#endif

const struct ofa_quantised_kernels *ofa_quantised_kernels_named(const char *isa)
{
	const bool any = isa == NULL;

#ifdef OFA_X86_64
	if ((any || strcmp(isa, "avx512vnni") == 0) && __builtin_cpu_supports("avx512vnni") &&
	    __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
	    __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("fma"))
		return &ofa_quantised_avx512vnni;
	if ((any || strcmp(isa, "avx2") == 0) && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
		return &ofa_quantised_avx2;
#endif
	if (any || strcmp(isa, "generic") == 0)
		return &ofa_quantised_generic;
	return NULL;
}

const struct ofa_quantised_kernels *ofa_quantised_kernels(void)
{
	return ofa_quantised_kernels_named(NULL);
}
