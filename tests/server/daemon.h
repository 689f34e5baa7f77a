/* A real ofad on a free loopback port, and a client for it: what the end-to-end tests stand on. */
#ifndef OFA_TESTS_DAEMON_H
#define OFA_TESTS_DAEMON_H

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "runner.h"

/* ---- the world: a temporary directory with two networks and a profile that fits both ---- */

/* Before the first test; ends the program when the networks cannot be made. */
void world_make(void);
void world_remove(void);
/* A path in it; valid until the fourth next call. */
const char *world_path(const char *name);

#define NETWORK "tiny"         /* the default network */
#define OTHER_NETWORK "second" /* same space, other name */

/* ---- the daemon ---- */

struct daemon {
	pid_t pid;
	unsigned port;
};

/* Starts ofad on both networks and the given data directory (a name in the world); further arguments up to
 * NULL.  It dies with the test. */
void daemon_start(struct daemon *d, const char *data, ...) __attribute__((sentinel));
/* The next daemon finds these listening sockets as a service manager passes them; the caller keeps its own. */
void daemon_pass_sockets(const int *fds, int n, const char *names);
/* Until GET /readyz says 200. */
void daemon_wait_ready(const struct daemon *d);
/* Both at once: what most checks need.  Checks run in a process each, with data of their own. */
void daemon_begin(struct daemon *d, const char *data);
/* SIGTERM, after which it must end with 0. */
void daemon_end(struct daemon *d);
/* Sends the signal, waits, returns the status of waitpid(). */
int daemon_stop(struct daemon *d, int signal_number);
/* Runs ofad with these arguments up to NULL to its end; its exit status, and what it printed. */
int daemon_run(char *output, size_t cap, ...) __attribute__((sentinel));
/* How many lines of its log contain the text. */
int daemon_log_count(const char *data, const char *text);

/* ---- the client ---- */

struct reply {
	long status;
	struct ofa_buf headers, body;
};
void reply_release(struct reply *r);
/* Value of a header, or NULL; valid until the fourth next call. */
const char *reply_header(const struct reply *r, const char *name);
/* The body as JSON; a new reference. */
json_t *reply_json(const struct reply *r);

/* Members of a JSON object that must be there and of this type; a string is borrowed from it. */
const char *string_at(json_t *json, const char *key);
double number_at(json_t *json, const char *key);
int integer_at(json_t *json, const char *key);

/* One request on a connection of its own.  `headers`: "Name: value" lines separated by \n, or NULL. */
void ask(const struct daemon *d, const char *method, const char *path, const char *headers, const char *body,
	 struct reply *ret);
/* POST /subnets with the given Accept. */
void post_subnet(const struct daemon *d, const char *accept, const char *body, struct reply *ret);
/* The status alone. */
long ask_status(const struct daemon *d, const char *method, const char *path, const char *headers, const char *body);
/* The value of a series ("name{label=\"..\"}") in GET /metrics; 0 when there is none. */
double metric_of(const struct daemon *d, const char *series);
/* The reply is a problem with this status, type and, unless NULL, field; returns it. */
json_t *check_problem(const struct reply *r, long status, const char *slug, const char *field);

/* Sends raw bytes on a fresh connection and collects what comes back until the other end closes or is
 * silent for two seconds, as a string. */
void raw_exchange(const struct daemon *d, const void *bytes, size_t n, char *out, size_t cap);
int raw_connect(const struct daemon *d);

#endif
