/* The host's side of the serial protocol against devices that do not keep to it, and over a terminal. */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "../engine/runner.h"
#include "serial_frame.h"
#include "serial_probe.h"
#include "timing.h"

static const struct cli_serial_limits limits = {.answer_ms = 40, .run_ms = 160}; /* 160 ms either way */

/* Version 1, cycles, 1 MHz, rooms of 4096 and 8192 bytes, "c", "b". */
static const uint8_t hello[] = {1, 0, 0, 0, 0, 0, 0, 0, 0x40, 0x42, 0x0f, 0, 0, 0x10, 0, 0, 0, 0x20, 0, 0,
                                'c', 0, 'b', 0};

/* What a device does until its host hangs up. */
struct device {
	int fd;
	void (*step)(struct device *d); /* every millisecond, after the answers to hello if it `greets` */
	bool greets;
	uint8_t type; /* of the last request, of which `got` bytes are known */
	uint8_t got[SERIAL_FRAME_MOST];
	size_t n;
};

static void put(struct device *d, const void *bytes, size_t n)
{
	ssize_t sent = send(d->fd, bytes, n, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (sent < 0 && errno == ENOTSOCK)
		sent = write(d->fd, bytes, n);
	(void)sent; /* what a host that hung up, or is slow, does not take is lost */
}

static void answer(struct device *d, uint8_t type, uint8_t sequence, const uint8_t *payload, size_t n)
{
	uint8_t frame[SERIAL_FRAME_MOST];

	put(d, frame, serial_frame(type, sequence, payload, n, frame));
}

/* Takes requests apart; false when the host is gone. */
static bool listen_to_host(struct device *d)
{
	struct pollfd wait = {.fd = d->fd, .events = POLLIN};
	ssize_t n;

	if (poll(&wait, 1, 1) == 0)
		return true;
	n = read(d->fd, d->got + d->n, sizeof d->got - d->n);
	if (n <= 0)
		return false;
	d->n += (size_t)n;
	if (d->greets && d->n == 10 && d->got[2] == FIRMWARE_HELLO) {
		answer(d, FIRMWARE_HELLO + FIRMWARE_ANSWER, d->got[3], hello, sizeof hello);
		d->greets = false;
		d->n = 0;
	}
	if (d->n == sizeof d->got)
		d->n = 0;
	return true;
}

static void *run_device(void *arg)
{
	struct device *d = arg;

	while (listen_to_host(d))
		if (!d->greets)
			d->step(d);
	close(d->fd);
	return NULL;
}

static void say_nothing(struct device *d)
{
	(void)d;
}

static void dribble(struct device *d)
{
	put(d, "\xa5\x5a\x41", 1 + d->n % 3);
}

static void flood(struct device *d)
{
	static const uint8_t zeros[1 << 16];

	for (int i = 0; i < 16; i++)
		put(d, zeros, sizeof zeros);
}

static void answer_others(struct device *d)
{
	for (int i = 0; i < 100; i++)
		answer(d, FIRMWARE_HELLO + FIRMWARE_ANSWER, 99, hello, sizeof hello);
}

static void claim_damage(struct device *d)
{
	static const uint8_t refusal[5] = {FIRMWARE_ERR_FRAME};

	answer(d, FIRMWARE_REFUSAL, 0, refusal, sizeof refusal);
}

/* Its end, and the device's in *d, which a thread of its own acts for. */
static int start_device(struct device *d, pthread_t *thread)
{
	int fd[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	ck_assert_int_eq(fcntl(fd[0], F_SETFL, O_NONBLOCK), 0);
	d->fd = fd[1];
	ck_assert_int_eq(pthread_create(thread, NULL, run_device, d), 0);
	return fd[0];
}

static void check_error(const struct ofa_error *err, const char *why)
{
	ck_assert_msg(strncmp(err->message, "ttyX: ", 6) == 0 && strstr(err->message, why), "%s", err->message);
}

static void (*const behaviours[])(struct device *d) = {say_nothing, dribble, flood, answer_others};

START_TEST(hello_ends_in_time)
{
	for (size_t i = 0; i < OFA_ARRAY_LEN(behaviours); i++) {
		struct device d = {.step = behaviours[i]};
		struct ofa_error err = {0};
		struct cli_serial *s;
		pthread_t thread;
		int fd = start_device(&d, &thread);
		double start = cli_now_ms();

		ASSERT_FAILS(cli_serial_start(fd, "ttyX", &limits, &s, &err), OFA_ERR_IO);
		ck_assert_double_ge(cli_now_ms() - start, 155);
		ck_assert_double_lt(cli_now_ms() - start, 5000);
		check_error(&err, "does not answer");
		pthread_join(thread, NULL);
	}
}
END_TEST

START_TEST(run_ends_in_time)
{
	for (size_t i = 0; i < OFA_ARRAY_LEN(behaviours); i++) {
		struct device d = {.step = behaviours[i], .greets = true};
		struct ofa_error err = {0};
		struct cli_serial_counts counts;
		struct cli_serial *s;
		pthread_t thread;
		int fd = start_device(&d, &thread);
		double start;

		ASSERT_OK(cli_serial_start(fd, "ttyX", &limits, &s, &err), &err);
		start = cli_now_ms();
		ASSERT_FAILS(cli_serial_run(s, 0, 1, 1, &counts, &err), OFA_ERR_IO);
		ck_assert_double_ge(cli_now_ms() - start, 155);
		ck_assert_double_lt(cli_now_ms() - start, 5000);
		check_error(&err, "does not answer");
		cli_serial_close(s);
		pthread_join(thread, NULL);
	}
}
END_TEST

START_TEST(damage_is_repeated_only_so_often)
{
	struct device d = {.step = claim_damage};
	struct ofa_error err = {0};
	struct cli_serial *s;
	pthread_t thread;
	int fd = start_device(&d, &thread);

	ASSERT_FAILS(cli_serial_start(fd, "ttyX", &limits, &s, &err), OFA_ERR_IO);
	check_error(&err, "does not answer");
	pthread_join(thread, NULL);
}
END_TEST

START_TEST(device_that_takes_nothing)
{
	static const uint8_t bytes[1 << 12];
	struct ofa_error err = {0};
	struct cli_serial *s;
	int fd[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
	while (write(fd[0], bytes, sizeof bytes) > 0)
		;
	while (write(fd[0], bytes, 1) > 0)
		;
	ASSERT_FAILS(cli_serial_start(fd[0], "ttyX", &limits, &s, &err), OFA_ERR_IO);
	check_error(&err, "does not take");
	close(fd[1]);
}
END_TEST

START_TEST(device_that_is_gone)
{
	struct ofa_error err = {0};
	struct cli_serial *s;
	int fd[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
	close(fd[1]);
	ASSERT_FAILS(cli_serial_start(fd[0], "ttyX", &limits, &s, &err), OFA_ERR_IO);
	check_error(&err, "cannot write");
}
END_TEST

/* What a terminal would swallow, double, stop at or turn into something else. */
static const uint8_t counts_of_control[24] = {0x0d, 0x0a, 0x11, 0x13, 0x03, 0x04, 0x1a, 0x00,  /* sum */
                                              0x0d, 0x0a, 0x11, 0x13, 0x03, 0x04, 0x1a, 0x00,  /* least */
                                              0x0d, 0x0a, 0x11, 0x13, 0x03, 0x04, 0x1a, 0x00}; /* most */

static const struct {
	uint64_t sum, least, most;
	uint32_t runs;
} impossible[] = {
	{0, 0, 0, 1}, {5, 6, 5, 1}, {4, 5, 5, 1}, {6, 5, 5, 1}, {7, 5, 6, 2}, {14, 5, 6, 2}, {UINT64_MAX, 1, 2, 3},
};

static void answer_run(struct device *d)
{
	static size_t next;
	uint8_t payload[24];
	const uint64_t counts[] = {impossible[next].sum, impossible[next].least, impossible[next].most};

	if (d->n < 22)
		return;
	for (int i = 0; i < 24; i++)
		payload[i] = (uint8_t)(counts[i / 8] >> 8 * (i % 8));
	answer(d, FIRMWARE_RUN + FIRMWARE_ANSWER, d->got[3], payload, sizeof payload);
	next = (next + 1) % OFA_ARRAY_LEN(impossible);
	d->n = 0;
}

START_TEST(impossible_counts)
{
	struct device d = {.step = answer_run, .greets = true};
	struct ofa_error err = {0};
	struct cli_serial_counts counts;
	struct cli_serial *s;
	pthread_t thread;
	const struct cli_serial_limits patient = {.answer_ms = 5000, .run_ms = 20000};
	int fd = start_device(&d, &thread);

	ASSERT_OK(cli_serial_start(fd, "ttyX", &patient, &s, &err), &err);
	for (size_t i = 0; i < OFA_ARRAY_LEN(impossible); i++) {
		err = (struct ofa_error){0};
		ASSERT_FAILS(cli_serial_run(s, 0, 1, impossible[i].runs, &counts, &err), OFA_ERR_FORMAT);
		check_error(&err, "counts");
	}
	cli_serial_close(s);
	pthread_join(thread, NULL);
}
END_TEST

static void answer_control(struct device *d)
{
	/* first, count */
	static const uint8_t request[8] = {0x0d, 0x0a, 0x11, 0x13, 0x03, 0x04, 0x1a, 0x7f};

	if (d->n < 22)
		return;
	if (d->n == 22 && memcmp(d->got + 6, request, sizeof request) == 0)
		answer(d, FIRMWARE_RUN + FIRMWARE_ANSWER, d->got[3], counts_of_control, sizeof counts_of_control);
	d->n = 0;
}

/* A terminal as a shell leaves it, and worse; its device's end. */
static int open_terminal(char *ret_path, size_t cap, int *ret_slave)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY);
	struct termios t;

	ck_assert(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
	ck_assert_int_eq(ptsname_r(master, ret_path, cap), 0);
	*ret_slave = open(ret_path, O_RDWR | O_NOCTTY);
	ck_assert(*ret_slave >= 0 && tcgetattr(*ret_slave, &t) == 0);
	t.c_iflag |= IXON | IXOFF | IXANY | ICRNL | ISTRIP;
	t.c_oflag |= OPOST | ONLCR;
	t.c_lflag |= ICANON | ECHO | ISIG | IEXTEN;
	ck_assert_int_eq(tcsetattr(*ret_slave, TCSANOW, &t), 0);
	return master;
}

START_TEST(every_byte_passes_a_terminal)
{
	struct device d = {.step = answer_control, .greets = true};
	struct ofa_error err = {0};
	struct cli_serial_counts counts;
	struct cli_serial *s;
	struct termios t;
	pthread_t thread;
	char path[64];
	int slave;

	d.fd = open_terminal(path, sizeof path, &slave);
	ck_assert_int_eq(pthread_create(&thread, NULL, run_device, &d), 0);
	ASSERT_OK(cli_serial_open(path, &s, &err), &err);
	ck_assert_str_eq(cli_serial_info(s)->board, "b");
	ASSERT_OK(cli_serial_run(s, 0x13110a0d, 0x7f1a0403, 1, &counts, &err), &err);
	ck_assert_uint_eq(counts.sum, 0x001a040313110a0d);
	ck_assert_int_eq(tcgetattr(slave, &t), 0);
	ck_assert_uint_eq(t.c_iflag & (IXON | IXOFF | IXANY), 0);
	ck_assert(cfgetospeed(&t) == B115200 && cfgetispeed(&t) == B115200);
	cli_serial_close(s);
	close(slave); /* the last: the device's end hangs up */
	pthread_join(thread, NULL);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {hello_ends_in_time,        run_ends_in_time,    damage_is_repeated_only_so_often,
	                              device_that_takes_nothing, device_that_is_gone, impossible_counts,
	                              every_byte_passes_a_terminal};

	return run_tests("serial", tests, OFA_ARRAY_LEN(tests));
}
