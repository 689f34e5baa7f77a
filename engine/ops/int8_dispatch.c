#include "ops/int8.h"

#include <stdbool.h>
#include <string.h>

#ifdef OFA_X86_64
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ARCH_REQ_XCOMP_PERM 0x1023 /* Linux, asm/prctl.h */
#define XFEATURE_TILEDATA 18
#define XCR0_YMM 0x6ul
#define XCR0_ZMM 0xE6ul
#define XCR0_TILES 0x60000ul

extern const struct ofa_int8_kernels ofa_int8_amx, ofa_int8_avx512vnni, ofa_int8_avxvnni;

/* Compilers' own tests of the processor do not know all of these names yet. */
static bool has(unsigned leaf, unsigned subleaf, char reg, unsigned bit)
{
	unsigned a = 0, b = 0, c = 0, d = 0;

	if (!__get_cpuid_count(leaf, subleaf, &a, &b, &c, &d))
		return false;
	return (reg == 'a' ? a : reg == 'b' ? b : reg == 'c' ? c : d) >> bit & 1;
}

/* Does the operating system keep these registers? */
static bool os_keeps(unsigned long states)
{
	unsigned low, high;

	if (!has(1, 0, 'c', 27))
		return false;
	__asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	return (low & states) == states;
}

static bool can_avxvnni(void)
{
	return os_keeps(XCR0_YMM) && has(7, 0, 'b', 5) && has(1, 0, 'c', 12) && has(7, 1, 'a', 4);
}

static bool can_avx512vnni(void)
{
	return os_keeps(XCR0_ZMM) && has(7, 0, 'b', 16) && has(7, 0, 'b', 17) && has(7, 0, 'b', 30) &&
	       has(7, 0, 'b', 31) && has(7, 0, 'c', 11);
}

/* Linux grants tiles to a process that asks. */
static bool can_amx(void)
{
	return can_avx512vnni() && os_keeps(XCR0_TILES) && has(7, 0, 'd', 24) && has(7, 0, 'd', 25) &&
	       syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_TILEDATA) == 0;
}

static const struct {
	const struct ofa_int8_kernels *kernels;
	bool (*can)(void);
} sets[] = {
	{&ofa_int8_amx, can_amx},
	{&ofa_int8_avx512vnni, can_avx512vnni},
	{&ofa_int8_avxvnni, can_avxvnni},
};
#endif

static const struct ofa_int8_kernels *first(const char *isa)
{
#ifdef OFA_X86_64
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++)
		if ((!isa || strcmp(isa, sets[i].kernels->isa) == 0) && sets[i].can())
			return sets[i].kernels;
#else
	(void)isa;
#endif
	return NULL;
}

const struct ofa_int8_kernels *ofa_int8_kernels(void)
{
	return first(NULL);
}

const struct ofa_int8_kernels *ofa_int8_kernels_named(const char *isa)
{
	return first(isa);
}
