/* int8 packages of many networks by the runtime: the logits of the engine bit for bit, in the arena that was planned,
 * every byte of it and none beside. */
#include <math.h>
#include <string.h>

#include "internal.h"
#include "pack/pack.h"
#include "quantise/quantise.h"
#include "random_net.h"
#include "spaces.h"

enum { ARCHS = 6, IMAGES = 8, GUARD_BYTES = 64, GUARD = 0xa5, CALIBRATION = 4, CLASSES = 10 };

/* Depthwise windows of all sizes with and without what is between, an even side, one channel wide. */
static const char odd_json[] =
	"{\"family\":\"mbconv\",\"name\":\"odd\",\"input_channels\":3,\"classes\":10,\"bn_eps\":1e-5,"
	"\"resolutions\":[9,17,24],\"stem\":{\"width\":5,\"stride\":2,\"act\":\"relu6\"},"
	"\"first\":{\"width\":7,\"kernel\":5,\"act\":\"h_swish\",\"se\":false,\"residual\":false},"
	"\"kernels\":[3,5,7],\"expands\":[1,1.5,3],\"depths\":[1,2,3],"
	"\"stages\":[{\"width\":7,\"stride\":1,\"act\":\"h_swish\",\"se\":false},"
	"{\"width\":9,\"stride\":2,\"act\":\"relu\",\"se\":true},"
	"{\"width\":13,\"stride\":2,\"act\":\"relu6\",\"se\":false}],"
	"\"head\":{\"expand_width\":30,\"expand_act\":\"relu\",\"mix_width\":18,\"mix_act\":\"h_swish\"}}";

static const char *const spaces[] = {tiny_json, odd_json, tiny_resnet_json, small_resnet_json, "proxyless"};

/* One subnet by the engine, and as a package in the runtime. */
struct subject {
	struct ofa_plan plan;
	struct ofa_subnet *sub;
	struct ofa_quantised *q;
	uint8_t *package, *memory, *arena;
	struct ofa_device_model model;
};

static struct ofa_supernet *make_net(const char *text)
{
	struct ofa_space space;

	if (text[0] == '{')
		load_space(text, &space);
	else
		preset_space(text, 0.25, CLASSES, &space);
	return random_net(&space, &(struct random_net_options){.seed = 11, .calibration_images = CALIBRATION});
}

/* The smallest, the largest, others by chance; of a published network smaller images than its own. */
static void pick(const struct ofa_supernet *net, int i, struct ofa_rng *rng, struct ofa_arch *ret)
{
	if (i == 0)
		ofa_arch_smallest(&net->space, ret);
	else if (i == 1 && net->space.resolutions[0] < 100)
		ofa_arch_largest(&net->space, ret);
	else
		ofa_arch_sample(&net->space, rng, ret);
}

static void subject_init(struct subject *s, const struct ofa_supernet *net, const struct ofa_arch *arch)
{
	const struct ofa_pack_info info = {.predicted_accuracy = NAN, .latency_ms = NAN, .precision = OFA_INT8};
	struct ofa_error err = {0};
	struct ofa_bn_stats stats;
	size_t size;

	ofa_plan_init(&net->space, &net->params, arch, &s->plan);
	ASSERT_OK(ofa_calibrate_builtin(net, &s->plan, CALIBRATION, NULL, &stats, &err), &err);
	ASSERT_OK(ofa_subnet_extract(net, &s->plan, &stats, &s->sub, &err), &err);
	ASSERT_OK(ofa_quantise(net, s->sub, NULL, NULL, NULL, &s->q, &err), &err);
	ASSERT_OK(ofa_pack_build(net, arch, &info, NULL, &s->package, &size, NULL, &err), &err);
	ck_assert_int_eq(ofa_device_load(s->package, size, &s->model, NULL), OFA_DEVICE_OK);
	ck_assert_int_eq(s->model.type, OFA_DEVICE_INT8);
	ck_assert_int_eq(ofa_device_verify(&s->model, NULL), OFA_DEVICE_OK);
	s->memory = malloc(s->model.arena_bytes + 2 * GUARD_BYTES);
	memset(s->memory, GUARD, s->model.arena_bytes + 2 * GUARD_BYTES);
	s->arena = s->memory + GUARD_BYTES;
	ofa_bn_stats_release(&stats);
}

