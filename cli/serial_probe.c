#include <config.h>

#include "serial_probe.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include "firmware/protocol.h"
#include "ofa_device.h"
#include "ofa_format.h"
#include "timing.h"

#define TRIES 4
#define SPEED B115200
#define BLOCK 64 /* what is sent of a package is cut at multiples of it */
#define MOST_BLOCKS ((FIRMWARE_MOST_PAYLOAD - 4) / BLOCK)
#define MAX_FILL ((uint32_t)1 << 20)

/* answer_ms: over all tries, longer than the device waits for the rest of a frame that broke off. */
static const struct cli_serial_limits default_limits = {.answer_ms = 4000, .run_ms = 120000};

struct frame {
	uint8_t type, sequence;
	uint32_t n;
	uint8_t payload[FIRMWARE_MOST_PAYLOAD];
};

struct cli_serial {
	int fd;
	char *name;
	struct cli_serial_limits limits;
	uint8_t sequence;
	struct cli_serial_info info;
};

static uint32_t get_u32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint64_t get_u64(const uint8_t *p)
{
	return get_u32(p) | (uint64_t)get_u32(p + 4) << 32;
}

static void put_u32(uint8_t *p, uint32_t n)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(n >> 8 * i);
}

/* IEEE 802.3. */
static uint32_t crc32(const uint8_t *p, size_t n)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < n; i++) {
		crc ^= p[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (UINT32_C(0xedb88320) & (0u - (crc & 1)));
	}
	return ~crc;
}

static enum ofa_status send_all(int fd, const uint8_t *p, size_t n, double end_ms, struct ofa_error *err)
{
	while (n > 0) {
		struct pollfd wait = {.fd = fd, .events = POLLOUT};
		ssize_t sent = send(fd, p, n, MSG_NOSIGNAL); /* an emulator that is gone is no reason for SIGPIPE */
		if (sent < 0 && errno == ENOTSOCK)
			sent = write(fd, p, n);
		if (sent > 0) {
			p += sent;
			n -= (size_t)sent;
			continue;
		}
		if (sent < 0 && errno != EAGAIN && errno != EINTR)
			return ofa_fail(err, OFA_ERR_IO, NULL, "cannot write to the device: %s", strerror(errno));
		if (cli_now_ms() > end_ms)
			return ofa_fail(err, OFA_ERR_IO, NULL, "the device does not take what is sent");
		poll(&wait, 1, 100);
	}
	return OFA_OK;
}

static enum ofa_status send_frame(const struct cli_serial *s, const struct frame *f, double end_ms,
                                  struct ofa_error *err)
{
	uint8_t bytes[2 + FIRMWARE_HEAD_BYTES + FIRMWARE_MOST_PAYLOAD + FIRMWARE_CRC_BYTES] = {
		FIRMWARE_SYNC_0, FIRMWARE_SYNC_1, f->type, f->sequence, (uint8_t)f->n, (uint8_t)(f->n >> 8)};
	size_t n = FIRMWARE_HEAD_BYTES + f->n;

	memcpy(bytes + 2 + FIRMWARE_HEAD_BYTES, f->payload, f->n);
	put_u32(bytes + 2 + n, crc32(bytes + 2, n));
	return send_all(s->fd, bytes, 2 + n + FIRMWARE_CRC_BYTES, end_ms, err);
}

/* 1, 0 when the time is over, however much a device sends, or -1 with the error told. */
static int receive_byte(const struct cli_serial *s, double end_ms, uint8_t *ret, struct ofa_error *err)
{
	for (;;) {
		double left = end_ms - cli_now_ms();
		struct pollfd wait = {.fd = s->fd, .events = POLLIN};
		ssize_t n;
		if (left <= 0)
			return 0;
		n = read(s->fd, ret, 1);
		if (n == 1)
			return 1;
		if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
			(void)ofa_fail(err, OFA_ERR_IO, NULL, "the device is gone: %s",
			               n == 0 ? "the connection is closed" : strerror(errno));
			return -1;
		}
		poll(&wait, 1, (int)left + 1);
	}
}

