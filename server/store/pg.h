/* Inside the PostgreSQL driver: a pool of connections, statements that a connection prepares when it first runs them,
 * transactions, values.  Nothing outside server/store includes this.
 *
 * Who needs a connection takes one out of the pool and waits for it if need be.  A connection that was lost is made
 * anew by who takes it next; where that fails nobody tries again for PG_REST_MS, so that callers are told at once
 * instead of one after the other.  Errors: OFA_ERR_UNAVAILABLE for a database that cannot be reached, is starting,
 * stopping or only readable, or has no connection to spare; OFA_ERR_EXHAUSTED for a full disk; OFA_ERR_IO for what it
 * refuses. */
#ifndef OFAD_STORE_PG_H
#define OFAD_STORE_PG_H

#include <libpq-fe.h>
#include <pthread.h>
#include "store/store.h"

#define PG_CONNECTIONS 8        /* unless the options say another number */
#define PG_STATEMENTS_MAX 64    /* that a connection prepares */
#define PG_ARGS_MAX 16
#define PG_CONNECT_SECONDS "3"  /* for which it is waited for a connection to be made */
#define PG_REST_MS 500.0        /* after an attempt that failed */
#define PG_WAIT_MS 5000.0       /* for a connection that others have */
#define PG_STATEMENT_MS 10000   /* that a statement may take in the database */

/* A const object for each, at whose address connections know it again. */
struct pg_statement {
	const char *name, *sql; /* the name is the statement's among all of the driver's */
	bool binary;            /* results come in binary: for bytes by the million */
};

struct pg_conn {
	PGconn *pq;
	const struct pg_statement *prepared[PG_STATEMENTS_MAX];
	size_t n_prepared;
	struct pg_conn *next; /* idle, too */
};

struct pg_session; /* the connections beside the pool: pg_session.c */

struct store_pg {
	struct store base;
	char *url;
	const struct log *log; /* or NULL */
	pthread_mutex_t lock;  /* what follows */
	pthread_cond_t freed;
	struct pg_conn *conns, *idle;
	unsigned n;
	double failed_ms; /* when a connection could not be made, after which none was; 0 */
	struct pg_session *session;
};
struct store_pg *pg_of(struct store *s);

/* ---- pg_pool.c ---- */

/* Makes the first connection, to see that there is a database. */
enum ofa_status pg_pool_open(struct store_pg *s, const char *url, const struct store_options *opt,
			     struct ofa_error *err) OFA_MUST_CHECK;
void pg_pool_close(struct store_pg *s); /* nobody has a connection */

/* A connection of its own, settled as those of the pool are.  *ret is PQfinish()ed by the caller. */
enum ofa_status pg_connect(struct store_pg *s, PGconn **ret, struct ofa_error *err) OFA_MUST_CHECK;
enum ofa_status pg_take(struct store_pg *s, struct pg_conn **ret, struct ofa_error *err) OFA_MUST_CHECK;
void pg_give(struct store_pg *s, struct pg_conn *c);
/* Says what the database said, without its lines of detail. */
enum ofa_status pg_fail(PGconn *pq, const PGresult *res, struct ofa_error *err);

/* ---- pg_schema.c, pg_migrate.c ---- */

/* Advisory locks of two numbers, the first of which is one of these; those of one number are the sessions'. */
enum pg_lock { PG_LOCK_SCHEMA = 0x6f666100, PG_LOCK_PROFILE, PG_LOCK_MEASUREMENT };

/* In order, numbered from 1; only added to.  A program that does not know a migration goes on with a database that has
 * it when it knows at least `least_program` of them. */
struct pg_migration {
	const char *name, *sql;
	int least_program;
};
extern const struct pg_migration pg_migrations[];
extern const size_t pg_n_migrations;
/* Brings the database to this program's schema, in one transaction, one program at a time; needs no right to do so
 * where there is nothing to do.  OFA_ERR_UNSUPPORTED for a later one that this program does not understand. */
enum ofa_status pg_migrate(PGconn *pq, struct ofa_error *err) OFA_MUST_CHECK;

/* ---- pg_run.c ---- */

/* Values of a statement's $1, $2, ... in order; what is borrowed lives until it was run.  Zeroed at first. */
struct pg_args {
	int n;
	const char *value[PG_ARGS_MAX];
	int length[PG_ARGS_MAX], format[PG_ARGS_MAX];
	char text[PG_ARGS_MAX][32];
};
void pg_text(struct pg_args *a, const char *s); /* borrowed; NULL is NULL */
void pg_text_n(struct pg_args *a, const char *s, size_t n); /* borrowed; n bytes of it */
void pg_integer(struct pg_args *a, int64_t v);
void pg_real(struct pg_args *a, double v); /* NAN is NULL */
void pg_boolean(struct pg_args *a, bool v);
void pg_bytes(struct pg_args *a, const void *p, size_t n); /* borrowed */

/* May a statement be run twice when the connection is lost and nobody knows whether it was run?  One that the database
 * itself says was not run is run again in either case. */
enum pg_again { PG_ONCE, PG_AGAIN };
/* One statement, which is a transaction of its own.  *ret is PQclear()ed by the caller; ret NULL: it is not wanted. */
enum ofa_status pg_run(struct store_pg *s, const struct pg_statement *q, const struct pg_args *a, enum pg_again again,
		       PGresult **ret, struct ofa_error *err) OFA_MUST_CHECK;

/* A transaction, READ COMMITTED: pg_begin() takes a connection; pg_end() commits when st is OFA_OK, else rolls back,
 * and gives it back: the outcome of both. */
enum ofa_status pg_begin(struct store_pg *s, struct pg_conn **ret, struct ofa_error *err) OFA_MUST_CHECK;
enum ofa_status pg_on(struct pg_conn *c, const struct pg_statement *q, const struct pg_args *a, PGresult **ret,
		      struct ofa_error *err) OFA_MUST_CHECK;
enum ofa_status pg_end(struct store_pg *s, struct pg_conn *c, enum ofa_status st, struct ofa_error *err) OFA_MUST_CHECK;
/* Text that need not be prepared: one statement, or several. */
enum ofa_status pg_plain(PGconn *pq, const char *sql, PGresult **ret, struct ofa_error *err) OFA_MUST_CHECK;

/* Columns of a text result. */
const char *pg_get_text(const PGresult *res, int row, int column); /* NULL for NULL; the result's */
int64_t pg_get_integer(const PGresult *res, int row, int column);  /* 0 for NULL */
double pg_get_real(const PGresult *res, int row, int column);      /* NAN for NULL */
bool pg_get_boolean(const PGresult *res, int row, int column);
/* Of a bytea of 32 bytes; false for any other. */
bool pg_get_digest(const PGresult *res, int row, int column, uint8_t out[OFA_SHA256_BYTES]);
/* The rows that an UPDATE or DELETE changed. */
unsigned long long pg_changed(const PGresult *res);

#endif