static void subject_release(struct subject *s)
{
	for (size_t i = 0; i < GUARD_BYTES; i++) {
		ck_assert_uint_eq(s->memory[i], GUARD);
		ck_assert_uint_eq(s->arena[s->model.arena_bytes + i], GUARD);
	}
	free(s->memory);
	free(s->package);
	ofa_quantised_free(s->q);
	ofa_subnet_free(s->sub);
}

static size_t input_bytes(const struct subject *s)
{
	return (size_t)s->model.height * s->model.width * s->model.channels;
}

static void random_pixels(uint8_t *pixels, size_t n, struct ofa_rng *rng)
{
	const uint32_t range = 1 + ofa_rng_below(rng, 256);

	for (size_t i = 0; i < n; i++)
		pixels[i] = (uint8_t)(256 - range + ofa_rng_below(rng, range));
}

/* Over two paints, one of which shows a byte that is written with any value; and the highest of them counts. */
static uint32_t run_over_paint(const struct subject *s, const int8_t *input, int8_t *logits)
{
	const uint32_t n = s->model.arena_bytes;
	uint32_t touched = 0;

	for (int paint = 0x5a; paint <= 0xa5; paint += 0xa5 - 0x5a) {
		memset(s->arena, paint, n);
		ck_assert_int_eq(ofa_device_run_int8(&s->model, s->arena, n, input, logits), OFA_DEVICE_OK);
		for (uint32_t i = touched; i < n; i++)
			touched = s->arena[i] != paint ? i + 1 : touched;
	}
	return touched;
}

static void check_images(const struct subject *s, struct ofa_rng *rng)
{
	const size_t n = input_bytes(s);
	uint8_t *pixels = malloc(n);
	int8_t *input = malloc(n), *want_input = malloc(n), want[CLASSES], got[CLASSES];
	struct ofa_error err = {0};
	uint32_t touched = 0;

	for (int i = 0; i < IMAGES; i++) {
		random_pixels(pixels, n, rng);
		ofa_device_quantise(&s->model, pixels, input);
		ofa_quantised_input(s->q, pixels, 1, want_input);
		ck_assert_mem_eq(input, want_input, n);
		ASSERT_OK(ofa_quantised_forward(s->q, input, 1, NULL, want, &err), &err);
		const uint32_t now = run_over_paint(s, input, got);

		touched = now > touched ? now : touched;
		ck_assert_mem_eq(got, want, CLASSES);
	}
	ck_assert_msg(touched + OFA_FMT_INT8_ALIGN > s->model.arena_bytes, "%u bytes of %u", touched,
		      s->model.arena_bytes);
	free(pixels);
	free(input);
	free(want_input);
}

START_TEST(logits_are_the_engine_s)
{
	struct ofa_supernet *net = make_net(spaces[_i]);
	struct subject *s = calloc(1, sizeof(*s));
	struct ofa_rng rng;

	ofa_rng_init(&rng, (uint64_t)_i + 1);
	for (int i = 0; i < ARCHS; i++) {
		struct ofa_arch arch;

		pick(net, i, &rng, &arch);
		subject_init(s, net, &arch);
		check_images(s, &rng);
		ck_assert_int_eq(ofa_device_self_test(&s->model, s->arena, s->model.arena_bytes), OFA_DEVICE_OK);
		subject_release(s);
	}
	ofa_supernet_free(net);
	free(s);
}
END_TEST

