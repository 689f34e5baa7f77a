/* SysTick, which every Cortex-M has, extended to 64 bits by an interrupt every 2^24 ticks. */
#include "board.h"
#include "firmware.h"

struct systick {
	volatile uint32_t control, reload, value;
};
#define SYSTICK ((struct systick *)0xe000e010u)
#define CONTROL_RUN 7u /* enabled, with interrupt, by the processor's clock */
#define ROUND (1u << 24)

static volatile uint32_t rounds;

void firmware_tick(void);
void firmware_tick(void)
{
	rounds++;
}

void firmware_counter_start(void)
{
	SYSTICK->reload = ROUND - 1;
	SYSTICK->value = 0;
	SYSTICK->control = CONTROL_RUN;
}

/* The counter runs down and interrupts when it gets to 0, which may happen between two looks at `rounds`; the barrier
 * lets an interrupt that is due by then come first. */
uint64_t firmware_counter_ticks(void)
{
	uint32_t before, value;

	do {
		before = rounds;
		value = SYSTICK->value;
		__asm__ volatile("isb" ::: "memory");
	} while (before != rounds);
	return (uint64_t)before * ROUND + (ROUND - value) % ROUND;
}

uint64_t firmware_counts(uint64_t ticks)
{
	return (ticks * COUNT_NUMERATOR + COUNT_DENOMINATOR / 2) / COUNT_DENOMINATOR;
}

void firmware_spin(uint32_t n)
{
	__asm__ volatile("1:\n\tsubs %0, #1\n\tbne 1b" : "+l"(n) : : "cc");
}
