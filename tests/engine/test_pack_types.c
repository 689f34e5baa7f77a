/* Packages of each type: sizes known before there are weights, the same bytes every time, what is in them, and that
 * the device runtime and the reader take them. */
#include <math.h>

#include "base/sha256.h"
#include "half_value.h"
#include "ofa_device.h"
#include "ofa_format.h"
#include "pack/layout.h"
#include "pack/pack.h"
#include "quantise/quantise.h"
#include "random_net.h"
#include "spaces.h"

static const char *const spaces[] = {tiny_json, tiny_resnet_json};

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

static int32_t i32(const uint8_t *p)
{
	return (int32_t)u32(p);
}

static void check_rescale(const uint8_t *p, struct ofa_rescale want)
{
	ck_assert_int_eq(i32(p), want.multiplier);
	ck_assert_int_eq(i32(p + 4), want.shift);
}

static void check_quant(const uint8_t *r, const struct ofa_quantised_layer *q)
{
	ck_assert(f32(r + OFA_FMT_QUANT_IN_SCALE) == q->in.scale && (int8_t)r[OFA_FMT_QUANT_IN_ZERO] == q->in.zero);
	ck_assert(f32(r + OFA_FMT_QUANT_OUT_SCALE) == q->out.scale && (int8_t)r[OFA_FMT_QUANT_OUT_ZERO] == q->out.zero);
	ck_assert(f32(r + OFA_FMT_QUANT_ADDED_SCALE) == q->added.scale &&
		  (int8_t)r[OFA_FMT_QUANT_ADDED_ZERO] == q->added.zero);
	ck_assert(f32(r + OFA_FMT_QUANT_INNER_SCALE) == q->inner.scale &&
		  (int8_t)r[OFA_FMT_QUANT_INNER_ZERO] == q->inner.zero);
	ck_assert(i32(r + OFA_FMT_QUANT_LOW) == q->low && i32(r + OFA_FMT_QUANT_HIGH) == q->high);
	check_rescale(r + OFA_FMT_QUANT_FIRST, q->first);
	check_rescale(r + OFA_FMT_QUANT_SECOND, q->second);
	check_rescale(r + OFA_FMT_QUANT_RESULT, q->result);
}

/* Places, and that tensors lie one after another as in the quantised subnet. */
static void check_int8_tables(const struct ofa_quantised *q, const uint8_t *package)
{
	static struct ofa_memory_plan memory;
	const uint8_t *op = package + OFA_FMT_HEADER_BYTES;
	const uint8_t *tensor = package + u32(package + OFA_FMT_HEADER_TENSOR_OFFSET);
	const uint8_t *quant = package + u32(package + OFA_FMT_HEADER_QUANT_OFFSET);
	const uint8_t *data = package + u32(package + OFA_FMT_HEADER_DATA_OFFSET), *next = data;

	ofa_memory_plan_init(&q->plan, OFA_INT8, &memory);
	ck_assert_uint_eq(u32(package + OFA_FMT_HEADER_ARENA), memory.arena_bytes);
	ck_assert_mem_eq(data, q->storage, q->storage_bytes);
	for (int l = 0; l < q->plan.n_layers; l++, op += OFA_FMT_OP_BYTES, quant += OFA_FMT_QUANT_BYTES) {
		const struct ofa_placement *place = &memory.layers[l];

		check_quant(quant, &q->layers[l]);
		ck_assert_uint_eq(u32(op + OFA_FMT_OP_IN), place->in);
		ck_assert_uint_eq(u32(op + OFA_FMT_OP_OUT), place->out);
		ck_assert_uint_eq(u32(op + OFA_FMT_OP_ROWS), place->rows);
		ck_assert_uint_eq(u32(op + OFA_FMT_OP_FROM), place->origin);
		for (int t = 0; t < op[OFA_FMT_OP_TENSORS]; t++, tensor += OFA_FMT_TENSOR_BYTES) {
			ck_assert_ptr_eq(package + u32(tensor + OFA_FMT_TENSOR_OFFSET), next);
			next += ofa_pack_round(u32(tensor + OFA_FMT_TENSOR_SIZE));
		}
	}
	ck_assert_ptr_eq(next, data + q->storage_bytes);
}

