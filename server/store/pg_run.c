#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "store/pg.h"

#define UNKNOWN " (whether it was done is not known)"

/* ---- values ---- */

static void add(struct pg_args *a, const char *value, size_t length, int format)
{
	a->value[a->n] = value;
	a->length[a->n] = (int)length;
	a->format[a->n] = format;
	a->n++;
}

void pg_text(struct pg_args *a, const char *s)
{
	add(a, s, 0, 0);
}

/* In binary a text is its bytes, which need no NUL behind them. */
void pg_text_n(struct pg_args *a, const char *s, size_t n)
{
	add(a, s, n, 1);
}

void pg_integer(struct pg_args *a, int64_t v)
{
	char *text = a->text[a->n];

	snprintf(text, sizeof(a->text[0]), "%lld", (long long)v);
	add(a, text, 0, 0);
}

void pg_real(struct pg_args *a, double v)
{
	char *text = a->text[a->n];

	snprintf(text, sizeof(a->text[0]), "%.17g", v);
	add(a, isnan(v) ? NULL : text, 0, 0);
}

void pg_boolean(struct pg_args *a, bool v)
{
	add(a, v ? "t" : "f", 0, 0);
}

void pg_bytes(struct pg_args *a, const void *p, size_t n)
{
	add(a, p, n, 1);
}

/* ---- running ---- */

static bool is_prepared(const struct pg_conn *c, const struct pg_statement *q)
{
	for (size_t i = 0; i < c->n_prepared; i++)
		if (c->prepared[i] == q)
			return true;
	return false;
}

static bool is_good(const PGresult *res)
{
	return PQresultStatus(res) == PGRES_COMMAND_OK || PQresultStatus(res) == PGRES_TUPLES_OK;
}

/* Hands the result over, or says why there is none. */
static enum ofa_status give_out(PGconn *pq, PGresult *res, PGresult **ret, struct ofa_error *err)
{
	if (!is_good(res)) {
		enum ofa_status st = pg_fail(pq, res, err);

		PQclear(res);
		return st;
	}
	if (ret)
		*ret = res;
	else
		PQclear(res);
	return OFA_OK;
}

enum ofa_status pg_command(PGconn *pq, const char *sql, PGresult **ret, struct ofa_error *err)
{
	return give_out(pq, pg_answer(pq, PQsendQuery(pq, sql), PG_PATIENCE_MS), ret, err);
}

enum ofa_status pg_plain(PGconn *pq, const char *sql, PGresult **ret, struct ofa_error *err)
{
	return give_out(pq, PQexec(pq, sql), ret, err);
}

/* `sent`: the statement itself failed, not its preparation. */
static enum ofa_status failed(struct pg_conn *c, PGresult *res, bool sent, struct ofa_error *err)
{
	const char *said = PQresultErrorField(res, PG_DIAG_SQLSTATE);
	const char *state = said ? said : "";
	enum ofa_status st;

	c->failure = PG_UNDONE;
	if (PQstatus(c->pq) != CONNECTION_OK)
		c->failure = sent ? PG_UNKNOWN : PG_UNLUCKY;
	else if (strncmp(state, "40", 2) == 0)
		c->failure = PG_UNLUCKY;
	else if (strcmp(state, "25006") == 0)
		c->spoilt = true; /* another connection may lead to the leader */
	if (sent && (strcmp(state, "0A000") == 0 || strcmp(state, "26000") == 0)) {
		/* a migration has changed what it gives, or somebody has deallocated it: prepared anew it works */
		c->spoilt = true;
		c->failure = PG_UNLUCKY;
		st = ofa_fail(err, OFA_ERR_UNAVAILABLE, NULL, "database: a prepared statement is out of date");
	} else {
		st = pg_fail(c->pq, res, err);
	}
	PQclear(res);
	return st;
}

enum ofa_status pg_on(struct pg_conn *c, const struct pg_statement *q, const struct pg_args *a, PGresult **ret,
		      struct ofa_error *err)
{
	static const struct pg_args none;
	PGresult *res;
	int sent;

	a = a ? a : &none;
	if (!is_prepared(c, q) && c->n_prepared < PG_STATEMENTS_MAX) {
		res = pg_answer(c->pq, PQsendPrepare(c->pq, q->name, q->sql, 0, NULL), PG_PATIENCE_MS);
		if (!is_good(res))
			return failed(c, res, false, err);
		PQclear(res);
		c->prepared[c->n_prepared++] = q;
	}
	sent = is_prepared(c, q)
		       ? PQsendQueryPrepared(c->pq, q->name, a->n, a->value, a->length, a->format, q->binary)
		       : PQsendQueryParams(c->pq, q->sql, a->n, NULL, a->value, a->length, a->format, q->binary);
	res = pg_answer(c->pq, sent, PG_PATIENCE_MS);
	if (!is_good(res))
		return failed(c, res, true, err);
	if (ret)
		*ret = res;
	else
		PQclear(res);
	return OFA_OK;
}

/* *ret_failure: when it failed. */
static enum ofa_status run_once(struct store_pg *s, const struct pg_statement *q, const struct pg_args *a,
				PGresult **ret, enum pg_failure *ret_failure, struct ofa_error *err)
{
	struct pg_conn *c;
	enum ofa_status st = pg_take(s, &c, err);

	*ret_failure = PG_UNDONE;
	if (st != OFA_OK)
		return st;
	st = pg_on(c, q, a, ret, err);
	*ret_failure = c->failure;
	pg_give(s, c);
	return st;
}

