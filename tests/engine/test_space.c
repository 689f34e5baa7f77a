/* Search spaces: widths of the published families, counting, JSON in and out, refusals that name the field. */
#include <string.h>

#include "space/params.h"
#include "spaces.h"

START_TEST(make_divisible_follows_the_rule)
{
	static const struct {
		double v;
		int n;
	} cases[] = {{1, 8},     {8, 8},       {11.9, 16}, {12, 16},       {19.2, 24},
		     {28.8, 32}, {134.4, 136}, {20.8, 24}, {1228.8, 1232}, {0.5, 8}};

	for (size_t i = 0; i < OFA_ARRAY_LEN(cases); i++)
		ck_assert_int_eq(ofa_make_divisible(cases[i].v), cases[i].n);
	ck_assert_int_eq(ofa_mid_channels(136, 3), 408);
	ck_assert_int_eq(ofa_mid_channels(8, 2.5f), 24);
	ck_assert_int_eq(ofa_se_channels(48), 16);
	ck_assert_int_eq(ofa_se_channels(240), 64);
}
END_TEST

START_TEST(presets_have_the_published_widths)
{
	static const int mbv3[] = {32, 48, 96, 136, 192}, proxyless[] = {32, 56, 104, 128, 248, 416};
	struct ofa_space s;

	preset_space("mbv3", 1.2, 1000, &s);
	ck_assert_int_eq(s.stem.width, 24);
	ck_assert_int_eq(s.n_stages, 5);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(s.stages[i].width, mbv3[i]);
	ck_assert_int_eq(s.head.expand_width, 1152);
	ck_assert_int_eq(s.head.mix_width, 1536);
	ck_assert_int_eq(s.n_blocks, 20);
	preset_space("proxyless", 1.3, 1000, &s);
	ck_assert_int_eq(s.stem.width, 40);
	ck_assert_int_eq(s.first.width, 24);
	for (int i = 0; i < 6; i++)
		ck_assert_int_eq(s.stages[i].width, proxyless[i]);
	ck_assert_int_eq(s.head.expand_width, 1664);
	ck_assert_int_eq(s.head.mix_width, 0);
	ck_assert_int_eq(s.n_blocks, 21);
	ck_assert_float_eq(s.bn_eps, 1e-3f);
}
END_TEST

START_TEST(resnet50_has_the_published_widths)
{
	static const uint16_t widths[6][3] = {{24, 24, 32},    {40, 48, 64},	 {168, 208, 256},
					      {336, 408, 512}, {664, 816, 1024}, {1328, 1640, 2048}};
	static const int depths[5] = {1, 4, 4, 6, 4};
	struct ofa_space s;

	preset_space("resnet50", 1, 1000, &s);
	ck_assert_int_eq(s.family, OFA_FAMILY_RESNET);
	ck_assert_int_eq(s.n_width_genes, 6);
	for (int i = 0; i < 6; i++) {
		ck_assert_int_eq(s.widths[i].n, 3);
		for (int j = 0; j < 3; j++)
			ck_assert_int_eq(s.widths[i].channels[j], widths[i][j]);
	}
	ck_assert_int_eq(s.n_stages, 5);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(s.stages[i].max_depth, depths[i]);
	ck_assert_int_eq(s.n_blocks, 19);
	ck_assert_int_eq(s.stages[0].depths[0], 0);
	ck_assert_int_eq(s.stages[0].depth_genes[1], 2);
	ck_assert_int_eq(s.stages[3].depths[1], 5);
	ck_assert_int_eq(s.stages[3].depth_genes[1], 1);
}
END_TEST

START_TEST(unknown_presets_are_refused)
{
	struct ofa_error err = {0};
	struct ofa_space s;

	ASSERT_FAILS(ofa_space_preset("vgg", 1, 10, &s, &err), OFA_ERR_INVALID);
	ck_assert_str_eq(err.field, "family");
	ASSERT_FAILS(ofa_space_preset("mbv3", 0, 10, &s, NULL), OFA_ERR_INVALID);
	ASSERT_FAILS(ofa_space_preset("mbv3", 9, 10, &s, NULL), OFA_ERR_INVALID);
	ASSERT_FAILS(ofa_space_preset("mbv3", -1, 10, &s, NULL), OFA_ERR_INVALID);
	ASSERT_FAILS(ofa_space_preset("mbv3", 1, 0, &s, NULL), OFA_ERR_INVALID);
	ASSERT_FAILS(ofa_space_preset("mbv3", 8, 10, &s, &(struct ofa_error){0}), OFA_ERR_INVALID); /* head too wide */
}
END_TEST

