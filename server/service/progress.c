#include "clock.h"
#include "service/progress.h"

const char *progress_stage_name(enum progress_stage stage)
{
	static const char *const names[PROGRESS_STAGE_COUNT] = {
		[PROGRESS_QUEUED] = "queued",
		[PROGRESS_FRONT] = "front",
		[PROGRESS_SEARCH] = "search",
		[PROGRESS_PACK] = "pack",
	};

	return names[stage];
}

void progress_init(struct progress *p, const atomic_bool *closing)
{
	atomic_init(&p->cancel, false);
	p->closing = closing;
	p->deadline_ms = 0;
	atomic_init(&p->version, 1);
	atomic_init(&p->stage, PROGRESS_QUEUED);
	atomic_init(&p->evaluations, 0);
	atomic_init(&p->budget, 0);
	atomic_init(&p->best_accuracy, 0);
}

bool progress_over(struct progress *p)
{
	if (p->closing && atomic_load_explicit(p->closing, memory_order_relaxed))
		atomic_store(&p->cancel, true);
	if (p->deadline_ms > 0 && clock_ms() > p->deadline_ms)
		atomic_store(&p->cancel, true);
	return atomic_load(&p->cancel);
}

void progress_enter(struct progress *p, enum progress_stage stage)
{
	atomic_store(&p->evaluations, 0);
	atomic_store(&p->budget, 0);
	atomic_store(&p->stage, stage);
	atomic_fetch_add(&p->version, 1);
}

void progress_told(void *ctx, int evaluations, int budget, double best_accuracy)
{
	struct progress *p = ctx;

	atomic_store_explicit(&p->evaluations, evaluations, memory_order_relaxed);
	atomic_store_explicit(&p->budget, budget, memory_order_relaxed);
	atomic_store_explicit(&p->best_accuracy, best_accuracy, memory_order_relaxed);
	atomic_fetch_add_explicit(&p->version, 1, memory_order_release);
	/* the engine looks at cancel before it tells: it ends one step later */
	(void)progress_over(p);
}

void progress_follow(struct progress *p, const struct progress *other)
{
	progress_told(p, atomic_load(&other->evaluations), atomic_load(&other->budget),
		      atomic_load(&other->best_accuracy));
}
