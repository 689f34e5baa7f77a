/* Packages of each type: sizes known before there are weights, the same bytes every time, and the numbers that float16
 * holds. */
#include <math.h>

#include "ofa_format.h"
#include "pack/half.h"
#include "pack/layout.h"
#include "pack/pack.h"
#include "random_net.h"
#include "spaces.h"

static const char *const spaces[] = {tiny_json, tiny_resnet_json};

/* ---- float16 ---- */

/* The binary16 nearest to x, ties to even, from the definition. */
static double nearest_half(double x)
{
	int exponent;
	double unit;

	frexp(x, &exponent);
	unit = ldexp(1, (exponent - 1 > -14 ? exponent - 1 : -14) - 10);
	return nearbyint(x / unit) * unit;
}

static double half_value(const uint8_t *bytes)
{
	const int h = bytes[0] | bytes[1] << 8, exponent = h >> 10 & 31, mantissa = h & 1023;
	const double x = exponent ? ldexp(1024 + mantissa, exponent - 25) : ldexp(mantissa, -24);

	return h & 0x8000 ? -x : x;
}

static void check_half(float x)
{
	uint8_t bytes[2];
	float rounded;

	ck_assert_msg(ofa_half_round(&x, 1, bytes, &rounded), "%a", (double)x);
	ck_assert_msg((double)rounded == nearest_half((double)x), "%a became %a, not %a", (double)x, (double)rounded,
		      nearest_half((double)x));
	ck_assert_msg(half_value(bytes) == (double)rounded, "%a is stored as %a", (double)rounded, half_value(bytes));
	ck_assert(signbit(rounded) == signbit(x));
}

START_TEST(halves_are_the_nearest)
{
	struct ofa_rng rng;

	for (int h = 0; h < 0x7bff; h++) { /* every number, what lies halfway to the next, and beside that */
		const uint8_t bytes[2] = {(uint8_t)h, (uint8_t)(h >> 8)};
		const uint8_t next[2] = {(uint8_t)(h + 1), (uint8_t)((h + 1) >> 8)};
		const float x = (float)half_value(bytes), middle = (float)((half_value(bytes) + half_value(next)) / 2);

		check_half(x);
		check_half(-x);
		check_half(middle);
		check_half(nextafterf(middle, 0));
		check_half(nextafterf(middle, 1e9f));
	}
	ofa_rng_init(&rng, 3);
	for (int i = 0; i < 100000; i++)
		check_half(ldexpf(ofa_rng_normal(&rng), ofa_rng_below(&rng, 40) - 30));
	check_half(OFA_HALF_MOST);
	check_half(nextafterf(65520, 0));
}
END_TEST

START_TEST(halves_end)
{
	static const float bad[] = {65520, -65520, 1e30f, INFINITY, -INFINITY, NAN};

	for (size_t i = 0; i < OFA_ARRAY_LEN(bad); i++) {
		float x[9] = {0}, rounded[9];
		uint8_t bytes[sizeof(x) / 2];

		x[i] = bad[i];
		ck_assert_msg(!ofa_half_round(x, 9, bytes, rounded), "%g", (double)bad[i]);
	}
}
END_TEST

/* ---- packages ---- */

struct package {
	uint8_t *data;
	size_t size;
};

static enum ofa_status append(void *ctx, const void *data, size_t size, struct ofa_error *err)
{
	struct package *p = ctx;

	(void)err;
	p->data = realloc(p->data, p->size + size);
	memcpy(p->data + p->size, data, size);
	p->size += size;
	return OFA_OK;
}

static struct package pack_subnet(const struct ofa_supernet *net, const struct ofa_subnet *sub,
				  enum ofa_precision precision)
{
	const struct ofa_pack_info info = {.predicted_accuracy = NAN, .latency_ms = NAN, .precision = precision};
	struct package p = {NULL, 0};
	struct ofa_packer *packer;
	struct ofa_error err = {0};

