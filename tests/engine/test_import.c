/* What a state dict's names and shapes tell: family, widths, classes, choices, in every spelling; and what is refused.
 */
#include "random_net.h"

#include "import/import.h"
#include "shared.h"
#include "spaces.h"

static struct ofa_error err;

/* A state dict of a space: its parameters' names and shapes, with random values. */
struct state {
	struct ofa_params params;
	float **data;
	struct ofa_tensor *tensors;
	char (*names)[160];
	size_t n;
};

static void state_init(struct state *s, const struct ofa_space *space)
{
	ASSERT_OK(ofa_params_init(space, &s->params, &err), &err);
	s->n = (size_t)s->params.n;
	s->data = random_net_data(&s->params, 1);
	s->tensors = calloc(s->n + 2, sizeof(*s->tensors));
	s->names = calloc(s->n + 2, sizeof(*s->names));
	for (size_t i = 0; i < s->n; i++) {
		const struct ofa_param *p = &s->params.list[i];
		struct ofa_tensor *t = &s->tensors[i];

		snprintf(s->names[i], sizeof(s->names[i]), "%s", p->name);
		*t = (struct ofa_tensor){.name = s->names[i], .dtype = OFA_F32, .rank = p->rank, .data = s->data[i]};
		for (int d = 0; d < p->rank; d++)
			t->shape[d] = p->shape[d];
		t->size = p->elements * sizeof(float);
	}
}

static void state_release(struct state *s)
{
	for (int i = 0; i < s->params.n; i++)
		free(s->data[i]);
	free(s->data);
	free(s->tensors);
	free(s->names);
	ofa_params_release(&s->params);
}

/* The state dict's tensor of this name. */
static struct ofa_tensor *state_find(struct state *s, const char *name)
{
	int id = ofa_params_find(&s->params, name);

	ck_assert_msg(id >= 0, "no parameter %s", name);
	return &s->tensors[id];
}

static enum ofa_status infer(const struct state *s, struct ofa_import_space *ret)
{
	struct ofa_import_names names;
	enum ofa_status st;

	memset(&err, 0, sizeof(err));
	st = ofa_import_names_init(s->tensors, s->n, &names, &err);
	if (st != OFA_OK)
		return st;
	st = ofa_import_infer(&names, ret, &err);
	ofa_import_names_release(&names);
	return st;
}

static void expect_space(const struct ofa_space *got, const struct ofa_space *want)
{
	uint8_t a[32], b[32];

	ofa_space_hash(got, a);
	ofa_space_hash(want, b);
	ck_assert_msg(memcmp(a, b, sizeof(a)) == 0, "the space of %s is not that of %s", got->name, want->name);
}

static void expect_inferred(const struct state *s, const struct ofa_space *want, const char *family, double width,
			    const char *base)
{
	struct ofa_import_space got;

	ASSERT_OK(infer(s, &got), &err);
	expect_space(&got.space, want);
	ck_assert_str_eq(got.family, family);
	ck_assert_double_eq(got.width, width);
	ck_assert_str_eq(got.base, base);
}

START_TEST(families_at_their_widths)
{
	static const struct {
		const char *family;
		double width;
		int classes;
	} cases[] = {
		{"mbv3", 1, 1000},        {"mbv3", 1.2, 1000}, {"mbv3", 0.25, 10},      {"mbv3", 0.75, 21843},
		{"proxyless", 1.3, 1000}, {"proxyless", 1, 2}, {"proxyless", 0.35, 10},
		{"resnet50", 1, 1000},    {"resnet50", 0.25, 10},
	};

	for (size_t i = 0; i < OFA_ARRAY_LEN(cases); i++) {
		struct ofa_space space;
		struct state s;

		preset_space(cases[i].family, cases[i].width, cases[i].classes, &space);
		state_init(&s, &space);
		expect_inferred(&s, &space, cases[i].family, cases[i].width, "");
		state_release(&s);
	}
}
END_TEST

/* Changes a preset and brings its derived members up to date. */
static void complete(struct ofa_space *space)
{
	json_t *json = ofa_space_format(space);

	ASSERT_OK(ofa_space_parse(json, space, &err), &err);
	json_decref(json);
}