/* The next whole frame; what is none, or damaged, is passed over.  As receive_byte(). */
static int receive_frame(const struct cli_serial *s, double end_ms, struct frame *ret, struct ofa_error *err)
{
	uint8_t bytes[FIRMWARE_HEAD_BYTES + FIRMWARE_MOST_PAYLOAD + FIRMWARE_CRC_BYTES];
	uint8_t byte = 0, before;
	int rc;

	for (;;) {
		size_t n = FIRMWARE_HEAD_BYTES + FIRMWARE_CRC_BYTES;
		do {
			before = byte;
			rc = receive_byte(s, end_ms, &byte, err);
		} while (rc == 1 && (before != FIRMWARE_SYNC_0 || byte != FIRMWARE_SYNC_1));
		for (size_t i = 0; rc == 1 && i < n; i++) {
			rc = receive_byte(s, end_ms, &bytes[i], err);
			if (rc == 1 && i + 1 == FIRMWARE_HEAD_BYTES)
				n += bytes[2] | (size_t)bytes[3] << 8;
			if (n > sizeof bytes)
				break;
		}
		if (rc != 1)
			return rc;
		n -= FIRMWARE_CRC_BYTES;
		if (n + FIRMWARE_CRC_BYTES > sizeof bytes || get_u32(bytes + n) != crc32(bytes, n))
			continue;
		ret->type = bytes[0];
		ret->sequence = bytes[1];
		ret->n = (uint32_t)(n - FIRMWARE_HEAD_BYTES);
		memcpy(ret->payload, bytes + FIRMWARE_HEAD_BYTES, ret->n);
		return 1;
	}
}

static enum ofa_status refused(const struct frame *answer, struct ofa_error *err)
{
	uint32_t detail = answer->n >= 5 ? get_u32(answer->payload + 1) : 0;

	switch (answer->n > 0 ? answer->payload[0] : 0) {
	case FIRMWARE_ERR_TYPE:
		return ofa_fail(err, OFA_ERR_UNSUPPORTED, NULL, "the device's firmware does not know this request");
	case FIRMWARE_ERR_LENGTH:
	case FIRMWARE_ERR_ORDER:
		return ofa_fail(err, OFA_ERR_FORMAT, NULL,
		                "the device did not expect this request; was it reset?");
	case FIRMWARE_ERR_RANGE:
		return ofa_fail(err, OFA_ERR_INVALID, NULL, "the device accepts no such range; it expects %u",
		                detail);
	case FIRMWARE_ERR_ROOM:
		return ofa_fail(err, OFA_ERR_LIMIT, NULL, "more than the %u bytes that the device has",
		                detail);
	case FIRMWARE_ERR_PACKAGE:
		return ofa_fail(err, OFA_ERR_UNSUPPORTED, NULL, "the device's runtime refuses the package: %s",
		                ofa_device_strerror((enum ofa_device_status)detail));
	case FIRMWARE_ERR_STORE:
		return ofa_fail(err, OFA_ERR_IO, NULL, "the device cannot write the package to its flash");
	default:
		return ofa_fail(err, OFA_ERR_FORMAT, NULL,
		                "the device refuses for a reason that this tool does not know");
	}
}

static bool is_damage(const struct frame *answer)
{
	return answer->type == FIRMWARE_REFUSAL && answer->n > 0 && answer->payload[0] == FIRMWARE_ERR_FRAME;
}

/* One request; its answer, of at least `least` bytes, is in *f then.  Requests may be repeated without harm. */
static enum ofa_status exchange(struct cli_serial *s, struct frame *f, uint32_t least, int wait_ms,
                                struct ofa_error *err)
{
	const bool repeats = wait_ms <= s->limits.answer_ms;
	const double last_ms = cli_now_ms() + (double)wait_ms * (repeats ? TRIES : 1);
	struct frame answer;

