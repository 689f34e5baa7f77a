/* The UART of Arm's Cortex-M system design kit (CMSDK), polled. */
#include "board.h"
#include "firmware.h"

struct uart {
	volatile uint32_t data, state, control, interrupt, divider;
};
#define UART ((struct uart *)(uintptr_t)SERIAL_BASE)
#define STATE_SEND_FULL 1u
#define STATE_RECEIVED 2u
#define CONTROL_SEND_AND_RECEIVE 3u
#define BAUD 115200

void firmware_serial_start(void)
{
	UART->divider = CLOCK_HZ / BAUD;
	UART->control = CONTROL_SEND_AND_RECEIVE;
}

void firmware_serial_put(uint8_t byte)
{
	while (UART->state & STATE_SEND_FULL)
		;
	UART->data = byte;
}

int firmware_serial_get(uint32_t ticks)
{
	const uint64_t start = firmware_counter_ticks();

	while (!(UART->state & STATE_RECEIVED)) {
		if (firmware_counter_ticks() - start > ticks)
			return -1;
	}
	return (int)(UART->data & 0xff);
}
