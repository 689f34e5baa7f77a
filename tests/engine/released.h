/* The published once-for-all data that tests and benchmarks measure against: the Note10 latency tables and
 * the accuracy predictor of the MobileNetV3 w1.2 network.  Not part of the project: see shared.h. */
#ifndef OFA_TESTS_ENGINE_RELEASED_H
#define OFA_TESTS_ENGINE_RELEASED_H

#include "cost/profile.h"
#include "predict/predictor.h"

/* The path of one file of the data, as shared_path() gives it; NULL when the file is not there. */
const char *released_path(const char *name);

/* Bare network of the MobileNetV3 w1.2 space: shapes without weights. */
enum ofa_status released_network(struct ofa_supernet *ret, struct ofa_error *err) OFA_MUST_CHECK;
void released_network_free(struct ofa_supernet *net);

/* All Note10 tables in one. */
enum ofa_status released_profile(struct ofa_profile *ret, struct ofa_error *err) OFA_MUST_CHECK;

/* The predictors, read from their PyTorch files (legacy format).  MobileNetV3: resolutions 160..224 step 16, those of
 * its eight that were trained.  ResNet50: eight resolutions from 128 to 256; most of its weights are denormal. */
enum ofa_status released_predictor(const struct ofa_space *s, struct ofa_predictor *ret,
				   struct ofa_error *err) OFA_MUST_CHECK;
enum ofa_status released_resnet_predictor(const struct ofa_space *s, struct ofa_predictor *ret,
					  struct ofa_error *err) OFA_MUST_CHECK;

/* The best accuracy that anybody found under each of some latency limits (ms). */
#define RELEASED_FRONT_MAX 128
struct released_front {
	int n;
	double limit[RELEASED_FRONT_MAX], accuracy[RELEASED_FRONT_MAX];
};
enum ofa_status released_front(struct released_front *ret, struct ofa_error *err) OFA_MUST_CHECK;

struct ofa_front;
/* Best known minus the front's best within the limit: the mean over the limits, and how many exceed `much`. */
double released_front_gap(const struct released_front *known, const struct ofa_front *front, double much,
			  int *ret_exceeding);

#endif
