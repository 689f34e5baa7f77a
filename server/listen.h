/* Listening sockets: our own, or passed by the service manager that holds them while we restart. */
#ifndef OFAD_LISTEN_H
#define OFAD_LISTEN_H

#include <stdbool.h>
#include <sys/un.h>
#include "base/status.h"

struct listener {
	int fd;         /* listening, non-blocking; -1: there is none */
	unsigned port;  /* 0: a Unix socket */
	bool local;     /* reached from this machine alone: on the loopback, or a Unix socket */
	bool inherited; /* others go on listening when we end */
	char url[128];  /* that reaches it: "http://127.0.0.1:8080", "unix:/run/ofad/admin" */
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* of our own Unix socket; "" */
};

/* Takes the socket called `name` that was passed to this process (sd_listen_fds(3)), or, where none was, listens on
 * `address`: HOST:PORT, [HOST]:PORT, or unix:PATH where `unix_too`; port 0 picks a free one.  `option` is what errors
 * call the address.  The first socket that is passed without a known name is "http".  ret->fd is -1 where nothing was
 * passed and `address` is NULL. */
enum ofa_status listener_open(const char *name, const char *option, const char *address, bool unix_too,
			      struct listener *ret, struct ofa_error *err) OFA_MUST_CHECK;
/* Can listener_open() make sense of the address, and is it local then?  ret_local may be NULL. */
enum ofa_status listener_check(const char *option, const char *address, bool unix_too, bool *ret_local,
			       struct ofa_error *err) OFA_MUST_CHECK;
/* Connects to the first of what the address stands for; each of connecting, sending and receiving may take so many
 * seconds.  The caller closes *ret. */
enum ofa_status listener_dial(const char *option, const char *address, unsigned seconds, int *ret,
			      struct ofa_error *err) OFA_MUST_CHECK;
/* TLS is spoken on it: the URL says so. */
void listener_secure(struct listener *l);
/* Removes what a Unix socket leaves, unless a sandbox forbids it: the next listener_open() then does.  The descriptor
 * is closed by whoever it was given to. */
void listener_forget(struct listener *l);

#endif
