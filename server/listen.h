/* The listening socket. */
#ifndef OFAD_LISTEN_H
#define OFAD_LISTEN_H

#include "base/status.h"

/* Listens on HOST:PORT or [HOST]:PORT; port 0 picks a free one.  *ret_url is the URL that reaches it, with
 * the port that was picked. */
enum ofa_status listen_on(const char *address, int *ret_fd, unsigned *ret_port, char ret_url[128],
			  struct ofa_error *err) OFA_MUST_CHECK;
/* Can only this machine reach the socket? */
bool listen_is_loopback(int fd);

#endif
