/* What of a subnet goes where: figures of its units and layers against those of the whole, over random archs of every
 * family, in every type. */
#include <math.h>
#include <string.h>

#include "cost/profile.h"
#include "cost/stripes.h"
#include "pack/pack.h"
#include "random_net.h"
#include "spaces.h"

enum { ARCHS = 60 };

/* One subnet of a space. */
struct subject {
	struct ofa_space space;
	struct ofa_params params;
	struct ofa_plan plan;
};

/* Calls `check` on the largest and on random archs of spaces of all kinds. */
static void each_subnet(void (*check)(const struct subject *x))
{
	static const char *const texts[] = {tiny_json, small_resnet_json, tiny_resnet_json};
	static const char *const families[] = {"mbv3", "proxyless", "resnet50"};
	static struct subject x;
	struct ofa_error err = {0};
	struct ofa_arch a;
	struct ofa_rng rng;

	ofa_rng_init(&rng, 11);
	for (size_t i = 0; i < OFA_ARRAY_LEN(texts) + OFA_ARRAY_LEN(families); i++) {
		if (i < OFA_ARRAY_LEN(texts))
			load_space(texts[i], &x.space);
		else
			preset_space(families[i - OFA_ARRAY_LEN(texts)], 1, 100, &x.space);
		ASSERT_OK(ofa_params_init(&x.space, &x.params, &err), &err);
		for (int n = 0; n < ARCHS; n++) {
			if (n == 0)
				ofa_arch_largest(&x.space, &a);
			else
				ofa_arch_sample(&x.space, &rng, &a);
			ofa_plan_init(&x.space, &x.params, &a, &x.plan);
			check(&x);
		}
		ofa_params_release(&x.params);
	}
}

static void check_sums(const struct subject *x)
{
	uint64_t macs = 0, params = 0;

	for (int u = 0; u < x->plan.n_units; u++) {
		macs += ofa_unit_macs(&x->plan, u);
		params += ofa_unit_params(&x->plan, u);
	}
	ck_assert_uint_eq(macs, ofa_plan_macs(&x->plan));
	ck_assert_uint_eq(params, ofa_plan_params(&x->plan));
}

START_TEST(macs_and_params_add_up)
{
	each_subnet(check_sums);
}
END_TEST