static void check_int8_io(const struct ofa_quantised *q, const uint8_t *package)
{
	const uint8_t *io = package + u32(package + OFA_FMT_HEADER_IO_OFFSET);
	const struct ofa_affine in = ofa_quantised_input_affine(q), out = ofa_quantised_output_affine(q);
	const struct ofa_value *input = &q->plan.values[0];
	int8_t *x = malloc((size_t)input->h * input->w * input->c), logits[16];
	struct ofa_error err = {0};

	ck_assert(f32(io + OFA_FMT_IO_IN_SCALE) == in.scale && i32(io + OFA_FMT_IO_IN_ZERO) == in.zero);
	ck_assert(f32(io + OFA_FMT_IO_OUT_SCALE) == out.scale && i32(io + OFA_FMT_IO_OUT_ZERO) == out.zero);
	ck_assert(f32(io + OFA_FMT_IO_TOLERANCE) == 0);
	for (int c = 0; c < 4; c++) {
		ck_assert_int_eq(i32(io + OFA_FMT_IO_GAIN + 4 * c), c < input->c ? q->gain[c] : 0);
		ck_assert_int_eq(i32(io + OFA_FMT_IO_OFFSET + 4 * c), c < input->c ? q->offset[c] : 0);
	}
	ofa_quantised_input(q, package + u32(io + OFA_FMT_IO_PIXELS_OFFSET), 1, x);
	ASSERT_OK(ofa_quantised_forward(q, x, 1, NULL, logits, &err), &err);
	ck_assert_mem_eq(package + u32(io + OFA_FMT_IO_LOGITS_OFFSET), logits, (size_t)q->plan.classes);
	free(x);
}

START_TEST(int8_stores_what_was_quantised)
{
	for (size_t s = 0; s < OFA_ARRAY_LEN(spaces); s++) {
		struct ofa_supernet *net = network(spaces[s]);
		struct ofa_error err = {0};
		struct ofa_quantised *q;
		struct ofa_subnet *sub;
		struct ofa_arch arch;
		struct package p;

		ofa_arch_largest(&net->space, &arch);
		sub = extract(net, &arch);
		ASSERT_OK(ofa_quantise(net, sub, NULL, NULL, NULL, &q, &err), &err);
		p = pack_subnet(net, sub, OFA_INT8);
		ck_assert_uint_eq(p.data[OFA_FMT_HEADER_MINOR], OFA_FMT_MINOR_TYPES);
		ck_assert_int_eq(p.data[OFA_FMT_HEADER_QUANTS] | p.data[OFA_FMT_HEADER_QUANTS + 1] << 8,
				 q->plan.n_layers);
		check_int8_tables(q, p.data);
		check_int8_io(q, p.data);
		free(p.data);
		ofa_quantised_free(q);
		ofa_subnet_free(sub);
		ofa_supernet_free(net);
	}
}
END_TEST

START_TEST(int8_needs_images)
{
	const struct ofa_pack_info info = {.predicted_accuracy = NAN, .latency_ms = NAN, .precision = OFA_INT8};
	struct ofa_space space;
	struct ofa_supernet *net;
	struct ofa_subnet *sub;
	struct ofa_packer *packer;
	struct ofa_error err = {0};
	struct ofa_arch arch;

	load_space(tiny_json, &space);
	net = random_net(&space, &(struct random_net_options){.seed = 3});
	ofa_arch_smallest(&net->space, &arch);
	sub = extract(net, &arch);
	ASSERT_FAILS(ofa_packer_new(net, sub, &info, &packer, &err), OFA_ERR_NOT_FOUND);
	ck_assert_ptr_nonnull(strstr(err.message, "int8"));
	ofa_subnet_free(sub);
	ofa_supernet_free(net);
}
END_TEST

