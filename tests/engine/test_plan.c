/* The plan and what is counted on it: MACs and parameters against the reference implementation and published
 * figures, peak activations, kernel transforms, residuals, lifetimes and the arena. */
#include <math.h>
#include <string.h>

#include "cost/costs.h"
#include "shared.h"
#include "spaces.h"

/* A space with its parameters and room for one plan. */
struct fixture {
	struct ofa_space space;
	struct ofa_params params;
	struct ofa_plan plan;
};

static void open_fixture(struct fixture *f, const char *family, double width, int classes)
{
	struct ofa_error err = {0};

	preset_space(family, width, classes, &f->space);
	ASSERT_OK(ofa_params_init(&f->space, &f->params, &err), &err);
}

static void open_tiny(struct fixture *f, const char *text)
{
	struct ofa_error err = {0};

	load_space(text, &f->space);
	ASSERT_OK(ofa_params_init(&f->space, &f->params, &err), &err);
}

static void close_fixture(struct fixture *f)
{
	ofa_params_release(&f->params);
}

/* Plans the arch whose genes are all the same (k, e, d). */
static void plan_uniform(struct fixture *f, int k, int e, int d, int image_size)
{
	struct ofa_arch a = {.image_size = (uint16_t)image_size};

	for (int b = 0; b < f->space.n_blocks; b++) {
		a.k[b] = (uint8_t)((k - 3) / 2);
		a.e[b] = (uint8_t)(e == 3 ? 0 : e == 4 ? 1 : 2);
	}
	for (int i = 0; i < f->space.n_stages; i++)
		a.d[i] = (uint8_t)(f->space.stages[i].n_depths == 1 ? 0 : d - 2);
	ofa_plan_init(&f->space, &f->params, &a, &f->plan);
}

/* Spec section 5; 0: not given. */
START_TEST(published_extremes)
{
	static const struct {
		const char *family;
		double width;
		int k, e, d, size;
		double macs_m;
		uint64_t macs, params;
		double params_m;
	} cases[] = {
		{"mbv3", 1.0, 7, 6, 4, 224, 566.170656, 566170656, 7664760, 7.66476},
		{"mbv3", 1.0, 3, 3, 4, 224, 226.193808, 226193808, 4371928, 4.371928},
		{"mbv3", 1.0, 3, 3, 2, 224, 121.28, 0, 0, 3.411},
		{"mbv3", 1.0, 3, 3, 2, 160, 63.24, 0, 0, 3.411},
		{"mbv3", 1.0, 3, 3, 2, 128, 41.48, 0, 0, 3.411},
		{"mbv3", 1.2, 7, 6, 4, 224, 843.10104, 843101040, 10701632, 10.701632},
		{"mbv3", 1.2, 7, 6, 4, 160, 433.56, 0, 10701632, 10.701632},
		{"mbv3", 1.2, 3, 3, 2, 224, 193.08, 0, 0, 4.602},
		{"mbv3", 1.2, 3, 3, 2, 160, 100.32, 100320888, 4602456, 4.602},
		{"proxyless", 1.3, 7, 6, 4, 224, 1004.91, 0, 0, 7.942},
		{"proxyless", 1.3, 3, 3, 2, 224, 265.53, 0, 0, 3.719},
	};

	for (size_t i = 0; i < OFA_ARRAY_LEN(cases); i++) {
		struct fixture f;
		uint64_t macs, params;

		open_fixture(&f, cases[i].family, cases[i].width, 1000);
		plan_uniform(&f, cases[i].k, cases[i].e, cases[i].d, cases[i].size);
		macs = ofa_plan_macs(&f.plan);
		params = ofa_plan_params(&f.plan);
		ck_assert_double_eq_tol((double)macs / 1e6, cases[i].macs_m, 0.005);
		ck_assert_double_eq_tol((double)params / 1e6, cases[i].params_m, 0.0005);
		if (cases[i].macs)
			ck_assert_uint_eq(macs, cases[i].macs);
		if (cases[i].params)
			ck_assert_uint_eq(params, cases[i].params);
		close_fixture(&f);
	}
}
END_TEST

/* Spec section 5; indices of genes, those of expand and width alike everywhere.  The last is what everybody calls
 * ResNet50-D. */
