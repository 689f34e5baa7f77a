/* From reset to firmware_main(): no library's start files, no vendor's headers. */
#include <stddef.h>
#include <string.h>
#include "board.h"
#include "firmware.h"

#define CPACR (*(volatile uint32_t *)0xe000ed88u)
#define CPACR_FPU_AND_MVE (0xfu << 20)

#define SEMIHOSTING_EXIT 0x20 /* with a status */
#define SEMIHOSTING_APPLICATION_EXIT 0x20026u

extern const uint8_t firmware_data_in_flash[];
void firmware_reset(void);
void firmware_tick(void); /* counter.c */

void firmware_stop(int status)
{
#if STOP == STOP_SEMIHOSTING
	const uint32_t block[] = {SEMIHOSTING_APPLICATION_EXIT, (uint32_t)status};
	register uint32_t r0 __asm__("r0") = SEMIHOSTING_EXIT;
	register const uint32_t *r1 __asm__("r1") = block;

	__asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
#else
	(void)status;
#endif
	for (;;)
		__asm__ volatile("wfi");
}

/* Nothing here is meant to fault: the end, and visibly so. */
static void fault(void)
{
	firmware_say("fault\n");
	firmware_stop(1);
}

void firmware_reset(void)
{
	CPACR |= CPACR_FPU_AND_MVE;
	__asm__ volatile("dsb\n\tisb" ::: "memory");
	memcpy(firmware_data, firmware_data_in_flash, firmware_distance(firmware_data, firmware_data_end));
	memset(firmware_bss, 0, firmware_distance(firmware_bss, firmware_bss_end));
	firmware_paint(firmware_stack, firmware_stack_end, STACK_PAINT);
	firmware_serial_start();
	firmware_counter_start();
	firmware_main();
	firmware_stop(0);
}

union vector {
	const uint8_t *stack;
	void (*handler)(void);
};
__attribute__((section(".vectors"), used)) static const union vector vectors[16] = {
	[0] = {.stack = firmware_stack_end},
	[1] = {.handler = firmware_reset},
	[2] = {.handler = fault},
	[3] = {.handler = fault},
	[4] = {.handler = fault},
	[5] = {.handler = fault},
	[6] = {.handler = fault},
	[7] = {.handler = fault},
	[11] = {.handler = fault},
	[12] = {.handler = fault},
	[14] = {.handler = fault},
	[15] = {.handler = firmware_tick},
};
