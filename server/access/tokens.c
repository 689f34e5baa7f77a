#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "access/generation.h"
#include "access/scopes.h"
#include "access/token.h"
#include "access/tokens.h"
#include "clock.h"

struct token {
	uint8_t sha256[OFA_SHA256_BYTES];
	struct principal principal;
	int64_t expires; /* Unix seconds; 0: never */
	bool revoked;
};

struct table {
	struct token *list; /* by the prefix of the hash, ascending */
	size_t n, cap;
};

struct tokens {
	struct store *store;
	const struct store_sharing *sharing; /* NULL: the store is this machine's */
	double stale_ms;
	_Atomic double doubt_ms; /* since when the table of a shared store may be out of date; 0: it is not */
	pthread_mutex_t reading; /* one after the other reads a shared store, so that the newest table stays */
	struct generation generation; /* of a store of this machine's */
	/* Of what follows; held for a look-up, and while a changed table of this machine's is read. */
	pthread_mutex_t lock;
	struct table table;
	uint64_t loaded; /* the generation that the table is of */
	bool stale;      /* reading it failed */
};

/* ---- reading the store ---- */

/* The first bytes order the table; what decides is the comparison of the whole, in constant time. */
static uint64_t prefix(const uint8_t sha256[OFA_SHA256_BYTES])
{
	uint64_t v;

	memcpy(&v, sha256, sizeof(v));
	return v;
}

static enum ofa_status take_row(void *ctx, const struct store_token *row)
{
	struct table *table = ctx;
	struct token *t;

	if (table->n == TOKENS_MAX)
		return OFA_ERR_LIMIT;
	if (table->n == table->cap) {
		size_t cap = table->cap ? 2 * table->cap : 16;
		struct token *list = realloc(table->list, cap * sizeof(*list));

		if (!list)
			return OFA_ERR_NOMEM;
		table->list = list;
		table->cap = cap;
	}
	t = &table->list[table->n];
	*t = (struct token){.expires = row->expires, .revoked = row->revoked_at != NULL};
	memcpy(t->sha256, row->sha256, OFA_SHA256_BYTES);
	snprintf(t->principal.id, sizeof(t->principal.id), "token:%s", row->id);
	t->principal.number = prefix(row->sha256);
	snprintf(t->principal.owner, sizeof(t->principal.owner), "%s", row->owner);
	if (scopes_parse(row->scopes, &t->principal.scopes, NULL) != OFA_OK)
		t->principal.scopes = 0; /* of a later version: it may do nothing here */
	table->n++;
	return OFA_OK;
}

static int by_prefix(const void *a, const void *b)
{
	uint64_t x = prefix(((const struct token *)a)->sha256), y = prefix(((const struct token *)b)->sha256);

	return x < y ? -1 : x > y;
}

static enum ofa_status read_rows(struct tokens *t, struct table *ret, struct ofa_error *err)
{
	struct table table = {.n = 0};
	enum ofa_status st = t->store->driver->token_list(t->store, take_row, &table, err);

	if (st != OFA_OK) {
		free(table.list);
		return ofa_fail(err, st, NULL, "there are more tokens than %d, or no memory for them", TOKENS_MAX);
	}
	if (table.n)
		qsort(table.list, table.n, sizeof(*table.list), by_prefix);
	*ret = table;
	return OFA_OK;
}

/* With the lock.  The generation is read first: a change that comes while the rows are read is seen by the next
 * check. */
static enum ofa_status load(struct tokens *t, struct ofa_error *err)
{
	uint64_t generation = generation_read(&t->generation);
	struct table table;
	enum ofa_status st = read_rows(t, &table, err);

	if (st == OFA_OK) {
		free(t->table.list);
		t->table = table;
		t->loaded = generation;
	}
	t->stale = st != OFA_OK;
	return st;
}

/* Without the lock: checks go on meanwhile. */
static enum ofa_status load_shared(struct tokens *t, struct ofa_error *err)
{
	struct token *old = NULL;
	struct table table;
	enum ofa_status st;

	pthread_mutex_lock(&t->reading);
	st = read_rows(t, &table, err);
	if (st == OFA_OK) {
		pthread_mutex_lock(&t->lock);
		old = t->table.list;
		t->table = table;
		pthread_mutex_unlock(&t->lock);
		atomic_store(&t->doubt_ms, 0);
	}
	pthread_mutex_unlock(&t->reading);
	free(old);
	return st;
}

