#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "clock.h"
#include "service/package_keeper.h"

#define BATCH 256
#define MARGIN 16 /* a sweep leaves a MARGIN-th of the bound free, so that the next one is not due at once */
#define DAY_SECONDS 86400

struct package_keeper {
	struct package_keeper_options opt;
	pthread_mutex_t lock; /* what follows */
	pthread_cond_t wake;
	bool stop, due;
	struct store_package_totals totals;
	/* the thread's */
	pthread_t thread;
	bool failing, listed;
	double swept_ms; /* clock_ms() of the last sweep */
};

/* What is dropped together. */
struct batch {
	size_t n;
	struct {
		char id[PACKAGE_ID_CHARS + 1];
		uint64_t size_bytes;
		int64_t used_at;
	} list[BATCH];
};

static int64_t now_s(void)
{
	return (int64_t)time(NULL);
}

/* ---- what was asked for ---- */

static enum ofa_status write_uses(struct package_keeper *k, struct ofa_error *err)
{
	const struct store_driver *driver = k->opt.store->driver;
	char ids[BATCH][PACKAGE_ID_CHARS + 1];
	const char *list[BATCH];
	enum ofa_status st = OFA_OK;
	size_t n;

	for (size_t i = 0; i < BATCH; i++)
		list[i] = ids[i];
	while (st == OFA_OK && (n = packages_take_uses(k->opt.packages, ids, BATCH)) > 0)
		st = driver->package_used(k->opt.store, list, n, now_s(), err);
	return st;
}

/* ---- what is there and unknown ---- */

static enum ofa_status ignore(void *ctx, const struct store_indexed *p)
{
	*(bool *)ctx = p->dropped;
	return OFA_OK;
}

struct reconciling {
	struct package_keeper *keeper;
	struct ofa_error *err;
	unsigned long long taken_in;
};

static enum ofa_status take_in(void *ctx, const char *id, uint64_t size_bytes)
{
	struct reconciling *r = ctx;
	struct store *store = r->keeper->opt.store;
	bool dropped = false;
	enum ofa_status st = store->driver->package_find(store, id, ignore, &dropped, r->err);

	if ((st == OFA_OK && !dropped) || (st != OFA_OK && st != OFA_ERR_NOT_FOUND))
		return st;
	r->taken_in++;
	return store->driver->package_add(store,
					  &(struct store_indexed){.id = id,
								  .size_bytes = size_bytes,
								  .network = "",
								  .network_sha256 = "",
								  .used_at = now_s()},
					  r->err);
}

static enum ofa_status reconcile(struct package_keeper *k, struct ofa_error *err)
{
	struct package_store *from = packages_store(k->opt.packages);
	struct reconciling r = {.keeper = k, .err = err};
	enum ofa_status st;

	if (!from->driver->list)
		return OFA_OK;
	st = from->driver->list(from, take_in, &r, err);
	if (r.taken_in)
		log_message(k->opt.log, LOG_LEVEL_INFO, "%llu packages were found that the index did not know",
			    r.taken_in);
	return st;
}

/* ---- sweeping ---- */

static enum ofa_status gather(void *ctx, const struct store_indexed *p)
{
	struct batch *b = ctx;

	if (b->n == BATCH || strlen(p->id) != PACKAGE_ID_CHARS)
		return OFA_OK;
	memcpy(b->list[b->n].id, p->id, PACKAGE_ID_CHARS + 1);
	b->list[b->n].size_bytes = p->size_bytes;
	b->list[b->n++].used_at = p->used_at;
	return OFA_OK;
}

/* First the bytes: were it the row, a crash between the two would leave bytes that nobody knows of.  A row without
 * bytes is dropped again, which does no harm. */
static enum ofa_status drop(struct package_keeper *k, const struct batch *b, size_t i, enum metrics_counter why,
			    uint64_t *kept, struct ofa_error *err)
{
	struct package_store *from = packages_store(k->opt.packages);
	struct store *store = k->opt.store;
	bool dropped = false;
	enum ofa_status st = from->driver->drop(from, b->list[i].id, err);

	if (st == OFA_OK)
		st = store->driver->package_dropped(store, b->list[i].id, b->list[i].used_at, now_s(), &dropped, err);
	if (st == OFA_OK && dropped) {
		*kept -= b->list[i].size_bytes < *kept ? b->list[i].size_bytes : *kept;
		metrics_add(k->opt.metrics, why, 1);
	}
	return st;
}

