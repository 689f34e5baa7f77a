/* A client of jobs: what the tests of long work share. */
#ifndef OFA_TESTS_JOB_CLIENT_H
#define OFA_TESTS_JOB_CLIENT_H

#include "daemon.h"

#define JSON "application/json"
#define PACKAGE "application/vnd.ofa.subnet"
#define SEND_JSON "Content-Type: application/json"
/* The front of a stored profile is computed once, and what asks for latency waits for it: some ten seconds. */
#if defined(__SANITIZE_THREAD__)
#define LONG_EVALUATIONS 200000
#elif defined(__SANITIZE_ADDRESS__)
#define LONG_EVALUATIONS 2000000
#else
#define LONG_EVALUATIONS 10000000
#endif
#define TEXT_OF(macro) TEXT_OF_(macro)
#define TEXT_OF_(text) #text
#define LONG_FRONT "--front-evaluations", TEXT_OF(LONG_EVALUATIONS)
#define SLOW "{\"profile\":\"" NETWORK "\",\"limits\":{\"latency_ms\":0.12}}"
#define SLOW_TOO "{\"profile\":\"" NETWORK "\",\"limits\":{\"latency_ms\":0.13}}"

double now_ms(void);
void pause_ms(long ms);

/* Stores the profile that SLOW names. */
void store_profile(const struct daemon *d);
/* SIGTERM, and it ends well. */
void end(struct daemon *d);

/* POST /subnets for a package, with this Prefer field or NULL. */
void post(const struct daemon *d, const char *prefer, const char *body, struct reply *r);
#define JOB_PATH_MAX 128
/* Checks a 202 with all that belongs to it, Preference-Applied being `applied` or, when that is NULL, absent; the job's
 * path. */
void accepted(const struct reply *r, const char *applied, char path[JOB_PATH_MAX]);
/* Asks with respond-async and is told of a job. */
void begin_job(const struct daemon *d, const char *body, char path[JOB_PATH_MAX]);
json_t *get_job(const struct daemon *d, const char *path);
void cancel_job(const struct daemon *d, const char *path);
bool state_is(json_t *job, const char *state);
/* The job once it is over. */
json_t *await_job(const struct daemon *d, const char *path);
/* Until the log has this many lines with the text, and no more. */
void await_log(const char *data, const char *text, int count);

#endif
