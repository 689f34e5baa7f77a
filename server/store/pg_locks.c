#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "clock.h"
#include "store/notification.h"
#include "store/pg_session.h"

#define KEY_CHARS 24

/* What a lock is known by: 64 bits.  Two questions that share them wait for each other, which does no harm. */
static void key_of(const uint8_t question[OFA_SHA256_BYTES], char out[KEY_CHARS])
{
	uint64_t bits = 0;
	int64_t key;

	for (int i = 0; i < 8; i++)
		bits = bits << 8 | question[i];
	memcpy(&key, &bits, sizeof(key));
	snprintf(out, KEY_CHARS, "%lld", (long long)key);
}

/* ---- the connection; with the lock held ---- */

static void drop(struct pg_session *p)
{
	PQfinish(p->locks); /* NULL is allowed */
	p->locks = NULL;
	p->lives = false;
}

/* Runs it and drops what can be used no more. */
static enum ofa_status ask(struct pg_session *p, const char *sql, int n, const char *const *values, PGresult **ret,
			   struct ofa_error *err)
{
	enum ofa_status st = pg_session_ask(p->locks, sql, n, values, ret, err);

	if (!pg_session_usable(p->locks))
		drop(p);
	return st;
}

static enum ofa_status try_lock(struct pg_session *p, const char *key, bool *ret, struct ofa_error *err)
{
	PGresult *res;
	enum ofa_status st = ask(p, "SELECT pg_try_advisory_lock($1)", 1, &key, &res, err);

	if (st != OFA_OK)
		return st;
	*ret = pg_get_boolean(res, 0, 0);
	PQclear(res);
	return OFA_OK;
}

/* The locks of a machine that is gone without a word are free after some ten seconds. */
static enum ofa_status expect_little(struct pg_session *p, struct ofa_error *err)
{
	return ask(p,
		   "SELECT set_config('tcp_keepalives_idle', '5', false), "
		   "set_config('tcp_keepalives_interval', '2', false), "
		   "set_config('tcp_keepalives_count', '3', false), set_config('tcp_user_timeout', '10000', false)",
		   0, NULL, NULL, err);
}

/* The session of before may still be there, as far as the database knows, and have the lock: then it is tried again. */
static enum ofa_status live(struct pg_session *p, struct ofa_error *err)
{
	char key[KEY_CHARS];

	if (p->lives)
		return OFA_OK;
	snprintf(key, sizeof(key), "%lld", (long long)p->number);
	return try_lock(p, key, &p->lives, err);
}

static enum ofa_status connect_if_needed(struct pg_session *p, struct ofa_error *err)
{
	enum ofa_status st;

	if (p->locks)
		return OFA_OK;
	if (pg_session_lost(p))
		return ofa_fail(err, OFA_ERR_UNAVAILABLE, NULL, "database: it is out of reach");
	if (p->failed_ms > 0 && clock_ms() - p->failed_ms < PG_REST_MS)
		return ofa_fail(err, OFA_ERR_UNAVAILABLE, NULL, "database: it could not be reached a moment ago");
	st = pg_connect(p->store, &p->locks, err);
	if (st == OFA_OK)
		st = expect_little(p, err);
	if (st == OFA_OK)
		st = live(p, err);
	p->failed_ms = st == OFA_OK ? 0 : clock_ms();
	return st;
}

/* ---- the interface ---- */

void pg_locks_tend(struct pg_session *p)
{
	struct ofa_error err = {0};

	if (pthread_mutex_trylock(&p->locking))
		return;
	if (p->locks)
		(void)!ask(p, "SELECT 1", 0, NULL, NULL, &err);
	if (connect_if_needed(p, &err) == OFA_OK)
		(void)!live(p, &err);
	pthread_mutex_unlock(&p->locking);
}

enum ofa_status pg_locks_take(struct pg_session *p, const uint8_t question[OFA_SHA256_BYTES], bool *ret_held,
			      struct ofa_error *err)
{
	struct ofa_error first = {0};
	char key[KEY_CHARS];
	enum ofa_status st;

	key_of(question, key);
	pthread_mutex_lock(&p->locking);
	st = connect_if_needed(p, &first);
	if (st == OFA_OK)
		st = try_lock(p, key, ret_held, &first);
	if (st == OFA_ERR_UNAVAILABLE && !p->locks && p->failed_ms <= 0) {
		/* the connection was an old one; what it may have locked is free again */
		first = (struct ofa_error){0};
		st = connect_if_needed(p, &first);
		if (st == OFA_OK)
			st = try_lock(p, key, ret_held, &first);
	}
	pthread_mutex_unlock(&p->locking);
	return st == OFA_OK ? st : ofa_fail(err, st, NULL, "%s", first.message);
}

void pg_locks_give(struct pg_session *p, const uint8_t question[OFA_SHA256_BYTES])
{
	char key[KEY_CHARS], hex[2 * OFA_SHA256_BYTES + 1], payload[NOTIFICATION_MAX] = "";
	const char *const values[] = {key, payload};

	key_of(question, key);
	ofa_hex(question, OFA_SHA256_BYTES, hex);
	(void)notification_format(STORE_TOPIC_DELIVERY, hex, payload);
	pthread_mutex_lock(&p->locking);
	/* without the connection the lock is gone already, and who waits looks by itself */
	if (p->locks)
		(void)!ask(p, "SELECT pg_advisory_unlock($1), pg_notify('" PG_CHANNEL "', $2)", 2, values, NULL, NULL);
	pthread_mutex_unlock(&p->locking);
}

enum ofa_status pg_locks_lives(struct pg_session *p, const char *replica, bool *ret, struct ofa_error *err)
{
	/* a lock of one number of 64 bits is shown as two of 32, with objsubid 1 */
	static const struct pg_statement query = {
		"replica_lives",
		"SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1 "
		"AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
		"AND classid = $1::bigint::oid AND objid = $2::bigint::oid)",
		false,
	};
	char halves[2][STORE_REPLICA_CHARS / 2 + 1] = {{0}};
	struct pg_args args = {0};
	PGresult *res;
	enum ofa_status st;

	if (strlen(replica) != STORE_REPLICA_CHARS || strspn(replica, "0123456789abcdef") != STORE_REPLICA_CHARS) {
		*ret = false;
		return OFA_OK;
	}
	memcpy(halves[0], replica, STORE_REPLICA_CHARS / 2);
	memcpy(halves[1], replica + STORE_REPLICA_CHARS / 2, STORE_REPLICA_CHARS / 2);
	for (int i = 0; i < 2; i++)
		pg_integer(&args, (int64_t)strtoull(halves[i], NULL, 16));
	st = pg_run(p->store, &query, &args, PG_AGAIN, &res, err);
	if (st != OFA_OK)
		return st;
	*ret = pg_get_boolean(res, 0, 0);
	PQclear(res);
	return OFA_OK;
}
