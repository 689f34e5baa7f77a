/* Between a program and a server: connections are passed on by a process of their own, which can be frozen (nothing is
 * passed on, nothing is closed: as a network that is down) and cut (all is closed, and nothing is accepted). */
#ifndef OFA_TESTS_RELAY_H
#define OFA_TESTS_RELAY_H

#include <sys/types.h>

struct relay {
	pid_t pid;
	unsigned port, to; /* of 127.0.0.1 */
};

/* To this port; on a free one the first time (port 0), on the same one again later.  It dies with the test. */
void relay_start(struct relay *r, unsigned to);
void relay_freeze(const struct relay *r);
void relay_thaw(const struct relay *r);
void relay_cut(struct relay *r);

#endif