START_TEST(the_other_base_widths_of_proxyless)
{
	static const int google[] = {24, 32, 64, 96, 160, 320};
	struct ofa_space space;
	struct state s;

	preset_space("proxyless", 1, 1000, &space);
	for (int i = 0; i < 6; i++)
		space.stages[i].width = google[i];
	snprintf(space.name, sizeof(space.name), "proxyless_google_w1");
	complete(&space);
	state_init(&s, &space);
	expect_inferred(&s, &space, "proxyless", 1, "google");
	state_release(&s);

	/* Widths of no multiplier are taken as they are. */
	space.stages[2].width = 72;
	snprintf(space.name, sizeof(space.name), "proxyless");
	complete(&space);
	state_init(&s, &space);
	expect_inferred(&s, &space, "proxyless", 0, "");
	state_release(&s);
}
END_TEST

/* Networks of earlier phases have fewer choices, and their shapes show it. */
START_TEST(fewer_choices)
{
	struct ofa_space space;
	struct state s;

	preset_space("mbv3", 0.5, 10, &space);
	for (int i = 0; i < space.n_stages; i++) {
		struct ofa_stage *t = &space.stages[i];

		t->n_expands = 2; /* 3, 4 */
		t->n_depths = 2;  /* 2, 3 */
		t->kernels[0] = 5;
		t->kernels[1] = 7;
		t->n_kernels = 2;
	}
	complete(&space);
	state_init(&s, &space);
	expect_inferred(&s, &space, "mbv3", 0.5, "");
	state_release(&s);

	for (int i = 0; i < space.n_stages; i++) {
		space.stages[i].n_kernels = 1;
		space.stages[i].kernels[0] = (uint8_t)(i ? 7 : 3);
	}
	complete(&space);
	state_init(&s, &space);
	expect_inferred(&s, &space, "mbv3", 0.5, "");
	state_release(&s);
}
END_TEST

START_TEST(a_resnet_of_other_widths)
{
	struct ofa_import_space got;
	struct ofa_space space;
	struct state s;

	load_space(small_resnet_json, &space);
	state_init(&s, &space);
	ASSERT_OK(infer(&s, &got), &err);
	ck_assert_str_eq(got.space.name, "resnet50");
	ck_assert_double_eq(got.width, 0);
	ck_assert_mem_eq(got.space.widths, space.widths, sizeof(space.widths));
	ck_assert_mem_eq(got.space.stages, space.stages, sizeof(space.stages));
	state_release(&s);

	for (int i = 0; i < space.n_stages; i++) {
		space.stages[i].n_depths = 2;
		if (i)
			space.stages[i].n_expands = 2;
	}
	space.stages[0].depth_genes[1] = 1; /* the largest depth of the list */
	complete(&space);
	state_init(&s, &space);
	ASSERT_OK(infer(&s, &got), &err);
	ck_assert_mem_eq(got.space.stages, space.stages, sizeof(space.stages));
	state_release(&s);
}
END_TEST

/* Renames one tensor away and expects the refusal to name `field`. */
static void refuse_without(const struct ofa_space *space, const char *name, const char *field, const char *says)
{
	struct ofa_import_space got;
	struct state s;

	state_init(&s, space);
	snprintf((char *)(uintptr_t)state_find(&s, name)->name, 160, "gone");
	ck_assert_int_eq(infer(&s, &got), OFA_ERR_MISMATCH);
	ck_assert_str_eq(err.field, field);
	ck_assert_msg(strstr(err.message, says) != NULL, "%s", err.message);
	state_release(&s);
}

START_TEST(a_damaged_resnet_is_named)
{
	struct ofa_import_space got;
	struct ofa_space space;
	struct state s;

	load_space(small_resnet_json, &space);
	refuse_without(&space, "input_stem.0.conv.conv.weight", "family", "of no once-for-all family");
	refuse_without(&space, "input_stem.2.conv.conv.weight", "input_stem.2.conv.weight", "missing");
	refuse_without(&space, "blocks.4.downsample.conv.conv.weight", "blocks.0.conv3.conv.weight", "has 8 blocks");
	refuse_without(&space, "blocks.17.conv3.conv.conv.weight", "blocks", "stage 4, from block 14 on, has 1");
	refuse_without(&space, "classifier.linear.linear.weight", "classifier.linear.weight", "missing");
	state_init(&s, &space);
	state_find(&s, "blocks.4.conv3.conv.conv.weight")->shape[1] = 64;
	ck_assert_int_eq(infer(&s, &got), OFA_ERR_MISMATCH);
	ck_assert_msg(strstr(err.message, "block 4 has 64 channels in its middle") != NULL, "%s", err.message);
	state_release(&s);
}
END_TEST