/* With the lock: is the table what the store holds? */
static bool current(struct tokens *t)
{
	if (t->sharing || (!t->stale && t->loaded == generation_read(&t->generation)))
		return true;
	return load(t, NULL) == OFA_OK;
}

/* Is the table what a shared store held not too long ago? */
static bool fresh(struct tokens *t)
{
	double doubt = atomic_load_explicit(&t->doubt_ms, memory_order_relaxed);

	return t->sharing->silence_ms(t->store) <= t->stale_ms && (doubt <= 0 || clock_ms() - doubt <= t->stale_ms);
}

/* ---- the interface ---- */

enum ofa_status tokens_open(const struct tokens_options *opt, struct tokens **ret, struct ofa_error *err)
{
	struct tokens *t = calloc(1, sizeof(*t));
	enum ofa_status st;

	if (!t)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	t->store = opt->store;
	t->sharing = store_sharing(opt->store);
	t->stale_ms = opt->stale_ms;
	pthread_mutex_init(&t->lock, NULL);
	pthread_mutex_init(&t->reading, NULL);
	st = t->sharing ? OFA_OK : generation_open(opt->dir, &t->generation, err);
	if (st == OFA_OK)
		st = tokens_reload(t, err);
	if (st != OFA_OK) {
		tokens_close(t);
		return st;
	}
	*ret = t;
	return OFA_OK;
}

void tokens_close(struct tokens *t)
{
	if (!t)
		return;
	free(t->table.list);
	generation_close(&t->generation);
	pthread_mutex_destroy(&t->reading);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

static const struct token *find(const struct table *table, const uint8_t sha256[OFA_SHA256_BYTES])
{
	uint64_t wanted = prefix(sha256);
	size_t low = 0, high = table->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (prefix(table->list[middle].sha256) < wanted)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < table->n && prefix(table->list[low].sha256) == wanted; low++)
		if (ofa_sha256_equal(table->list[low].sha256, sha256))
			return &table->list[low];
	return NULL;
}

enum token_verdict tokens_check(struct tokens *t, const char *text, size_t n, struct principal *ret)
{
	enum token_verdict verdict = TOKEN_VALID;
	uint8_t sha256[OFA_SHA256_BYTES];
	const struct token *found;

	if (!token_ok(text, n))
		return TOKEN_UNKNOWN;
	if (t->sharing && !fresh(t))
		return TOKEN_UNREACHABLE;
	token_hash(text, n, sha256);
	pthread_mutex_lock(&t->lock);
	if (!current(t))
		verdict = TOKEN_UNSURE;
	else if (!(found = find(&t->table, sha256)))
		verdict = TOKEN_UNKNOWN;
	else if (found->revoked)
		verdict = TOKEN_REVOKED;
	else if (found->expires && (int64_t)time(NULL) >= found->expires)
		verdict = TOKEN_EXPIRED;
	else
		*ret = found->principal;
	pthread_mutex_unlock(&t->lock);
	return verdict;
}

bool tokens_none(struct tokens *t)
{
	bool none;

	pthread_mutex_lock(&t->lock);
	none = current(t) && t->table.n == 0;
	pthread_mutex_unlock(&t->lock);
	return none;
}

enum ofa_status tokens_reload(struct tokens *t, struct ofa_error *err)
{
	enum ofa_status st;

	if (t->sharing)
		return load_shared(t, err);
	pthread_mutex_lock(&t->lock);
	st = load(t, err);
	pthread_mutex_unlock(&t->lock);
	return st;
}

/* From the first reason on. */
static void doubt(struct tokens *t, double since_ms)
{
	double sure = 0;

	(void)atomic_compare_exchange_strong(&t->doubt_ms, &sure, since_ms);
}

enum ofa_status tokens_changed(struct tokens *t, struct ofa_error *err)
{
	doubt(t, clock_ms());
	return tokens_reload(t, err);
}

void tokens_lost(struct tokens *t)
{
	doubt(t, clock_ms() - t->sharing->silence_ms(t->store));
}

bool tokens_in_doubt(struct tokens *t)
{
	return atomic_load(&t->doubt_ms) > 0;
}
