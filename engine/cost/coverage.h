/* Does a latency table serve a network?  Which keys it lacks and which it has to no end. */
#ifndef OFA_COST_COVERAGE_H
#define OFA_COST_COVERAGE_H

#include "cost/profile.h"

#define OFA_COVERAGE_NAMED 3 /* how many keys are named */

/* One resolution of the table. */
struct ofa_coverage_row {
	int resolution;
	bool known; /* is it one of the network's? */
	size_t entries, needed, missing, unused;
};

struct ofa_coverage_keys {
	size_t n;
	struct {
		int resolution;
		char key[OFA_LATENCY_KEY_MAX];
	} first[OFA_COVERAGE_NAMED];
};

struct ofa_coverage {
	int n_rows;
	struct ofa_coverage_row *rows; /* ascending resolution; owned */
	int n_complete;                /* rows that are known and miss nothing */
	int n_known;
	int n_absent;                     /* resolutions of the network that the table does not have */
	struct ofa_coverage_keys missing; /* at the known resolutions */
	struct ofa_coverage_keys unused;  /* entries that no subnet has use for */
};

enum ofa_status ofa_coverage_init(const struct ofa_space *s, const struct ofa_params *p,
				  const struct ofa_latency_table *t, struct ofa_coverage *ret,
				  struct ofa_error *err) OFA_MUST_CHECK;
void ofa_coverage_release(struct ofa_coverage *c);

/* Will ofa_latency_model_new() take the table? */
bool ofa_coverage_serves(const struct ofa_coverage *c);

#endif
