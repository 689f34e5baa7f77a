/* What the firmware's files share: memory as the linker laid it out, the serial port, the counter, text. */
#ifndef FIRMWARE_H
#define FIRMWARE_H

#include <stdint.h>

/* Of the stack, before anything uses it. */
#define STACK_PAINT 0xc7

/* startup.c.  Ends the program: status 0 is well, anything else is not. */
__attribute__((noreturn)) void firmware_stop(int status);
/* The program; classify.c or measure.c. */
void firmware_main(void);

/* flash.ld: addresses of what lies where. */
extern const uint8_t firmware_package[], firmware_package_end[], firmware_images[], firmware_images_end[];
extern uint8_t firmware_stack[], firmware_stack_end[], firmware_arena[], firmware_arena_end[];
extern uint8_t firmware_data[], firmware_data_end[], firmware_bss[], firmware_bss_end[];
static inline uint32_t firmware_distance(const uint8_t *from, const uint8_t *to)
{
	return (uint32_t)((uintptr_t)to - (uintptr_t)from);
}

/* serial.c.  firmware_serial_get() returns -1 when nothing came for `ticks` of the processor's clock. */
void firmware_serial_start(void);
void firmware_serial_put(uint8_t byte);
int firmware_serial_get(uint32_t ticks);

/* counter.c.  Ticks of the processor's clock since the start; and counts (board.h) in so many ticks. */
void firmware_counter_start(void);
uint64_t firmware_counter_ticks(void);
uint64_t firmware_counts(uint64_t ticks);
/* A loop of 2 n instructions, to check the counter by. */
void firmware_spin(uint32_t n);

/* text.c: lines for people, on the serial port. */
void firmware_say(const char *text);
void firmware_say_number(const char *before, uint64_t n, const char *after);
void firmware_say_signed(const char *before, int32_t n, const char *after);

/* memory.c.  Fills memory, but not the part of the stack that is in use; and how many of its bytes, from its start or
 * from its end, were written since.  Where a byte may have been written with what was painted, paint twice. */
void firmware_paint(uint8_t *from, uint8_t *to, uint8_t paint);
uint32_t firmware_written_from_start(const uint8_t *from, const uint8_t *to, uint8_t paint);
uint32_t firmware_written_from_end(const uint8_t *from, const uint8_t *to, uint8_t paint);

#endif