START_TEST(resnet50_extremes)
{
	static const struct {
		uint8_t d[5];
		uint8_t e, w;
		double macs_m, params_m;
	} cases[] = {
		{{1, 2, 2, 2, 2}, 2, 2, 7491.64, 48.106},
		{{0, 0, 0, 0, 0}, 0, 0, 962.19, 6.539},
		{{1, 1, 2, 2, 1}, 1, 2, 4328.82, 25.576},
	};
	struct fixture f;

	open_fixture(&f, "resnet50", 1, 1000);
	for (size_t i = 0; i < OFA_ARRAY_LEN(cases); i++) {
		struct ofa_arch a = {.image_size = 224};

		memcpy(a.d, cases[i].d, sizeof(cases[i].d));
		memset(a.e + 1, cases[i].e, (size_t)f.space.n_blocks - 1);
		memset(a.w, cases[i].w, (size_t)f.space.n_width_genes);
		ofa_plan_init(&f.space, &f.params, &a, &f.plan);
		ck_assert_double_eq_tol((double)ofa_plan_macs(&f.plan) / 1e6, cases[i].macs_m, 0.005);
		ck_assert_double_eq_tol((double)ofa_plan_params(&f.plan) / 1e6, cases[i].params_m, 0.0005);
	}
	close_fixture(&f);
}
END_TEST

/* Released subnets as spec section 5 lists them: kernel and ratio of the active blocks, stage by stage. */
START_TEST(released_subnets)
{
	static const struct {
		double width;
		int size;
		const char *d, *blocks; /* "ke" per active block */
		double macs_m, params_m;
	} cases[] = {
		{1.2, 236, "34444", "335433 54543653 76563354 36567634 36365633", 595.19, 9.136},
		{1.2, 224, "23344", "3333 535633 545433 56543434 36367633", 389.49, 8.387},
		{1.0, 160, "22322", "3333 3334 343333 3334 3454", 75.80, 3.761},
		{1.2, 224, "23334", "3333 543334 545433 363434 36363433", 339.35, 7.466},
		{1.2, 192, "22343", "5333 5434 767334 54547433 363656", 264.01, 7.712},
	};

	for (size_t i = 0; i < OFA_ARRAY_LEN(cases); i++) {
		struct ofa_arch a = {.image_size = (uint16_t)cases[i].size};
		const char *p = cases[i].blocks;
		struct fixture f;

		open_fixture(&f, "mbv3", cases[i].width, 1000);
		for (int s = 0; s < 5; s++) {
			a.d[s] = (uint8_t)(cases[i].d[s] - '2');
			for (int j = 0; j < a.d[s] + 2; j++, p += 2) {
				p += *p == ' ';
				a.k[4 * s + j] = (uint8_t)((p[0] - '3') / 2);
				a.e[4 * s + j] = (uint8_t)(p[1] == '6' ? 2 : p[1] - '3');
			}
		}
		ck_assert_int_eq(*p, 0);
		ofa_plan_init(&f.space, &f.params, &a, &f.plan);
		ck_assert_double_eq_tol((double)ofa_plan_macs(&f.plan) / 1e6, cases[i].macs_m, 0.0051);
		ck_assert_double_eq_tol((double)ofa_plan_params(&f.plan) / 1e6, cases[i].params_m, 0.00051);
		close_fixture(&f);
	}
}
END_TEST

START_TEST(peak_activations_of_the_paper_space)
{
	static const struct {
		int k, e, d, size, peak_kib;
	} cases[] = {{7, 6, 4, 224, 1470}, {3, 3, 2, 224, 784}, {3, 3, 2, 128, 256}}; /* spec 4.10 */
	struct fixture f;

	open_fixture(&f, "mbv3", 1.0, 1000);
	for (size_t i = 0; i < OFA_ARRAY_LEN(cases); i++) {
		plan_uniform(&f, cases[i].k, cases[i].e, cases[i].d, cases[i].size);
		ck_assert_uint_eq(ofa_plan_peak_activation_int8(&f.plan), (uint64_t)cases[i].peak_kib * 1024);
	}
	close_fixture(&f);
}
END_TEST