static uint32_t larger(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/* Where that ends which a layer writes and works with, and an input of its unit that is there as a whole and will be
 * added. */
static uint32_t layer_end(const struct ofa_plan *p, const struct ofa_memory_plan *m, int layer)
{
	const struct ofa_layer *l = &p->layers[layer];
	const struct ofa_unit *u = &p->units[l->unit];
	const struct ofa_placement *at = &m->layers[layer], *last = &m->layers[u->first_layer + u->n_layers - 1];
	const struct ofa_value *out = &p->values[l->out], *added = &p->values[p->layers[u->first_layer].in];
	const uint32_t rows = at->rows > 0 ? at->rows : (uint32_t)out->h;
	uint32_t end = at->out + rows * (uint32_t)(out->w * out->c);

	if (at->scratch != OFA_NOWHERE)
		end = larger(end, at->scratch + (uint32_t)(l->c_in + l->hidden));
	if (u->residual && m->layers[u->first_layer - 1].rows == 0)
		end = larger(end, last->residual + (uint32_t)(added->h * added->w * added->c));
	return end;
}

/* Layers that run in turns take what begins them and what ends last of all of theirs, and nothing else. */
static void check_stripes(const struct ofa_plan *p, const struct ofa_memory_plan *m, const uint32_t *held)
{
	for (int first = 0, next; first < p->n_layers; first = next) {
		const struct ofa_value *in = &p->values[p->layers[first].in];
		uint32_t end = m->layers[first].in + (uint32_t)(in->h * in->w * in->c);

		for (next = first; next == first || m->layers[next - 1].rows > 0; next++)
			end = larger(end, layer_end(p, m, next));
		for (int l = first; l < next; l++)
			ck_assert_uint_eq(held[l], (end + 15) / 16 * 16);
	}
}

static uint32_t largest(const uint32_t *held, int first, int n)
{
	uint32_t most = 0;

	for (int i = first; i < first + n; i++)
		most = larger(most, held[i]);
	return most;
}

static void check_memory(const struct subject *x)
{
	const struct ofa_plan *p = &x->plan;

	for (enum ofa_precision precision = 0; precision < OFA_PRECISION_COUNT; precision++) {
		uint32_t held[OFA_PLAN_MAX_LAYERS];
		struct ofa_memory_plan m;

		ofa_memory_plan_init(p, precision, &m);
		ofa_memory_trace(p, precision, held);
		ck_assert_uint_eq(largest(held, 0, p->n_layers), m.arena_bytes);
		for (int i = 0; i < p->n_units; i++) {
			const struct ofa_unit *u = &p->units[i];
			const uint32_t bytes = ofa_unit_arena_bytes(p, i, precision);

			if (bytes > 0) /* else it runs in turns with a later one */
				ck_assert_uint_eq(largest(held, u->first_layer, u->n_layers), bytes);
		}
		if (precision == OFA_INT8 && ofa_stripes_apply(p))
			check_stripes(p, &m, held);
	}
}

START_TEST(memory_peaks_at_the_arena)
{
	each_subnet(check_memory);
}
END_TEST

/* Layers without windows, in turns, and one that scales what they made. */
START_TEST(memory_of_one_block)
{
	struct ofa_error err = {0};
	struct subject x;
	struct ofa_arch a;
	uint32_t held[OFA_PLAN_MAX_LAYERS];

	load_space(tiny_json, &x.space);
	ASSERT_OK(ofa_params_init(&x.space, &x.params, &err), &err);
	ofa_arch_smallest(&x.space, &a);
	ofa_plan_init(&x.space, &x.params, &a, &x.plan);
	ofa_memory_trace(&x.plan, OFA_FLOAT32, held);
	/* 15 x 15 pixels; the first block adds its 8 channels to what the depthwise convolution makes of them, which is
	 * scaled by 8 hidden units and projected; each value is rounded up to 64 bytes */
	ck_assert_int_eq(x.plan.layers[2].op, OFA_OP_SE);
	ck_assert_uint_eq(held[0], 960 + 7232);
	ck_assert_uint_eq(held[1], 2 * 7232);
	ck_assert_uint_eq(held[2], 2 * 7232 + 64);
	ck_assert_uint_eq(held[3], 3 * 7232);
	ofa_params_release(&x.params);
}
END_TEST

START_TEST(packages_add_up)
{
	static const char *const spaces[] = {tiny_json, tiny_resnet_json};

	for (size_t s = 0; s < OFA_ARRAY_LEN(spaces); s++) {
		static struct ofa_plan plan;
		struct ofa_supernet *net;
		struct ofa_space space;
		struct ofa_arch arch;

		load_space(spaces[s], &space);
		net = random_net(&space, &(struct random_net_options){.seed = 3, .calibration_images = 5});
		ofa_arch_largest(&net->space, &arch);
		ofa_plan_init(&net->space, &net->params, &arch, &plan);
		for (enum ofa_precision precision = 0; precision < OFA_PRECISION_COUNT; precision++) {
			uint64_t units = 0, layers = 0;

			for (int u = 0; u < plan.n_units; u++)
				units += ofa_pack_unit_bytes(&plan, u, precision);
			for (int l = 0; l < plan.n_layers; l++)
				layers += ofa_pack_layer_bytes(&plan.layers[l], precision);
			ck_assert_uint_eq(units, layers);
			ck_assert_uint_lt(units, ofa_pack_size(net, &plan, precision));
		}
		ofa_supernet_free(net);
	}
}
END_TEST

/* A table of one resolution with every key; the first block was timed together with the stem. */
static void make_table(const struct subject *x, int resolution, struct ofa_profile *ret)
{
	json_t *rows = json_object(), *json;
	struct ofa_error err = {0};
	struct ofa_key_list l;
	char name[8], stem[OFA_LATENCY_KEY_MAX], first[OFA_LATENCY_KEY_MAX];

	ASSERT_OK(ofa_latency_keys(&x->space, &x->params, resolution, &l, &err), &err);
	for (size_t i = 0; i < l.n; i++)
		json_object_set_new(rows, l.keys[i], json_pack("{s:f}", "mean", 0.1 + 0.37 * (double)(i % 11)));
	ofa_key_list_release(&l);
	ofa_unit_key(&x->plan.units[0], &x->plan, stem);
	ofa_unit_key(&x->plan.units[1], &x->plan, first);
	json_object_set_new(rows, first, json_pack("{s:s}", "included_in", stem));
	snprintf(name, sizeof(name), "%d", resolution);
	json = json_pack("{s:s, s:{s:s, s:{s:o}}}", "name", "x", "latency_table", "unit", "ms", "entries", name, rows);
	ASSERT_OK(ofa_profile_parse(json, ret, &err), &err);
	json_decref(json);
}

/* How many units were timed together with another. */
static int check_latency(const struct subject *x, const struct ofa_profile *profile,
			  const struct ofa_latency_model *model)
{
	int included = 0;
	double sum = 0;

	for (int u = 0; u < x->plan.n_units; u++) {
		const struct ofa_latency_entry *row;
		char key[OFA_LATENCY_KEY_MAX];

		ofa_unit_key(&x->plan.units[u], &x->plan, key);
		row = ofa_latency_find(&profile->table, x->plan.arch.image_size, key);
		ck_assert_ptr_nonnull(row);
		ck_assert_str_eq(row->key, key);
		if (row->included_in)
			ck_assert_double_eq(row->mean_ms, 0);
		included += row->included_in != NULL;
		sum += row->mean_ms;
		ck_assert_ptr_null(ofa_latency_find(&profile->table, 1, key));
	}
	ck_assert_double_eq_tol(sum, ofa_latency_ms(model, &x->plan.arch), 1e-9);
	ck_assert_ptr_null(ofa_latency_find(&profile->table, x->plan.arch.image_size, "Conv-input:1x1x1-output:1"));
	return included;
}

START_TEST(latencies_add_up)
{
	static const char *const spaces[] = {tiny_json, tiny_resnet_json};

	for (size_t s = 0; s < OFA_ARRAY_LEN(spaces); s++) {
		static struct subject x;
		struct ofa_latency_model *model;
		struct ofa_error err = {0};
		struct ofa_profile profile;
		struct ofa_rng rng;
		struct ofa_arch a;

		load_space(spaces[s], &x.space);
		ASSERT_OK(ofa_params_init(&x.space, &x.params, &err), &err);
		ofa_arch_largest(&x.space, &a);
		a.image_size = 28;
		ofa_plan_init(&x.space, &x.params, &a, &x.plan);
		make_table(&x, 28, &profile);
		ASSERT_OK(ofa_latency_model_new(&x.space, &x.params, &profile.table, &model, &err), &err);
		ofa_rng_init(&rng, 2);
		ck_assert_int_eq(check_latency(&x, &profile, model), 1);
		for (int i = 0; i < ARCHS; i++) {
			ofa_arch_sample(&x.space, &rng, &a);
			a.image_size = 28;
			ofa_plan_init(&x.space, &x.params, &a, &x.plan);
			check_latency(&x, &profile, model);
		}
		ofa_latency_model_free(model);
		ofa_profile_release(&profile);
		ofa_params_release(&x.params);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {macs_and_params_add_up, memory_peaks_at_the_arena, memory_of_one_block,
				      packages_add_up, latencies_add_up};

	return run_tests("breakdown", tests, OFA_ARRAY_LEN(tests));
}
