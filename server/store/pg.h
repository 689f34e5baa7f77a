/* Inside the PostgreSQL driver: a pool of connections, statements that a connection prepares when it first runs them,
 * transactions, values.  Nothing outside server/store includes this.
 *
 * Who needs a connection takes one out of the pool and waits for it if need be.  A connection that was lost is made
 * anew by who takes it next; where that fails nobody tries again for PG_REST_MS, so that callers are told at once
 * instead of one after the other.  Errors: OFA_ERR_UNAVAILABLE for a database that cannot be reached, is starting,
 * stopping or only readable, or has no connection to spare; OFA_ERR_EXHAUSTED for a full disk; OFA_ERR_INVALID for a
 * text that is no UTF-8; OFA_ERR_IO for what it refuses otherwise. */
#ifndef OFAD_STORE_PG_H
#define OFAD_STORE_PG_H

#include <libpq-fe.h>
#include <pthread.h>
#include "reach.h"
#include "store/store.h"

#define PG_CONNECTIONS 8        /* unless the options say another number */
#define PG_STATEMENTS_MAX 96    /* that a connection prepares */
#define PG_ARGS_MAX 16
#define PG_CONNECT_SECONDS "3"  /* for which it is waited for a connection to be made */
#define PG_REST_MS 500.0        /* after an attempt that failed */
#define PG_WAIT_MS 5000.0       /* for a connection that others have */
#define PG_STATEMENT_MS 10000   /* that a statement may take in the database */
#define PG_IDLE_MS 5000         /* between two of a transaction, which is ended after it: its client is gone */
#define PG_PATIENCE_MS 11000.0  /* after which one that is not answered is given up with its connection */

/* A const object for each, at whose address connections know it again. */
struct pg_statement {
	const char *name, *sql; /* the name is the statement's among all of the driver's */
	bool binary;            /* results come in binary: for bytes by the million */
};

/* What became of the statement of a connection that failed last. */
enum pg_failure {
	PG_UNDONE,  /* it changed nothing */
	PG_UNLUCKY, /* it changed nothing, and would probably work another time */
	PG_UNKNOWN, /* the connection was lost: it was run, or not */
};

struct pg_conn {
	PGconn *pq;
	enum pg_failure failure;
	bool spoilt; /* to be made anew */
	const struct pg_statement *prepared[PG_STATEMENTS_MAX];
	size_t n_prepared;
	struct pg_conn *next; /* idle, too */
};

struct pg_session; /* the connections beside the pool: pg_session.c */
/* Has the database been out of reach for some seconds?  Then nobody waits for it.  Any thread; NULL: it is not
 * known. */
bool pg_session_lost(const struct pg_session *p);

struct store_pg {
	struct store base;
	char *url;
	const struct log *log; /* or NULL */
	pthread_mutex_t lock;  /* what follows */
	pthread_cond_t freed;
	struct pg_conn *conns, *idle;
	unsigned n;
	double failed_ms; /* when a connection could not be made, after which none was; 0 */
	bool trying;      /* after that: one at a time sees whether it can be made again */
	struct pg_session *session;
};
struct store_pg *pg_of(struct store *s);

/* ---- pg_url.c ---- */

/* Does libpq understand it?  What it says of an URL that it does not would tell parts of a password. */
enum ofa_status pg_url_check(const char *url, struct ofa_error *err) OFA_MUST_CHECK;
/* Its ports, and the files that libpq reads for it; what the URL does not say is libpq's default. */
enum ofa_status pg_reach(const char *url, struct reach *r, struct ofa_error *err) OFA_MUST_CHECK;

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
extern const struct store_package_bytes pg_package_bytes; /* pg_packages.c */
extern const struct pg_migration pg_migrations[];
extern const size_t pg_n_migrations;
/* Brings the database to this program's schema, in one transaction, one program at a time; needs no right to do so
 * where there is nothing to do.  OFA_ERR_UNSUPPORTED for a later one that this program does not understand. */
enum ofa_status pg_migrate(PGconn *pq, struct ofa_error *err) OFA_MUST_CHECK;
/* Would it?  And does the database have tokens? */
enum ofa_status pg_may_migrate(PGconn *pq, bool *ret_tokens, struct ofa_error *err) OFA_MUST_CHECK;

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

/* May a statement be run twice when the connection is lost and nobody knows whether it was run?  One that certainly was
 * not, for a reason that passes at once, is run again in either case. */
enum pg_again { PG_ONCE, PG_AGAIN };
/* One statement, which is a transaction of its own.  *ret is PQclear()ed by the caller; ret NULL: it is not wanted. */
enum ofa_status pg_run(struct store_pg *s, const struct pg_statement *q, const struct pg_args *a, enum pg_again again,
		       PGresult **ret, struct ofa_error *err) OFA_MUST_CHECK;
/* Appends the first column of the only row to buf, *ret_number (NULL: not wanted) is the second; OFA_ERR_NOT_FOUND
 * without a row, err untouched. */
enum ofa_status pg_fetch_text(struct store_pg *s, const struct pg_statement *q, const struct pg_args *a,
			      struct ofa_buf *buf, uint64_t *ret_number, struct ofa_error *err) OFA_MUST_CHECK;

/* A transaction, READ COMMITTED: pg_begin() takes a connection; pg_end() commits when st is OFA_OK, else rolls back,
 * and gives it back: the outcome of both. */
enum ofa_status pg_begin(struct store_pg *s, struct pg_conn **ret, struct ofa_error *err) OFA_MUST_CHECK;
/* One that begins when no other one of this lock and text runs, in any replica. */
enum ofa_status pg_begin_locked(struct store_pg *s, enum pg_lock lock, const char *of, struct pg_conn **ret,
				struct ofa_error *err) OFA_MUST_CHECK;
enum ofa_status pg_on(struct pg_conn *c, const struct pg_statement *q, const struct pg_args *a, PGresult **ret,
		      struct ofa_error *err) OFA_MUST_CHECK;
enum ofa_status pg_end(struct store_pg *s, struct pg_conn *c, enum ofa_status st, struct ofa_error *err) OFA_MUST_CHECK;
/* ---- pg_answer.c ---- */

/* The last result of what was sent (`sent`: whether libpq has taken it), as PQexec() gives it; NULL when none came in
 * ms: then the connection is closed, since nobody knows what became of it. */
PGresult *pg_answer(PGconn *pq, int sent, double ms);

/* ---- pg_run.c ---- */

/* Text that need not be prepared: one statement, or several; answered within PG_PATIENCE_MS. */
enum ofa_status pg_command(PGconn *pq, const char *sql, PGresult **ret, struct ofa_error *err) OFA_MUST_CHECK;
/* The same, however long it takes. */
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