START_TEST(counts_are_exact)
{
	char text[128];
	struct ofa_space s;

	preset_space("mbv3", 1, 1000, &s); /* (9^2 + 9^3 + 9^4)^5 */
	ofa_space_count(&s, text, sizeof(text));
	ck_assert_str_eq(text, "21758655492572485851");
	preset_space("proxyless", 1.3, 1000, &s);
	ofa_space_count(&s, text, sizeof(text));
	ck_assert_str_eq(text, "195827899433152372659");
	preset_space("resnet50", 1, 1000, &s); /* 2 3^6 (3^2+3^3+3^4)^3 (3^4+3^5+3^6) */
	ofa_space_count(&s, text, sizeof(text));
	ck_assert_str_eq(text, "2458914796962");
	/* (4+16+256) (2*2)^2 (2+4+16) (2+4+16), with one, two and four blocks of 4, 4, 2 and 2 kinds */
	load_space(tiny_json, &s);
	ofa_space_count(&s, text, sizeof(text));
	ck_assert_str_eq(text, "2137344");
	ofa_space_count(&s, text, 4);
	ck_assert_str_eq(text, "213");
}
END_TEST

static void check_round_trip(const struct ofa_space *s)
{
	json_t *json = ofa_space_format(s);
	struct ofa_error err = {0};
	struct ofa_space again;
	uint8_t a[32], b[32];

	ck_assert_ptr_nonnull(json);
	ASSERT_OK(ofa_space_parse(json, &again, &err), &err);
	ck_assert_mem_eq(&again, s, sizeof(again));
	json_decref(json);
	ofa_space_hash(s, a);
	ofa_space_hash(&again, b);
	ck_assert_mem_eq(a, b, sizeof(a));
	again.classes++;
	ofa_space_hash(&again, b);
	ck_assert_mem_ne(a, b, sizeof(a));
}

START_TEST(format_is_the_inverse_of_parse)
{
	struct ofa_space s;

	preset_space("mbv3", 1.2, 1000, &s);
	check_round_trip(&s);
	preset_space("proxyless", 0.25, 10, &s);
	check_round_trip(&s);
	load_space(tiny_json, &s);
	check_round_trip(&s);
	ck_assert_float_eq(s.stages[0].expands[0], 2.5f);
	preset_space("resnet50", 1, 1000, &s);
	check_round_trip(&s);
	load_space(tiny_resnet_json, &s);
	check_round_trip(&s);
}
END_TEST

/* Replaces one member by JSON text (NULL: removes it) and expects the refusal to name `field`. */
struct refusal {
	const char *object; /* "" root, else the member it is in; "stages/N" */
	const char *key, *value;
	const char *field;
};

static json_t *find_object(json_t *root, const char *object)
{
	if (!*object)
		return root;
	if (strncmp(object, "stages/", 7) == 0)
		return json_array_get(json_object_get(root, "stages"), (size_t)atoi(object + 7));
	return json_object_get(root, object);
}