	ASSERT_OK(ofa_packer_new(net, sub, &info, &packer, &err), &err);
	ASSERT_OK(ofa_packer_write(packer, &(struct ofa_sink){.write = append, .ctx = &p}, &err), &err);
	ck_assert_uint_eq(ofa_packer_size(packer), p.size);
	ck_assert_uint_eq(ofa_pack_size(net, &sub->plan, precision), p.size);
	ofa_packer_free(packer);
	return p;
}

static struct ofa_subnet *extract(const struct ofa_supernet *net, const struct ofa_arch *arch)
{
	static struct ofa_plan plan;
	struct ofa_subnet *sub;
	struct ofa_error err = {0};

	ofa_plan_init(&net->space, &net->params, arch, &plan);
	ASSERT_OK(ofa_subnet_extract(net, &plan, NULL, &sub, &err), &err);
	return sub;
}

static struct ofa_supernet *network(const char *json)
{
	struct ofa_space space;

	load_space(json, &space);
	return random_net(&space, &(struct random_net_options){
					  .seed = 3, .class_names = true, .calibration_images = 5});
}

/* What layers add is all that depends on them: the rest is the same for every arch of an image size. */
START_TEST(layers_add_up)
{
	for (size_t s = 0; s < OFA_ARRAY_LEN(spaces); s++) {
		struct ofa_supernet *net = network(spaces[s]);
		struct ofa_rng rng;

		ofa_rng_init(&rng, 5);
		for (int precision = 0; precision < OFA_PRECISION_COUNT; precision++) {
			uint64_t rest = 0;

			for (int i = 0; i < 20; i++) {
				static struct ofa_plan plan;
				struct ofa_arch arch;
				uint64_t left;

				ofa_arch_sample(&net->space, &rng, &arch);
				arch.image_size = net->space.resolutions[0];
				ofa_plan_init(&net->space, &net->params, &arch, &plan);
				left = ofa_pack_size(net, &plan, precision);
				for (int l = 0; l < plan.n_layers; l++)
					left -= ofa_pack_layer_bytes(&plan.layers[l], precision);
				ck_assert(i == 0 || left == rest);
				rest = left;
			}
		}
		ofa_supernet_free(net);
	}
}
END_TEST

START_TEST(types_take_what_they_promise)
{
	static struct ofa_plan plan;
	struct ofa_space space;
	struct ofa_params params;
	struct ofa_arch arch;
	struct ofa_error err = {0};
	uint64_t bytes[OFA_PRECISION_COUNT] = {0};

	preset_space("mbv3", 1.2, 1000, &space);
	ASSERT_OK(ofa_params_init(&space, &params, &err), &err);
	ofa_arch_largest(&space, &arch);
	ofa_plan_init(&space, &params, &arch, &plan);
	for (int precision = 0; precision < OFA_PRECISION_COUNT; precision++)
		for (int l = 0; l < plan.n_layers; l++)
			bytes[precision] += ofa_pack_layer_bytes(&plan.layers[l], precision);
	ck_assert_uint_lt(bytes[OFA_FLOAT16], bytes[OFA_FLOAT32] * 51 / 100);
	ck_assert_uint_lt(bytes[OFA_INT8], bytes[OFA_FLOAT32] * 28 / 100);
	ofa_params_release(&params);
}
END_TEST

static uint32_t u32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static float f32(const uint8_t *p)
{
	float f;

	memcpy(&f, p, sizeof(f));
	return f;
}

