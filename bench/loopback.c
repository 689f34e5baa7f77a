/* Clients of bench/serve that wrk is not.
 *   bench/loopback hold PORT N             N keep-alive connections, one request each, open until standard input ends
 *   bench/loopback probe PORT RATE SECONDS GET /healthz RATE times a second on one connection; percentiles in ms
 * A request of `probe` counts from the moment it was due, so that one slow answer is not hidden by the requests that
 * were not sent meanwhile. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_HELD = 60000, MAX_PROBES = 1000000, ANSWER_MAX = 8192 };

static const char question[] = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static int complain(const char *what)
{
	fprintf(stderr, "loopback: %s: %s\n", what, strerror(errno));
	return 1;
}

static int open_connection(unsigned port)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && connect(fd, (const struct sockaddr *)(const void *)&address, sizeof(address))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* Bytes of the body that a header section announces; 0 when it announces none. */
static size_t announced(const char *headers)
{
	const char *field = strcasestr(headers, "\r\nContent-Length:");

	return field ? strtoul(strchr(field, ':') + 1, NULL, 10) : 0;
}

/* One request and its whole answer; is it a 200? */
static int ask(int fd)
{
	char answer[ANSWER_MAX];
	size_t len = 0, total = sizeof(answer) - 1;

	if (send(fd, question, sizeof(question) - 1, MSG_NOSIGNAL) != (ssize_t)sizeof(question) - 1)
		return 0;
	while (len < total) {
		ssize_t n = recv(fd, answer + len, sizeof(answer) - 1 - len, 0);
		const char *end;

		if (n <= 0)
			return 0;
		len += (size_t)n;
		answer[len] = '\0';
		end = strstr(answer, "\r\n\r\n");
		if (end)
			total = (size_t)(end + 4 - answer) + announced(answer);
	}
	return len == total && strncmp(answer, "HTTP/1.1 200", 12) == 0;
}

static int hold(unsigned port, long n)
{
	static int held[MAX_HELD];
	struct rlimit files;
	char c;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	for (long i = 0; i < n; i++) {
		held[i] = open_connection(port);
		if (held[i] < 0 || !ask(held[i]))
			return complain("a connection was refused");
	}
	printf("%ld\n", n);
	fflush(stdout);
	while (read(STDIN_FILENO, &c, 1) > 0)
		;
	/* each is still served */
	for (long i = 0; i < n; i++)
		if (!ask(held[i]))
			return complain("an idle connection was dropped");
	return 0;
}

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int probe(unsigned port, long rate, long seconds)
{
	long n = rate * seconds;
	double *ms = calloc((size_t)n, sizeof(*ms)), begin = now_ms();
	int fd = open_connection(port);

	if (!ms || fd < 0)
		return complain("cannot probe");
	for (long i = 0; i < n; i++) {
		double due = begin + 1e3 * (double)i / (double)rate, early = due - now_ms();

		if (early > 0)
			nanosleep(&(struct timespec){.tv_sec = (time_t)(early / 1e3),
						     .tv_nsec = (long)((early - 1e3 * (long)(early / 1e3)) * 1e6)},
				  NULL);
		if (!ask(fd))
			return complain("a probe was not answered by 200");
		ms[i] = now_ms() - due;
	}
	qsort(ms, (size_t)n, sizeof(*ms), compare);
	printf("%.3f %.3f %.3f\n", ms[n / 2], ms[n * 99 / 100], ms[n - 1]);
	close(fd);
	free(ms);
	return 0;
}

int main(int argc, char **argv)
{
	unsigned long port = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
	long a = argc > 3 ? strtol(argv[3], NULL, 10) : 0, b = argc > 4 ? strtol(argv[4], NULL, 10) : 0;

	if (argc == 4 && strcmp(argv[1], "hold") == 0 && a > 0 && a <= MAX_HELD)
		return hold((unsigned)port, a);
	if (argc == 5 && strcmp(argv[1], "probe") == 0 && a > 0 && b > 0 && a <= MAX_PROBES / b)
		return probe((unsigned)port, a, b);
	fprintf(stderr, "usage: bench/loopback hold PORT N | probe PORT RATE SECONDS\n");
	return 2;
}
