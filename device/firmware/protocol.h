/* What `measure` and its host say to each other over a serial port (doc/firmware.md); both sides include it. */
#ifndef FIRMWARE_PROTOCOL_H
#define FIRMWARE_PROTOCOL_H

#define FIRMWARE_PROTOCOL_VERSION 1

/* A frame: two sync bytes, type u8, sequence u8, length u16, payload, CRC-32 u32 of all from the type on. */
#define FIRMWARE_SYNC_0 0xa5
#define FIRMWARE_SYNC_1 0x5a
#define FIRMWARE_HEAD_BYTES 4 /* type, sequence, length */
#define FIRMWARE_CRC_BYTES 4
#define FIRMWARE_MOST_PAYLOAD 1024

#define FIRMWARE_MOST_RUNS 1000

/* Requests, and what a good answer holds.  It has the request's sequence and its type plus FIRMWARE_ANSWER. */
enum firmware_request {
	FIRMWARE_HELLO = 1, /* -> version, kind of counts, Hz, arena bytes, package bytes, u32 each; core, board */
	FIRMWARE_BEGIN = 2, /* size u32: a package of so many bytes is to come */
	FIRMWARE_WRITE = 3, /* offset u32, bytes: the next ones */
	FIRMWARE_FILL = 4,  /* offset u32, length u32, value u8: so many of them */
	FIRMWARE_LOAD = 5,  /* -> operations u32, arena bytes u32, kernels */
	FIRMWARE_RUN = 6,   /* first u32, count u32, runs u32 -> sum, least and most of the runs, u64 each */
	FIRMWARE_ANSWER = 0x40,
	FIRMWARE_REFUSAL = 0x7f /* error u8, detail u32 */
};

enum firmware_counts {
	FIRMWARE_COUNTS_CYCLES = 0,
	FIRMWARE_COUNTS_INSTRUCTIONS = 1 /* under an emulator */
};

enum firmware_error {
	FIRMWARE_ERR_FRAME = 1,   /* a CRC that does not hold, a length past the most, or a frame that broke off */
	FIRMWARE_ERR_TYPE = 2,    /* unknown request */
	FIRMWARE_ERR_LENGTH = 3,  /* of the payload is not the request's */
	FIRMWARE_ERR_RANGE = 4,   /* outside of the package, or of its limits; detail: the most, or what is expected */
	FIRMWARE_ERR_ROOM = 5,    /* package or arena larger than the device has; detail: what it has */
	FIRMWARE_ERR_ORDER = 6,   /* WRITE, FILL or LOAD before BEGIN or before all is written, RUN before LOAD */
	FIRMWARE_ERR_PACKAGE = 7, /* refused by the runtime; detail: its status */
	FIRMWARE_ERR_STORE = 8    /* the flash did not take what was written */
};

#endif