/* Every case of a golden file: MACs and, where given, parameters, exactly.  Closes the fixture. */
static void check_golden(struct fixture *f, const char *file, size_t at_least)
{
	json_t *root = json_load_file(shared_path(file), 0, NULL), *cases = json_object_get(root, "cases"), *c;
	size_t i;

	ck_assert_msg(json_array_size(cases) >= at_least, "%s: %zu cases", file, json_array_size(cases));
	json_array_foreach(cases, i, c)
	{
		struct ofa_error err = {0};
		struct ofa_arch a;
		json_t *params = json_object_get(c, "params");
		double macs_m = json_number_value(json_object_get(c, "mflops"));

		ASSERT_OK(ofa_arch_parse(&f->space, json_object_get(c, "arch"), &a, &err), &err);
		ofa_plan_init(&f->space, &f->params, &a, &f->plan);
		ck_assert_uint_eq(ofa_plan_macs(&f->plan), (uint64_t)llround(macs_m * 1e6));
		if (params)
			ck_assert_uint_eq(ofa_plan_params(&f->plan), (uint64_t)json_integer_value(params));
	}
	close_fixture(f);
	json_decref(root);
}

START_TEST(golden_counts)
{
	struct fixture f;

	if (!shared_available())
		return;
	open_fixture(&f, "mbv3", 0.25, 10);
	check_golden(&f, "golden/mbv3_w0.25.cases.json", 5);
	open_fixture(&f, "proxyless", 0.25, 10);
	check_golden(&f, "golden/proxyless_w0.25.cases.json", 5);
	open_fixture(&f, "mbv3", 1.2, 1000);
	check_golden(&f, "golden/mbv3_w1.2.predictions.json", 300);
	open_fixture(&f, "resnet50", 1, 1000);
	check_golden(&f, "golden/resnet50.predictions.json", 100);
	open_tiny(&f, small_resnet_json);
	check_golden(&f, "golden/resnet50_small.cases.json", 5);
}
END_TEST

static int integer(const json_t *object, const char *key)
{
	const json_t *v = json_object_get(object, key);

	ck_assert_msg(json_is_integer(v), "%s", key);
	return (int)json_integer_value(v);
}

/* The arch of a published subnet, from its list of blocks. */
static json_t *published_arch(const struct ofa_space *s, const json_t *net)
{
	struct ofa_arch a;
	json_t *arch, *stage, *block;
	size_t i, j;

	ofa_arch_smallest(s, &a);
	arch = ofa_arch_format(s, &a);
	json_object_set(arch, "d", json_object_get(net, "depth"));
	json_object_set(arch, "image_size", json_object_get(net, "image_size"));
	json_array_foreach(json_object_get(net, "blocks"), i, stage)
	{
		json_array_foreach(stage, j, block)
		{
			size_t at = (size_t)s->stages[i].first_block + j;

			json_array_set(json_object_get(arch, "ks"), at, json_object_get(block, "kernel"));
			json_array_set(json_object_get(arch, "e"), at, json_object_get(block, "expand"));
		}
	}
	return arch;
}

/* Each block's kernel, stride and channels as the released network has them. */
static void check_blocks(const struct ofa_plan *plan, const json_t *net)
{
	int u = 2; /* after the stem and the first block */
	json_t *stage, *block;
	size_t i, j;

	json_array_foreach(json_object_get(net, "blocks"), i, stage)
	{
		json_array_foreach(stage, j, block)
		{
			const struct ofa_unit *unit = &plan->units[u++];

			ck_assert_int_eq(unit->kind, OFA_UNIT_BLOCK);
			ck_assert_int_eq(unit->k, integer(block, "kernel"));
			ck_assert_int_eq(unit->stride, integer(block, "stride"));
			ck_assert_int_eq(unit->mid, integer(block, "mid"));
			ck_assert_int_eq(unit->c_out, integer(block, "out"));
		}
	}
	ck_assert_int_eq(plan->units[u].kind, OFA_UNIT_HEAD_EXPAND);
}

START_TEST(published_subnets)
{
	int with_macs = 0;
	json_t *root, *net;
	size_t i;

	if (!shared_available())
		return;
	root = json_load_file(shared_path("real/published_subnets.json"), 0, NULL);
	ck_assert_uint_eq(json_array_size(root), 50);
	json_array_foreach(root, i, net)
	{
		struct ofa_error err = {0};
		struct ofa_arch a;
		struct fixture f;
		json_t *arch;

		open_fixture(&f, json_string_value(json_object_get(net, "family")),
			     json_number_value(json_object_get(net, "width_mult")), 1000);
		arch = published_arch(&f.space, net);
		ASSERT_OK(ofa_arch_parse(&f.space, arch, &a, &err), &err);
		ofa_plan_init(&f.space, &f.params, &a, &f.plan);
		check_blocks(&f.plan, net);
		if (strcmp(json_string_value(json_object_get(net, "unit")), "M") == 0) {
			ck_assert_double_eq_tol((double)ofa_plan_macs(&f.plan) / 1e6,
						json_number_value(json_object_get(net, "constraint")), 0.5);
			with_macs++;
		}
		json_decref(arch);
		close_fixture(&f);
	}
	ck_assert_int_eq(with_macs, 3);
	json_decref(root);
}
END_TEST

