/* The board that a firmware is built for, chosen by -DBOARD_<NAME>.  The linker script reads this, too.
 *
 *	FLASH_ORIGIN, FLASH_BYTES      vectors, code and constants
 *	PACKAGE_ORIGIN, PACKAGE_BYTES  flash for the package and the images that are linked in
 *	STORE_ORIGIN, STORE_BYTES      where `measure` keeps packages that come over the serial port
 *	RAM_ORIGIN, RAM_BYTES          all memory that is used; nothing lies below it, so that a stack that grows past
 *	                               its end is a fault
 *	SERIAL_BASE                    a UART of the CMSDK kind; for another one replace serial.c
 *	CLOCK_HZ                       of the processor, which is what SysTick counts
 *	COUNT_NUMERATOR, _DENOMINATOR  counts per tick of SysTick
 *	COUNTS_INSTRUCTIONS            1 where an emulator's instructions are counted, 0 where cycles of the processor
 *	STOP                           how the program ends: STOP_HALTS or, under an emulator or a debugger,
 *	                               STOP_SEMIHOSTING
 *
 * QEMU's CPUs have no cycle counter.  With `-icount shift=6` each instruction takes 64 ns of virtual time, which
 * SysTick counts in ticks of the processor's clock: the number of instructions follows exactly. */
#ifndef BOARD_H
#define BOARD_H

#ifndef __ASSEMBLER__
#include <stdint.h>
#endif

#define STOP_HALTS 0
#define STOP_SEMIHOSTING 1

#if !defined(BOARD_MPS3_AN547)
/* The default, BOARD_MPS2_AN386: QEMU's model of Arm's AN386 image for the MPS2, a Cortex-M4 with an FPU. */
#define BOARD_NAME "mps2-an386"
#define CORE_NAME "cortex-m4"
#define FLASH_ORIGIN 0x00000000
#define FLASH_BYTES 0x00040000
#define PACKAGE_ORIGIN 0x00040000
#define PACKAGE_BYTES 0x003c0000
#define STORE_ORIGIN 0x21000000
#define STORE_BYTES 0x01000000
#define RAM_ORIGIN 0x20000000
#define RAM_MOST 0x00400000
#define SERIAL_BASE 0x40004000
#define CLOCK_HZ 25000000
#define COUNT_NUMERATOR 5 /* 40 ns / 64 ns */
#define COUNT_DENOMINATOR 8
#define COUNTS_INSTRUCTIONS 1
#define STOP STOP_SEMIHOSTING

#else
/* QEMU's model of Arm's AN547 image for the MPS3: Cortex-M55 with MVE, in the Secure state. */
#define BOARD_NAME "mps3-an547"
#define CORE_NAME "cortex-m55"
#define FLASH_ORIGIN 0x10000000
#define FLASH_BYTES 0x00080000
#define PACKAGE_ORIGIN 0x11000000
#define PACKAGE_BYTES 0x00200000
#define STORE_ORIGIN 0x31000000
#define STORE_BYTES 0x00400000
#define RAM_ORIGIN 0x30000000
#define RAM_MOST 0x00080000
#define SERIAL_BASE 0x59303000
#define CLOCK_HZ 32000000
#define COUNT_NUMERATOR 125 /* 31.25 ns / 64 ns */
#define COUNT_DENOMINATOR 256
#define COUNTS_INSTRUCTIONS 1
#define STOP STOP_SEMIHOSTING
#endif

#ifndef RAM_BYTES
#define RAM_BYTES RAM_MOST
#endif
#ifndef STACK_BYTES
#define STACK_BYTES 2048
#endif

#endif