static bool stopping(struct package_keeper *k)
{
	bool stop;

	pthread_mutex_lock(&k->lock);
	stop = k->stop;
	pthread_mutex_unlock(&k->lock);
	return stop;
}

/* Those not used since `before`, the longest unused first, while more than `target` bytes are kept. */
static enum ofa_status drop_until(struct package_keeper *k, int64_t before, uint64_t target, enum metrics_counter why,
				  uint64_t *kept, unsigned long long *n, struct ofa_error *err)
{
	struct batch *b = malloc(sizeof(*b));
	enum ofa_status st = b ? OFA_OK : ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");

	while (st == OFA_OK && *kept > target && !stopping(k)) {
		const uint64_t had = *kept;

		b->n = 0;
		st = k->opt.store->driver->package_oldest(k->opt.store, before, BATCH, gather, b, err);
		for (size_t i = 0; i < b->n && st == OFA_OK && *kept > target; i++, ++*n)
			st = drop(k, b, i, why, kept, err);
		if (*kept == had)
			break; /* there is nothing left that may go */
	}
	free(b);
	return st;
}

static enum ofa_status sweep(struct package_keeper *k, struct ofa_error *err)
{
	const struct package_keeper_options *opt = &k->opt;
	const int64_t now = now_s(), grace = now - PACKAGE_KEEPER_GRACE_SECONDS;
	const int64_t aged = now - (int64_t)opt->max_days * DAY_SECONDS;
	struct store_package_totals totals;
	unsigned long long by_age = 0, by_bytes = 0;
	uint64_t kept;
	enum ofa_status st = opt->store->driver->package_totals(opt->store, &totals, err);

	kept = totals.bytes;
	if (st == OFA_OK && opt->max_days)
		st = drop_until(k, aged < grace ? aged : grace, 0, METRICS_PACKAGES_DROPPED_AGE, &kept, &by_age, err);
	if (st == OFA_OK && opt->max_bytes && kept > opt->max_bytes)
		st = drop_until(k, grace, opt->max_bytes - opt->max_bytes / MARGIN, METRICS_PACKAGES_DROPPED_BYTES,
				&kept, &by_bytes, err);
	if (by_age + by_bytes)
		log_message(opt->log, LOG_LEVEL_INFO,
			    "%llu packages were dropped for their age and %llu for the bytes of all", by_age, by_bytes);
	return st;
}

/* What the index says now. */
static enum ofa_status look(struct package_keeper *k, struct ofa_error *err)
{
	struct store_package_totals totals;
	enum ofa_status st = k->opt.store->driver->package_totals(k->opt.store, &totals, err);

	if (st != OFA_OK)
		return st;
	pthread_mutex_lock(&k->lock);
	k->totals = totals;
	pthread_mutex_unlock(&k->lock);
	return OFA_OK;
}

/* On one of several servers at a time: another one's sweep is as good. */
static enum ofa_status sweep_alone(struct package_keeper *k, struct ofa_error *err)
{
	static const char name[] = "ofad: the packages are being swept"; /* no question has its digest */
	const struct store_sharing *sharing = k->opt.store->driver->sharing;
	uint8_t lock[OFA_SHA256_BYTES];
	enum ofa_status st = OFA_OK;
	bool held = true;

	ofa_sha256(name, sizeof(name), lock);
	if (sharing)
		st = sharing->question_lock(k->opt.store, lock, &held, err);
	if (st == OFA_OK && held && !k->listed) {
		st = reconcile(k, err);
		k->listed = st == OFA_OK;
	}
	if (st == OFA_OK && held)
		st = sweep(k, err);
	if (sharing && held)
		sharing->question_unlock(k->opt.store, lock);
	return st == OFA_OK ? look(k, err) : st;
}

/* ---- the thread ---- */

