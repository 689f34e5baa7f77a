#include "retry.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

void retry_init(struct retry *r, const char *command, int attempts, double base_s)
{
	uint64_t seed;

	*r = (struct retry){.command = command, .attempts = attempts, .base_s = base_s};
	if (getrandom(&seed, sizeof seed, 0) != sizeof seed)
		seed = (uint64_t)getpid() << 32 ^ (uint64_t)time(NULL);
	ofa_rng_init(&r->rng, seed);
}

void retry_progress(struct retry *r)
{
	r->failed = 0;
}

double retry_pause(struct retry *r, double retry_after_s)
{
	double longest = fmin(ldexp(r->base_s, r->failed - 1), RETRY_PAUSE_MAX_S);

	return retry_after_s + longest * ofa_rng_double(&r->rng);
}

void retry_sleep(double seconds)
{
	struct timespec left = {.tv_sec = (time_t)seconds, .tv_nsec = (long)(1e9 * (seconds - floor(seconds)))};

	while (nanosleep(&left, &left) != 0 && errno == EINTR)
		;
}

bool retry_wait(struct retry *r, const struct api_response *last, const struct ofa_error *why)
{
	double pause;

	if (!last->transient || r->failed >= r->attempts)
		return false;
	r->failed++;
	pause = retry_pause(r, last->retry_after_s);
	fprintf(stderr, "ofa: %s: %s; trying again in %.1f s (%d of %d)\n", r->command, why->message, pause, r->failed,
	        r->attempts);
	retry_sleep(pause);
	return true;
}

enum ofa_status retry_send(struct retry *r, const struct api_request *req, struct api_response *ret,
                           struct ofa_error *err)
{
	enum ofa_status st = api_send(req, ret, err);

	while (st != OFA_OK && retry_wait(r, ret, err)) {
		api_response_release(ret);
		*err = (struct ofa_error){.status = OFA_OK};
		st = api_send(req, ret, err);
	}
	if (st == OFA_OK)
		retry_progress(r);
	return st;
}
