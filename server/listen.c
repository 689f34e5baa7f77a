#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "access/address.h"
#include "listen.h"

#define BACKLOG 4096
#define UNIX_PREFIX "unix:"
/* sd_listen_fds(3): the first descriptor that is passed. */
#define PASSED_FDS_START 3
#define PASSED_FDS_MAX 16

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_un local;
};

/* ---- addresses ---- */

struct host_port {
	char host[96], port[16];
};

/* Splits at the last colon; brackets around the host are dropped. */
static bool split(const char *address, struct host_port *ret)
{
	const char *colon = strrchr(address, ':');
	size_t n = colon ? (size_t)(colon - address) : 0;

	if (!colon || strlen(colon + 1) == 0 || strlen(colon + 1) >= sizeof(ret->port))
		return false;
	if (n >= 2 && address[0] == '[' && address[n - 1] == ']') {
		address++;
		n -= 2;
	}
	if (n == 0 || n >= sizeof(ret->host))
		return false;
	memcpy(ret->host, address, n);
	ret->host[n] = '\0';
	snprintf(ret->port, sizeof(ret->port), "%s", colon + 1);
	return strspn(ret->port, "0123456789") == strlen(ret->port) && strtoul(ret->port, NULL, 10) <= 65535;
}

static bool is_unix(const char *address, bool unix_too)
{
	return unix_too && strncmp(address, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0;
}

static enum ofa_status unix_address(const char *option, const char *address, struct sockaddr_un *ret,
				    struct ofa_error *err)
{
	const char *path = address + strlen(UNIX_PREFIX);

	if (*path == '\0' || strlen(path) >= sizeof(ret->sun_path))
		return ofa_fail(err, OFA_ERR_INVALID, option, "%s is \"%.100s\"; a path of 1 to %zu bytes is accepted",
				option, address, sizeof(ret->sun_path) - 1);
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(ret->sun_path, path, strlen(path) + 1);
	return OFA_OK;
}

static enum ofa_status resolve(const char *option, const char *address, bool unix_too, struct addrinfo **ret,
			       struct ofa_error *err)
{
	const struct addrinfo hints = {.ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM};
	struct host_port hp;
	int rc;

	if (!split(address, &hp))
		return ofa_fail(err, OFA_ERR_INVALID, option,
				"%s is \"%.100s\"; HOST:PORT, [HOST]:PORT%s is accepted, with a port up to 65535",
				option, address, unix_too ? " or unix:PATH" : "");
	rc = getaddrinfo(hp.host, hp.port, &hints, ret);
	if (rc)
		return ofa_fail(err, OFA_ERR_INVALID, option, "%s: cannot resolve \"%s\": %s", option, hp.host,
				gai_strerror(rc));
	return OFA_OK;
}

enum ofa_status listener_check(const char *option, const char *address, bool unix_too, bool *ret_local,
			       struct ofa_error *err)
{
	struct access_address where = {.loopback = true};
	struct addrinfo *list = NULL;
	struct sockaddr_un un;
	enum ofa_status st = is_unix(address, unix_too) ? unix_address(option, address, &un, err)
							: resolve(option, address, unix_too, &list, err);

	if (list) {
		access_address_read(list->ai_addr, &where);
		freeaddrinfo(list);
	}
	if (st == OFA_OK && ret_local)
		*ret_local = where.loopback;
	return st;
}

static enum ofa_status dial(const struct sockaddr *to, socklen_t len, const char *address, unsigned seconds, int *ret,
			    struct ofa_error *err)
{
	const struct timeval most = {.tv_sec = seconds};
	int fd = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	/* on Linux the time to send is that to connect, too */
	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof(most)) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof(most)) == 0 && connect(fd, to, len) == 0) {
		*ret = fd;
		return OFA_OK;
	}
	(void)ofa_fail(err, OFA_ERR_IO, NULL, "cannot connect to %.200s: %s", address,
		       errno == EINPROGRESS ? "it takes too long" : strerror(errno));
	if (fd >= 0)
		close(fd);
	return OFA_ERR_IO;
}

enum ofa_status listener_dial(const char *option, const char *address, unsigned seconds, int *ret,
			      struct ofa_error *err)
{
	union address un = {.any.sa_family = AF_UNSPEC};
	struct addrinfo *list = NULL;
	enum ofa_status st;

	if (is_unix(address, true)) {
		st = unix_address(option, address, &un.local, err);
		return st == OFA_OK ? dial(&un.any, sizeof(un.local), address, seconds, ret, err) : st;
	}
	st = resolve(option, address, true, &list, err);
	if (st == OFA_OK)
		st = dial(list->ai_addr, list->ai_addrlen, address, seconds, ret, err);
	if (list)
		freeaddrinfo(list);
	return st;
}

/* ---- what a socket says of itself ---- */

