/* libmicrohttpd and nothing else: every request, whatever it is, is answered by 200 and the same bytes, from one shared
 * response.  What bench/serve measures ofad against; the daemon's options are those of server/http/server.c.
 *   bench/bare_server THREADS FILE PORT_FILE
 * Listens on a free loopback port, writes its number to PORT_FILE, serves FILE until a signal ends it. */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <microhttpd.h>
#include "base/file.h"

enum { CONNECTIONS = 8192, SILENCE_SECONDS = 60, CONNECTION_MEMORY = 16 * 1024, BACKLOG = 4096 };

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
				  const char *version, const char *data, size_t *size, void **state)
{
	static char seen; /* its address says that the header section was */

	(void)url;
	(void)method;
	(void)version;
	(void)data;
	if (!*state) {
		*state = &seen;
		return MHD_YES;
	}
	if (*size > 0) {
		*size = 0;
		return MHD_YES;
	}
	return MHD_queue_response(connection, MHD_HTTP_OK, cls);
}

static int listen_loopback(unsigned *ret_port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)(void *)&address, size) || listen(fd, BACKLOG) ||
	    getsockname(fd, (struct sockaddr *)(void *)&address, &size))
		return -1;
	*ret_port = ntohs(address.sin_port);
	return fd;
}

static struct MHD_Daemon *start(int fd, unsigned threads, struct MHD_Response *response)
{
	/* libmicrohttpd reads a pool of one as a mistake */
	enum MHD_OPTION pool = threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END;

	return MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0, NULL,
				NULL, on_request, response, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
				(unsigned)CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)SILENCE_SECONDS,
				MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
				MHD_OPTION_STRICT_FOR_CLIENT, 1, pool, threads, MHD_OPTION_END);
}

static int serve(unsigned threads, const char *path, const char *port_file)
{
	struct ofa_error err = {0};
	struct MHD_Response *response;
	struct MHD_Daemon *daemon;
	struct rlimit files;
	struct ofa_map map;
	sigset_t stop;
	char text[16];
	unsigned port;
	int fd = listen_loopback(&port), number;

	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigaddset(&stop, SIGINT);
	pthread_sigmask(SIG_BLOCK, &stop, NULL);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	if (fd < 0)
		return fprintf(stderr, "bare_server: %s\n", strerror(errno)), 1;
	if (ofa_map_open(path, &map, &err) != OFA_OK)
		return fprintf(stderr, "bare_server: %s\n", err.message), 1;
	/* the response only reads the bytes; its interface is not const */
	response = MHD_create_response_from_buffer(map.size, (void *)(uintptr_t)map.data, MHD_RESPMEM_PERSISTENT);
	MHD_add_response_header(response, "Content-Type", "application/octet-stream");
	daemon = start(fd, threads, response);
	if (!daemon)
		return fprintf(stderr, "bare_server: libmicrohttpd did not start\n"), 1;
	snprintf(text, sizeof(text), "%u\n", port);
	if (ofa_file_write_atomic(port_file, text, strlen(text), &err) != OFA_OK)
		return fprintf(stderr, "bare_server: %s\n", err.message), 1;
	sigwait(&stop, &number);
	MHD_stop_daemon(daemon);
	MHD_destroy_response(response);
	ofa_map_close(&map);
	return 0;
}

int main(int argc, char **argv)
{
	long threads = argc == 4 ? strtol(argv[1], NULL, 10) : 0;

	if (threads < 1 || threads > 64) {
		fprintf(stderr, "usage: bench/bare_server THREADS FILE PORT_FILE\n");
		return 2;
	}
	return serve((unsigned)threads, argv[2], argv[3]);
}