/* Every stored weight is the nearest to the subnet's, biases are the subnet's own. */
static void check_halves(const struct ofa_subnet *sub, const uint8_t *package)
{
	const uint8_t *record = package + u32(package + OFA_FMT_HEADER_TENSOR_OFFSET);

	for (int l = 0; l < sub->plan.n_layers; l++) {
		const struct ofa_layer_weights *w = &sub->weights[l];
		const float *const arrays[] = {w->w, w->b, w->w2, w->b2};

		for (int j = 0; j < 4; j++) {
			const uint8_t *data = package + u32(record + OFA_FMT_TENSOR_OFFSET);
			const bool weight = j % 2 == 0;

			if (!arrays[j])
				continue;
			ck_assert_uint_eq(record[OFA_FMT_TENSOR_TYPE], weight ? OFA_FMT_FLOAT16 : OFA_FMT_FLOAT32);
			for (size_t i = 0; i < u32(record + OFA_FMT_TENSOR_SIZE) / (weight ? 2 : 4); i++) {
				if (weight)
					ck_assert(half_value(data + 2 * i) == nearest_half((double)arrays[j][i]));
				else
					ck_assert(f32(data + 4 * i) == arrays[j][i]);
			}
			record += OFA_FMT_TENSOR_BYTES;
		}
	}
}

START_TEST(float16_stores_rounded_weights)
{
	for (size_t s = 0; s < OFA_ARRAY_LEN(spaces); s++) {
		struct ofa_supernet *net = network(spaces[s]);
		struct ofa_subnet *sub;
		struct ofa_arch arch;
		struct package p;

		ofa_arch_largest(&net->space, &arch);
		sub = extract(net, &arch);
		p = pack_subnet(net, sub, OFA_FLOAT16);
		ck_assert_uint_eq(p.data[OFA_FMT_HEADER_MINOR], OFA_FMT_MINOR_TYPES);
		check_halves(sub, p.data);
		free(p.data);
		ofa_subnet_free(sub);
		ofa_supernet_free(net);
	}
}
END_TEST

START_TEST(float16_refuses_what_it_cannot_hold)
{
	const struct ofa_pack_info info = {
		.predicted_accuracy = NAN, .latency_ms = NAN, .precision = OFA_FLOAT16};
	struct ofa_supernet *net = network(tiny_json);
	struct ofa_subnet *sub;
	struct ofa_packer *packer;
	struct ofa_error err = {0};
	struct ofa_arch arch;

	ofa_arch_smallest(&net->space, &arch);
	sub = extract(net, &arch);
	sub->storage[0] = 1e5f;
	ASSERT_FAILS(ofa_packer_new(net, sub, &info, &packer, &err), OFA_ERR_LIMIT);
	ck_assert_str_eq(err.field, "layer 0");
	ofa_subnet_free(sub);
	ofa_supernet_free(net);
}
END_TEST

/* Straight into memory, on one thread or three, and through a sink: the same bytes. */
START_TEST(memory_and_sink_get_the_same_package)
{
	static const enum ofa_precision precisions[] = {OFA_FLOAT16};
	struct ofa_supernet *net = network(tiny_json);
	struct ofa_error err = {0};
	struct ofa_subnet *sub;
	struct ofa_arch arch;

	ofa_arch_largest(&net->space, &arch);
	sub = extract(net, &arch);
	for (size_t i = 0; i < OFA_ARRAY_LEN(precisions); i++) {
		const struct ofa_pack_info info = {
			.predicted_accuracy = NAN, .latency_ms = NAN, .precision = precisions[i]};
		const struct package want = pack_subnet(net, sub, precisions[i]);
		uint8_t *got = aligned_alloc(64, (want.size + 63) / 64 * 64);

		for (unsigned threads = 1; threads <= 3; threads += 2) {
			struct ofa_pool *pool;

			ASSERT_OK(ofa_pool_new(threads, &pool), &err);
			memset(got, 0xff, want.size);
			ASSERT_OK(ofa_pack_into(net, &sub->plan, NULL, &info, true, pool, got, &err), &err);
			ck_assert_mem_eq(got, want.data, want.size);
			ofa_pool_free(pool);
		}
		free(got);
		free(want.data);
	}
	ofa_subnet_free(sub);
	ofa_supernet_free(net);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		halves_are_the_nearest, halves_end,
		layers_add_up, types_take_what_they_promise,
		float16_stores_rounded_weights, float16_refuses_what_it_cannot_hold,
		memory_and_sink_get_the_same_package,
	};

	return run_tests("types of packages", tests, OFA_ARRAY_LEN(tests));
}
