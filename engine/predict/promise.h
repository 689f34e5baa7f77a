/* What a package of another type than float32 promises: the accuracy predicted for the subnet in float32, less what the
 * type costs.  The cost was measured over sampled subnets (doc/predictor.md); where it was not, nothing is promised. */
#ifndef OFA_PREDICT_PROMISE_H
#define OFA_PREDICT_PROMISE_H

#include <jansson.h>
#include <stdbool.h>

#include "base/precision.h"
#include "base/status.h"

/* How the cost depends on the accuracy predicted for float32.  Either way what is better in float32 is promised more,
 * so that a search need not ask. */
enum ofa_promise_model {
	OFA_PROMISE_NONE, /* nothing was measured */
	OFA_PROMISE_CONSTANT,
	OFA_PROMISE_LINE,
	OFA_PROMISE_MODELS
};
const char *ofa_promise_model_name(enum ofa_promise_model model); /* "constant", "line" */

/* accuracy = slope float32 + offset, slope > 0; of OFA_PROMISE_CONSTANT the slope is 1. */
struct ofa_promise {
	enum ofa_promise_model model;
	double slope, offset;
};
/* All in [0,1]; NAN when nothing was measured or float32 is NAN. */
double ofa_promise_apply(const struct ofa_promise *p, double float32);

/* {"model","slope","offset"} and whatever was noted of the fit.  OFA_ERR_FORMAT with a field below `field`. */
enum ofa_status ofa_promise_parse(const json_t *json, const char *field, struct ofa_promise *ret,
				  struct ofa_error *err) OFA_MUST_CHECK;
json_t *ofa_promise_format(const struct ofa_promise *p); /* new reference */

/* One measured subnet. */
struct ofa_promise_sample {
	float predicted;          /* by the predictor, for float32 */
	float float32, measured;  /* measured on the same images, in float32 and in the type */
	int group;                /* of the finest model that is compared, 0 or above: its image size */
};

/* What is known of a fit.  Errors are root mean squares, in accuracy, of drops that were predicted in cross-validation
 * against those measured. */
struct ofa_promise_report {
	int samples;
	double mean_drop, largest_drop; /* measured: float32 less the type */
	double error[OFA_PROMISE_MODELS]; /* of OFA_PROMISE_NONE: of promising what float32 is promised */
	double group_error;               /* of a constant for each group: what the models above leave unexplained */
	double accuracy_error;            /* of the chosen promise against the accuracy measured, predictor included */
};

#define OFA_PROMISE_LEAST_SAMPLES 16
/* A constant, unless a line predicts the drop better by more than the standard error of the difference.  Ten folds, by
 * index modulo ten.  OFA_ERR_INVALID below OFA_PROMISE_LEAST_SAMPLES or where the slope would not be above 0. */
enum ofa_status ofa_promise_fit(const struct ofa_promise_sample *samples, int n, struct ofa_promise *ret,
				struct ofa_promise_report *ret_report, struct ofa_error *err) OFA_MUST_CHECK;

#endif
