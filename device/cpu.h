/* What a processor has, as far as there are kernels for it that not every one of its kind can run. */
#ifndef OFA_DEVICE_CPU_H
#define OFA_DEVICE_CPU_H

#include <stdint.h>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(OFA_DEVICE_PORTABLE)
#define OFA_DEVICE_X86 1
#if defined(__clang__) ? __clang_major__ >= 12 : __GNUC__ >= 11
#define OFA_DEVICE_AVXVNNI 1
#endif
#endif

/* Sets of these. */
enum ofa_device_cpu_part {
	OFA_CPU_AVX2 = 1, /* with FMA and F16C */
	OFA_CPU_AVX512 = 2,
	OFA_CPU_AVXVNNI = 4,   /* with AVX2 */
	OFA_CPU_AVX512_INT8 = 8 /* VNNI and VBMI, with AVX512 */
};

/* Of the processor that runs this. */
uint32_t ofa_device_cpu(void);

#endif
