#include "problem.h"

enum ofa_status bench_problem_released(struct bench_problem *b, struct ofa_error *err)
{
	enum ofa_status st;

	*b = (struct bench_problem){.name = "MobileNetV3 w1.2", .is_released = true};
	st = released_network(&b->released, err);
	if (!st)
		st = released_profile(&b->profile, err);
	if (!st)
		st = released_predictor(&b->released.space, &b->predictor, err);
	if (!st)
		st = ofa_latency_model_new(&b->released.space, &b->released.params, &b->profile.table, &b->latency,
					   err);
	if (st)
		return st;
	return ofa_search_problem_new(&b->released, &b->predictor, b->latency, OFA_FLOAT32, &b->problem, err);
}

enum ofa_status bench_problem_load(const char *path, struct bench_problem *b, struct ofa_error *err)
{
	enum ofa_status st;

	*b = (struct bench_problem){0};
	st = ofa_supernet_load(path, &b->loaded, err);
	if (!st)
		st = ofa_predictor_load(b->loaded, &b->predictor, err);
	if (st)
		return st;
	b->name = b->loaded->name;
	return ofa_search_problem_new(b->loaded, &b->predictor, NULL, OFA_FLOAT32, &b->problem, err);
}

void bench_problem_release(struct bench_problem *b)
{
	ofa_search_problem_free(b->problem);
	ofa_latency_model_free(b->latency);
	ofa_predictor_release(&b->predictor);
	ofa_profile_release(&b->profile);
	if (b->is_released)
		released_network_free(&b->released);
	ofa_supernet_free(b->loaded);
}
