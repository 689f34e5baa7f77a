#include "relay.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "runner.h"

enum { PAIRS_MAX = 128, CHUNK = 65536 };

static struct sockaddr_in address_of(unsigned port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
				    .sin_port = htons((uint16_t)port),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int listen_on(unsigned *port)
{
	struct sockaddr_in address = address_of(*port);
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	ck_assert_int_ge(fd, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	ck_assert_int_eq(bind(fd, (struct sockaddr *)(void *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(fd, 64), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)(void *)&address, &size), 0);
	*port = ntohs(address.sin_port);
	return fd;
}

/* ---- in the process ---- */

static struct pollfd ends[2 * PAIRS_MAX + 1]; /* pairs, after the listening socket */
static int n_ends = 1;

static void take_connection(int listening, unsigned to)
{
	struct sockaddr_in address = address_of(to);
	int client = accept(listening, NULL, NULL), server = socket(AF_INET, SOCK_STREAM, 0);

	if (n_ends == (int)OFA_ARRAY_LEN(ends) || client < 0 ||
	    connect(server, (struct sockaddr *)(void *)&address, sizeof(address)) != 0) {
		close(client);
		close(server);
		return;
	}
	ends[n_ends++] = (struct pollfd){.fd = client, .events = POLLIN};
	ends[n_ends++] = (struct pollfd){.fd = server, .events = POLLIN};
}

static int pass_on(int from, int to)
{
	static char chunk[CHUNK];
	ssize_t n = recv(from, chunk, sizeof(chunk), 0), sent;

	for (ssize_t at = 0; at < n; at += sent) {
		sent = send(to, chunk + at, (size_t)(n - at), MSG_NOSIGNAL);
		if (sent <= 0)
			return 0;
	}
	return n > 0;
}

static void serve(int listening, unsigned to)
{
	ends[0] = (struct pollfd){.fd = listening, .events = POLLIN};
	while (poll(ends, (nfds_t)n_ends, -1) > 0) {
		for (int i = 1; i + 1 < n_ends; i += 2) {
			int ok = 1;

			for (int k = 0; k < 2 && ok; k++)
				if (ends[i + k].revents)
					ok = pass_on(ends[i + k].fd, ends[i + 1 - k].fd);
			if (ok)
				continue;
			close(ends[i].fd);
			close(ends[i + 1].fd);
			ends[i + 1] = ends[--n_ends];
			ends[i] = ends[--n_ends];
			break; /* what was moved is looked at next time */
		}
		if (ends[0].revents)
			take_connection(listening, to);
	}
	_exit(0);
}

/* ---- the interface ---- */

void relay_start(struct relay *r, unsigned to)
{
	int fd = listen_on(&r->port);

	r->to = to;
	r->pid = fork();
	ck_assert_int_ge(r->pid, 0);
	if (r->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve(fd, to);
	}
	close(fd);
}

void relay_freeze(const struct relay *r)
{
	kill(r->pid, SIGSTOP);
}

void relay_thaw(const struct relay *r)
{
	kill(r->pid, SIGCONT);
}

void relay_cut(struct relay *r)
{
	kill(r->pid, SIGKILL);
	waitpid(r->pid, NULL, 0);
}
