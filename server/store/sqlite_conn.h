/* Inside the SQLite driver: connections, their statements, and what every aggregate's file needs to run one.
 * Nothing outside server/store includes this. */
#ifndef OFAD_STORE_SQLITE_CONN_H
#define OFAD_STORE_SQLITE_CONN_H

#include <pthread.h>
#include <sqlite3.h>
#include "store/store.h"

/* Every statement that is run; the text of each is in sqlite_statements.c. */
enum db_statement {
	PROFILE_STATE,
	PROFILE_PUT,
	PROFILE_GET,
	PROFILE_DELETE,
	PROFILE_LIST,
	REVISION_PUT,
	REVISION_GET,
	REVISION_LIST,
	MEASUREMENT_PUT,
	MEASUREMENT_PRUNE_DEVICE,
	MEASUREMENT_PRUNE_SUBNET,
	MEASUREMENT_LIST,
	MEASUREMENT_OF_PROFILE,
	DELIVERY_PUT,
	DELIVERY_BY_QUESTION,
	DELIVERY_BY_SUBNET,
	TOKEN_ADD,
	TOKEN_LIST,
	TOKEN_REVOKE,
	TOKEN_PURGE,
	COUNTER_GET,
	COUNTER_NEXT,
	LEDGER_ADD,
	LEDGER_GET,
	PACKAGE_ADD,
	PACKAGE_USED,
	PACKAGE_FIND,
	PACKAGE_OLDEST,
	PACKAGE_DROPPED,
	PACKAGE_TOTALS,
	DB_STATEMENT_COUNT
};
extern const char *const db_statement_sql[DB_STATEMENT_COUNT];

/* A connection with its prepared statements, used by one thread at a time. */
struct db_conn {
	pthread_mutex_t lock;
	sqlite3 *db;
	sqlite3_stmt *statements[DB_STATEMENT_COUNT];
};

/* Readers have a connection of their own: with a write-ahead log they need not wait for the disk that a
 * writer is waiting for. */
struct store_sqlite {
	struct store base;
	struct db_conn writer, reader;
};

struct store_sqlite *db_of(struct store *s);

/* OFA_ERR_IO with what the database says. */
enum ofa_status db_fail(struct db_conn *c, struct ofa_error *err);
enum ofa_status db_exec(struct db_conn *c, const char *sql, struct ofa_error *err) OFA_MUST_CHECK;
/* Takes the connection and gives the statement; db_end() resets it and gives the connection back. */
sqlite3_stmt *db_begin(struct db_conn *c, enum db_statement which);
void db_end(struct db_conn *c, sqlite3_stmt *stmt);
/* The values bound outlive the statement's run, so none is copied; NULL binds NULL. */
void db_bind_text(sqlite3_stmt *stmt, int at, const char *s);
/* Runs a statement that gives no row, of a connection that the caller holds; resets it. */
enum ofa_status db_run(struct db_conn *c, sqlite3_stmt *stmt, struct ofa_error *err) OFA_MUST_CHECK;
/* Ends a transaction that BEGIN IMMEDIATE opened: COMMIT when st is OFA_OK, else ROLLBACK; the outcome of both. */
enum ofa_status db_finish(struct db_conn *c, enum ofa_status st, struct ofa_error *err) OFA_MUST_CHECK;
/* Appends the first column of the only row to buf; OFA_ERR_NOT_FOUND without a row, err untouched. */
enum ofa_status db_fetch_text(struct db_conn *c, sqlite3_stmt *stmt, struct ofa_buf *buf,
			      struct ofa_error *err) OFA_MUST_CHECK;

/* sqlite_migrate.c: brings the database to this program's schema; would it? (store_check()) */
enum ofa_status db_migrate(struct db_conn *c, struct ofa_error *err) OFA_MUST_CHECK;
enum ofa_status db_check(const char *path, bool *ret_tokens, struct ofa_error *err) OFA_MUST_CHECK;

/* The driver's functions, one file for each aggregate; store.h says what they do. */

/* sqlite_profiles.c */
enum ofa_status db_profile_put(struct store *s, const struct store_profile *p, const struct store_gate *gate,
			       enum store_written *ret, struct store_profile_state *ret_state, struct ofa_error *err);
