/* Published latency tables: sums of real subnets against sums over the file's own rows. */
#include <string.h>

#include "base/file.h"
#include "base/rng.h"
#include "cost/coverage.h"
#include "import/table.h"
#include "runner.h"
#include "shared.h"
#include "spaces.h"

static void init_profile(struct ofa_profile *p)
{
	*p = (struct ofa_profile){.name = "t"};
	ofa_limits_init(&p->limits);
}

static void read_file(const char *name, struct ofa_profile *p)
{
	const char *path = shared_path(name);
	struct ofa_table_source source = {.resolution = ofa_table_name_resolution(path)};
	struct ofa_table_report report;
	struct ofa_error err = {0};
	uint8_t *text;

	ASSERT_OK(ofa_file_read(path, 1 << 20, &text, &source.size, &err), &err);
	source.text = (const char *)text;
	ASSERT_OK(ofa_table_read(&source, p, &report, &err), &err);
	free(text);
}

/* The mean of one row, found as text: nothing of the reader under test. */
static double row_mean(const char *text, const char *key)
{
	size_t n = strlen(key);
	const char *at = text;

	while ((at = strstr(at, key)) && ((at > text && at[-1] != '\n') || at[n] != ':' || at[n + 1] != '\n'))
		at++;
	ck_assert_msg(at != NULL, "no row %s", key);
	at = strstr(at, "\n  mean: ");
	return strtod(at + 9, NULL);
}

/* A network as its paper's table has it, for sums by hand. */
struct layout {
	const char *stem, *block, *head, *mix, *classifier; /* types of rows; mix NULL: absent */
	int stem_width, first_width, expand_width, mix_width;
	bool first_skips, has_se;
	int n_stages;
	struct {
		int width, stride, se;
	} stage[6];
};

static double sum_by_hand(const char *text, const struct layout *l, const struct ofa_space *s, const struct ofa_arch *a)
{
	int size = a->image_size, half = (size + 1) / 2, width = l->first_width;
	char key[256];
	double sum;

	snprintf(key, sizeof(key), "%s-input:%dx%dx3-output:%dx%dx%d", l->stem, size, size, half, half, l->stem_width);
	sum = row_mean(text, key);
	size = half;
	snprintf(key, sizeof(key), "%s-input:%dx%dx%d-output:%dx%dx%d-expand:1-kernel:3-stride:1-idskip:%d%s", l->block,
		 size, size, l->stem_width, size, size, width, l->first_skips, l->has_se ? "-se:0" : "");
	sum += row_mean(text, key);
	for (int i = 0; i < l->n_stages; i++) {
		const struct ofa_stage *stage = &s->stages[i];

		for (int b = 0; b < ofa_arch_depth(s, a, i); b++) {
			int stride = b == 0 ? l->stage[i].stride : 1, out = (size - 1) / stride + 1;
			int gene = stage->first_block + b;

			snprintf(key, sizeof(key),
				 "%s-input:%dx%dx%d-output:%dx%dx%d-expand:%g-kernel:%d-stride:%d-idskip:%d%s",
				 l->block, size, size, width, out, out, l->stage[i].width,
				 (double)stage->expands[a->e[gene]], stage->kernels[a->k[gene]], stride,
				 stride == 1 && width == l->stage[i].width,
				 !l->has_se       ? ""
				 : l->stage[i].se ? "-se:1"
						  : "-se:0");
			sum += row_mean(text, key);
			size = out;
			width = l->stage[i].width;
		}
	}
	snprintf(key, sizeof(key), "%s-input:%dx%dx%d-output:%dx%dx%d", l->head, size, size, width, size, size,
		 l->expand_width);
	sum += row_mean(text, key);
	if (!l->mix) {
		snprintf(key, sizeof(key), "%s-input:%dx%dx%d-output:1000", l->classifier, size, size, l->expand_width);
		return sum + row_mean(text, key);
	}
	snprintf(key, sizeof(key), "%s-input:1x1x%d-output:1x1x%d", l->mix, l->expand_width, l->mix_width);
	sum += row_mean(text, key);
	snprintf(key, sizeof(key), "%s-input:%d-output:1000", l->classifier, l->mix_width);
	return sum + row_mean(text, key);
}

/* Sums of sampled subnets at one resolution of a table: by the latency model and by hand. */
static void compare_sums(const char *name, const struct ofa_profile *p, const struct layout *l,
			 const struct ofa_space *s, int resolution)
{
	struct ofa_latency_model *m;
	struct ofa_error err = {0};
	struct ofa_params params;
	struct ofa_rng rng;
	uint8_t *text;
	size_t size;

	ASSERT_OK(ofa_file_read(shared_path(name), 1 << 20, &text, &size, &err), &err);
	ASSERT_OK(ofa_params_init(s, &params, &err), &err);
	ASSERT_OK(ofa_latency_model_new(s, &params, &p->table, &m, &err), &err);
	ofa_rng_init(&rng, (uint64_t)resolution);
	for (int i = 0; i < 5; i++) {
		struct ofa_arch a;
		double ms;

		ofa_arch_sample(s, &rng, &a);
		a.image_size = (uint16_t)resolution;
		ms = ofa_latency_ms(m, &a);
		ck_assert_double_gt(ms, 0.1);
		ck_assert_double_eq_tol(ms, sum_by_hand((const char *)text, l, s, &a), 1e-9 * ms);
	}
	ofa_latency_model_free(m);
	ofa_params_release(&params);
	free(text);
}

