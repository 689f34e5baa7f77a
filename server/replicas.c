#include <stdatomic.h>
#include <stdlib.h>
#include "clock.h"
#include "replicas.h"

struct replicas {
	struct replicas_options opt;
	const struct store_sharing *sharing;
	/* the listening thread's */
	double lost_ms; /* when contact was lost; 0 */
	uint64_t measurement;
	bool measuring; /* a new one was seen when the database answered last */
	bool tokens_failing;
	/* read by anybody */
	atomic_ullong losses, heard[STORE_TOPIC_COUNT];
};

/* ---- what is told ---- */

static void hear_profile(struct replicas *r, const char *text)
{
	profiles_forget(r->opt.profiles, text);
}

/* What cannot be read now is tried again when the database answers next. */
static void read_tokens(struct replicas *r)
{
	struct ofa_error err = {0};
	bool failed = tokens_changed(r->opt.tokens, &err) != OFA_OK;

	if (failed && !r->tokens_failing)
		log_message(r->opt.log, LOG_LEVEL_ERROR, "the tokens cannot be read: %s", err.message);
	r->tokens_failing = failed;
}

static void hear_tokens(struct replicas *r, const char *text)
{
	(void)text;
	read_tokens(r);
}

static void hear_delivery(struct replicas *r, const char *text)
{
	deliveries_hear(r->opt.deliveries, text);
}

static void hear_job(struct replicas *r, const char *text)
{
	jobs_heard(r->opt.jobs, text);
}

/* One row for each topic. */
static void (*const hearers[STORE_TOPIC_COUNT])(struct replicas *r, const char *text) = {
	[STORE_TOPIC_PROFILE] = hear_profile,
	[STORE_TOPIC_TOKENS] = hear_tokens,
	[STORE_TOPIC_DELIVERY] = hear_delivery,
	[STORE_TOPIC_JOB] = hear_job,
};

static void heard(void *ctx, enum store_topic topic, const char *text)
{
	struct replicas *r = ctx;

	atomic_fetch_add_explicit(&r->heard[topic], 1, memory_order_relaxed);
	hearers[topic](r, text);
}

/* ---- contact ---- */

static void missed(void *ctx)
{
	struct replicas *r = ctx;

	if (r->lost_ms > 0)
		log_message(r->opt.log, LOG_LEVEL_INFO, "the database is in reach again, after %.1f s",
			    (clock_ms() - r->lost_ms) * 1e-3);
	r->lost_ms = 0;
	read_tokens(r);
	profiles_forget_all(r->opt.profiles);
	jobs_missed(r->opt.jobs);
}

static void lost(void *ctx, const char *why)
{
	struct replicas *r = ctx;

	r->lost_ms = clock_ms();
	tokens_lost(r->opt.tokens);
	atomic_fetch_add_explicit(&r->losses, 1, memory_order_relaxed);
	log_message(r->opt.log, LOG_LEVEL_ERROR, "the database is out of reach: %s", why);
}

/* Whoever took a number before another may have stored his measurement after him: so a new one counts twice. */
static void answered(void *ctx, uint64_t measurement)
{
	struct replicas *r = ctx;
	bool news = measurement != r->measurement;

	if (tokens_in_doubt(r->opt.tokens))
		read_tokens(r);
	if (news || r->measuring)
		calibrations_touch(r->opt.calibrations);
	r->measurement = measurement;
	r->measuring = news;
}

/* ---- life ---- */

enum ofa_status replicas_new(const struct replicas_options *opt, struct replicas **ret, struct ofa_error *err)
{
	const struct store_sharing *sharing = store_sharing(opt->store);
	struct store_listener listener = {.heard = heard, .missed = missed, .lost = lost, .answered = answered};
	struct replicas *r;
	enum ofa_status st;

	*ret = NULL;
	if (!sharing)
		return OFA_OK;
	r = calloc(1, sizeof(*r));
	if (!r)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	r->opt = *opt;
	r->sharing = sharing;
	listener.ctx = r;
	st = sharing->listen(opt->store, &listener, err);
	if (st != OFA_OK) {
		free(r);
		return st;
	}
	log_message(opt->log, LOG_LEVEL_INFO, "replica %s", sharing->replica(opt->store));
	*ret = r;
	return OFA_OK;
}

void replicas_free(struct replicas *r)
{
	if (!r)
		return;
	r->sharing->unlisten(r->opt.store);
	free(r);
}

bool replicas_view(struct replicas *r, struct replicas_view *ret)
{
	if (!r)
		return false;
	ret->silence_ms = r->sharing->silence_ms(r->opt.store);
	ret->reachable = ret->silence_ms <= r->opt.patience_ms;
	ret->losses = atomic_load_explicit(&r->losses, memory_order_relaxed);
	for (int i = 0; i < STORE_TOPIC_COUNT; i++)
		ret->heard[i] = atomic_load_explicit(&r->heard[i], memory_order_relaxed);
	return true;
}