/* All occurrences of `from`. */
static void replace(char name[160], const char *from, const char *to)
{
	char old[160], *at;

	for (char *start = name; (at = strstr(start, from)) != NULL; start = at + strlen(to)) {
		snprintf(old, sizeof(old), "%s", at + strlen(from));
		snprintf(at, 160 - (size_t)(at - name), "%s%s", to, old);
	}
}

START_TEST(every_spelling)
{
	static const struct {
		const char *from, *to;
	} spellings[][3] = {
		{{".conv.depth", ".mobile_inverted_conv.depth"},
		 {".conv.inverted", ".mobile_inverted_conv.inverted"},
		 {".conv.point", ".mobile_inverted_conv.point"}},
		{{".conv.conv.", ".conv."}, {".bn.bn.", ".bn."}, {"classifier", "module.classifier"}},
		{{"first_conv.conv.", "first_conv.conv.conv."},
		 {"classifier.linear.", "classifier.linear.linear."},
		 {"first_conv.bn.", "first_conv.bn.bn."}},
	};
	struct ofa_space space;

	preset_space("mbv3", 0.25, 10, &space);
	for (size_t i = 0; i < OFA_ARRAY_LEN(spellings); i++) {
		struct state s;

		state_init(&s, &space);
		for (size_t t = 0; t < s.n; t++)
			for (size_t r = 0; r < OFA_ARRAY_LEN(spellings[i]); r++)
				replace(s.names[t], spellings[i][r].from, spellings[i][r].to);
		expect_inferred(&s, &space, "mbv3", 0.25, "");
		state_release(&s);
	}
}
END_TEST

/* The state dict as a file, through the importer. */
static enum ofa_status import(const struct state *s, struct ofa_import *ret)
{
	char path[512];
	enum ofa_status st;

	snprintf(path, sizeof(path), "%s", temporary_path("state.safetensors"));
	ASSERT_OK(ofa_safetensors_save(path, s->tensors, s->n, NULL, &err), &err);
	memset(&err, 0, sizeof(err));
	st = ofa_import_open(path, "test", ret, &err);
	unlink(path);
	return st;
}

static void expect_refused(const struct state *s, enum ofa_status status, const char *field, const char *says)
{
	struct ofa_import im;

	ck_assert_msg(import(s, &im) == status && strcmp(err.field, field) == 0 && strstr(err.message, says),
		      "%s: %s: \"%s\" instead of %s: \"%s\"", ofa_status_name(err.status), err.field, err.message,
		      field, says);
}