START_TEST(transforms_follow_the_kernel)
{
	static const struct {
		int block, choice, k, k_stored, n_transforms;
	} cases[] = {
		{0, 0, 3, 5, 1}, {0, 1, 5, 5, 0}, {4, 0, 5, 7, 1},  {4, 1, 7, 7, 0},
		{6, 0, 3, 7, 2}, {6, 1, 7, 7, 0}, {10, 0, 7, 7, 0},
	};
	struct fixture f;

	open_tiny(&f, tiny_json);
	for (size_t i = 0; i < OFA_ARRAY_LEN(cases); i++) {
		const struct ofa_block_params *p = &f.params.blocks[cases[i].block];
		const struct ofa_layer *dw = NULL;
		struct ofa_arch a;

		ofa_arch_largest(&f.space, &a);
		a.k[cases[i].block] = (uint8_t)cases[i].choice;
		ofa_plan_init(&f.space, &f.params, &a, &f.plan);
		for (int l = 0; l < f.plan.n_layers; l++)
			if (f.plan.layers[l].weight == p->depthwise)
				dw = &f.plan.layers[l];
		ck_assert_ptr_nonnull(dw);
		ck_assert_int_eq(dw->k, cases[i].k);
		ck_assert_int_eq(dw->pad, cases[i].k / 2);
		ck_assert_int_eq(dw->k_stored, cases[i].k_stored);
		ck_assert_int_eq((dw->t75 >= 0) + (dw->t53 >= 0), cases[i].n_transforms);
		ck_assert(dw->t75 == -1 || dw->t75 == p->t75);
		ck_assert(dw->t53 == -1 || dw->t53 == p->t53);
	}
	close_fixture(&f);
}
END_TEST

/* What must hold between the layers of any plan. */
static void check_plan(const struct fixture *f)
{
	const struct ofa_plan *p = &f->plan;
	int next = 0;

	for (int u = 0; u < p->n_units; u++) {
		ck_assert_int_eq(p->units[u].first_layer, next);
		next += p->units[u].n_layers;
	}
	ck_assert_int_eq(next, p->n_layers);
	for (int i = 0; i < p->n_layers; i++) {
		const struct ofa_layer *l = &p->layers[i];
		const struct ofa_value *in = &p->values[l->in], *out = &p->values[l->out];

		ck_assert(in->h == l->h_in && in->w == l->w_in && in->c == l->c_in);
		ck_assert(out->h == l->h_out && out->w == l->w_out && out->c == l->c_out);
		ck_assert_int_eq(l->in == l->out, l->op == OFA_OP_SE);
		ck_assert(in->first_layer < i && in->last_layer >= i);
		ck_assert(out->first_layer <= i && out->last_layer >= i);
		if (l->residual >= 0) {
			const struct ofa_value *r = &p->values[l->residual];

			ck_assert(r->h == out->h && r->w == out->w && r->c == out->c && r->last_layer == i);
			if (p->units[l->unit].residual)
				ck_assert_int_eq(p->layers[p->units[l->unit].first_layer].in, l->residual);
			else
				ck_assert(p->units[l->unit].bottleneck);
		}
		if (l->weight >= 0 && l->op == OFA_OP_CONV) {
			ck_assert_int_le(l->c_out, f->params.list[l->weight].shape[0]);
			ck_assert_int_le(l->c_in, f->params.list[l->weight].shape[1]);
			ck_assert_int_eq(l->k, f->params.list[l->weight].shape[2]);
		}
	}
	ck_assert_int_eq(p->values[0].first_layer, -1);
	ck_assert_int_eq(p->values[p->n_values - 1].c, f->space.classes);
}

struct range {
	uint32_t begin, end;
	int first, last;
};

/* Where values lie, by the layers that write and read them, which must agree. */
static uint32_t value_place(const struct ofa_plan *p, const struct ofa_memory_plan *m, int value)
{
	uint32_t place = value == 0 ? m->input : m->layers[p->values[value].first_layer].out;

	for (int l = 0; l < p->n_layers; l++) {
		if (p->layers[l].in == value)
			ck_assert_uint_eq(m->layers[l].in, place);
		if (p->layers[l].residual == value)
			ck_assert_uint_eq(m->layers[l].residual, place);
	}
	return place;
}