static const struct refusal refusals[] = {
	{"", "family", "\"resnet\"", "/first"}, /* no field of that family */
	{"", "family", "\"vgg\"", "/family"},
	{"", "family", NULL, "/family"},
	{"", "name", "\"\"", "/name"},
	{"", "name", "5", "/name"},
	{"", "name", "\"0123456789012345678901234567890123456789012345678901234567890123\"", "/name"},
	{"", "surprise", "1", "/surprise"},
	{"", "input_channels", "0", "/input_channels"},
	{"", "input_channels", "5", "/input_channels"},
	{"", "input_channels", "1.0", "/input_channels"},
	{"", "classes", "65537", "/classes"},
	{"", "classes", "-1", "/classes"},
	{"", "classes", NULL, "/classes"},
	{"", "bn_eps", "0", "/bn_eps"},
	{"", "bn_eps", "\"1e-5\"", "/bn_eps"},
	{"", "resolutions", "[]", "/resolutions"},
	{"", "resolutions", "[28,20]", "/resolutions"},
	{"", "resolutions", "[20,20]", "/resolutions"},
	{"", "resolutions", "[0]", "/resolutions"},
	{"", "resolutions", "[2048]", "/resolutions"},
	{"", "resolutions", "[20.5]", "/resolutions"},
	{"", "resolutions", "7", "/resolutions"},
	{"", "stem", "[]", "/stem"},
	{"", "stem", NULL, "/stem"},
	{"stem", "width", "8193", "/stem/width"},
	{"stem", "stride", "3", "/stem/stride"},
	{"stem", "act", "\"gelu\"", "/stem/act"},
	{"stem", "act", "\"h_sigmoid\"", "/stem/act"},
	{"stem", "bias", "true", "/stem/bias"},
	{"", "first", NULL, "/first"},
	{"", "first", "{}", "/first/width"},
	{"first", "kernel", "4", "/first/kernel"},
	{"first", "se", "1", "/first/se"},
	{"first", "width", "16", "/first/residual"},
	{"", "kernels", "[2]", "/kernels"},
	{"", "kernels", "[3,4]", "/kernels"},
	{"", "kernels", "[3,5,7,9]", "/kernels"},
	{"", "expands", "[0]", "/expands"},
	{"", "expands", "[17]", "/expands"},
	{"", "expands", "[1,2,3,4,5,6,7,8,9]", "/expands"},
	{"", "depths", "[0,1]", "/depths"},
	{"", "depths", "[33]", "/depths"},
	{"", "depths", "[30]", "/stages"},
	{"", "kernels", NULL, "/kernels"},
	{"", "stages", "[]", "/stages"},
	{"", "stages", "{}", "/stages"},
	{"", "stages", "[1]", "/stages/0"},
	{"stages/1", "width", "0", "/stages/1/width"},
	{"stages/2", "stride", "0", "/stages/2/stride"},
	{"stages/0", "act", "7", "/stages/0/act"},
	{"stages/0", "se", "null", "/stages/0/se"},
	{"stages/3", "kernels", "[7,5]", "/stages/3/kernels"},
	{"stages/3", "depths", "[]", "/stages/3/depths"},
	{"stages/3", "depth", "[1]", "/stages/3/depth"},
	{"stages/2", "width", "8000", "/stages/2/width"}, /* times 6: too many middle channels */
	{"", "head", "null", "/head"},
	{"head", "expand_width", "0", "/head/expand_width"},
	{"head", "mix_width", "0", "/head/mix_act"},
	{"head", "mix_act", NULL, "/head/mix_act"},
	{"head", "dropout", "0.1", "/head/dropout"},
};

static const struct refusal resnet_refusals[] = {
	{"", "head", "{}", "/head"},
	{"", "stem", NULL, "/stem"},
	{"stem", "widths", "[20,12]", "/stem/widths"},
	{"stem", "widths", "[]", "/stem/widths"},
	{"stem", "mid_widths", "[0]", "/stem/mid_widths"},
	{"stem", "mid_widths", "[8193]", "/stem/mid_widths"},
	{"stem", "mid_widths", NULL, "/stem/mid_widths"},
	{"stem", "depths", "[0]", "/stem/depths"},
	{"stem", "depths", "[0,1,2]", "/stem/depths"},
	{"stem", "depths", "[1,1]", "/stem/depths"},
	{"stem", "act", "\"relu\"", "/stem/act"},
	{"", "stages", "[]", "/stages"},
	{"", "stages", "[1,1,1,1,1,1,1]", "/stages"},
	{"", "stages", "[1]", "/stages/0"},
	{"", "depths", "[33]", "/depths"},
	{"", "depths", "[31]", "/stages"},
	{"", "expands", "[0.1]", "/expands"},
	{"stages/0", "widths", "[8.5]", "/stages/0/widths"},
	{"stages/0", "width", "8", "/stages/0/width"},
	{"stages/1", "stride", "3", "/stages/1/stride"},
	{"stages/1", "base_depth", "0", "/stages/1/base_depth"},
	{"stages/1", "depths", "[2,1]", "/stages/1/depths"},
	{"stages/2", "widths", "[8192]", "/stages/2/widths"}, /* times 2: too many middle channels */
};

