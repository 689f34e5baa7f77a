#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "clock.h"
#include "service/ledger.h"

#define NETWORK_CHARS (2 * OFA_SHA256_BYTES + 1)

struct ledger_account {
	char network[NETWORK_CHARS]; /* SHA-256 of its file: another file is another account */
	const char *name;
	struct ledger_sums before; /* of earlier runs, when this one began */
	atomic_uint_least64_t deliveries, n[LEDGER_WORK_COUNT], cpu_ns[LEDGER_WORK_COUNT]; /* of this one */
	/* with `writing` held: what of them is in the database */
	uint64_t written_deliveries, written_n[LEDGER_WORK_COUNT], written_ns[LEDGER_WORK_COUNT];
};

struct ledger {
	struct store *store;
	const struct log *log;
	pthread_mutex_t writing; /* while the database is brought up to date, or read */
	pthread_mutex_t lock;
	pthread_cond_t stop_now;
	bool stop, failing;
	pthread_t writer;
	size_t n;
	struct ledger_account accounts[];
};

/* ---- booking ---- */

void ledger_spend(struct ledger_account *account, enum ledger_work work, double cpu_seconds)
{
	if (!account)
		return;
	atomic_fetch_add_explicit(&account->n[work], 1, memory_order_relaxed);
	if (cpu_seconds > 0)
		atomic_fetch_add_explicit(&account->cpu_ns[work], (uint64_t)(cpu_seconds * 1e9), memory_order_relaxed);
}

void ledger_deliver(struct ledger_account *account)
{
	if (account)
		atomic_fetch_add_explicit(&account->deliveries, 1, memory_order_relaxed);
}

static uint64_t get(const atomic_uint_least64_t *from)
{
	return atomic_load_explicit(from, memory_order_relaxed);
}

/* What was booked by this run, beyond what is counted already. */
static void add_booked(const struct ledger_account *a, uint64_t deliveries, const uint64_t n[LEDGER_WORK_COUNT],
		       const uint64_t ns[LEDGER_WORK_COUNT], struct ledger_sums *ret)
{
	ret->deliveries += get(&a->deliveries) - deliveries;
	for (int w = 0; w < LEDGER_WORK_COUNT; w++) {
		ret->n[w] += get(&a->n[w]) - n[w];
		ret->cpu_seconds[w] += (double)(get(&a->cpu_ns[w]) - ns[w]) * 1e-9;
	}
}

static enum ofa_status read_shared(struct ledger *l, const struct ledger_account *a, struct ledger_sums *ret,
				   struct ofa_error *err)
{
	struct ledger_sums sums = {0};
	enum ofa_status st;

	memcpy(sums.since, a->before.since, sizeof(sums.since));
	pthread_mutex_lock(&l->writing);
	st = l->store->driver->ledger_get(l->store, a->network, sums.since, &sums.deliveries, sums.n, sums.cpu_seconds,
					  err);
	if (st == OFA_OK || st == OFA_ERR_NOT_FOUND) /* nobody has written any yet */
		add_booked(a, a->written_deliveries, a->written_n, a->written_ns, &sums);
	pthread_mutex_unlock(&l->writing);
	if (st != OFA_OK && st != OFA_ERR_NOT_FOUND)
		return st;
	*ret = sums;
	return OFA_OK;
}

enum ofa_status ledger_read(struct ledger *l, const struct ledger_account *account, struct ledger_sums *ret,
			    struct ofa_error *err)
{
	static const uint64_t nothing[LEDGER_WORK_COUNT];

	if (store_sharing(l->store))
		return read_shared(l, account, ret, err);
	*ret = account->before;
	add_booked(account, 0, nothing, nothing, ret);
	return OFA_OK;
}

double ledger_training_cpu_seconds(const struct ofa_supernet *net)
{
	const json_t *value = json_object_get(json_object_get(net->lineage, "cost"), "cpu_seconds");
	double seconds = json_number_value(value);

	return json_is_number(value) && isfinite(seconds) && seconds >= 0 ? seconds : NAN;
}

/* ---- keeping ---- */

static enum ofa_status write_account(struct ledger *l, struct ledger_account *a, struct ofa_error *err)
{
	uint64_t deliveries = get(&a->deliveries), n[LEDGER_WORK_COUNT], ns[LEDGER_WORK_COUNT];
	struct store_ledger more = {
		.network = a->network,
		.name = a->name,
		.since = a->before.since,
		.deliveries = deliveries - a->written_deliveries,
	};
	bool any = more.deliveries > 0;
	enum ofa_status st;