	f->sequence = ++s->sequence;
	for (int try = 0; try < TRIES; try++) {
		double end_ms = fmin(cli_now_ms() + wait_ms, last_ms);
		enum ofa_status st = send_frame(s, f, end_ms, err);
		int rc;
		if (st != OFA_OK)
			return st;
		do
			rc = receive_frame(s, end_ms, &answer, err);
		while (rc == 1 && answer.sequence != f->sequence && !is_damage(&answer));
		if (rc < 0)
			return OFA_ERR_IO;
		if (rc == 0 && !repeats)
			break;
		if (rc == 0 || is_damage(&answer))
			continue;
		if (answer.type == FIRMWARE_REFUSAL)
			return refused(&answer, err);
		if (answer.type != f->type + FIRMWARE_ANSWER || answer.n < least)
			return ofa_fail(err, OFA_ERR_FORMAT, NULL, "the device's answer is not one to what was asked");
		*f = answer;
		return OFA_OK;
	}
	return ofa_fail(err, OFA_ERR_IO, NULL, "the device does not answer; does the firmware `measure` run on it?");
}

static enum ofa_status open_socket(const char *path, int *ret, struct ofa_error *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd;

	if (strlen(path) >= sizeof address.sun_path)
		return ofa_fail(err, OFA_ERR_INVALID, NULL, "%s: a socket's path has at most %zu bytes", path,
		                sizeof address.sun_path - 1);
	memcpy(address.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
		enum ofa_status st = ofa_fail(err, OFA_ERR_IO, NULL, "%s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return st;
	}
	*ret = fd;
	return OFA_OK;
}

static enum ofa_status open_port(const char *path, int *ret, struct ofa_error *err)
{
	int fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	struct termios t;

	if (fd < 0)
		return ofa_fail(err, OFA_ERR_IO, NULL, "%s: %s", path, strerror(errno));
	if (tcgetattr(fd, &t) != 0) {
		close(fd);
		return ofa_fail(err, OFA_ERR_INVALID, NULL, "%s is neither a serial port nor a Unix socket", path);
	}
	cfmakeraw(&t);
	t.c_iflag &= ~(tcflag_t)(IXOFF | IXANY);
	t.c_cflag &= ~(tcflag_t)(CSTOPB | CRTSCTS);
	t.c_cflag |= CLOCAL | CREAD;
	t.c_cc[VMIN] = 1;
	t.c_cc[VTIME] = 0;
	if (cfsetspeed(&t, SPEED) != 0 || tcsetattr(fd, TCSANOW, &t) != 0 || tcflush(fd, TCIOFLUSH) != 0) {
		enum ofa_status st = ofa_fail(err, OFA_ERR_IO, NULL, "%s: cannot be set to 115200 baud: %s", path,
		                              strerror(errno));
		close(fd);
		return st;
	}
	*ret = fd;
	return OFA_OK;
}

/* The text at *at of an answer; moves past its end. */
static void take_text(const struct frame *f, uint32_t *at, char *ret, size_t cap)
{
	size_t n = 0;

	while (*at < f->n && f->payload[*at] != 0) {
		if (n + 1 < cap)
			ret[n++] = (char)f->payload[*at];
		(*at)++;
	}
	ret[n] = 0;
	(*at)++;
	ofa_make_printable(ret);
}

/* st; the error, if it is one, gets the port's name. */
static enum ofa_status named(const struct cli_serial *s, enum ofa_status st, struct ofa_error *err)
{
	if (st != OFA_OK)
		ofa_error_prefix(err, "%s", s->name);
	return st;
}

static enum ofa_status say_hello(struct cli_serial *s, struct ofa_error *err)
{
	struct frame f = {.type = FIRMWARE_HELLO};
	struct cli_serial_info *info = &s->info;
	enum ofa_status st = exchange(s, &f, 20, s->limits.answer_ms, err);
	uint32_t at = 20;

	if (st != OFA_OK)
		return st;
	if (get_u32(f.payload) != FIRMWARE_PROTOCOL_VERSION)
		return ofa_fail(err, OFA_ERR_UNSUPPORTED, NULL,
		                "the firmware speaks version %u of the protocol, not %d", get_u32(f.payload),
		                FIRMWARE_PROTOCOL_VERSION);
	info->instructions = get_u32(f.payload + 4) == FIRMWARE_COUNTS_INSTRUCTIONS;
	info->clock_hz = get_u32(f.payload + 8);
	info->arena_bytes = get_u32(f.payload + 12);
	info->package_bytes = get_u32(f.payload + 16);
	take_text(&f, &at, info->core, sizeof info->core);
	take_text(&f, &at, info->board, sizeof info->board);
	if (info->clock_hz == 0)
		return ofa_fail(err, OFA_ERR_FORMAT, NULL, "the device says that its clock has 0 Hz");
	return OFA_OK;
}

enum ofa_status cli_serial_open(const char *path, struct cli_serial **ret, struct ofa_error *err)
{
	struct stat what;
	enum ofa_status st;
	int fd = -1;

	if (stat(path, &what) != 0)
		return ofa_fail(err, OFA_ERR_IO, NULL, "%s: %s", path, strerror(errno));
	st = S_ISSOCK(what.st_mode) ? open_socket(path, &fd, err) : open_port(path, &fd, err);
	return st == OFA_OK ? cli_serial_start(fd, path, NULL, ret, err) : st;
}

enum ofa_status cli_serial_start(int fd, const char *name, const struct cli_serial_limits *limits,
                                 struct cli_serial **ret, struct ofa_error *err)
{
	struct cli_serial *s = calloc(1, sizeof *s);
	char *copy = strdup(name);
	enum ofa_status st;

	if (!s || !copy) {
		free(s);
		free(copy);
		close(fd);
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	}
	*s = (struct cli_serial){.fd = fd, .name = copy, .limits = limits ? *limits : default_limits};
	st = named(s, say_hello(s, err), err);
	if (st != OFA_OK) {
		cli_serial_close(s);
		return st;
	}
	*ret = s;
	return OFA_OK;
}

void cli_serial_close(struct cli_serial *s)
{
	if (!s)
		return;
	/* closing a port waits for what it was given, half a minute if it takes nothing */
	(void)tcflush(s->fd, TCIOFLUSH);
	close(s->fd);
	free(s->name);
	free(s);
}

const struct cli_serial_info *cli_serial_info(const struct cli_serial *s)
{
	return &s->info;
}

/* A copy of the package with zeros for weights. */
static enum ofa_status without_weights(const uint8_t *package, size_t size, uint8_t **ret, uint32_t *ret_size,
                                       struct ofa_error *err)
{
	struct ofa_device_model m;
	enum ofa_device_status ds = ofa_device_load(package, size, &m, NULL);
	uint8_t *copy;

	if (ds != OFA_DEVICE_OK)
		return ofa_fail(err, OFA_ERR_FORMAT, NULL, "the device runtime refuses the package: %s",
		                ofa_device_strerror(ds));
	copy = malloc(m.size);
	if (!copy)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory for %u bytes", m.size);
	memcpy(copy, package, m.size);
	for (uint32_t i = 0; i < m.n_tensors; i++) {
		const uint8_t *record = package + m.tensor_offset + (size_t)i * OFA_FMT_TENSOR_BYTES;
		uint8_t role = record[OFA_FMT_TENSOR_ROLE];
		struct ofa_device_tensor t;
		ofa_device_tensor(&m, i, &t);
		if (role == OFA_FMT_WEIGHT || role == OFA_FMT_WEIGHT2)
			memset(copy + (t.data - package), 0, t.size);
	}
	*ret = copy;
	*ret_size = m.size;
	return OFA_OK;
}

/* Bytes at the start of p that are all the same, in whole blocks. */
static uint32_t fill_bytes(const uint8_t *p, uint32_t n)
{
	uint32_t same = 0;

	while (same < n && same < MAX_FILL && p[same] == p[0])
		same++;
	return same / BLOCK * BLOCK;
}

/* Sends the next of the n bytes at p, which lie at `offset` of the package; *ret_sent of them. */
static enum ofa_status send_next(struct cli_serial *s, uint32_t offset, const uint8_t *p, uint32_t n,
                                 uint32_t *ret_sent, struct ofa_error *err)
{
	struct frame f = {.type = FIRMWARE_FILL, .n = 9};
	uint32_t bytes = fill_bytes(p, n);

	put_u32(f.payload, offset);
	if (bytes > 0) {
		put_u32(f.payload + 4, bytes);
		f.payload[8] = p[0];
	} else {
		while (bytes < n && bytes < MOST_BLOCKS * BLOCK && fill_bytes(p + bytes, n - bytes) == 0)
			bytes += n - bytes < BLOCK ? n - bytes : BLOCK;
		memcpy(f.payload + 4, p, bytes);
		f.type = FIRMWARE_WRITE;
		f.n = 4 + bytes;
	}
	*ret_sent = bytes;
	return exchange(s, &f, 0, s->limits.answer_ms, err);
}

static enum ofa_status send_package(struct cli_serial *s, const uint8_t *package, uint32_t size, struct ofa_error *err)
{
	struct frame f = {.type = FIRMWARE_BEGIN, .n = 4};
	enum ofa_status st;
	uint32_t sent = 0;

	put_u32(f.payload, size);
	st = exchange(s, &f, 0, s->limits.answer_ms, err);
	for (uint32_t at = 0; st == OFA_OK && at < size; at += sent)
		st = send_next(s, at, package + at, size - at, &sent, err);
	return st;
}

enum ofa_status cli_serial_load(struct cli_serial *s, const uint8_t *package, size_t size, char *ret_kernels,
                                size_t cap, struct ofa_error *err)
{
	struct frame f = {.type = FIRMWARE_LOAD};
	uint32_t at = 8, bytes = 0;
	uint8_t *copy = NULL;
	enum ofa_status st = without_weights(package, size, &copy, &bytes, err);

	if (st != OFA_OK)
		return st;
	st = send_package(s, copy, bytes, err);
	free(copy);
	if (st == OFA_OK)
		st = exchange(s, &f, 8, s->limits.answer_ms, err);
	if (st == OFA_OK)
		take_text(&f, &at, ret_kernels, cap);
	return named(s, st, err);
}

/* Whether they can be of the same runs; each may be rounded down. */
static bool agree(const struct cli_serial_counts *c)
{
	return c->most > 0 && c->least <= c->most && c->sum >= c->most && c->sum / c->runs <= c->most &&
	       c->sum / c->runs + 1 >= c->least;
}

enum ofa_status cli_serial_run(struct cli_serial *s, uint32_t first, uint32_t count, uint32_t runs,
                               struct cli_serial_counts *ret, struct ofa_error *err)
{
	struct frame f = {.type = FIRMWARE_RUN, .n = 12};
	struct cli_serial_counts counts;
	enum ofa_status st;

	if (runs == 0 || runs > FIRMWARE_MOST_RUNS)
		return ofa_fail(err, OFA_ERR_INVALID, NULL, "%u runs: there may be 1 to %d", runs, FIRMWARE_MOST_RUNS);
	put_u32(f.payload, first);
	put_u32(f.payload + 4, count);
	put_u32(f.payload + 8, runs);
	st = exchange(s, &f, 24, s->limits.run_ms, err);
	if (st != OFA_OK)
		return named(s, st, err);
	counts = (struct cli_serial_counts){.runs = runs, .sum = get_u64(f.payload), .least = get_u64(f.payload + 8),
	                                    .most = get_u64(f.payload + 16)};
	if (!agree(&counts))
		st = ofa_fail(err, OFA_ERR_FORMAT, NULL, "the device's counts cannot be those of %u runs", runs);
	else
		*ret = counts;
	return named(s, st, err);
}
