/* Recipes as JSON, and the schedule that follows from them. */
#include <math.h>
#include <string.h>

#include "spaces.h"
#include "train/schedule.h"

static json_t *shipped(void)
{
	const char *src = getenv("OFA_SRCDIR");
	char path[1024];
	json_t *json;

	snprintf(path, sizeof path, "%s/models/fashion/recipe.json", src ? src : ".");
	json = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
	ck_assert_msg(json != NULL, "cannot read %s", path);
	return json;
}

static void load_shipped(struct ofa_recipe *r)
{
	struct ofa_error err = {0};
	json_t *json = shipped();

	ASSERT_OK(ofa_recipe_parse(json, r, &err), &err);
	json_decref(json);
}

START_TEST(the_shipped_recipe_round_trips)
{
	struct ofa_recipe a, b;
	struct ofa_error err = {0};
	json_t *one, *two;

	load_shipped(&a);
	ck_assert_str_eq(a.name, "fashion");
	ck_assert_int_eq(a.n_class_names, 10);
	ck_assert_int_eq(a.space.n_resolutions, 4);
	one = ofa_recipe_format(&a);
	ASSERT_OK(ofa_recipe_parse(one, &b, &err), &err);
	two = ofa_recipe_format(&b);
	ck_assert(json_equal(one, two));
	ck_assert_float_eq(a.weight_decay, b.weight_decay);
	ck_assert_int_eq(memcmp(a.phases, b.phases, sizeof a.phases), 0);
	json_decref(one);
	json_decref(two);
}
END_TEST

/* One change to the shipped recipe, and the field that must be named. */
static const struct wrong {
	const char *parent[3];   /* path of member names or indices, NULL-terminated */
	const char *key, *value; /* JSON; NULL removes the member */
	const char *field;
} wrongs[] = {
	{{NULL}, "name", NULL, "/name"},
	{{NULL}, "name", "\"\"", "/name"},
	{{NULL}, "batch", "1", "/batch"},
	{{NULL}, "batch", "128.5", "/batch"},
	{{NULL}, "batch", "\"128\"", "/batch"},
	{{NULL}, "seed", "-1", "/seed"},
	{{NULL}, "sede", "1", "/sede"},
	{{NULL}, "momentum", "1", "/momentum"},
	{{NULL}, "classes", "[\"one\"]", "/classes"},
	{{NULL}, "space", NULL, "/space"},
	{{NULL}, "phases", "[]", "/phases"},
	{{"space"}, "classes", "0", "/space/classes"},
	{{"augment"}, "zoom", "2", "/augment/zoom"},
	{{"augment"}, "flip", "1", "/augment/flip"},
	{{"augment"}, "scale_min", "1.5", "/augment/scale_min"},
	{{"augment"}, "scale_max", "2.5", "/augment/scale_max"},
	{{"augment"}, "erase_max", "0.01", "/augment/erase_min"},
	{{"phases", "0"}, "kd", "1", "/phases/0/kd"},
	{{"phases", "0"}, "epochs", NULL, "/phases/0/epochs"},
	{{"phases", "0"}, "warmup_epochs", "99", "/phases/0/warmup_epochs"},
	{{"phases", "1"}, "name", "\"all\\n\"", "/phases/1/name"},
	{{"phases", "1"}, "subnets", "17", "/phases/1/subnets"},
	{{"phases", "1"}, "kernels", "[3,5,9]", "/phases/1/kernels/2"},
	{{"phases", "1"}, "kernels", "[5,3]", "/phases/1/kernels/1"},
	{{"phases", "1"}, "kernels", "[3,3.5]", "/phases/1/kernels/1"},
	{{"phases", "1"}, "kernels", "3", "/phases/1/kernels"},
	{{"phases", "2"}, "depths", "[3,6]", "/phases/2/depths/1"},
	{{"phases", "4"}, "expands", "[2.5,4]", "/phases/4/expands/0"},
	{{"phases", "4"}, "sort", "3", "/phases/4/sort"},
	{{"phases", "4"}, "sandwich", "1", "/phases/4/sandwich"},
	{{"phases", "0"}, "in_place", "true", "/phases/0/in_place"},
	{{"phases", "5"}, "augment", "[]", "/phases/5/augment"},
	{{"phases", "5"}, "augment", "{\"zoom\": 2}", "/phases/5/augment/zoom"},
	{{"phases", "5"}, "augment", "{\"scale_min\": 1.1}", "/phases/5/augment/scale_min"},
	{{"phases", "5"}, "augment", "{\"erase_min\": 0.1}", "/phases/5/augment/erase_min"},
	{{"phases", "5"}, "resolutions", "28", "/phases/5/resolutions"},
	{{"phases", "5"}, "resolutions", "[]", "/phases/5/resolutions"},
	{{"phases", "5"}, "resolutions", "[28,28,28,28,28,28,28,28,28]", "/phases/5/resolutions"},
	{{"phases", "5"}, "resolutions", "[28,27]", "/phases/5/resolutions/1"},
	{{"phases", "5"}, "resolutions", "[28.0]", "/phases/5/resolutions/0"},
};

