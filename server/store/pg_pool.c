#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "clock.h"
#include "store/pg.h"

struct store_pg *pg_of(struct store *s)
{
	return (struct store_pg *)(void *)s;
}

/* ---- errors ---- */

/* SQLSTATE, PostgreSQL's appendix A: by class, or in full. */
static enum ofa_status status_of(PGconn *pq, const PGresult *res)
{
	static const struct {
		const char *state;
		enum ofa_status status;
	} known[] = {
		{"53100", OFA_ERR_EXHAUSTED},   /* the disk is full */
		{"53", OFA_ERR_UNAVAILABLE},    /* no memory, no connection to spare */
		{"08", OFA_ERR_UNAVAILABLE},    /* connection */
		{"57", OFA_ERR_UNAVAILABLE},    /* it stops, starts, or took too long */
		{"25006", OFA_ERR_UNAVAILABLE}, /* only readable: not the leader */
		{"40", OFA_ERR_UNAVAILABLE},    /* rolled back for another transaction's sake */
		{"55P03", OFA_ERR_UNAVAILABLE}, /* a lock that is not to be had */
		{"22021", OFA_ERR_INVALID},     /* no UTF-8, or a NUL */
	};
	const char *state = res ? PQresultErrorField(res, PG_DIAG_SQLSTATE) : NULL;

	if (PQstatus(pq) != CONNECTION_OK)
		return OFA_ERR_UNAVAILABLE;
	for (size_t i = 0; state && i < OFA_ARRAY_LEN(known); i++)
		if (strncmp(state, known[i].state, strlen(known[i].state)) == 0)
			return known[i].status;
	return OFA_ERR_IO;
}

enum ofa_status pg_fail(PGconn *pq, const PGresult *res, struct ofa_error *err)
{
	const char *message = res ? PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY) : NULL;
	const char *said = message ? message : PQerrorMessage(pq);

	return ofa_fail(err, status_of(pq, res), NULL, "database: %.*s", (int)strcspn(said, "\n"), said);
}

/* ---- connections ---- */

static void hear_no_notice(void *ctx, const PGresult *res)
{
	(void)ctx;
	(void)res;
}

/* What every connection is to keep to, whatever the database's defaults are. */
static enum ofa_status settle(PGconn *pq, struct ofa_error *err)
{
	char sql[320];

	snprintf(sql, sizeof(sql),
		 "SET statement_timeout = %d; SET idle_in_transaction_session_timeout = %d; "
		 "SET default_transaction_isolation = 'read committed'; SET bytea_output = 'hex'; "
		 "SET extra_float_digits = 1; SET client_min_messages = warning",
		 PG_STATEMENT_MS, PG_IDLE_MS);
	return pg_command(pq, sql, NULL, err);
}

enum ofa_status pg_connect(struct store_pg *s, PGconn **ret, struct ofa_error *err)
{
	/* what stands before dbname the URL may say otherwise */
	static const char *const keywords[] = {"connect_timeout",  "application_name", "keepalives_idle",
					       "keepalives_count", "keepalives_interval", "tcp_user_timeout",
					       "dbname",	   "client_encoding",  NULL};
	const char *const values[] = {PG_CONNECT_SECONDS, "ofad", "5", "3", "2", "10000", s->url, "UTF8", NULL};
	PGconn *pq = PQconnectdbParams(keywords, values, 1);
	enum ofa_status st;

	if (!pq)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	if (PQstatus(pq) == CONNECTION_OK) {
		PQsetNoticeReceiver(pq, hear_no_notice, NULL);
		(void)PQsetnonblocking(pq, 1); /* who sends waits by pg_answer() */
		st = settle(pq, err);
	} else {
		st = pg_fail(pq, NULL, err);
	}
	if (st != OFA_OK) {
		PQfinish(pq);
		return st;
	}
	*ret = pq;
	return OFA_OK;
}

static void drop(struct pg_conn *c)
{
	PQfinish(c->pq); /* NULL is allowed */
	c->pq = NULL;
	c->n_prepared = 0;
	c->spoilt = false;
}

/* Has the database ended it while it was idle?  Then there is something to be read, of which the end comes last. */
static bool ended(struct pg_conn *c)
{
	struct pollfd fd = {.fd = PQsocket(c->pq), .events = POLLIN};

	while (PQstatus(c->pq) == CONNECTION_OK && poll(&fd, 1, 0) == 1 && PQconsumeInput(c->pq))
		;
	return PQstatus(c->pq) != CONNECTION_OK;
}

