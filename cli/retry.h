/* Trying again: exponential backoff with full jitter, so that a fleet that was refused together does not come
 * back together ("Exponential Backoff And Jitter", AWS Architecture Blog, 2015). */
#ifndef OFA_CLI_RETRY_H
#define OFA_CLI_RETRY_H

#include "api.h"
#include "base/rng.h"

#define RETRY_PAUSE_MAX_S 60.0

struct retry {
	const char *command; /* what is being done, for the line that says so: "pull" */
	int attempts;        /* further ones in a row, none of which brought anything, before giving up */
	double base_s;       /* the first pause is at most this long, each further one at most twice the one before */
	int failed;          /* in a row */
	struct ofa_rng rng;
};

/* Seeded from the system, so that two devices do not draw the same pauses. */
void retry_init(struct retry *r, const char *command, int attempts, double base_s);
/* Something was received: the count begins anew. */
void retry_progress(struct retry *r);
/* After an attempt that failed as `last` and `why` say: waits, for no shorter than the server asked for, and
 * tells so on stderr in one line.  False at once when the failure does not pass or the attempts are used up. */
bool retry_wait(struct retry *r, const struct api_response *last, const struct ofa_error *why);
/* The pause before attempt `failed` + 1, seconds: uniform in [0, base * 2^(failed - 1)], at most RETRY_PAUSE_MAX_S; a
 * pause that the server asked for comes before it. */
double retry_pause(struct retry *r, double retry_after_s);

/* api_send(), again and again while the failure passes and attempts are left.  Not with a receiver. */
enum ofa_status retry_send(struct retry *r, const struct api_request *req, struct api_response *ret,
                           struct ofa_error *err) OFA_MUST_CHECK;
/* Sleeps, through signals. */
void retry_sleep(double seconds);

#endif
