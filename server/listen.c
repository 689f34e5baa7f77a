#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "listen.h"

#define BACKLOG 4096

/* Splits at the last colon; brackets around the host are dropped. */
static bool split(const char *address, char host[96], char port[16])
{
	const char *colon = strrchr(address, ':');
	size_t n = colon ? (size_t)(colon - address) : 0;

	if (!colon || strlen(colon + 1) == 0 || strlen(colon + 1) >= 16)
		return false;
	if (n >= 2 && address[0] == '[' && address[n - 1] == ']') {
		address++;
		n -= 2;
	}
	if (n == 0 || n >= 96)
		return false;
	memcpy(host, address, n);
	host[n] = '\0';
	snprintf(port, 16, "%s", colon + 1);
	return strspn(port, "0123456789") == strlen(port) && strtoul(port, NULL, 10) <= 65535;
}

/* A listening socket, or -1 with errno. */
static int open_socket(const struct addrinfo *info)
{
	int fd = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1, saved;

	if (fd < 0)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, info->ai_addr, info->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_storage room;
};

bool listen_is_loopback(int fd)
{
	union address address;
	socklen_t len = sizeof(address);

	if (getsockname(fd, &address.any, &len))
		return false;
	switch (address.any.sa_family) {
	case AF_INET:
		return ntohl(address.v4.sin_addr.s_addr) >> 24 == 127;
	case AF_INET6:
		return IN6_IS_ADDR_LOOPBACK(&address.v6.sin6_addr);
	default:
		return address.any.sa_family == AF_UNIX;
	}
}

static unsigned port_of(int fd)
{
	union address address;
	socklen_t len = sizeof(address);

	if (getsockname(fd, &address.any, &len))
		return 0;
	return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}

enum ofa_status listen_on(const char *address, int *ret_fd, unsigned *ret_port, char ret_url[128],
			  struct ofa_error *err)
{
	const struct addrinfo hints = {.ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM};
	struct addrinfo *list;
	char host[96], port[16];
	int rc, fd;

	if (!split(address, host, port))
		return ofa_fail(err, OFA_ERR_INVALID, "--listen",
				"--listen is \"%.100s\"; HOST:PORT or [HOST]:PORT is accepted", address);
	rc = getaddrinfo(host, port, &hints, &list);
	if (rc)
		return ofa_fail(err, OFA_ERR_INVALID, "--listen", "cannot resolve \"%s\": %s", host, gai_strerror(rc));
	fd = open_socket(list);
	freeaddrinfo(list);
	if (fd < 0)
		return ofa_fail(err, OFA_ERR_IO, "--listen", "cannot listen on %.100s: %s", address, strerror(errno));
	*ret_fd = fd;
	*ret_port = port_of(fd);
	snprintf(ret_url, 128, strchr(host, ':') ? "http://[%s]:%u" : "http://%s:%u", host, *ret_port);
	return OFA_OK;
}