/* Straight into memory, on one thread or three, and through a sink: the same bytes. */
START_TEST(memory_and_sink_get_the_same_package)
{
	static const enum ofa_precision precisions[] = {OFA_FLOAT16, OFA_INT8};
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

/* ---- the device runtime and the reader ---- */

/* The runtime's logits of two random images are the engine's, bit for bit. */
static void check_int8_runs(const struct ofa_supernet *net, const struct ofa_subnet *sub,
			    const struct ofa_device_model *m, void *arena, struct ofa_rng *rng)
{
	const size_t n = (size_t)m->height * m->width * m->channels;
	uint8_t *pixels = malloc(n);
	int8_t *x = malloc(n), *input = ofa_device_input_int8(m, arena), want[16], got[16];
	struct ofa_error err = {0};
	struct ofa_quantised *q;

	ASSERT_OK(ofa_quantise(net, sub, NULL, NULL, NULL, &q, &err), &err);
	for (int image = 0; image < 2; image++) {
		for (size_t i = 0; i < n; i++)
			pixels[i] = (uint8_t)ofa_rng_below(rng, 256);
		ofa_quantised_input(q, pixels, 1, x);
		ASSERT_OK(ofa_quantised_forward(q, x, 1, NULL, want, &err), &err);
		ofa_device_quantise(m, pixels, input);
		ck_assert_int_eq(ofa_device_run_int8(m, arena, m->arena_bytes, input, got), OFA_DEVICE_OK);
		ck_assert_mem_eq(got, want, m->classes);
	}
	ofa_quantised_free(q);
	free(pixels);
	free(x);
}

static void check_reader(const struct package *p, const struct ofa_plan *plan, enum ofa_precision precision)
{
	static struct ofa_memory_plan memory;
	struct ofa_package_summary s;
	struct ofa_error err = {0};
	json_int_t layers;

	ofa_memory_plan_init(plan, precision, &memory);
	ASSERT_OK(ofa_package_read(p->data, p->size, &s, &err), &err);
	ck_assert_str_eq(s.dtype, ofa_precision_name(precision));
	ck_assert_int_eq(s.precision, precision);
	ck_assert_uint_eq(s.arena_bytes, memory.arena_bytes);
	ck_assert_uint_eq(s.size_bytes, p->size);
	ck_assert_uint_eq(s.macs, ofa_plan_macs(plan));
	layers = json_integer_value(json_object_get(s.meta, "layers_memory_bytes"));
	ck_assert_int_eq(layers, precision == OFA_INT8 ? ofa_plan_layers_bytes(plan, OFA_INT8) : 0);
	ck_assert(precision != OFA_INT8 || (uint64_t)layers >= s.arena_bytes);
	ofa_package_summary_release(&s);
}

static void check_device(const struct ofa_supernet *net, const struct ofa_arch *arch, struct ofa_rng *rng)
{
	struct ofa_subnet *sub = extract(net, arch);

	for (int precision = 0; precision < OFA_PRECISION_COUNT; precision++) {
		const struct package p = pack_subnet(net, sub, precision);
		struct ofa_device_model m;
		void *arena;

		ck_assert_int_eq(ofa_device_load(p.data, p.size, &m, NULL), OFA_DEVICE_OK);
		arena = aligned_alloc(64, (m.arena_bytes + 63) / 64 * 64);
		ck_assert_int_eq(ofa_device_self_test(&m, arena, m.arena_bytes), OFA_DEVICE_OK);
		check_reader(&p, &sub->plan, precision);
		if (precision == OFA_INT8)
			check_int8_runs(net, sub, &m, arena, rng);
		free(arena);
		free(p.data);
	}
	ofa_subnet_free(sub);
}

static void check_space(const struct ofa_space *space, int archs)
{
	struct ofa_supernet *net = random_net(space, &(struct random_net_options){
							     .seed = 5, .class_names = true, .calibration_images = 5});
	struct ofa_rng rng;

	ofa_rng_init(&rng, 17);
	for (int i = 0; i < archs; i++) {
		struct ofa_arch arch;

		ofa_arch_sample(space, &rng, &arch);
		if (i == 0)
			ofa_arch_smallest(space, &arch);
		else if (i == 1)
			ofa_arch_largest(space, &arch);
		arch.image_size = space->resolutions[i % (space->n_resolutions < 3 ? space->n_resolutions : 3)];
		check_device(net, &arch, &rng);
	}
	ofa_supernet_free(net);
}

START_TEST(the_device_runs_odd_shapes)
{
	struct ofa_space space;

	for (size_t s = 0; s < OFA_ARRAY_LEN(spaces); s++) {
		load_space(spaces[s], &space);
		check_space(&space, 8);
	}
}
END_TEST

START_TEST(the_device_runs_families)
{
	static const char *const families[] = {"mbv3", "proxyless"};
	struct ofa_space space;

	for (size_t f = 0; f < OFA_ARRAY_LEN(families); f++) {
		preset_space(families[f], 0.25, 10, &space);
		check_space(&space, 3);
	}
}
END_TEST

/* The whole delivery, twice. */
START_TEST(deliveries_are_reproducible)
{
	struct ofa_supernet *net = network(tiny_json);
	struct ofa_error err = {0};
	struct ofa_arch arch;

	ofa_arch_largest(&net->space, &arch);
	for (int precision = 0; precision < OFA_PRECISION_COUNT; precision++) {
		const struct ofa_pack_info info = {
			.predicted_accuracy = NAN, .latency_ms = NAN, .precision = precision};
		uint8_t *data[2];
		size_t size[2];

		for (int i = 0; i < 2; i++)
			ASSERT_OK(ofa_pack_build(net, &arch, &info, NULL, &data[i], &size[i], NULL, &err), &err);
		ck_assert_uint_eq(size[0], size[1]);
		ck_assert_mem_eq(data[0], data[1], size[0]);
		free(data[0]);
		free(data[1]);
	}
	ofa_supernet_free(net);
}
END_TEST

/* What the metadata says of the type must be what the tables are. */
START_TEST(the_reader_compares_types)
{
	struct ofa_supernet *net = network(tiny_json);
	struct ofa_package_summary s;
	struct ofa_error err = {0};
	struct ofa_subnet *sub;
	struct ofa_arch arch;
	struct package p;
	uint8_t *meta;

	ofa_arch_smallest(&net->space, &arch);
	sub = extract(net, &arch);
	p = pack_subnet(net, sub, OFA_FLOAT16);
	meta = p.data + u32(p.data + OFA_FMT_HEADER_META_OFFSET);
	memcpy(strstr((char *)meta, "float16"), "float32", 7);
	ofa_sha256(p.data, p.size - OFA_FMT_TRAILER_BYTES, p.data + p.size - OFA_FMT_TRAILER_BYTES);
	ASSERT_FAILS(ofa_package_read(p.data, p.size, &s, &err), OFA_ERR_FORMAT);
	ck_assert_str_eq(err.field, "dtype");
	free(p.data);
	ofa_subnet_free(sub);
	ofa_supernet_free(net);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		layers_add_up, types_take_what_they_promise,
		float16_stores_rounded_weights, float16_refuses_what_it_cannot_hold,
		int8_stores_what_was_quantised, int8_needs_images,
		memory_and_sink_get_the_same_package,
		the_device_runs_odd_shapes, the_device_runs_families,
		deliveries_are_reproducible, the_reader_compares_types,
	};

	return run_tests("types of packages", tests, OFA_ARRAY_LEN(tests));
}
