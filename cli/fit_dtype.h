/* Fitting what packages of another type than float32 promise: what the type costs in accuracy, over sampled subnets. */
#ifndef OFA_CLI_FIT_DTYPE_H
#define OFA_CLI_FIT_DTYPE_H

#include "survey.h"

#define CLI_DTYPE_SAMPLES 200

struct cli_fit_dtype {
	enum ofa_precision precision;
	const char *out;
	uint64_t seed; /* that the subnets were drawn by */
	bool json;
};

/* From a survey of the type that has been run, without unseen subnets: fits the promise, tells its figures and stores
 * it beside the network's predictor.  OFA_ERR_NOT_FOUND when there is none. */
enum ofa_status cli_fit_dtype(const struct cli_fit_dtype *o, const struct cli_survey *s,
                              struct ofa_error *err) OFA_MUST_CHECK;

#endif
