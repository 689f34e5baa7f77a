/* How accuracy went while a network was trained: what a network file says under "ofa.history", as JSON text.
 *  {"measured_on","phases":[{"name","begin_epoch","epochs"},..],
 *   "evaluations":[{"epoch","phase","largest","smallest"},..]}
 * measured_on: which images; epochs count over all phases, which follow each other; an evaluation names its phase and
 * has the accuracy, in [0,1], of the largest and of the smallest subnet that the phase opened, or null for the latter
 * where it opened one alone. */
#ifndef OFA_COST_HISTORY_H
#define OFA_COST_HISTORY_H

#include "net/supernet.h"

#define OFA_HISTORY_MAX_PHASES 32
#define OFA_HISTORY_MAX_EVALUATIONS 256
#define OFA_HISTORY_NAME_MAX 64
#define OFA_HISTORY_MEASURED_MAX 128
#define OFA_HISTORY_MAX_EPOCHS 1e6

struct ofa_history_phase {
	char name[OFA_HISTORY_NAME_MAX];
	double begin_epoch, epochs;
};

struct ofa_history_evaluation {
	double epoch;
	int phase;                /* index */
	double largest, smallest; /* smallest: NAN where there was but one subnet */
};

/* n_phases 0: nothing is known. */
struct ofa_history {
	char measured_on[OFA_HISTORY_MEASURED_MAX];
	size_t n_phases, n_evaluations;
	struct ofa_history_phase phases[OFA_HISTORY_MAX_PHASES];
	struct ofa_history_evaluation evaluations[OFA_HISTORY_MAX_EVALUATIONS];
};

/* Errors name the field below ""; epochs must not go back. */
enum ofa_status ofa_history_parse(const json_t *json, struct ofa_history *ret, struct ofa_error *err) OFA_MUST_CHECK;
/* New reference, or NULL.  parse(format(h)) == h. */
json_t *ofa_history_format(const struct ofa_history *h);

/* That of a network file, or nothing.  OFA_ERR_FORMAT with field "ofa.history/evaluations/3/largest". */
enum ofa_status ofa_history_load(const struct ofa_supernet *net, struct ofa_history *ret,
				 struct ofa_error *err) OFA_MUST_CHECK;

#endif