/* After a failure one at a time tries, not at once; what the last one found is taken for the others', too. */
static bool may_connect(struct store_pg *s)
{
	bool yes;

	pthread_mutex_lock(&s->lock);
	yes = s->failed_ms == 0 || (!s->trying && clock_ms() - s->failed_ms >= PG_REST_MS);
	if (yes)
		s->trying = s->failed_ms > 0;
	pthread_mutex_unlock(&s->lock);
	return yes;
}

static void has_connected(struct store_pg *s, bool well)
{
	pthread_mutex_lock(&s->lock);
	s->failed_ms = well ? 0 : clock_ms();
	s->trying = false;
	pthread_mutex_unlock(&s->lock);
}

static enum ofa_status revive(struct store_pg *s, struct pg_conn *c, struct ofa_error *err)
{
	enum ofa_status st;

	if (c->pq && !ended(c))
		return OFA_OK;
	drop(c);
	if (!may_connect(s))
		return ofa_fail(err, OFA_ERR_UNAVAILABLE, NULL, "database: it could not be reached a moment ago");
	st = pg_connect(s, &c->pq, err);
	has_connected(s, st == OFA_OK);
	return st;
}

/* ---- the pool ---- */

static struct pg_conn *wait_for_idle(struct store_pg *s)
{
	struct timespec end;
	struct pg_conn *c;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += (time_t)(PG_WAIT_MS / 1e3);
	pthread_mutex_lock(&s->lock);
	while (!s->idle && pthread_cond_timedwait(&s->freed, &s->lock, &end) == 0)
		;
	c = s->idle;
	if (c)
		s->idle = c->next;
	pthread_mutex_unlock(&s->lock);
	return c;
}

enum ofa_status pg_take(struct store_pg *s, struct pg_conn **ret, struct ofa_error *err)
{
	struct pg_conn *c;
	enum ofa_status st;

	if (pg_session_lost(s->session))
		return ofa_fail(err, OFA_ERR_UNAVAILABLE, NULL, "database: it is out of reach");
	c = wait_for_idle(s);
	if (!c)
		return ofa_fail(err, OFA_ERR_UNAVAILABLE, NULL,
				"database: all %u connections are in use; see --store-connections", s->n);
	st = revive(s, c, err);
	if (st != OFA_OK) {
		pg_give(s, c);
		return st;
	}
	*ret = c;
	return OFA_OK;
}

void pg_give(struct store_pg *s, struct pg_conn *c)
{
	struct pg_conn **at = &s->idle;

	/* whatever it is in the middle of is nobody's any more */
	if (c->pq && (c->spoilt || PQtransactionStatus(c->pq) != PQTRANS_IDLE))
		drop(c);
	pthread_mutex_lock(&s->lock);
	while (*at && !c->pq) /* those that would have to be made are taken last */
		at = &(*at)->next;
	c->next = *at;
	*at = c;
	pthread_cond_signal(&s->freed);
	pthread_mutex_unlock(&s->lock);
}

static void init_lock(struct store_pg *s)
{
	pthread_condattr_t monotonic;

	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&s->freed, &monotonic);
	pthread_condattr_destroy(&monotonic);
}

enum ofa_status pg_pool_open(struct store_pg *s, const char *url, const struct store_options *opt,
			     struct ofa_error *err)
{
	struct pg_conn *c;
	enum ofa_status st;

	init_lock(s);
	s->n = opt && opt->connections ? opt->connections : PG_CONNECTIONS;
	s->log = opt ? opt->log : NULL;
	s->url = strdup(url);
	s->conns = calloc(s->n, sizeof(*s->conns));
	if (!s->url || !s->conns)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	for (unsigned i = 0; i < s->n; i++) {
		s->conns[i].next = s->idle;
		s->idle = &s->conns[i];
	}
	st = pg_take(s, &c, err);
	if (st == OFA_OK)
		pg_give(s, c);
	return st;
}

void pg_pool_close(struct store_pg *s)
{
	for (unsigned i = 0; s->conns && i < s->n; i++)
		drop(&s->conns[i]);
	free(s->conns);
	free(s->url);
	pthread_cond_destroy(&s->freed);
	pthread_mutex_destroy(&s->lock);
}
