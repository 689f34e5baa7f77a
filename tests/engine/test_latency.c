/* Latency: keys of the plan's units against the published Note10 tables, sums against published values. */
#include <math.h>
#include <string.h>

#include "released.h"
#include "shared.h"
#include "spaces.h"

static bool has_key(const struct ofa_key_list *l, const char *key)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->keys[i], key) == 0)
			return true;
	return false;
}

START_TEST(keys_of_families)
{
	struct ofa_error err = {0};
	struct ofa_key_list l;
	struct ofa_params params;
	struct ofa_space s;

	preset_space("mbv3", 1.2, 1000, &s);
	ASSERT_OK(ofa_params_init(&s, &params, &err), &err);
	ASSERT_OK(ofa_latency_keys(&s, &params, 160, &l, &err), &err);
	ck_assert_uint_eq(l.n, 96);
	ck_assert(has_key(&l, "Conv-input:160x160x3-output:80x80x24"));
	ck_assert(has_key(
		&l, "expanded_conv-input:80x80x24-output:80x80x24-expand:24-kernel:3-stride:1-idskip:1-se:0-hs:0"));
	ck_assert(has_key(
		&l, "expanded_conv-input:10x10x136-output:10x10x136-expand:408-kernel:3-stride:1-idskip:1-se:1-hs:1"));
	ck_assert(has_key(&l, "Logits-input:1x1x1536-output:1000"));
	ofa_key_list_release(&l);
	ofa_params_release(&params);

	preset_space("proxyless", 1.3, 1000, &s);
	ASSERT_OK(ofa_params_init(&s, &params, &err), &err);
	ASSERT_OK(ofa_latency_keys(&s, &params, 224, &l, &err), &err);
	ck_assert(has_key(&l, "Conv_1-input:7x7x416-output:7x7x1664"));
	ck_assert(has_key(&l, "AvgPool2D-input:7x7x1664-output:1x1x1664"));
	ck_assert(has_key(&l, "Logits-input:1x1x1664-output:1000"));
	ck_assert(has_key(
		&l, "expanded_conv-input:112x112x40-output:112x112x24-expand:40-kernel:3-stride:1-idskip:0-se:0-hs:0"));
	ofa_key_list_release(&l);
	ofa_params_release(&params);
}
END_TEST

START_TEST(keys_of_resnets)
{
	struct ofa_error err = {0};
	struct ofa_key_list l;
	struct ofa_params params;
	struct ofa_space s;

	preset_space("resnet50", 1, 1000, &s);
	ASSERT_OK(ofa_params_init(&s, &params, &err), &err);
	ASSERT_OK(ofa_latency_keys(&s, &params, 224, &l, &err), &err);
	/* Two of the three widths in the stem's middle are one.  Stem 2, skip 2, out 2*3, pools 3+3, logits 3; stages
	 * 3*3*3 shapes for the first bottleneck and 3*3 for the others. */
	ck_assert_uint_eq(l.n, 2 + 2 + 6 + 3 + 3 + 3 + 4 * (27 + 9));
	ck_assert(has_key(&l, "Conv-input:224x224x3-output:112x112x24"));
	ck_assert(has_key(&l, "Conv_skip-input:112x112x32-output:112x112x32"));
	ck_assert(has_key(&l, "Conv_out-input:112x112x32-output:112x112x40"));
	ck_assert(has_key(&l, "MaxPool2D-input:112x112x48-output:56x56x48"));
	ck_assert(has_key(&l, "Bottleneck-input:56x56x64-output:56x56x168-expand:40-kernel:3-stride:1-idskip:0"));
	ck_assert(has_key(&l, "Bottleneck-input:56x56x168-output:28x28x512-expand:104-kernel:3-stride:2-idskip:0"));
	ck_assert(has_key(&l, "Bottleneck-input:7x7x2048-output:7x7x2048-expand:720-kernel:3-stride:1-idskip:1"));
	ck_assert(has_key(&l, "AvgPool2D-input:7x7x1640-output:1x1x1640"));
	ck_assert(has_key(&l, "Logits-input:1x1x1328-output:1000"));
	ofa_key_list_release(&l);
	ofa_params_release(&params);
}
END_TEST