static void work(struct package_keeper *k, bool sweeping)
{
	struct ofa_error err = {0};
	enum ofa_status st = write_uses(k, &err);

	if (sweeping) {
		if (st == OFA_OK)
			st = sweep_alone(k, &err);
		k->swept_ms = clock_ms();
	}
	if (st != OFA_OK && !k->failing)
		log_message(k->opt.log, LOG_LEVEL_ERROR, "packages cannot be kept track of: %s", err.message);
	k->failing = st != OFA_OK;
}

/* Until something is to be done; *ret_sweep: a sweep is.  False: the end. */
static bool await_work(struct package_keeper *k, bool *ret_sweep)
{
	const double begin = clock_ms();
	bool stop;

	pthread_mutex_lock(&k->lock);
	for (;;) {
		double now = clock_ms(), until = begin + PACKAGE_KEEPER_SECONDS * 1e3, since = now - k->swept_ms;
		const double rest = k->swept_ms + PACKAGE_KEEPER_REST_SECONDS * 1e3;
		struct timespec at;

		*ret_sweep = (k->due && now >= rest) || since >= PACKAGE_KEEPER_SWEEP_SECONDS * 1e3;
		if (k->stop || *ret_sweep || now >= until)
			break;
		if (k->due && rest < until)
			until = rest;
		at.tv_sec = (time_t)(until / 1e3);
		at.tv_nsec = (long)((until - (double)at.tv_sec * 1e3) * 1e6);
		pthread_cond_timedwait(&k->wake, &k->lock, &at);
	}
	if (*ret_sweep)
		k->due = false;
	stop = k->stop;
	pthread_mutex_unlock(&k->lock);
	return !stop;
}

static void *keeper_main(void *arg)
{
	struct package_keeper *k = arg;
	bool sweeping = true;

	work(k, sweeping);
	while (await_work(k, &sweeping))
		work(k, sweeping);
	work(k, false);
	return NULL;
}

/* ---- life ---- */

enum ofa_status package_keeper_open(const struct package_keeper_options *opt, struct package_keeper **ret,
				    struct ofa_error *err)
{
	struct package_keeper *k = calloc(1, sizeof(*k));
	pthread_condattr_t attr;
	int rc;

	if (!k)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	k->opt = *opt;
	pthread_mutex_init(&k->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&k->wake, &attr);
	pthread_condattr_destroy(&attr);
	rc = pthread_create(&k->thread, NULL, keeper_main, k);
	if (rc) {
		pthread_cond_destroy(&k->wake);
		pthread_mutex_destroy(&k->lock);
		free(k);
		return ofa_fail(err, OFA_ERR_IO, NULL, "cannot start the keeper of packages: %s", strerror(rc));
	}
	*ret = k;
	return OFA_OK;
}

void package_keeper_close(struct package_keeper *k)
{
	if (!k)
		return;
	pthread_mutex_lock(&k->lock);
	k->stop = true;
	pthread_cond_signal(&k->wake);
	pthread_mutex_unlock(&k->lock);
	pthread_join(k->thread, NULL);
	pthread_cond_destroy(&k->wake);
	pthread_mutex_destroy(&k->lock);
	free(k);
}

enum ofa_status package_keeper_add(struct package_keeper *k, const char *id, uint64_t size_bytes,
				   const struct network *network, struct ofa_error *err)
{
	char sha256[2 * OFA_SHA256_BYTES + 1];
	enum ofa_status st;

	if (!k)
		return OFA_OK;
	ofa_hex(network->net->sha256, OFA_SHA256_BYTES, sha256);
	st = k->opt.store->driver->package_add(k->opt.store,
					       &(struct store_indexed){.id = id,
								       .size_bytes = size_bytes,
								       .network = network->net->name,
								       .network_sha256 = sha256,
								       .used_at = now_s()},
					       err);
	if (st != OFA_OK)
		return st;
	pthread_mutex_lock(&k->lock);
	k->totals.n++;
	k->totals.bytes += size_bytes;
	if (k->opt.max_bytes && k->totals.bytes > k->opt.max_bytes && !k->due) {
		k->due = true;
		pthread_cond_signal(&k->wake);
	}
	pthread_mutex_unlock(&k->lock);
	return OFA_OK;
}

void package_keeper_totals(struct package_keeper *k, struct store_package_totals *ret)
{
	pthread_mutex_lock(&k->lock);
	*ret = k->totals;
	pthread_mutex_unlock(&k->lock);
}
