/* What a service manager wants to hear: the datagrams of sd_notify(3), which need no library. */
#ifndef OFAD_NOTIFY_H
#define OFAD_NOTIFY_H

#include "base/status.h"

struct notify {
	int fd;             /* connected to the manager's socket; -1: nobody listens */
	double watchdog_ms; /* it ends us after so long without WATCHDOG=1; 0: it does not watch */
};

/* As NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID of the environment say.  An error when the socket that they name
 * cannot be reached: the manager would wait for a start that it is never told of. */
enum ofa_status notify_open(struct notify *n, struct ofa_error *err) OFA_MUST_CHECK;
void notify_close(struct notify *n);

/* Lines of VARIABLE=VALUE; lost without a trace when the manager does not take them. */
void notify_send(const struct notify *n, const char *format, ...) OFA_PRINTF(2, 3);
/* RELOADING=1, with the time that it must carry. */
void notify_reloading(const struct notify *n);

#endif
