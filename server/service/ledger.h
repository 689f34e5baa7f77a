/* The ledger: what each network's searches and packages cost in processor time and how many devices were served with
 * it.  Any thread books in memory; a thread of the ledger's own adds what has gathered to the database every
 * LEDGER_SECONDS and at the end, so a daemon that is killed loses at most that much. */
#ifndef OFAD_SERVICE_LEDGER_H
#define OFAD_SERVICE_LEDGER_H

#include "log.h"
#include "service/networks.h"
#include "store/store.h"

#define LEDGER_SECONDS 5

/* What processor time is spent on. */
enum ledger_work {
	LEDGER_SEARCH,
	LEDGER_FRONT, /* Pareto fronts, which are kept and answer searches */
	LEDGER_PACK,  /* recalibration, packing, self-test */
	LEDGER_WORK_COUNT
};
_Static_assert((int)LEDGER_WORK_COUNT == STORE_LEDGER_WORKS, "a column for each kind of work");

struct ledger;

/* Gives each network its account; all are borrowed, and networks outlive the ledger. */
enum ofa_status ledger_open(struct networks *networks, struct store *store, const struct log *log, struct ledger **ret,
			    struct ofa_error *err) OFA_MUST_CHECK;
/* Nobody books any more.  Writes what is left; NULL is allowed. */
void ledger_close(struct ledger *l);

/* One search, front or package that took this much processor time.  Any thread; the account is network->account, and
 * NULL is none. */
void ledger_spend(struct ledger_account *account, enum ledger_work work, double cpu_seconds);
/* One question that was answered with a subnet: a device served. */
void ledger_deliver(struct ledger_account *account);

struct ledger_sums {
	char since[STORE_TIME_MAX]; /* RFC 3339: when the account was opened */
	uint64_t deliveries;
	uint64_t n[LEDGER_WORK_COUNT];
	double cpu_seconds[LEDGER_WORK_COUNT];
};
/* All that was booked since then, over all runs of the daemon; where replicas share the store, by all of them, but for
 * what the others have not written yet.  Then the store is asked: not in an HTTP thread. */
enum ofa_status ledger_read(struct ledger *l, const struct ledger_account *account, struct ledger_sums *ret,
			    struct ofa_error *err) OFA_MUST_CHECK;

/* Processor time that the network's file says its training took, seconds; NAN when it does not. */
double ledger_training_cpu_seconds(const struct ofa_supernet *net);

#endif
