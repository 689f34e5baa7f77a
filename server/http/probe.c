#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "http/probe.h"

/* From where descriptors are looked for that lead to a thread. */
#define FD_BASE 64
#define FD_TRIES 256

struct line {
	int fd; /* our end; -1: it is to be made */
	bool asked;
};

struct http_probe {
	struct http_server *server;
	unsigned n;
	struct line lines[];
};

/* libmicrohttpd gives a connection to the thread (descriptor modulo number of threads), so the thread is chosen by
 * choosing the descriptor. */
static int move_to_thread(int fd, unsigned thread, unsigned n)
{
	int wanted = FD_BASE - FD_BASE % (int)n + (int)thread, moved = -1;

	for (int i = 0; i < FD_TRIES && moved != wanted; i++, wanted += (int)n) {
		if (moved >= 0)
			close(moved);
		moved = fcntl(fd, F_DUPFD_CLOEXEC, wanted);
		if (moved < 0 || moved % (int)n == (int)thread)
			break;
	}
	close(fd);
	return moved;
}

static void open_line(struct http_probe *p, unsigned thread)
{
	struct line *line = &p->lines[thread];
	int fds[2], theirs;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds))
		return;
	theirs = move_to_thread(fds[1], thread, p->n);
	if (theirs < 0 || !http_server_adopt(p->server, theirs)) {
		if (theirs >= 0)
			close(theirs);
		close(fds[0]);
		return;
	}
	line->fd = fds[0];
	line->asked = false;
}

static void close_line(struct line *line)
{
	if (line->fd >= 0)
		close(line->fd);
	line->fd = -1;
	line->asked = false;
}

enum ofa_status http_probe_new(struct http_server *s, struct http_probe **ret, struct ofa_error *err)
{
	unsigned n = http_server_threads(s);
	struct http_probe *p = calloc(1, sizeof(*p) + n * sizeof(p->lines[0]));

	if (!p)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	p->server = s;
	p->n = n;
	for (unsigned i = 0; i < n; i++) {
		p->lines[i].fd = -1;
		open_line(p, i);
	}
	(void)http_probe_ask(p);
	*ret = p;
	return OFA_OK;
}

void http_probe_free(struct http_probe *p)
{
	for (unsigned i = 0; p && i < p->n; i++)
		close_line(&p->lines[i]);
	free(p);
}

/* Has the answer come?  The line is given up when it is no answer or the other end closed it.  Where TLS is spoken the
 * thread answers a question in plain text with an alert, or by closing, which shows as well that it is awake. */
static bool answered(struct line *line, bool secure)
{
	static const char good[] = "HTTP/1.1 200 ";
	char text[2048];
	ssize_t n = recv(line->fd, text, sizeof(text), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	line->asked = false;
	if (n > (ssize_t)strlen(good) && memcmp(text, good, strlen(good)) == 0)
		return true;
	close_line(line);
	return secure;
}

static void ask(struct line *line)
{
	static const char question[] = "GET /healthz HTTP/1.1\r\nHost: probe\r\n\r\n";

	if (send(line->fd, question, strlen(question), MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)strlen(question))
		line->asked = true;
	else
		close_line(line);
}

bool http_probe_ask(struct http_probe *p)
{
	bool all = true;

	for (unsigned i = 0; i < p->n; i++) {
		struct line *line = &p->lines[i];

		all = line->asked && answered(line, http_server_is_secure(p->server)) && all;
		if (line->fd < 0)
			open_line(p, i);
		if (line->fd >= 0 && !line->asked)
			ask(line);
	}
	return all;
}