static void check_refusals(const char *space, const struct refusal *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct refusal *r = &list[i];
		json_t *root = json_loads(space, 0, NULL), *object = find_object(root, r->object);
		struct ofa_error err = {0};
		struct ofa_space s;
		enum ofa_status st;

		if (r->value)
			ck_assert_int_eq(
				json_object_set_new(object, r->key, json_loads(r->value, JSON_DECODE_ANY, NULL)), 0);
		else
			ck_assert_int_eq(json_object_del(object, r->key), 0);
		st = ofa_space_parse(root, &s, &err);
		ck_assert_msg(st != OFA_OK && strcmp(err.field, r->field) == 0, "%s %s = %s: %s at \"%s\": %s",
			      r->object, r->key, r->value ? r->value : "(none)", ofa_status_name(st), err.field,
			      err.message);
		json_decref(root);
	}
}

START_TEST(bad_fields_are_named)
{
	check_refusals(tiny_json, refusals, OFA_ARRAY_LEN(refusals));
	check_refusals(tiny_resnet_json, resnet_refusals, OFA_ARRAY_LEN(resnet_refusals));
}
END_TEST

START_TEST(other_values_are_not_spaces)
{
	static const char *const texts[] = {"null", "[]", "3", "\"mbv3\"", "{}"};

	for (size_t i = 0; i < OFA_ARRAY_LEN(texts); i++) {
		json_t *json = json_loads(texts[i], JSON_DECODE_ANY, NULL);
		struct ofa_space s;

		ASSERT_FAILS(ofa_space_parse(json, &s, NULL), OFA_ERR_INVALID);
		json_decref(json);
	}
	ASSERT_FAILS(ofa_space_parse(NULL, &(struct ofa_space){0}, NULL), OFA_ERR_INVALID);
}
END_TEST

START_TEST(huge_activations_are_refused)
{
	json_t *root = json_loads(tiny_json, 0, NULL);
	struct ofa_error err = {0};
	struct ofa_space s;

	json_object_set_new(root, "first", json_null());
	json_object_set_new(root, "resolutions", json_pack("[i]", 1024));
	json_object_set_new(json_object_get(root, "stem"), "width", json_integer(64));
	ASSERT_FAILS(ofa_space_parse(root, &s, &err), OFA_ERR_LIMIT);
	ck_assert_str_eq(err.field, "/stem/width");
	json_decref(root);
}
END_TEST

START_TEST(parameters_of_kernel_subsets)
{
	struct ofa_error err = {0};
	struct ofa_params p;
	struct ofa_space s;

	load_space(tiny_json, &s);
	ASSERT_OK(ofa_params_init(&s, &p, &err), &err);
	/* blocks 0-3: kernels 3,5; 4-5: 5,7; 6-9: 3,7; 10-13: 7 */
	ck_assert_int_ge(p.blocks[0].t53, 0);
	ck_assert_int_eq(p.blocks[0].t75, -1);
	ck_assert_int_eq(p.blocks[4].t53, -1);
	ck_assert_int_ge(p.blocks[4].t75, 0);
	ck_assert_int_ge(p.blocks[6].t53, 0);
	ck_assert_int_ge(p.blocks[6].t75, 0);
	ck_assert_int_eq(p.blocks[10].t53, -1);
	ck_assert_int_eq(p.blocks[10].t75, -1);
	ck_assert_str_eq(p.list[p.blocks[0].t53].name, "blocks.1.conv.depth_conv.conv.5to3_matrix");
	ck_assert_int_ge(p.first.se_reduce, 0);
	ck_assert_int_eq(p.blocks[4].se_reduce, -1);
	ck_assert_int_eq(p.first.expand, -1);
	for (int i = 0; i < p.n; i++) {
		ck_assert_int_eq(ofa_params_find(&p, p.list[i].name), i);
		ck_assert_uint_le(p.list[i].elements, p.max_elements);
	}
	ck_assert_int_eq(ofa_params_find(&p, "nothing"), -1);
	ck_assert(!ofa_param_trained(&p.list[p.stem_bn + 2]) && ofa_param_trained(&p.list[p.stem_bn]));
	ck_assert(!ofa_param_decayed(&p.list[p.stem_bn]) && !ofa_param_decayed(&p.list[p.first.se_reduce_bias]));
	ck_assert(ofa_param_decayed(&p.list[p.blocks[0].t53]) && ofa_param_decayed(&p.list[p.classifier]));
	ofa_params_release(&p);
}
END_TEST