START_TEST(what_does_not_fit_is_named)
{
	static const char project[] = "blocks.7.conv.point_linear.conv.conv.weight";
	struct ofa_tensor *t, saved;
	struct ofa_space space;
	struct state s;

	preset_space("mbv3", 0.25, 10, &space);
	state_init(&s, &space);

	t = state_find(&s, "blocks.7.conv.depth_conv.bn.bn.running_var");
	snprintf((char *)(uintptr_t)t->name, 160, "blocks.7.conv.depth_conv.bn.bn.variance");
	expect_refused(&s, OFA_ERR_MISMATCH, "blocks.7.conv.depth_conv.bn.bn.running_var", "of shape (96) is missing");
	snprintf((char *)(uintptr_t)t->name, 160, "blocks.7.conv.depth_conv.bn.bn.running_var");

	s.tensors[s.n++] = (struct ofa_tensor){
		.name = "aux.head", .dtype = OFA_F32, .rank = 1, .shape = {1}, .size = 4, .data = s.data[0]};
	expect_refused(&s, OFA_ERR_MISMATCH, "aux.head", "belongs to no layer");
	s.tensors[s.n - 1].name = "first_conv.conv.conv.weight";
	expect_refused(&s, OFA_ERR_FORMAT, "first_conv.conv.conv.weight", "one in two spellings");
	s.n--;

	t = state_find(&s, "blocks.7.conv.depth_conv.bn.bn.weight");
	saved = *t;
	t->shape[0] /= 2;
	t->size /= 2;
	expect_refused(&s, OFA_ERR_MISMATCH, t->name, "has shape (48); mbv3 of these widths has (96) there");
	*t = saved;
	t->dtype = OFA_I32;
	expect_refused(&s, OFA_ERR_MISMATCH, t->name, "holds I32; F32, F64, F16 and BF16 are accepted");
	*t = saved;

	t = state_find(&s, project);
	saved = *t;
	t->shape[0] /= 2;
	t->size /= 2;
	expect_refused(&s, OFA_ERR_MISMATCH, "blocks.7.conv.point_linear.conv.weight", "differs from block 5");
	*t = saved;

	t = state_find(&s, "blocks.9.conv.inverted_bottleneck.conv.conv.weight");
	saved = *t;
	t->shape[0] -= 8;
	t->size = (size_t)(t->shape[0] * t->shape[1]) * sizeof(float);
	expect_refused(&s, OFA_ERR_MISMATCH, "blocks.9.conv.inverted_bottleneck.conv.weight", "ratios are 3, 4 and 6");
	*t = saved;

	s.data[s.params.stem_bn + 3][2] = -1;
	expect_refused(&s, OFA_ERR_FORMAT, "first_conv.bn.running_var", "the value -1 at 2");
	s.data[s.params.stem_bn + 3][2] = 1;
	s.data[s.params.stem][1] = NAN;
	expect_refused(&s, OFA_ERR_FORMAT, "first_conv.conv.weight", "the value nan at 1");
	s.n = 3;
	expect_refused(&s, OFA_ERR_MISMATCH, "family", "of no once-for-all family");
	state_release(&s);
}
END_TEST

START_TEST(other_types_become_floats)
{
	/* 1, -2, the smallest subnormal, a third */
	static const uint16_t half[] = {0x3c00, 0xc000, 0x0001, 0x3555}, bfloat[] = {0x3f80, 0xc000, 0x0001, 0x3eab};
	static const double wide[] = {1, -2, 0x1p-24, 1.0 / 3};
	const struct {
		enum ofa_dtype dtype;
		const void *data;
		float want[4];
	} cases[] = {
		{OFA_F16, half, {1, -2, 0x1p-24f, 0x1.554p-2f}},
		{OFA_BF16, bfloat, {1, -2, 0x1p-133f, 0x1.56p-2f}},
		{OFA_F64, wide, {1, -2, 0x1p-24f, (float)(1.0 / 3)}},
	};

	for (size_t i = 0; i < OFA_ARRAY_LEN(cases); i++) {
		struct ofa_tensor t = {.dtype = cases[i].dtype, .rank = 1, .shape = {4}, .data = cases[i].data};
		float got[4];

		ck_assert(ofa_import_floats(&t, got));
		for (int j = 0; j < 4; j++)
			ck_assert_msg(got[j] == cases[i].want[j], "%s %d: %a", ofa_dtype_name(t.dtype), j,
				      (double)got[j]);
	}
}
END_TEST

START_TEST(a_file_of_doubles_is_imported)
{
	struct ofa_space space;
	struct ofa_import im;
	struct state s;
	double *wide;

	preset_space("proxyless", 0.25, 10, &space);
	state_init(&s, &space);
	/* The first tensor, so that what follows stays aligned. */
	wide = calloc(s.params.list[0].elements, sizeof(*wide));
	for (size_t i = 0; i < s.params.list[0].elements; i++)
		wide[i] = (double)s.data[0][i];
	s.tensors[0].dtype = OFA_F64;
	s.tensors[0].data = wide;
	s.tensors[0].size *= 2;
	ASSERT_OK(import(&s, &im), &err);
	ck_assert_uint_eq(im.n_converted, 1);
	for (int id = 0; id < im.params.n; id++)
		ck_assert_mem_eq(im.data[id], s.data[id], im.params.list[id].elements * sizeof(float));
	ofa_import_close(&im);
	free(wide);
	state_release(&s);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		families_at_their_widths,
		the_other_base_widths_of_proxyless,
		fewer_choices,
		a_resnet_of_other_widths,
		a_damaged_resnet_is_named,
		every_spelling,
		what_does_not_fit_is_named,
		other_types_become_floats,
		a_file_of_doubles_is_imported,
	};

	return run_tests("import", tests, OFA_ARRAY_LEN(tests));
}
