/* Networks to search in: shapes with a random predictor and, if asked for, a latency table; and what is checked of
 * every answer. */
#ifndef OFA_TESTS_ENGINE_SEARCH_FIXTURE_H
#define OFA_TESTS_ENGINE_SEARCH_FIXTURE_H

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pack/pack.h"
#include "released.h"
#include "runner.h"
#include "search/problem.h"
#include "shared.h"
#include "spaces.h"

struct fixture {
	struct ofa_supernet net;
	struct ofa_predictor predictor;
	struct ofa_profile profile;
	struct ofa_latency_model *latency;
	enum ofa_precision precision;
	struct ofa_search_problem *problem;
};

static inline void random_predictor(const struct ofa_space *s, struct ofa_predictor *ret)
{
	struct ofa_predictor p = {.n_layers = 2, .base = 0.5f};
	struct ofa_error err = {0};
	static float w0[32 * 512], w1[32], b0[32];
	struct ofa_rng rng;

	ofa_rng_init(&rng, 77);
	p.n_resolutions = s->n_resolutions;
	memcpy(p.resolutions, s->resolutions, sizeof(p.resolutions));
	p.width[0] = ofa_predictor_feature_count(s, s->n_resolutions);
	p.width[1] = 32;
	p.width[2] = 1;
	ck_assert_int_le(p.width[0], 512);
	for (int i = 0; i < 32 * p.width[0]; i++)
		w0[i] = ofa_rng_normal(&rng) * 0.2f;
	for (int i = 0; i < 32; i++) {
		w1[i] = ofa_rng_normal(&rng) * 0.02f;
		b0[i] = 0.1f;
	}
	p.w[0] = w0;
	p.w[1] = w1;
	p.b[0] = b0;
	ASSERT_OK(ofa_predictor_bind(s, &p, &err), &err);
	*ret = p;
}

/* Latency made of the unit's size, with a twist that keeps it from growing with the genes everywhere. */
static inline void made_up_table(const struct ofa_space *s, const struct ofa_params *params, struct ofa_profile *ret)
{
	json_t *entries = json_object(), *profile;
	struct ofa_error err = {0};

	for (int r = 0; r < s->n_resolutions; r++) {
		json_t *rows = json_object();
		struct ofa_key_list l;
		char name[8];

		ASSERT_OK(ofa_latency_keys(s, params, s->resolutions[r], &l, &err), &err);
		for (size_t i = 0; i < l.n; i++) {
			double ms = 0.01 * s->resolutions[r] + 0.003 * (double)((i * 7919) % 101);

			json_object_set_new(rows, l.keys[i], json_pack("{s:f}", "mean", ms));
		}
		snprintf(name, sizeof(name), "%d", s->resolutions[r]);
		json_object_set_new(entries, name, rows);
		ofa_key_list_release(&l);
	}
	profile =
		json_pack("{s:s, s:{s:s, s:o}}", "name", "made-up", "latency_table", "unit", "ms", "entries", entries);
	ASSERT_OK(ofa_profile_parse(profile, ret, &err), &err);
	json_decref(profile);
}

/* On the space that the fixture holds already. */
static inline void setup_space(struct fixture *f, bool with_latency)
{
	struct ofa_error err = {0};

	snprintf(f->net.name, sizeof(f->net.name), "tiny");
	ASSERT_OK(ofa_params_init(&f->net.space, &f->net.params, &err), &err);
	random_predictor(&f->net.space, &f->predictor);
	if (with_latency) {
		made_up_table(&f->net.space, &f->net.params, &f->profile);
		ASSERT_OK(ofa_latency_model_new(&f->net.space, &f->net.params, &f->profile.table, &f->latency, &err),
			  &err);
	}
	ASSERT_OK(ofa_search_problem_new(&f->net, &f->predictor, f->latency, f->precision, &f->problem, &err), &err);
}

static inline void setup(struct fixture *f, bool with_latency)
{
	memset(f, 0, sizeof(*f));
	load_space(tiny_json, &f->net.space);
	setup_space(f, with_latency);
}

static inline void teardown(struct fixture *f)
{
	ofa_search_problem_free(f->problem);
	ofa_latency_model_free(f->latency);
	ofa_profile_release(&f->profile);
	ofa_predictor_release(&f->predictor);
	ofa_params_release(&f->net.params);
}

static inline void costs_by_plan(const struct fixture *f, const struct ofa_arch *a, double value[OFA_RESOURCE_COUNT])
{
	static struct ofa_memory_plan memory;
	static struct ofa_plan plan;

	ofa_plan_init(&f->net.space, &f->net.params, a, &plan);
	ofa_memory_plan_init(&plan, f->precision, &memory);
	value[OFA_LATENCY_MS] = f->latency ? ofa_latency_ms(f->latency, a) : NAN;
	value[OFA_MACS] = (double)ofa_plan_macs(&plan);
	value[OFA_PEAK_MEMORY_BYTES] = memory.arena_bytes;
	value[OFA_STORAGE_BYTES] = (double)ofa_pack_size(&f->net, &plan, f->precision);
}

static inline void check_result(const struct fixture *f, const struct ofa_limits *l, const struct ofa_search_result *r)
{
	struct ofa_arch canonical = r->arch;
	double plan[OFA_RESOURCE_COUNT];

	ofa_arch_canonical(&f->net.space, &canonical);
	ck_assert(ofa_arch_equal(&canonical, &r->arch));
	costs_by_plan(f, &r->arch, plan);
	for (int k = 0; k < OFA_RESOURCE_COUNT; k++) {
		ck_assert(isnan(plan[k]) ? isnan(r->value[k]) : plan[k] == r->value[k]);
		if (!isinf(l->max[k]))
			ck_assert_msg(plan[k] <= l->max[k], "%s %.17g over %.17g", ofa_resource_name(k), plan[k],
				      l->max[k]);
	}
}

static inline void setup_released(struct fixture *f)
{
	struct ofa_error err = {0};

	memset(f, 0, sizeof(*f));
	ASSERT_OK(released_network(&f->net, &err), &err);
	ASSERT_OK(released_profile(&f->profile, &err), &err);
	ASSERT_OK(released_predictor(&f->net.space, &f->predictor, &err), &err);
	ASSERT_OK(ofa_latency_model_new(&f->net.space, &f->net.params, &f->profile.table, &f->latency, &err), &err);
	ASSERT_OK(ofa_search_problem_new(&f->net, &f->predictor, f->latency, f->precision, &f->problem, &err), &err);
}

#endif
