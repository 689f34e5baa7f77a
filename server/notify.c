#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include "notify.h"

#define MESSAGE_MAX 512

/* Does the variable concern this process, as far as the one with its id says? */
static bool is_ours(const char *pid_variable)
{
	const char *pid = getenv(pid_variable);

	return !pid || strtoul(pid, NULL, 10) == (unsigned long)getpid();
}

static double watchdog_ms(void)
{
	const char *usec = getenv("WATCHDOG_USEC");

	return usec && is_ours("WATCHDOG_PID") ? (double)strtoull(usec, NULL, 10) * 1e-3 : 0;
}

enum ofa_status notify_open(struct notify *n, struct ofa_error *err)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t len = path ? strlen(path) : 0;
	socklen_t size;

	*n = (struct notify){.fd = -1};
	if (len == 0)
		return OFA_OK;
	if (len >= sizeof(address.sun_path))
		return ofa_fail(err, OFA_ERR_INVALID, "NOTIFY_SOCKET", "NOTIFY_SOCKET is longer than a socket's path");
	memcpy(address.sun_path, path, len + 1);
	size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + 1);
	if (path[0] == '@') { /* of the abstract name space, where the length counts */
		address.sun_path[0] = '\0';
		size--;
	}
	n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (n->fd < 0 || connect(n->fd, (const struct sockaddr *)(const void *)&address, size)) {
		ofa_fail(err, OFA_ERR_IO, "NOTIFY_SOCKET",
			 "cannot reach the service manager at NOTIFY_SOCKET=%.128s: %s", path, strerror(errno));
		notify_close(n);
		return OFA_ERR_IO;
	}
	n->watchdog_ms = watchdog_ms();
	return OFA_OK;
}

void notify_close(struct notify *n)
{
	if (n->fd >= 0)
		close(n->fd);
	n->fd = -1;
}

void notify_send(const struct notify *n, const char *format, ...)
{
	char text[MESSAGE_MAX];
	va_list ap;

	if (n->fd < 0)
		return;
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	(void)!send(n->fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void notify_reloading(const struct notify *n)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	notify_send(n, "RELOADING=1\nMONOTONIC_USEC=%lld\n", (long long)t.tv_sec * 1000000 + t.tv_nsec / 1000);
}
