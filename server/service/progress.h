/* How far work has come and whether it is still wanted: told by the worker that does it, read by anybody. */
#ifndef OFAD_SERVICE_PROGRESS_H
#define OFAD_SERVICE_PROGRESS_H

#include <stdatomic.h>
#include <stdbool.h>

enum progress_stage {
	PROGRESS_QUEUED,
	PROGRESS_FRONT,  /* computing, or waiting for, the front that answers */
	PROGRESS_SEARCH,
	PROGRESS_PACK,
	PROGRESS_STAGE_COUNT
};
const char *progress_stage_name(enum progress_stage stage);

struct progress {
	atomic_bool cancel;         /* anybody may set it: the work ends at its next step */
	const atomic_bool *closing; /* the daemon's: likewise; or NULL */
	double deadline_ms;         /* clock_ms() at which it ends too; 0: none */
	/* read freely; each is right, though not all are of one moment */
	atomic_uint version; /* grows with every change */
	atomic_int stage;    /* enum progress_stage */
	atomic_int evaluations, budget;
	_Atomic double best_accuracy; /* 0: none yet */
};

void progress_init(struct progress *p, const atomic_bool *closing);
/* Is it to end, for whatever reason?  Then cancel is set from now on. */
bool progress_over(struct progress *p);
/* A new stage: its evaluations start at 0. */
void progress_enter(struct progress *p, enum progress_stage stage);
/* For the engine's progress callbacks; ctx is a struct progress. */
void progress_told(void *ctx, int evaluations, int budget, double best_accuracy);
/* Tells the same as other does, who works for both. */
void progress_follow(struct progress *p, const struct progress *other);

#endif