enum ofa_status db_profile_get(struct store *s, const char *name, struct ofa_buf *content, uint64_t *ret_revision,
			       struct ofa_error *err);
enum ofa_status db_profile_delete(struct store *s, const char *name, const struct store_gate *gate,
				  enum store_written *ret, struct store_profile_state *ret_state,
				  struct ofa_error *err);
enum ofa_status db_profile_list(struct store *s, const char *after, unsigned limit,
				enum ofa_status (*each)(void *ctx, const struct store_profile_entry *entry), void *ctx,
				struct ofa_error *err);

/* sqlite_revisions.c */
enum ofa_status db_revision_get(struct store *s, const char *name, uint64_t revision, struct ofa_buf *content,
				struct ofa_error *err);
enum ofa_status db_revision_list(struct store *s, const char *name, uint64_t before, unsigned limit,
				 enum ofa_status (*each)(void *ctx, const struct store_revision_entry *entry),
				 void *ctx, struct ofa_error *err);

/* sqlite_measurements.c */
enum ofa_status db_measurement_put(struct store *s, const struct store_measurement *m, const struct store_keep *keep,
				   uint64_t *ret_number, struct ofa_error *err);
enum ofa_status db_measurement_list(struct store *s, const char *subnet, uint64_t before, unsigned limit,
				    enum ofa_status (*each)(void *ctx, const struct store_measurement_entry *entry),
				    void *ctx, struct ofa_error *err);
enum ofa_status db_measurement_of_profile(struct store *s, const char *profile, uint64_t revision, unsigned limit,
					  enum ofa_status (*each)(void *ctx,
								  const struct store_measurement_entry *entry),
					  void *ctx, struct ofa_error *err);

/* sqlite_deliveries.c */
enum ofa_status db_delivery_put(struct store *s, const struct store_delivery *d, struct ofa_error *err);
enum ofa_status db_delivery_by_question(struct store *s, const uint8_t question[OFA_SHA256_BYTES],
					struct ofa_buf *manifest, struct ofa_error *err);
enum ofa_status db_delivery_by_subnet(struct store *s, const char *subnet, struct ofa_buf *manifest,
				      struct ofa_error *err);

/* sqlite_tokens.c */
enum ofa_status db_token_add(struct store *s, const struct store_token *t, struct ofa_error *err);
enum ofa_status db_token_list(struct store *s, enum ofa_status (*each)(void *ctx, const struct store_token *row),
			      void *ctx, struct ofa_error *err);
enum ofa_status db_token_revoke(struct store *s, const char *id, struct ofa_error *err);
enum ofa_status db_token_purge(struct store *s, int64_t now, unsigned *ret_n, struct ofa_error *err);
/* sqlite_counters.c */
enum ofa_status db_counter_get(struct store *s, const char *name, uint64_t *ret, struct ofa_error *err);
enum ofa_status db_counter_next(struct store *s, const char *name, uint64_t floor, uint64_t *ret,
				struct ofa_error *err);

/* sqlite_ledger.c */
enum ofa_status db_ledger_add(struct store *s, const struct store_ledger *more, struct ofa_error *err);
enum ofa_status db_ledger_get(struct store *s, const char *network, char ret_since[STORE_TIME_MAX],
			      uint64_t *ret_deliveries, uint64_t ret_n[STORE_LEDGER_WORKS],
			      double ret_cpu_seconds[STORE_LEDGER_WORKS], struct ofa_error *err);

/* sqlite_package_index.c */
enum ofa_status db_package_add(struct store *s, const struct store_indexed *p, struct ofa_error *err);
enum ofa_status db_package_used(struct store *s, const char *const *ids, size_t n, int64_t now, struct ofa_error *err);
enum ofa_status db_package_find(struct store *s, const char *id,
				enum ofa_status (*each)(void *ctx, const struct store_indexed *p), void *ctx,
				struct ofa_error *err);
enum ofa_status db_package_oldest(struct store *s, int64_t before, unsigned limit,
				  enum ofa_status (*each)(void *ctx, const struct store_indexed *p), void *ctx,
				  struct ofa_error *err);
enum ofa_status db_package_dropped(struct store *s, const char *id, int64_t used_at, int64_t now, bool *ret,
				   struct ofa_error *err);
enum ofa_status db_package_totals(struct store *s, struct store_package_totals *ret, struct ofa_error *err);

#endif
