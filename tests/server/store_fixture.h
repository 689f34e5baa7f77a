/* What the tests of the stores stand on: a database of each driver, empty when a test begins. */
#ifndef OFA_TESTS_STORE_FIXTURE_H
#define OFA_TESTS_STORE_FIXTURE_H

#include "runner.h"
#include "store/store.h"

/* Before the first test: starts a PostgreSQL; false where none is installed, which is said. */
bool stores_begin(void);
/* After the last one. */
void stores_end(void);
/* The script that runs it, with a verb, further words and the cluster's directory: "stop DIR immediate". */
void postgresql(const char *verb, const char *more);

enum { STORE_SQLITE, STORE_POSTGRESQL, STORE_KINDS };
/* Runs each test on each kind (_i, for store_begin()); the program's exit status. */
int run_store_tests(const char *name, const TTest *const *tests, size_t n);

/* ---- in a test ---- */

/* An empty database of this kind for the test, and its end. */
void store_begin(int kind);
void store_end(void);
/* Opens it, the first time or another: as a replica of its own. */
struct store *store_again(void);
/* The directory of a SQLite database; the URL of the PostgreSQL one. */
const char *store_dir(void);
const char *store_url(void);
/* Runs SQL on the PostgreSQL database as who owns it, aside from the store; and the first value that it gives, valid
 * until the next call. */
const char *store_sql(const char *sql);

/* ---- what tests do with a store ---- */

/* Puts a profile, by "tester". */
void put_gated(struct store *s, const char *name, const char *content, const struct store_gate *gate,
	       enum store_written expected, uint64_t revision);
/* Of this revision; 1: it is to be new. */
void put_profile(struct store *s, const char *name, const char *content, uint64_t revision);
void check_profile(struct store *s, const char *name, const char *expected);
void check_revision(struct store *s, const char *name, uint64_t revision, const char *expected);
/* predicted_ms 0: none.  The question is the byte and 31 zeros. */
enum ofa_status put_predicted(struct store *s, uint8_t question, const char *subnet, const char *manifest,
			      double predicted_ms, struct ofa_error *err);
void put_delivery(struct store *s, uint8_t question, const char *subnet, const char *manifest);
void check_manifest(struct store *s, const char *subnet, const char *expected);

#endif
