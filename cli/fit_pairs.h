/* Fitting a predictor to a file of measured pairs, whoever measured them. */
#ifndef OFA_CLI_FIT_PAIRS_H
#define OFA_CLI_FIT_PAIRS_H

#include "predict/predictor.h"

struct cli_fit_pairs {
	const char *pairs, *out;
	const char *batch;   /* that the stored predictor speaks for; NULL: the one of most rows */
	const char *kind;    /* NULL: pairwise */
	double set_aside;    /* per cent of the pairs to judge by */
	uint64_t seed;
	bool json;
};

/* Fits without the pairs set aside, tells how well it predicts those, by batch and resolution, then fits all pairs and
 * stores that predictor. */
enum ofa_status cli_fit_pairs(const struct cli_fit_pairs *o, const struct ofa_supernet *net,
                              struct ofa_error *err) OFA_MUST_CHECK;

#endif
