/* What benchmarks of the search run on: the published MobileNetV3 with its predictor and the Note10's tables, or a
 * network file without a table. */
#ifndef OFA_BENCH_PROBLEM_H
#define OFA_BENCH_PROBLEM_H

#include "released.h"
#include "search/search.h"

struct bench_problem {
	struct ofa_search_problem *problem;
	const char *name; /* of the network file; borrowed */
	/* private: */
	struct ofa_supernet released, *loaded;
	bool is_released;
	struct ofa_profile profile;
	struct ofa_predictor predictor;
	struct ofa_latency_model *latency;
};

/* In float32.  Released by bench_problem_release(), also when they fail. */
enum ofa_status bench_problem_released(struct bench_problem *b, struct ofa_error *err) OFA_MUST_CHECK;
enum ofa_status bench_problem_load(const char *path, struct bench_problem *b, struct ofa_error *err) OFA_MUST_CHECK;
void bench_problem_release(struct bench_problem *b);

#endif