/* A table with every key of a small space, mean 1 + its position. */
static void tiny_profile(const struct ofa_space *s, const struct ofa_params *params, int resolution,
			 struct ofa_profile *ret)
{
	json_t *rows = json_object(), *profile;
	struct ofa_error err = {0};
	struct ofa_key_list l;
	char name[8];

	ASSERT_OK(ofa_latency_keys(s, params, resolution, &l, &err), &err);
	for (size_t i = 0; i < l.n; i++)
		json_object_set_new(rows, l.keys[i], json_pack("{s:f}", "mean", 1.0 + (double)i));
	ofa_key_list_release(&l);
	snprintf(name, sizeof(name), "%d", resolution);
	profile = json_pack("{s:s, s:{s:s, s:{s:o}}}", "name", "tiny", "latency_table", "unit", "ms", "entries", name,
			    rows);
	ASSERT_OK(ofa_profile_parse(profile, ret, &err), &err);
	json_decref(profile);
}

/* What the model adds up against a look-up of every unit's key. */
static void check_sums(const char *space, int resolution)
{
	int checked = 0;
	struct ofa_error err = {0};
	struct ofa_latency_model *m;
	struct ofa_profile profile;
	struct ofa_params params;
	struct ofa_space s;
	struct ofa_rng rng;

	load_space(space, &s);
	ASSERT_OK(ofa_params_init(&s, &params, &err), &err);
	tiny_profile(&s, &params, resolution, &profile);
	ASSERT_OK(ofa_latency_model_new(&s, &params, &profile.table, &m, &err), &err);
	ofa_rng_init(&rng, 1);
	for (int i = 0; i < 500; i++) {
		static struct ofa_plan plan;
		struct ofa_arch a;
		double sum = 0;

		ofa_arch_sample(&s, &rng, &a);
		if (a.image_size != resolution) {
			ck_assert(isnan(ofa_latency_ms(m, &a)));
			continue;
		}
		ofa_plan_init(&s, &params, &a, &plan);
		for (int u = 0; u < plan.n_units; u++) {
			char key[OFA_LATENCY_KEY_MAX];
			size_t e = 0;

			ck_assert_uint_eq(ofa_unit_key(&plan.units[u], &plan, key), strlen(key));
			ck_assert(ofa_latency_key_ok(key));
			while (e < profile.table.n && strcmp(profile.table.entries[e].key, key) != 0)
				e++;
			ck_assert_uint_lt(e, profile.table.n);
			sum += profile.table.entries[e].mean_ms;
		}
		ck_assert_double_eq_tol(ofa_latency_ms(m, &a), sum, 1e-9);
		checked++;
	}
	ck_assert_int_gt(checked, 100);
	ck_assert(ofa_latency_has(m, resolution) && !ofa_latency_has(m, s.resolutions[0]));
	ofa_latency_model_free(m);
	ofa_profile_release(&profile);
	ofa_params_release(&params);
}

START_TEST(sum_equals_keys)
{
	check_sums(tiny_json, 20);
	check_sums(tiny_resnet_json, 33);
	check_sums(small_resnet_json, 64);
}
END_TEST

START_TEST(missing_keys_are_counted)
{
	struct ofa_error err = {0};
	struct ofa_latency_model *m;
	struct ofa_profile profile;
	struct ofa_params params;
	struct ofa_space s;

	load_space(tiny_json, &s);
	ASSERT_OK(ofa_params_init(&s, &params, &err), &err);
	tiny_profile(&s, &params, 20, &profile);
	snprintf(profile.table.entries[3].key, 5, "Gone");
	snprintf(profile.table.entries[7].key, 5, "Gone");
	ASSERT_FAILS(ofa_latency_model_new(&s, &params, &profile.table, &m, &err), OFA_ERR_MISMATCH);
	ck_assert_str_eq(err.field, "/latency_table/entries");
	ck_assert_msg(strstr(err.message, "2 of the") != NULL, "%s", err.message);
	for (size_t i = 0; i < profile.table.n; i++)
		profile.table.entries[i].resolution = 24;
	err = (struct ofa_error){0};
	ASSERT_FAILS(ofa_latency_model_new(&s, &params, &profile.table, &m, &err), OFA_ERR_MISMATCH);
	ck_assert_ptr_nonnull(strstr(err.message, "15 to 28"));
	ofa_profile_release(&profile);
	ofa_params_release(&params);
}
END_TEST