static struct range value_range(const struct ofa_plan *p, const struct ofa_memory_plan *m, int i)
{
	const struct ofa_value *v = &p->values[i];
	const uint32_t place = value_place(p, m, i);

	return (struct range){place, place + (uint32_t)(v->h * v->w * v->c) * 4, v->first_layer, v->last_layer};
}

/* No two ranges that live together share a byte; all are aligned and inside; the arena is as small as it can be. */
static void check_memory(const struct ofa_plan *p)
{
	struct range r[2 * OFA_PLAN_MAX_LAYERS];
	struct ofa_memory_plan m;
	uint32_t largest = 0, units = 0;
	int n = 0;

	ofa_memory_plan_init(p, OFA_FLOAT32, &m);
	for (int i = 0; i < p->n_values; i++)
		r[n++] = value_range(p, &m, i);
	for (int i = 0; i < p->n_layers; i++)
		if (p->layers[i].op == OFA_OP_SE)
			r[n++] = (struct range){
				m.layers[i].scratch,
				m.layers[i].scratch + (uint32_t)(p->layers[i].c_in + p->layers[i].hidden) * 4, i, i};
	for (int i = 0; i < n; i++) {
		ck_assert_uint_eq(r[i].begin % 64, 0);
		ck_assert_uint_le(r[i].end, m.arena_bytes);
		for (int j = 0; j < i; j++)
			if (r[i].first <= r[j].last && r[j].first <= r[i].last)
				ck_assert_msg(r[i].end <= r[j].begin || r[j].end <= r[i].begin,
					      "%d [%u,%u) and %d [%u,%u) of [%d,%d] and [%d,%d]", i, r[i].begin,
					      r[i].end, j, r[j].begin, r[j].end, r[i].first, r[i].last, r[j].first,
					      r[j].last);
	}
	for (int l = 0; l < p->n_layers; l++) {
		uint32_t live = 0;

		for (int i = 0; i < n; i++)
			if (r[i].first <= l && l <= r[i].last)
				live += (r[i].end - r[i].begin + 63) / 64 * 64;
		largest = live > largest ? live : largest;
	}
	for (int i = 0; i < p->n_units; i++) {
		const uint32_t bytes = ofa_unit_arena_bytes(p, i, OFA_FLOAT32);

		ck_assert_uint_le(bytes, largest);
		units = bytes > units ? bytes : units;
	}
	ck_assert_uint_eq(units, largest);
	ck_assert_uint_eq(m.arena_bytes, largest);
}

static void check_random_archs(struct fixture *f, int n)
{
	struct ofa_rng rng;

	ofa_rng_init(&rng, 5);
	for (int i = 0; i < n; i++) {
		struct ofa_arch a;

		ofa_arch_sample(&f->space, &rng, &a);
		ofa_plan_init(&f->space, &f->params, &a, &f->plan);
		ck_assert(ofa_arch_equal(&f->plan.arch, &a));
		check_plan(f);
		check_memory(&f->plan);
	}
	close_fixture(f);
}

START_TEST(plans_and_arenas_are_sound)
{
	json_t *json = json_loads(tiny_json, 0, NULL);
	struct fixture f;
	char *text;

	open_tiny(&f, tiny_json);
	check_random_archs(&f, 500);
	open_fixture(&f, "mbv3", 0.25, 10);
	check_random_archs(&f, 200);
	open_fixture(&f, "proxyless", 1.3, 1000);
	check_random_archs(&f, 200);
	open_fixture(&f, "resnet50", 1, 1000);
	check_random_archs(&f, 500);
	open_tiny(&f, small_resnet_json);
	check_random_archs(&f, 500);
	open_tiny(&f, tiny_resnet_json);
	check_random_archs(&f, 500);
	json_object_set_new(json, "first", json_null());
	text = json_dumps(json, 0);
	open_tiny(&f, text);
	check_random_archs(&f, 200);
	free(text);
	json_decref(json);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		published_extremes,
		resnet50_extremes,
		released_subnets,
		peak_activations_of_the_paper_space,
		golden_counts,
		published_subnets,
		transforms_follow_the_kernel,
		plans_and_arenas_are_sound,
	};

	return run_tests("plan", tests, OFA_ARRAY_LEN(tests));
}
