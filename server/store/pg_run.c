#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "store/pg.h"

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

enum ofa_status pg_plain(PGconn *pq, const char *sql, PGresult **ret, struct ofa_error *err)
{
	PGresult *res = PQexec(pq, sql);
	ExecStatusType said = PQresultStatus(res);

	if (said != PGRES_COMMAND_OK && said != PGRES_TUPLES_OK) {
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

static bool is_prepared(const struct pg_conn *c, const struct pg_statement *q)
{
	for (size_t i = 0; i < c->n_prepared; i++)
		if (c->prepared[i] == q)
			return true;
	return false;
}

static PGresult *prepare(struct pg_conn *c, const struct pg_statement *q)
{
	PGresult *res = PQprepare(c->pq, q->name, q->sql, 0, NULL);

	if (PQresultStatus(res) == PGRES_COMMAND_OK)
		c->prepared[c->n_prepared++] = q;
	return res;
}

enum ofa_status pg_on(struct pg_conn *c, const struct pg_statement *q, const struct pg_args *a, PGresult **ret,
		      struct ofa_error *err)
{
	static const struct pg_args none;
	PGresult *res = NULL;
	enum ofa_status st;

	a = a ? a : &none;
	if (!is_prepared(c, q) && c->n_prepared < PG_STATEMENTS_MAX) {
		res = prepare(c, q);
		if (PQresultStatus(res) != PGRES_COMMAND_OK) {
			st = pg_fail(c->pq, res, err);
			PQclear(res);
			return st;
		}
		PQclear(res);
	}
	res = is_prepared(c, q)
		      ? PQexecPrepared(c->pq, q->name, a->n, a->value, a->length, a->format, q->binary)
		      : PQexecParams(c->pq, q->sql, a->n, NULL, a->value, a->length, a->format, q->binary);
	if (PQresultStatus(res) != PGRES_COMMAND_OK && PQresultStatus(res) != PGRES_TUPLES_OK) {
		st = pg_fail(c->pq, res, err);
		PQclear(res);
		return st;
	}
	if (ret)
		*ret = res;
	else
		PQclear(res);
	return OFA_OK;
}

enum ofa_status pg_run(struct store_pg *s, const struct pg_statement *q, const struct pg_args *a, enum pg_again again,
		       PGresult **ret, struct ofa_error *err)
{
	struct ofa_error first = {0};
	struct pg_conn *c;
	enum ofa_status st = pg_take(s, &c, err);
	bool told;

	if (st != OFA_OK)
		return st;
	st = pg_on(c, q, a, ret, &first);
	/* an error that the database itself tells is that of a statement that changed nothing */
	told = PQstatus(c->pq) == CONNECTION_OK;
	pg_give(s, c);
	if (st != OFA_ERR_UNAVAILABLE)
		return st == OFA_OK ? st : ofa_fail(err, st, NULL, "%s", first.message);
	if (!told && again == PG_ONCE)
		return ofa_fail(err, st, NULL, "%s (whether it was done is not known)", first.message);
	st = pg_take(s, &c, err);
	if (st != OFA_OK)
		return st;
	st = pg_on(c, q, a, ret, err);
	pg_give(s, c);
	return st;
}

/* ---- transactions ---- */

enum ofa_status pg_begin(struct store_pg *s, struct pg_conn **ret, struct ofa_error *err)
{
	struct ofa_error first = {0};
	struct pg_conn *c;
	enum ofa_status st = pg_take(s, &c, err);

	if (st != OFA_OK)
		return st;
	st = pg_plain(c->pq, "BEGIN", NULL, &first);
	if (st == OFA_ERR_UNAVAILABLE) { /* nothing was done yet */
		pg_give(s, c);
		st = pg_take(s, &c, err);
		if (st != OFA_OK)
			return st;
		st = pg_plain(c->pq, "BEGIN", NULL, err);
	} else if (st != OFA_OK) {
		st = ofa_fail(err, st, NULL, "%s", first.message);
	}
	if (st != OFA_OK) {
		pg_give(s, c);
		return st;
	}
	*ret = c;
	return OFA_OK;
}

enum ofa_status pg_end(struct store_pg *s, struct pg_conn *c, enum ofa_status st, struct ofa_error *err)
{
	if (st == OFA_OK)
		st = pg_plain(c->pq, "COMMIT", NULL, err);
	else if (PQstatus(c->pq) == CONNECTION_OK)
		(void)!pg_plain(c->pq, "ROLLBACK", NULL, NULL);
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