START_TEST(a_wrong_recipe_names_the_field)
{
	const struct wrong *w = &wrongs[_i];
	struct ofa_recipe r;
	struct ofa_error err = {0};
	json_t *json = shipped(), *at = json;

	for (int i = 0; i < 3 && w->parent[i]; i++)
		at = json_is_array(at) ? json_array_get(at, (size_t)atoi(w->parent[i]))
				       : json_object_get(at, w->parent[i]);
	if (w->value)
		json_object_set_new(at, w->key, json_loads(w->value, JSON_DECODE_ANY, NULL));
	else
		json_object_del(at, w->key);
	ASSERT_FAILS(ofa_recipe_parse(json, &r, &err), OFA_ERR_INVALID);
	ck_assert_str_eq(err.field, w->field);
	json_decref(json);
}
END_TEST

START_TEST(other_families_are_not_trained)
{
	struct ofa_error err = {0};
	struct ofa_recipe r;
	json_t *json = shipped();

	json_object_set_new(json, "space", json_loads(small_resnet_json, 0, NULL));
	ASSERT_FAILS(ofa_recipe_parse(json, &r, &err), OFA_ERR_UNSUPPORTED);
	ck_assert_str_eq(err.field, "/space/family");
	ck_assert_ptr_nonnull(strstr(err.message, "resnet"));
	json_decref(json);
}
END_TEST

START_TEST(values_that_are_no_objects_are_refused)
{
	static const char *const texts[] = {"1", "[]", "null", "{\"phases\":{}}", "{}"};
	struct ofa_recipe r;

	for (size_t i = 0; i < OFA_ARRAY_LEN(texts); i++) {
		json_t *json = json_loads(texts[i], JSON_DECODE_ANY, NULL);
		ASSERT_FAILS(ofa_recipe_parse(json, &r, NULL), OFA_ERR_INVALID);
		json_decref(json);
	}
}
END_TEST

START_TEST(the_rate_warms_up_and_falls_to_zero)
{
	struct ofa_recipe r;
	struct ofa_phase *p = &r.phases[0];
	float last = 0;

	load_shipped(&r);
	p->epochs = 10;
	p->warmup_epochs = 1;
	p->lr = 0.4f;
	uint64_t epoch = ofa_epoch_steps(&r, 10000), steps = ofa_phase_steps(&r, p, 10000);
	ck_assert_uint_eq(epoch, (uint64_t)(10000 / r.batch));
	ck_assert_uint_eq(steps, 10 * epoch);
	for (uint64_t i = 0; i < epoch; i++) {
		float lr = ofa_phase_lr(&r, p, 10000, i);
		ck_assert_float_gt(lr, last);
		last = lr;
	}
	ck_assert_float_eq_tol(ofa_phase_lr(&r, p, 10000, epoch), 0.4f, 1e-6f);
	ck_assert_float_eq_tol(ofa_phase_lr(&r, p, 10000, epoch + (steps - epoch) / 2), 0.2f, 1e-3f);
	ck_assert_float_lt(ofa_phase_lr(&r, p, 10000, steps - 1), 1e-4f);
}
END_TEST

static bool listed(const uint8_t *choices, int n, int v)
{
	for (int i = 0; i < n; i++)
		if (choices[i] == v)
			return true;
	return false;
}

/* A phase's own image sizes replace the space's; one listed twice comes twice as often. */
START_TEST(a_phase_draws_from_its_own_image_sizes)
{
	static const char own[] = "[14,28,28]";
	struct ofa_recipe r;
	struct ofa_error err = {0};
	json_t *json = shipped(), *phases = json_object_get(json, "phases");
	int small = 0, large = 0;

	json_object_set_new(json_array_get(phases, 2), "resolutions", json_loads(own, 0, NULL));
	ASSERT_OK(ofa_recipe_parse(json, &r, &err), &err);
	json_decref(json);
	for (uint64_t step = 0; step < 3000; step++) {
		int size = ofa_step_resolution(&r, 2, step);
		small += size == 14;
		large += size == 28;
	}
	ck_assert_int_eq(small + large, 3000);
	ck_assert_int_lt(abs(large - 2000), 130); /* five standard deviations */
}
END_TEST