START_TEST(parameters_of_a_resnet)
{
	struct ofa_error err = {0};
	struct ofa_params p;
	struct ofa_space s;

	load_space(small_resnet_json, &s);
	ASSERT_OK(ofa_params_init(&s, &p, &err), &err);
	ck_assert_str_eq(p.list[p.stem].name, "input_stem.0.conv.conv.weight");
	ck_assert_str_eq(p.list[p.blocks[0].conv].name, "input_stem.1.conv.conv.conv.weight");
	ck_assert_str_eq(p.list[p.blocks[0].conv_bn + 3].name, "input_stem.1.conv.bn.bn.running_var");
	ck_assert_str_eq(p.list[p.stem_out].name, "input_stem.2.conv.conv.weight");
	ck_assert_str_eq(p.list[p.blocks[5].conv].name, "blocks.4.conv2.conv.conv.weight");
	ck_assert_str_eq(p.list[p.blocks[5].shortcut_bn].name, "blocks.4.downsample.bn.bn.weight");
	ck_assert_int_eq(p.blocks[6].shortcut, -1);
	ck_assert_int_eq(p.list[p.blocks[5].expand].shape[0], 56);
	ck_assert_int_eq(p.list[p.blocks[5].expand].shape[1], 128);
	ck_assert_str_eq(p.list[p.classifier].name, "classifier.linear.linear.weight");
	ck_assert_int_eq(p.list[p.classifier].shape[1], 256);
	ck_assert_int_eq(p.mix, -1);
	for (int i = 0; i < p.n; i++)
		ck_assert_int_eq(ofa_params_find(&p, p.list[i].name), i);
	ofa_params_release(&p);
}
END_TEST

START_TEST(parameter_names_without_a_first_block)
{
	json_t *root = json_loads(tiny_json, 0, NULL);
	struct ofa_error err = {0};
	struct ofa_params p;
	struct ofa_space s;

	json_object_set_new(root, "first", json_null());
	json_object_set_new(root, "head",
			    json_pack("{s:i,s:s,s:i,s:s}", "expand_width", 96, "expand_act", "relu", "mix_width", 0,
				      "mix_act", "none"));
	ASSERT_OK(ofa_space_parse(root, &s, &err), &err);
	check_round_trip(&s);
	ASSERT_OK(ofa_params_init(&s, &p, &err), &err);
	ck_assert_int_eq(p.first.depthwise, -1);
	ck_assert_str_eq(p.list[p.blocks[0].expand].name, "blocks.0.conv.inverted_bottleneck.conv.conv.weight");
	ck_assert_str_eq(p.list[p.head_expand].name, "feature_mix_layer.conv.weight");
	ck_assert_str_eq(p.list[p.head_expand_bn].name, "feature_mix_layer.bn.weight");
	ck_assert_int_eq(p.mix, -1);
	ck_assert_int_eq(p.list[p.classifier].shape[1], 96);
	ofa_params_release(&p);
	json_decref(root);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		make_divisible_follows_the_rule, presets_have_the_published_widths,
		unknown_presets_are_refused,     counts_are_exact,
		format_is_the_inverse_of_parse,  bad_fields_are_named,
		other_values_are_not_spaces,     huge_activations_are_refused,
		parameters_of_kernel_subsets,    parameter_names_without_a_first_block,
		resnet50_has_the_published_widths, parameters_of_a_resnet,
	};

	return run_tests("space", tests, OFA_ARRAY_LEN(tests));
}
