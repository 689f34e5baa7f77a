#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "store/pg.h"
#include "store/pg_driver.h"

static const char *replica_of(struct store *s)
{
	return s->driver->sharing->replica(s);
}

static bool same_fingerprint(const PGresult *res, const uint8_t *fingerprint)
{
	uint8_t there[OFA_SHA256_BYTES];

	return pg_get_digest(res, 0, 0, there) && memcmp(there, fingerprint, sizeof(there)) == 0;
}

static enum ofa_status append_result(const PGresult *res, struct ofa_buf *result, struct ofa_error *err)
{
	size_t size;
	unsigned char *bytes = PQunescapeBytea((const unsigned char *)PQgetvalue(res, 0, 1), &size);
	enum ofa_status st = bytes ? ofa_buf_append(result, bytes, size) : OFA_ERR_NOMEM;

	PQfreemem(bytes);
	return st == OFA_OK ? st : ofa_fail(err, st, NULL, "the result of a request is too large to be repeated");
}

/* One that is there.  One that was there a moment ago and is not any more is as good as under way: who repeats the
 * request finds out. */
static enum ofa_status look(struct store *base, const uint8_t *key, const uint8_t *fingerprint, enum store_key *ret,
			    struct ofa_buf *result, char ret_owner[STORE_REPLICA_CHARS + 1], struct ofa_error *err)
{
	static const struct pg_statement q = {
		"key_look", "SELECT fingerprint, result, owner FROM idempotency_keys WHERE key = $1", false};
	struct pg_args a = {0};
	PGresult *res;
	enum ofa_status st;

	pg_bytes(&a, key, OFA_SHA256_BYTES);
	st = pg_run(pg_of(base), &q, &a, PG_AGAIN, &res, err);
	if (st != OFA_OK)
		return st;
	*ret = STORE_KEY_BUSY;
	ret_owner[0] = '\0';
	if (PQntuples(res) == 1) {
		snprintf(ret_owner, STORE_REPLICA_CHARS + 1, "%s", PQgetvalue(res, 0, 2));
		if (!same_fingerprint(res, fingerprint)) {
			*ret = STORE_KEY_OTHER;
		} else if (!PQgetisnull(res, 0, 1)) {
			*ret = STORE_KEY_DONE;
			st = append_result(res, result, err);
		}
	}
	PQclear(res);
	return st;
}

enum ofa_status pg_key_begin(struct store *base, const uint8_t *key, const uint8_t *fingerprint,
			     double pending_seconds, enum store_key *ret, struct ofa_buf *result,
			     char ret_owner[STORE_REPLICA_CHARS + 1], struct ofa_error *err)
{
	static const struct pg_statement q = {
		"key_begin",
		"INSERT INTO idempotency_keys AS k (key, fingerprint, owner, expires)"
		" VALUES ($1, $2, $3, now() + $4::float8 * interval '1 second')"
		" ON CONFLICT (key) DO UPDATE SET fingerprint = excluded.fingerprint, owner = excluded.owner,"
		" result = NULL, expires = excluded.expires WHERE k.expires <= now() RETURNING key",
		false};
	struct pg_args a = {0};
	PGresult *res;
	enum ofa_status st;
	bool first;

	pg_bytes(&a, key, OFA_SHA256_BYTES);
	pg_bytes(&a, fingerprint, OFA_SHA256_BYTES);
	pg_text(&a, replica_of(base));
	pg_real(&a, pending_seconds);
	/* one that was made unbeknownst is found to be this replica's, which knows that it is not under way */
	st = pg_run(pg_of(base), &q, &a, PG_AGAIN, &res, err);
	if (st != OFA_OK)
		return st;
	first = PQntuples(res) > 0;
	PQclear(res);
	if (!first)
		return look(base, key, fingerprint, ret, result, ret_owner, err);
	*ret = STORE_KEY_FIRST;
	return OFA_OK;
}

enum ofa_status pg_key_take(struct store *base, const uint8_t *key, const char *owner, double pending_seconds,
			    bool *ret_taken, struct ofa_error *err)
{
	static const struct pg_statement q = {
		"key_take",
		"UPDATE idempotency_keys SET owner = $3, expires = now() + $4::float8 * interval '1 second'"
		" WHERE key = $1 AND owner = $2 AND result IS NULL",
		false};
	struct pg_args a = {0};
	PGresult *res;
	enum ofa_status st;

	pg_bytes(&a, key, OFA_SHA256_BYTES);
	pg_text(&a, owner);
	pg_text(&a, replica_of(base));
	pg_real(&a, pending_seconds);
	st = pg_run(pg_of(base), &q, &a, PG_AGAIN, &res, err);
	if (st != OFA_OK)
		return st;
	*ret_taken = pg_changed(res) > 0;
	PQclear(res);
	return OFA_OK;
}

enum ofa_status pg_key_settle(struct store *base, const uint8_t *key, const void *result, size_t size,
			      double keep_seconds, struct ofa_error *err)
{
	static const struct pg_statement q = {
		"key_settle",
		"UPDATE idempotency_keys SET result = $3, expires = now() + $4::float8 * interval '1 second'"
		" WHERE key = $1 AND owner = $2 AND result IS NULL",
		false};
	struct pg_args a = {0};

	pg_bytes(&a, key, OFA_SHA256_BYTES);
	pg_text(&a, replica_of(base));
	pg_bytes(&a, result, size);
	pg_real(&a, keep_seconds);
	return pg_run(pg_of(base), &q, &a, PG_AGAIN, NULL, err);
}

enum ofa_status pg_key_drop(struct store *base, const uint8_t *key, bool settled, struct ofa_error *err)
{
	static const struct pg_statement q = {
		"key_drop",
		"DELETE FROM idempotency_keys"
		" WHERE key = $1 AND CASE WHEN $3 THEN result IS NOT NULL ELSE result IS NULL AND owner = $2 END",
		false};
	struct pg_args a = {0};

	pg_bytes(&a, key, OFA_SHA256_BYTES);
	pg_text(&a, replica_of(base));
	pg_boolean(&a, settled);
	return pg_run(pg_of(base), &q, &a, PG_AGAIN, NULL, err);
}

enum ofa_status pg_key_prune(struct store *base, unsigned max, struct ofa_error *err)
{
	static const struct pg_statement old = {
		"key_prune_old", "DELETE FROM idempotency_keys WHERE expires <= now()", false};
	static const struct pg_statement many = {
		"key_prune_many",
		"DELETE FROM idempotency_keys WHERE result IS NOT NULL AND key IN"
		" (SELECT key FROM idempotency_keys ORDER BY expires DESC OFFSET $1::bigint)",
		false};
	struct store_pg *s = pg_of(base);
	struct pg_args a = {0};
	enum ofa_status st = pg_run(s, &old, NULL, PG_AGAIN, NULL, err);

	if (st != OFA_OK)
		return st;
	pg_integer(&a, max);
	return pg_run(s, &many, &a, PG_AGAIN, NULL, err);
}
