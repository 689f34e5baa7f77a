#include "ops/kernels.h"

#include <stdbool.h>
#include <string.h>

extern const struct ofa_kernels ofa_kernels_generic;
#ifdef OFA_X86_64
extern const struct ofa_kernels ofa_kernels_avx2, ofa_kernels_avx512;
#endif

const struct ofa_kernels *ofa_kernels_named(const char *isa)
{
	bool any = isa == NULL;

#ifdef OFA_X86_64
	if ((any || strcmp(isa, "avx512") == 0) && __builtin_cpu_supports("avx512f") &&
	    __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq"))
		return &ofa_kernels_avx512;
	if ((any || strcmp(isa, "avx2") == 0) && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
		return &ofa_kernels_avx2;
#endif
	if (any || strcmp(isa, "generic") == 0)
		return &ofa_kernels_generic;
	return NULL;
}

const struct ofa_kernels *ofa_kernels(void)
{
	return ofa_kernels_named(NULL);
}
