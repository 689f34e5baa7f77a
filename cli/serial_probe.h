/* A device on a serial port that runs the firmware `measure` (doc/firmware.md): it takes packages, runs ranges of their
 * operations and answers how long they took by its own counter.
 *
 *	cli_serial_open();  cli_serial_load() one package, cli_serial_run() ranges of it, ..;  cli_serial_close()
 *
 * A request whose answer is damaged or does not come is repeated, so a call takes some seconds before it fails.  What a
 * device sends is not trusted, and makes no call last longer than its limits; errors say the port's name. */
#ifndef OFA_CLI_SERIAL_PROBE_H
#define OFA_CLI_SERIAL_PROBE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define CLI_SERIAL_NAME_MAX 24

struct cli_serial;

struct cli_serial_info {
	char core[CLI_SERIAL_NAME_MAX], board[CLI_SERIAL_NAME_MAX]; /* printable; "cortex-m4", "mps2-an386" */
	bool instructions; /* what is counted are an emulator's instructions, else cycles of the processor */
	uint32_t clock_hz; /* of the processor: a count is 1 / clock_hz seconds, if an instruction takes a cycle */
	uint32_t arena_bytes, package_bytes; /* what the device has room for */
};

struct cli_serial_limits {
	int answer_ms; /* of each of the four times that a request is sent */
	int run_ms;    /* of cli_serial_run(), in all; more than answer_ms */
};

/* path: a serial port, set to 115200 baud, 8 bits, no parity; or a Unix socket, as an emulator makes them. */
enum ofa_status cli_serial_open(const char *path, struct cli_serial **ret, struct ofa_error *err) OFA_MUST_CHECK;
/* The same over a descriptor that does not block, which is closed with it or when this fails.  name: in errors;
 * limits: NULL: 4 seconds, two minutes. */
enum ofa_status cli_serial_start(int fd, const char *name, const struct cli_serial_limits *limits,
                                 struct cli_serial **ret, struct ofa_error *err) OFA_MUST_CHECK;
void cli_serial_close(struct cli_serial *s);
const struct cli_serial_info *cli_serial_info(const struct cli_serial *s);

/* Sends a package, at a multiple of 4 in memory, in place of the one before.  Its weights are sent as zeros, which is a
 * matter of few bytes, and take as long (doc/firmware.md).  ret_kernels (cap bytes, printable): what will run.
 * OFA_ERR_LIMIT: the package or its arena is larger than the device's; OFA_ERR_UNSUPPORTED: its runtime refuses it. */
enum ofa_status cli_serial_load(struct cli_serial *s, const uint8_t *package, size_t size, char *ret_kernels,
                                size_t cap, struct ofa_error *err) OFA_MUST_CHECK;

struct cli_serial_counts {
	uint32_t runs;
	uint64_t sum, least, most; /* of `runs` runs */
};
/* Runs the operations [first, first + count) of the loaded package, whole groups of them, 1 to 1000 times; waits for up
 * to run_ms.  OFA_ERR_INVALID: not so; OFA_ERR_FORMAT: the counts are not those of so many runs. */
enum ofa_status cli_serial_run(struct cli_serial *s, uint32_t first, uint32_t count, uint32_t runs,
                               struct cli_serial_counts *ret, struct ofa_error *err) OFA_MUST_CHECK;

#endif