/* Group by group; parts of groups are no range. */
static void check_groups(const struct subject *s)
{
	const struct ofa_device_model *m = &s->model;
	int8_t whole[CLASSES];
	struct ofa_device_op op;
	uint32_t first = 0, groups = 0;

	ofa_device_put_pixels(m, m->pixels, s->arena);
	ck_assert_int_eq(ofa_device_run_int8(m, s->arena, m->arena_bytes, NULL, whole), OFA_DEVICE_OK);
	ck_assert_mem_eq(whole, m->logits_int8, m->classes);
	memset(s->arena, 0x77, m->arena_bytes);
	ofa_device_quantise(m, m->pixels, ofa_device_input_int8(m, s->arena));
	for (uint32_t i = 0; i < m->n_ops; i++) {
		ofa_device_op_decode(ofa_device_op_record(m, i), &op);
		if (op.rows > 0) {
			ck_assert_int_eq(ofa_device_run_ops(m, s->arena, m->arena_bytes, first, i + 1 - first),
					 OFA_DEVICE_ERR_RANGE);
			ck_assert_int_eq(ofa_device_run_ops(m, s->arena, m->arena_bytes, i + 1, m->n_ops - i - 1),
					 OFA_DEVICE_ERR_RANGE);
			continue;
		}
		ck_assert_int_eq(ofa_device_run_ops(m, s->arena, m->arena_bytes, first, i + 1 - first), OFA_DEVICE_OK);
		groups++;
		first = i + 1;
	}
	ck_assert_uint_lt(groups, m->n_ops); /* some are groups of several */
	ck_assert_mem_eq(s->arena + op.out, whole, m->classes);
}

START_TEST(groups_make_the_whole)
{
	struct ofa_supernet *net = make_net(tiny_json);
	struct subject *s = calloc(1, sizeof(*s));
	struct ofa_arch arch;

	ofa_arch_largest(&net->space, &arch);
	subject_init(s, net, &arch);
	check_groups(s);
	subject_release(s);
	ofa_supernet_free(net);
	free(s);
}
END_TEST

/* Floats in, floats out: what lies between is the same. */
START_TEST(floats_are_quantised)
{
	struct ofa_supernet *net = make_net(odd_json);
	struct subject *s = calloc(1, sizeof(*s));
	const struct ofa_device_model *m = &s->model;
	int8_t q[CLASSES], *input;
	float logits[CLASSES], *x;
	struct ofa_arch arch;

	ofa_arch_smallest(&net->space, &arch);
	subject_init(s, net, &arch);
	x = malloc(input_bytes(s) * sizeof(*x));
	input = malloc(input_bytes(s));
	ofa_device_normalise(m, m->pixels, x);
	x[0] = NAN;
	x[1] = INFINITY;
	x[2] = -1e30f;
	for (size_t i = 0; i < input_bytes(s); i++) {
		const double n = round((double)(x[i] / m->in_scale)) + m->in_zero;

		input[i] = (int8_t)(isnan(n) ? m->in_zero : n < -128 ? -128 : n > 127 ? 127 : n);
	}
	ck_assert_int_eq(ofa_device_run(m, s->arena, m->arena_bytes, x, logits), OFA_DEVICE_OK);
	ck_assert_int_eq(ofa_device_run_int8(m, s->arena, m->arena_bytes, input, q), OFA_DEVICE_OK);
	for (int i = 0; i < CLASSES; i++)
		ck_assert(logits[i] == m->out_scale * (float)(q[i] - m->out_zero));
	ck_assert_ptr_null(ofa_device_input(m, s->arena));
	free(x);
	free(input);
	subject_release(s);
	ofa_supernet_free(net);
	free(s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("int8 runtime");
	TCase *tcase = tcase_create("int8 runtime");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tcase, 300);
	suite_add_tcase(suite, tcase);
	tcase_add_loop_test(tcase, logits_are_the_engine_s, 0, (int)OFA_ARRAY_LEN(spaces));
	tcase_add_test(tcase, groups_make_the_whole);
	tcase_add_test(tcase, floats_are_quantised);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
