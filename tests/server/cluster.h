/* A PostgreSQL of the test program's own (tests/services/postgresql). */
#ifndef OFA_TESTS_CLUSTER_H
#define OFA_TESTS_CLUSTER_H

#include <stdbool.h>
#include "runner.h"

#define CLUSTER_URL_MAX 256
#define CLUSTER_SKIPPED 77 /* exit status of a program whose tests need what is not installed */

/* Before the first test.  False: PostgreSQL is not installed; ends the program when it cannot be started. */
bool cluster_start(void);
void cluster_stop(void); /* and removes it */

/* An empty database of this name. */
void cluster_database(const char *name, char url[CLUSTER_URL_MAX]);
/* "restart", "kill", "stop", "start", with a mode or NULL. */
void cluster_control(const char *what, const char *mode);
/* SIGSTOP or SIGCONT to all its processes. */
void cluster_signal(int signal_number);
/* One statement, by a session of its own; the first line that it answers. */
void cluster_ask(const char *url, const char *sql, char *out, size_t cap);

#endif