/* Every gene an opened phase can have appears, and none else. */
START_TEST(steps_draw_from_the_opened_choices_alone)
{
	struct ofa_recipe r;
	struct ofa_opened o;
	struct ofa_arch archs[OFA_MAX_STEP_SUBNETS];
	int seen_k[3] = {0}, seen_d[3] = {0}, seen_r[4] = {0};

	load_shipped(&r);
	r.phases[2].n_depths = 2;
	r.phases[2].depths[0] = 3;
	r.phases[2].depths[1] = 4;
	ofa_phase_open(&r.space, &r.phases[2], &o);
	for (uint64_t step = 0; step < 400; step++) {
		int size = ofa_step_resolution(&r, 2, step);
		for (int i = 0; i < r.space.n_resolutions; i++)
			seen_r[i] += r.space.resolutions[i] == size;
		ofa_step_archs(&r, 2, &o, step, size, archs);
		for (int j = 0; j < r.phases[2].subnets; j++) {
			ck_assert_int_eq(archs[j].image_size, size);
			for (int b = 0; b < r.space.n_blocks; b++) {
				if (!ofa_arch_active(&r.space, &archs[j], b))
					continue;
				ck_assert_int_eq(archs[j].e[b], 2);
				seen_k[archs[j].k[b]]++;
			}
			for (int i = 0; i < r.space.n_stages; i++) {
				ck_assert(listed(o.stages[i].d, o.stages[i].n_d, archs[j].d[i]));
				seen_d[archs[j].d[i]]++;
			}
		}
	}
	for (int i = 0; i < 3; i++)
		ck_assert_int_gt(seen_k[i], 1000);
	ck_assert_int_eq(seen_d[0], 0);
	ck_assert_int_gt(seen_d[1], 500);
	ck_assert_int_gt(seen_d[2], 500);
	for (int i = 0; i < 4; i++)
		ck_assert_int_gt(seen_r[i], 60);
}
END_TEST

/* Ratios closer together than the comparison's tolerance: a list still opens each choice once. */
START_TEST(neighbouring_ratios_open_once)
{
	struct ofa_recipe r;
	struct ofa_opened o;

	load_shipped(&r);
	r.space.stages[0].n_expands = r.phases[1].n_expands = OFA_MAX_CHOICES;
	for (int i = 0; i < OFA_MAX_CHOICES; i++)
		r.space.stages[0].expands[i] = r.phases[1].expands[i] = 1.0f + 2e-7f * (float)i;
	ofa_phase_open(&r.space, &r.phases[1], &o);
	ck_assert_int_eq(o.stages[0].n_e, OFA_MAX_CHOICES);
	for (int i = 0; i < OFA_MAX_CHOICES; i++)
		ck_assert_int_eq(o.stages[0].e[i], i);
}
END_TEST

START_TEST(a_sandwich_has_the_largest_and_the_smallest)
{
	struct ofa_recipe r;
	struct ofa_opened o;
	struct ofa_arch archs[OFA_MAX_STEP_SUBNETS], largest, smallest;
	struct ofa_phase *p = &r.phases[5];

	load_shipped(&r);
	p->sandwich = true;
	p->subnets = 4;
	ofa_phase_open(&r.space, p, &o);
	ofa_opened_largest(&r.space, &o, 20, &largest);
	ofa_opened_smallest(&r.space, &o, 20, &smallest);
	ofa_step_archs(&r, 5, &o, 17, 20, archs);
	ck_assert(ofa_arch_equal(&archs[0], &largest));
	ck_assert(ofa_arch_equal(&archs[3], &smallest));
	ck_assert(!ofa_arch_equal(&archs[1], &archs[2]));
	ck_assert(!ofa_arch_equal(&largest, &smallest));
}
END_TEST

START_TEST(an_epoch_holds_every_image_once)
{
	struct ofa_recipe r;
	uint32_t a[500], b[500], seen[500] = {0};

	load_shipped(&r);
	ofa_epoch_order(&r, 1, 3, a, 500);
	ofa_epoch_order(&r, 1, 3, b, 500);
	ck_assert_int_eq(memcmp(a, b, sizeof a), 0);
	ofa_epoch_order(&r, 1, 4, b, 500);
	ck_assert_int_ne(memcmp(a, b, sizeof a), 0);
	for (int i = 0; i < 500; i++)
		seen[a[i]]++;
	for (int i = 0; i < 500; i++)
		ck_assert_uint_eq(seen[i], 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("recipe");
	TCase *tcase = tcase_create("recipe");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_test(tcase, the_shipped_recipe_round_trips);
	tcase_add_loop_test(tcase, a_wrong_recipe_names_the_field, 0, OFA_ARRAY_LEN(wrongs));
	tcase_add_test(tcase, other_families_are_not_trained);
	tcase_add_test(tcase, values_that_are_no_objects_are_refused);
	tcase_add_test(tcase, the_rate_warms_up_and_falls_to_zero);
	tcase_add_test(tcase, a_phase_draws_from_its_own_image_sizes);
	tcase_add_test(tcase, steps_draw_from_the_opened_choices_alone);
	tcase_add_test(tcase, neighbouring_ratios_open_once);
	tcase_add_test(tcase, a_sandwich_has_the_largest_and_the_smallest);
	tcase_add_test(tcase, an_epoch_holds_every_image_once);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