	for (int w = 0; w < LEDGER_WORK_COUNT; w++) {
		n[w] = get(&a->n[w]);
		ns[w] = get(&a->cpu_ns[w]);
		more.n[w] = n[w] - a->written_n[w];
		more.cpu_seconds[w] = (double)(ns[w] - a->written_ns[w]) * 1e-9;
		any = any || more.n[w] > 0 || ns[w] > a->written_ns[w];
	}
	if (!any)
		return OFA_OK;
	st = l->store->driver->ledger_add(l->store, &more, err);
	if (st != OFA_OK)
		return st;
	a->written_deliveries = deliveries;
	memcpy(a->written_n, n, sizeof(n));
	memcpy(a->written_ns, ns, sizeof(ns));
	return OFA_OK;
}

/* What cannot be written now stays booked and is tried again. */
static void write_all(struct ledger *l)
{
	struct ofa_error err = {0};
	enum ofa_status st = OFA_OK;

	for (size_t i = 0; i < l->n && st == OFA_OK; i++) {
		pthread_mutex_lock(&l->writing);
		st = write_account(l, &l->accounts[i], &err);
		pthread_mutex_unlock(&l->writing);
	}
	if (st != OFA_OK && !l->failing)
		log_message(l->log, LOG_LEVEL_ERROR, "the ledger cannot be written: %s", err.message);
	l->failing = st != OFA_OK;
}

static void *writer_main(void *arg)
{
	struct ledger *l = arg;
	struct timespec until;
	bool stop;

	clock_gettime(CLOCK_MONOTONIC, &until);
	do {
		until.tv_sec += LEDGER_SECONDS;
		pthread_mutex_lock(&l->lock);
		while (!l->stop && pthread_cond_timedwait(&l->stop_now, &l->lock, &until) != ETIMEDOUT)
			;
		stop = l->stop;
		pthread_mutex_unlock(&l->lock);
		write_all(l);
		clock_gettime(CLOCK_MONOTONIC, &until);
	} while (!stop);
	return NULL;
}

/* ---- life ---- */

static enum ofa_status open_account(struct ledger *l, struct ledger_account *a, const struct network *network,
				    struct ofa_error *err)
{
	enum ofa_status st;

	ofa_hex(network->net->sha256, OFA_SHA256_BYTES, a->network);
	a->name = network->net->name;
	clock_rfc3339(a->before.since);
	st = l->store->driver->ledger_get(l->store, a->network, a->before.since, &a->before.deliveries, a->before.n,
					  a->before.cpu_seconds, err);
	return st == OFA_ERR_NOT_FOUND ? OFA_OK : st;
}

static enum ofa_status start(struct ledger *l, struct networks *networks, struct ofa_error *err)
{
	enum ofa_status st = OFA_OK;
	int rc;

	for (size_t i = 0; i < l->n && st == OFA_OK; i++)
		st = open_account(l, &l->accounts[i], &networks->list[i], err);
	if (st != OFA_OK)
		return st;
	rc = pthread_create(&l->writer, NULL, writer_main, l);
	return rc ? ofa_fail(err, OFA_ERR_IO, NULL, "cannot start the ledger's writer: %s", strerror(rc)) : OFA_OK;
}

static void destroy(struct ledger *l)
{
	pthread_cond_destroy(&l->stop_now);
	pthread_mutex_destroy(&l->lock);
	pthread_mutex_destroy(&l->writing);
	free(l);
}

enum ofa_status ledger_open(struct networks *networks, struct store *store, const struct log *log, struct ledger **ret,
			    struct ofa_error *err)
{
	struct ledger *l = calloc(1, sizeof(*l) + networks->n * sizeof(l->accounts[0]));
	pthread_condattr_t attr;
	enum ofa_status st;

	if (!l)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	l->store = store;
	l->log = log;
	l->n = networks->n;
	pthread_mutex_init(&l->writing, NULL);
	pthread_mutex_init(&l->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&l->stop_now, &attr);
	pthread_condattr_destroy(&attr);
	st = start(l, networks, err);
	if (st != OFA_OK) {
		destroy(l);
		return st;
	}
	for (size_t i = 0; i < l->n; i++)
		networks->list[i].account = &l->accounts[i];
	*ret = l;
	return OFA_OK;
}

void ledger_close(struct ledger *l)
{
	if (!l)
		return;
	pthread_mutex_lock(&l->lock);
	l->stop = true;
	pthread_cond_signal(&l->stop_now);
	pthread_mutex_unlock(&l->lock);
	pthread_join(l->writer, NULL);
	destroy(l);
}