enum ofa_status pg_run(struct store_pg *s, const struct pg_statement *q, const struct pg_args *a, enum pg_again again,
		       PGresult **ret, struct ofa_error *err)
{
	struct ofa_error first = {0};
	enum pg_failure failure;
	enum ofa_status st = run_once(s, q, a, ret, &failure, &first);

	if (st == OFA_OK)
		return OFA_OK;
	if (failure == PG_UNLUCKY || (failure == PG_UNKNOWN && again == PG_AGAIN))
		return run_once(s, q, a, ret, &failure, err);
	return ofa_fail(err, st, NULL, "%s%s", first.message, failure == PG_UNKNOWN ? UNKNOWN : "");
}

enum ofa_status pg_fetch_text(struct store_pg *s, const struct pg_statement *q, const struct pg_args *a,
			      struct ofa_buf *buf, uint64_t *ret_number, struct ofa_error *err)
{
	struct ofa_error said = {0};
	PGresult *res;
	enum ofa_status st = pg_run(s, q, a, PG_AGAIN, &res, &said);

	if (st == OFA_ERR_INVALID) /* what is no text is nobody's key */
		return OFA_ERR_NOT_FOUND;
	if (st != OFA_OK)
		return ofa_fail(err, st, NULL, "%s", said.message);
	if (PQntuples(res) == 0) {
		st = OFA_ERR_NOT_FOUND;
	} else {
		st = ofa_buf_append(buf, PQgetvalue(res, 0, 0), (size_t)PQgetlength(res, 0, 0));
		if (st != OFA_OK)
			ofa_fail(err, st, NULL, "the database row is larger than expected");
		else if (ret_number)
			*ret_number = (uint64_t)pg_get_integer(res, 0, 1);
	}
	PQclear(res);
	return st;
}

/* ---- transactions ---- */

/* `sql` begins it and does nothing else that would stay. */
static enum ofa_status begin(struct store_pg *s, const char *sql, struct pg_conn **ret, struct ofa_error *err)
{
	for (int attempt = 0;; attempt++) {
		struct ofa_error said = {0};
		struct pg_conn *c;
		enum ofa_status st = pg_take(s, &c, err);
		bool lost;

		if (st != OFA_OK)
			return st;
		st = pg_command(c->pq, sql, NULL, &said);
		if (st == OFA_OK) {
			*ret = c;
			return OFA_OK;
		}
		lost = PQstatus(c->pq) != CONNECTION_OK;
		pg_give(s, c);
		if (!lost || attempt > 0)
			return ofa_fail(err, st, NULL, "%s", said.message);
	}
}

enum ofa_status pg_begin(struct store_pg *s, struct pg_conn **ret, struct ofa_error *err)
{
	return begin(s, "BEGIN", ret, err);
}

enum ofa_status pg_begin_locked(struct store_pg *s, enum pg_lock lock, const char *of, struct pg_conn **ret,
				struct ofa_error *err)
{
	uint8_t digest[OFA_SHA256_BYTES];
	int32_t key;
	char sql[96];

	ofa_sha256(of, strlen(of), digest);
	memcpy(&key, digest, sizeof(key)); /* two texts of one key wait for each other, nothing worse */
	snprintf(sql, sizeof(sql), "BEGIN; SELECT pg_catalog.pg_advisory_xact_lock(%d, %d)", lock, (int)key);
	return begin(s, sql, ret, err);
}

/* A transaction that has failed is rolled back by COMMIT, too, which then says so. */
static enum ofa_status commit(struct pg_conn *c, struct ofa_error *err)
{
	struct ofa_error said = {0};
	PGresult *res = NULL;
	enum ofa_status st = pg_command(c->pq, "COMMIT", &res, &said);

	if (st != OFA_OK)
		return ofa_fail(err, st, NULL, "%s%s", said.message, PQstatus(c->pq) == CONNECTION_OK ? "" : UNKNOWN);
	if (strcmp(PQcmdStatus(res), "COMMIT") != 0)
		st = ofa_fail(err, OFA_ERR_IO, NULL, "database: the transaction was rolled back");
	PQclear(res);
	return st;
}

enum ofa_status pg_end(struct store_pg *s, struct pg_conn *c, enum ofa_status st, struct ofa_error *err)
{
	if (st == OFA_OK)
		st = commit(c, err);
	else if (PQstatus(c->pq) == CONNECTION_OK)
		(void)!pg_command(c->pq, "ROLLBACK", NULL, NULL);
	pg_give(s, c);
	return st;
}

/* ---- results ---- */

const char *pg_get_text(const PGresult *res, int row, int column)
{
	return PQgetisnull(res, row, column) ? NULL : PQgetvalue(res, row, column);
}

int64_t pg_get_integer(const PGresult *res, int row, int column)
{
	return strtoll(PQgetvalue(res, row, column), NULL, 10); /* that of NULL is "" */
}

double pg_get_real(const PGresult *res, int row, int column)
{
	return PQgetisnull(res, row, column) ? NAN : strtod(PQgetvalue(res, row, column), NULL);
}

bool pg_get_boolean(const PGresult *res, int row, int column)
{
	return PQgetvalue(res, row, column)[0] == 't';
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool pg_get_digest(const PGresult *res, int row, int column, uint8_t out[OFA_SHA256_BYTES])
{
	const char *hex = PQgetvalue(res, row, column);

	if (strlen(hex) != 2 + 2 * OFA_SHA256_BYTES || hex[0] != '\\' || hex[1] != 'x')
		return false;
	for (int i = 0; i < OFA_SHA256_BYTES; i++) {
		int hi = hex_value(hex[2 + 2 * i]), lo = hex_value(hex[3 + 2 * i]);

		if (hi < 0 || lo < 0)
			return false;
		out[i] = (uint8_t)(hi << 4 | lo);
	}
	return true;
}

unsigned long long pg_changed(const PGresult *res)
{
	return strtoull(PQcmdTuples((PGresult *)(uintptr_t)res), NULL, 10);
}
