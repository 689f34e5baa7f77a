/* The networks that the daemon holds: loaded once, then read by all threads without locks. */
#ifndef OFAD_SERVICE_NETWORKS_H
#define OFAD_SERVICE_NETWORKS_H

#include <stdatomic.h>
#include "cost/history.h"
#include "cost/references.h"
#include "search/search.h"

#define NETWORKS_MAX 64

enum network_state { NETWORK_UNTESTED, NETWORK_READY, NETWORK_FAILED };

struct ledger_account;

struct network {
	struct ofa_supernet *net;
	struct ofa_predictor predictor;
	struct ofa_history history;         /* its card: n_phases 0, n 0 where the file tells nothing */
	struct ofa_references references;
	struct ofa_search_problem *problem; /* without a latency table */
	atomic_int state;                   /* enum network_state */
	struct ofa_error failure;           /* written before state becomes NETWORK_FAILED */
	struct ledger_account *account;     /* what is spent for it (service/ledger.h); NULL: nobody counts */
};

struct networks {
	size_t n;
	struct network list[NETWORKS_MAX];
};

/* Loads every file.  Names must differ and be usable in a path; a network without a predictor cannot be
 * searched and is refused, as is one whose card is malformed. */
enum ofa_status networks_load(const char *const *paths, size_t n, struct networks **ret,
			      struct ofa_error *err) OFA_MUST_CHECK;
void networks_free(struct networks *s); /* NULL is allowed */

/* By name; NULL asks for the first.  OFA_ERR_NOT_FOUND names those there are. */
enum ofa_status networks_find(struct networks *s, const char *name, struct network **ret,
			      struct ofa_error *err) OFA_MUST_CHECK;

/* Packs the smallest subnet, whose self-test the device runtime runs, and has the device runtime verify the package:
 * the whole delivery path, before the first client depends on it.  Sets the state. */
void network_self_test(struct network *n);
/* Have all networks passed? */
bool networks_ready(struct networks *s);

#endif