/* Every resolution of the table has every key of the network. */
static void check_coverage(const struct ofa_profile *p, const struct ofa_space *s, int resolutions)
{
	struct ofa_error err = {0};
	struct ofa_params params;
	struct ofa_coverage c;

	ASSERT_OK(ofa_params_init(s, &params, &err), &err);
	ASSERT_OK(ofa_coverage_init(s, &params, &p->table, &c, &err), &err);
	ck_assert_int_eq(c.n_complete, resolutions);
	ck_assert_uint_eq(c.missing.n, 0);
	ck_assert(ofa_coverage_serves(&c));
	ofa_coverage_release(&c);
	ofa_params_release(&params);
}

START_TEST(i7_sums)
{
	static const char name[] = "real/i7-8700k/i7-8700K_lut.yaml";
	static const struct layout layouts[] = {
		{"first_conv",
		 "MBConv",
		 "final_expand_layer",
		 "feature_mix_layer",
		 "classifier",
		 16,
		 16,
		 960,
		 1280,
		 true,
		 true,
		 5,
		 {{24, 2, 0}, {40, 2, 1}, {80, 2, 0}, {112, 1, 1}, {160, 2, 1}}},
		{"first_conv",
		 "MBConv",
		 "final_expand_layer",
		 "feature_mix_layer",
		 "classifier",
		 24,
		 24,
		 1152,
		 1536,
		 true,
		 true,
		 5,
		 {{32, 2, 0}, {48, 2, 1}, {96, 2, 0}, {136, 1, 1}, {192, 2, 1}}},
	};
	struct ofa_profile p;

	if (!shared_available())
		return;
	init_profile(&p);
	read_file(name, &p);
	for (int w = 0; w < 2; w++) {
		struct ofa_space s;

		preset_space("mbv3", w == 0 ? 1.0 : 1.2, 1000, &s);
		check_coverage(&p, &s, 41);
		for (int r = 96; r <= 256; r += 20)
			compare_sums(name, &p, &layouts[w], &s, r);
	}
	ofa_profile_release(&p);
}
END_TEST

/* A Proxyless space of these widths, its expands and resolutions given as JSON lists. */
static void proxyless_space(const int width[9], const char *expands, const char *resolutions, struct ofa_space *ret)
{
	char text[2048];

	snprintf(text, sizeof(text),
		 "{\"family\":\"mbconv\",\"name\":\"p\",\"input_channels\":3,\"classes\":1000,\"bn_eps\":1e-3,"
		 "\"resolutions\":%s,\"stem\":{\"width\":%d,\"stride\":2,\"act\":\"relu6\"},"
		 "\"first\":{\"width\":%d,\"kernel\":3,\"act\":\"relu6\",\"se\":false,\"residual\":false},"
		 "\"kernels\":[3,5,7],\"expands\":%s,\"depths\":[2,3,4],\"stages\":["
		 "{\"width\":%d,\"stride\":2,\"act\":\"relu6\",\"se\":false},"
		 "{\"width\":%d,\"stride\":2,\"act\":\"relu6\",\"se\":false},"
		 "{\"width\":%d,\"stride\":2,\"act\":\"relu6\",\"se\":false},"
		 "{\"width\":%d,\"stride\":1,\"act\":\"relu6\",\"se\":false},"
		 "{\"width\":%d,\"stride\":2,\"act\":\"relu6\",\"se\":false},"
		 "{\"width\":%d,\"stride\":1,\"act\":\"relu6\",\"se\":false,\"depths\":[1]}],"
		 "\"head\":{\"expand_width\":%d,\"expand_act\":\"relu6\",\"mix_width\":0,\"mix_act\":\"none\"}}",
		 resolutions, width[0], width[1], expands, width[2], width[3], width[4], width[5], width[6], width[7],
		 width[8]);
	load_space(text, ret);
}

START_TEST(proxyless_sums)
{
	static const int phone[] = {32, 16, 24, 40, 80, 96, 192, 320, 1280};
	static const int dpu[] = {30, 20, 30, 40, 80, 100, 190, 320, 1280};
	static const struct layout phone_layout = {
		"Conv",
		"expanded_conv",
		"Conv_1",
		NULL,
		"Logits",
		32,
		16,
		1280,
		0,
		false,
		false,
		6,
		{{24, 2, 0}, {40, 2, 0}, {80, 2, 0}, {96, 1, 0}, {192, 2, 0}, {320, 1, 0}}};
	static const struct layout dpu_layout = {
		"Conv",
		"expanded_conv",
		"Conv_1",
		NULL,
		"Logits",
		30,
		20,
		1280,
		0,
		false,
		false,
		6,
		{{30, 2, 0}, {40, 2, 0}, {80, 2, 0}, {100, 1, 0}, {190, 2, 0}, {320, 1, 0}}};
	static const char phone_name[] = "real/proxyless_mobile_trim.yaml";
	char name[64];
	struct ofa_profile p;
	struct ofa_space s;

	if (!shared_available())
		return;
	init_profile(&p);
	read_file(phone_name, &p);
	proxyless_space(phone, "[3,6]", "[224]", &s);
	check_coverage(&p, &s, 1);
	compare_sums(phone_name, &p, &phone_layout, &s, 224);
	ofa_profile_release(&p);

	/* Its widths are no multiples of 8; with a ratio of 4 all middle channels are. */
	init_profile(&p);
	proxyless_space(dpu, "[4]", "[128,144,160,176,192,208,224]", &s);
	for (int r = 128; r <= 224; r += 16) {
		snprintf(name, sizeof(name), "real/proxyless_dpu/%d_lookup_table.yaml", r);
		read_file(name, &p);
		compare_sums(name, &p, &dpu_layout, &s, r);
	}
	check_coverage(&p, &s, 7);
	ofa_profile_release(&p);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {i7_sums, proxyless_sums};

	return run_tests("table_files", tests, OFA_ARRAY_LEN(tests));
}
