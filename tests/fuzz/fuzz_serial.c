/* Anything as what a device answers on its serial port: all calls end, succeed with what they promise or say which port
 * failed and why.
 *
 * The input is records: type u8, how u8, length u16, bytes.  A record is a frame of that type, the answer to the next
 * request; or, by `how`, damaged, the answer to the request before, or no frame but bytes alone.  The device says it
 * all at once, and is gone.
 *
 * With libFuzzer, from the source tree, new inputs going to new-inputs/:
 *	clang -g -O1 -fsanitize=fuzzer,address,undefined -Iengine -Idevice -Icli -Itests/cli -Itests/device -I. \
 *		tests/fuzz/fuzz_serial.c cli/serial_probe.c cli/timing.c device/?*.c engine/base/status.c -lm \
 *		-o fuzz_serial
 *	mkdir -p new-inputs && ./fuzz_serial -max_len=4000 new-inputs tests/fuzz/corpus/serial
 * Without it, tests/fuzz/replay.c runs the corpus and simple mutations of it. */
#include <fcntl.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "golden_package.h"
#include "serial_frame.h"
#include "serial_probe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RECORD_HEAD = 4, MOST_SENT = 1 << 16 }; /* a socket takes that much without a reader */
enum { HOW_BARE = 1, HOW_DAMAGED = 2, HOW_BEFORE = 4 };

static void say(int fd, const uint8_t *data, size_t size)
{
	/* at once: a socket takes fewer bytes in many small pieces */
	static uint8_t all[MOST_SENT];
	uint8_t sequence = 1;
	size_t sent = 0;

	while (size >= RECORD_HEAD && sent + SERIAL_FRAME_MOST <= MOST_SENT) {
		uint8_t *bytes = all + sent;
		const uint8_t type = data[0], how = data[1];
		size_t n = data[2] | (size_t)data[3] << 8, length;

		data += RECORD_HEAD;
		size -= RECORD_HEAD;
		n = n < size ? n : size;
		n = n < FIRMWARE_MOST_PAYLOAD ? n : FIRMWARE_MOST_PAYLOAD;
		if (how & HOW_BARE) {
			memcpy(bytes, data, n);
			length = n;
		} else {
			length = serial_frame(type, (uint8_t)(sequence - (how & HOW_BEFORE ? 1 : 0)), data, n, bytes);
			bytes[length - 1] ^= how & HOW_DAMAGED;
			sequence += (how & (HOW_BEFORE | HOW_DAMAGED)) == 0;
		}
		data += n;
		size -= n;
		sent += length;
	}
	if (write(fd, all, sent) != (ssize_t)sent || shutdown(fd, SHUT_WR) != 0)
		abort();
}

static void check_text(const char *text, size_t cap)
{
	if (!memchr(text, 0, cap))
		abort();
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			abort();
}

static enum ofa_status converse(struct cli_serial *s, const uint8_t *package, size_t size, struct ofa_error *err)
{
	struct cli_serial_counts counts;
	char kernels[CLI_SERIAL_NAME_MAX];
	enum ofa_status st = cli_serial_load(s, package, size, kernels, sizeof kernels, err);

	if (st == OFA_OK)
		check_text(kernels, sizeof kernels);
	for (uint32_t runs = 1; st == OFA_OK && runs < 4; runs++) {
		st = cli_serial_run(s, 0, 1, runs, &counts, err);
		if (st == OFA_OK && (counts.runs != runs || counts.least > counts.most || counts.sum < counts.most))
			abort();
	}
	return st;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct cli_serial_limits limits = {.answer_ms = 100, .run_ms = 200};
	static uint8_t *package;
	static size_t package_size;
	struct ofa_error err = {.status = OFA_OK};
	struct cli_serial *s;
	enum ofa_status st;
	int fd[2];

	if (!package)
		package = read_source_file(GOLDEN_INT8, &package_size);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) != 0 || fcntl(fd[0], F_SETFL, O_NONBLOCK) != 0)
		abort();
	say(fd[1], data, size);
	st = cli_serial_start(fd[0], "the port", &limits, &s, &err);
	if (st == OFA_OK) {
		const struct cli_serial_info *info = cli_serial_info(s);

		check_text(info->core, sizeof info->core);
		check_text(info->board, sizeof info->board);
		if (info->clock_hz == 0)
			abort();
		st = converse(s, package, package_size, &err);
		cli_serial_close(s);
	}
	if ((st == OFA_OK) != (err.status == OFA_OK) || (st != OFA_OK && strncmp(err.message, "the port: ", 10) != 0))
		abort();
	close(fd[1]);
	return 0;
}