/* Every table of the phone has exactly the 96 keys that the network needs at its resolution. */
START_TEST(note10_keys)
{
	struct ofa_error err = {0};
	struct ofa_profile profile;
	struct ofa_supernet net;

	if (!shared_available())
		return;
	ASSERT_OK(released_network(&net, &err), &err);
	ASSERT_OK(released_profile(&profile, &err), &err);
	ck_assert_uint_eq(profile.table.n, 17 * 96);
	for (size_t first = 0; first < profile.table.n; first += 96) {
		struct ofa_key_list l;

		ASSERT_OK(ofa_latency_keys(&net.space, &net.params, profile.table.entries[first].resolution, &l, &err),
			  &err);
		ck_assert_uint_eq(l.n, 96);
		for (size_t i = 0; i < l.n; i++)
			ck_assert_str_eq(l.keys[i], profile.table.entries[first + i].key);
		ofa_key_list_release(&l);
	}
	ofa_profile_release(&profile);
	released_network_free(&net);
}
END_TEST

START_TEST(note10_latencies)
{
	struct ofa_error err = {0};
	struct ofa_latency_model *m;
	struct ofa_profile profile;
	struct ofa_supernet net;
	json_t *json, *item;
	size_t i;

	if (!shared_available())
		return;
	ASSERT_OK(released_network(&net, &err), &err);
	ASSERT_OK(released_profile(&profile, &err), &err);
	ASSERT_OK(ofa_latency_model_new(&net.space, &net.params, &profile.table, &m, &err), &err);
	json = json_load_file(shared_path("golden/mbv3_w1.2.predictions.json"), 0, NULL);
	ck_assert_uint_gt(json_array_size(json_object_get(json, "cases")), 100);
	json_array_foreach(json_object_get(json, "cases"), i, item)
	{
		double expected = json_number_value(json_object_get(item, "note10_latency_ms"));
		struct ofa_arch a;

		ASSERT_OK(ofa_arch_parse(&net.space, json_object_get(item, "arch"), &a, &err), &err);
		ck_assert_double_eq_tol(ofa_latency_ms(m, &a), expected, 1e-6);
	}
	json_decref(json);
	ofa_latency_model_free(m);
	ofa_profile_release(&profile);
	released_network_free(&net);
}
END_TEST

/* The subnet whose latency the reference's tutorial prints, 24.73 ms. */
START_TEST(note10_tutorial)
{
	struct ofa_error err = {0};
	struct ofa_latency_model *m;
	struct ofa_profile profile;
	struct ofa_supernet net;
	json_t *golden, *json;
	struct ofa_arch a;

	if (!shared_available())
		return;
	ASSERT_OK(released_network(&net, &err), &err);
	ASSERT_OK(released_profile(&profile, &err), &err);
	ASSERT_OK(ofa_latency_model_new(&net.space, &net.params, &profile.table, &m, &err), &err);
	golden = json_load_file(shared_path("real/golden_ofa_tutorial.json"), 0, NULL);
	json = json_pack("{s:O, s:O, s:O, s:O}", "ks", json_object_get(golden, "ks"), "e", json_object_get(golden, "e"),
			 "d", json_object_get(golden, "d"), "image_size", json_object_get(golden, "r"));
	json_decref(golden);
	ASSERT_OK(ofa_arch_parse(&net.space, json, &a, &err), &err);
	ck_assert_double_eq_tol(ofa_latency_ms(m, &a), 24.7302, 5e-5);
	json_decref(json);
	ofa_latency_model_free(m);
	ofa_profile_release(&profile);
	released_network_free(&net);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {keys_of_families, keys_of_resnets, sum_equals_keys, missing_keys_are_counted,
				      note10_keys, note10_latencies, note10_tutorial};

	return run_tests("latency", tests, OFA_ARRAY_LEN(tests));
}