static bool is_loopback(const union address *a)
{
	switch (a->any.sa_family) {
	case AF_UNIX:
		return true;
	case AF_INET:
		return ntohl(a->v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	case AF_INET6:
		return IN6_IS_ADDR_LOOPBACK(&a->v6.sin6_addr);
	default:
		return false;
	}
}

static void describe(struct listener *l)
{
	union address a = {.any.sa_family = AF_UNSPEC};
	socklen_t len = sizeof(a);
	char host[INET6_ADDRSTRLEN] = "";

	(void)getsockname(l->fd, &a.any, &len);
	l->local = is_loopback(&a);
	switch (a.any.sa_family) {
	case AF_INET:
		l->port = ntohs(a.v4.sin_port);
		inet_ntop(AF_INET, &a.v4.sin_addr, host, sizeof(host));
		snprintf(l->url, sizeof(l->url), "http://%s:%u", host, l->port);
		break;
	case AF_INET6:
		l->port = ntohs(a.v6.sin6_port);
		inet_ntop(AF_INET6, &a.v6.sin6_addr, host, sizeof(host));
		snprintf(l->url, sizeof(l->url), "http://[%s]:%u", host, l->port);
		break;
	default:
		snprintf(l->url, sizeof(l->url), UNIX_PREFIX "%s", a.local.sun_path);
		break;
	}
}

/* ---- sockets of our own ---- */

/* What to do next, for the mistakes that operators make most. */
static const char *advice(int error)
{
	switch (error) {
	case EADDRINUSE:
		return "; another program listens there: ss -ltnp shows which";
	case EACCES:
		return "; ports below 1024 need CAP_NET_BIND_SERVICE or a socket passed by systemd";
	case EADDRNOTAVAIL:
		return "; no interface of this machine has the address";
	case EMFILE:
		return "; raise the limit on open files (LimitNOFILE=, ulimit -n)";
	default:
		return "";
	}
}

static int make_socket(const struct sockaddr *address, socklen_t len)
{
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1, saved;

	if (fd < 0)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, address, len) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

/* A socket that nobody listens on any more is in the way of the next one. */
static void remove_stale(const struct sockaddr_un *address)
{
	struct stat info;
	int fd;

	if (lstat(address->sun_path, &info) || !S_ISSOCK(info.st_mode))
		return;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (connect(fd, (const struct sockaddr *)(const void *)address, sizeof(*address)) && errno == ECONNREFUSED)
		(void)unlink(address->sun_path);
	close(fd);
}

static enum ofa_status open_own(const char *option, const char *address, bool unix_too, struct listener *ret,
				struct ofa_error *err)
{
	struct listener l = {.fd = -1};
	struct addrinfo *list = NULL;
	struct sockaddr_un un;
	enum ofa_status st;

	if (is_unix(address, unix_too)) {
		st = unix_address(option, address, &un, err);
		if (st != OFA_OK)
			return st;
		remove_stale(&un);
		l.fd = make_socket((const struct sockaddr *)(const void *)&un, sizeof(un));
		memcpy(l.path, un.sun_path, sizeof(l.path));
	} else {
		st = resolve(option, address, unix_too, &list, err);
		if (st != OFA_OK)
			return st;
		l.fd = make_socket(list->ai_addr, list->ai_addrlen);
	}
	if (l.fd < 0)
		st = ofa_fail(err, OFA_ERR_IO, option, "cannot listen on %.100s: %s%s", address, strerror(errno),
			      advice(errno));
	if (list)
		freeaddrinfo(list);
	if (st != OFA_OK)
		return st;
	describe(&l);
	*ret = l;
	return OFA_OK;
}

void listener_secure(struct listener *l)
{
	char rest[sizeof(l->url)];

	if (strncmp(l->url, "http://", 7) != 0)
		return;
	snprintf(rest, sizeof(rest), "%s", l->url + 7);
	snprintf(l->url, sizeof(l->url), "https://%.*s", (int)sizeof(l->url) - 9, rest);
}

void listener_forget(struct listener *l)
{
	if (l->path[0])
		(void)unlink(l->path);
	l->path[0] = '\0';
	l->fd = -1;
}

/* ---- sockets that were passed ---- */

/* How many; 0 when they are not for this process. */
static int passed_count(void)
{
	const char *pid = getenv("LISTEN_PID"), *n = getenv("LISTEN_FDS");

	if (!pid || !n || strtoul(pid, NULL, 10) != (unsigned long)getpid())
		return 0;
	return strtoul(n, NULL, 10) <= PASSED_FDS_MAX ? (int)strtoul(n, NULL, 10) : PASSED_FDS_MAX;
}

/* Is the i-th name of LISTEN_FDNAMES, which colons separate, this one? */
static bool passed_as(int i, const char *name)
{
	const char *names = getenv("LISTEN_FDNAMES");

	for (; names && i > 0; i--) {
		names = strchr(names, ':');
		names = names ? names + 1 : NULL;
	}
	return names && strcspn(names, ":") == strlen(name) && strncmp(names, name, strlen(name)) == 0;
}

/* The descriptor, or -1. */
static int passed_socket(const char *name)
{
	int n = passed_count();

	for (int i = 0; i < n; i++)
		if (passed_as(i, name))
			return PASSED_FDS_START + i;
	for (int i = 0; i < n && strcmp(name, "http") == 0; i++)
		if (!passed_as(i, "admin"))
			return PASSED_FDS_START + i;
	return -1;
}

static enum ofa_status take_passed(int fd, const char *name, struct listener *ret, struct ofa_error *err)
{
	int type = 0, accepts = 0, flags = fcntl(fd, F_GETFL);
	socklen_t len = sizeof(type);

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) || type != SOCK_STREAM ||
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &len) || !accepts)
		return ofa_fail(err, OFA_ERR_INVALID, "LISTEN_FDS",
				"descriptor %d, passed as \"%s\", is no listening stream socket; ListenStream= "
				"with Accept=no passes one",
				fd, name);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) || fcntl(fd, F_SETFD, FD_CLOEXEC))
		return ofa_fail(err, OFA_ERR_IO, "LISTEN_FDS", "descriptor %d: %s", fd, strerror(errno));
	*ret = (struct listener){.fd = fd, .inherited = true};
	describe(ret);
	return OFA_OK;
}

enum ofa_status listener_open(const char *name, const char *option, const char *address, bool unix_too,
			      struct listener *ret, struct ofa_error *err)
{
	int fd = passed_socket(name);

	if (fd >= 0)
		return take_passed(fd, name, ret, err);
	if (address)
		return open_own(option, address, unix_too, ret, err);
	*ret = (struct listener){.fd = -1};
	return OFA_OK;
}
