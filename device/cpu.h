/* What a processor has, as far as there are kernels for it that not every one of its kind can run. */
#ifndef OFA_DEVICE_CPU_H
#define OFA_DEVICE_CPU_H

#include <stdint.h>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(OFA_DEVICE_PORTABLE)
#define OFA_DEVICE_X86 1
#endif

/* Sets of these; one implies those before it of the same row. */
enum ofa_device_cpu_part {
	OFA_CPU_AVX2 = 1, /* with FMA and F16C */
	OFA_CPU_AVX512 = 2
};

/* Of the processor that runs this. */
uint32_t ofa_device_cpu(void);

#endif
