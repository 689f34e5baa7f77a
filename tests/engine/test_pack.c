/* The package: sizes known beforehand, device logits equal to the engine's, reproducible bytes, and what
 * the reader refuses. */
#include <math.h>

#include "ofa_device.h"
#include "ofa_format.h"
#include "pack/pack.h"
#include "random_net.h"
#include "shared.h"
#include "spaces.h"

#define TOLERANCE 1e-4f /* relative to the largest logit: both sides compute in float32 */

static const struct ofa_pack_info unknown = {.predicted_accuracy = NAN, .latency_ms = NAN};

struct package {
	uint8_t *data;
	size_t size;
};

static struct package build(const struct ofa_supernet *net, const struct ofa_arch *arch,
			    const struct ofa_pack_info *info)
{
	struct ofa_error err = {0};
	struct ofa_pack_timing timing;
	struct package p;

	ASSERT_OK(ofa_pack_build(net, arch, info, NULL, &p.data, &p.size, &timing, &err), &err);
	ck_assert(timing.calibrate_ms >= 0 && timing.pack_ms > 0);
	return p;
}

static enum ofa_status append(void *ctx, const void *data, size_t size, struct ofa_error *err)
{
	struct package *p = ctx;

	(void)err;
	p->data = realloc(p->data, p->size + size);
	memcpy(p->data + p->size, data, size);
	p->size += size;
	return OFA_OK;
}

static struct package pack_subnet(const struct ofa_supernet *net, const struct ofa_subnet *sub)
{
	struct package p = {NULL, 0};
	const struct ofa_sink sink = {.write = append, .ctx = &p};
	struct ofa_packer *packer;
	struct ofa_error err = {0};

	ASSERT_OK(ofa_packer_new(net, sub, &unknown, &packer, &err), &err);
	ASSERT_OK(ofa_packer_write(packer, &sink, &err), &err);
	ck_assert_uint_eq(ofa_packer_size(packer), p.size);
	ck_assert_uint_eq(ofa_pack_size(net, &sub->plan, OFA_FLOAT32), p.size);
	ofa_packer_free(packer);
	return p;
}

static struct ofa_subnet *extract(const struct ofa_supernet *net, const struct ofa_arch *arch)
{
	struct ofa_plan *plan = malloc(sizeof(*plan));
	struct ofa_subnet *sub;
	struct ofa_error err = {0};

	ofa_plan_init(&net->space, &net->params, arch, plan);
	ASSERT_OK(ofa_subnet_extract(net, plan, NULL, &sub, &err), &err);
	free(plan);
	return sub;
}

static void expect_close(const float *got, const float *want, size_t n)
{
	float largest = 0;

	for (size_t i = 0; i < n; i++)
		largest = fmaxf(largest, fabsf(want[i]));
	for (size_t i = 0; i < n; i++)
		ck_assert_msg(fabsf(got[i] - want[i]) <= TOLERANCE * largest, "logit %zu: device %g, engine %g", i,
			      (double)got[i], (double)want[i]);
}

/* Runs n normalised images through both sides. */
static void compare(const struct ofa_subnet *sub, const struct package *p, const float *x, int n)
{
	const int r = sub->plan.arch.image_size, c = sub->plan.values[0].c, classes = sub->plan.classes;
	struct ofa_device_model model;
	struct ofa_error err = {0};
	float *want = malloc((size_t)(n * classes) * sizeof(*want)), *got = malloc((size_t)classes * sizeof(*got));
	void *arena;

	ck_assert_int_eq(ofa_device_load(p->data, p->size, &model, NULL), OFA_DEVICE_OK);
	ck_assert_int_eq(ofa_device_verify(&model, NULL), OFA_DEVICE_OK);
	arena = malloc(model.arena_bytes);
	ck_assert_int_eq(ofa_device_self_test(&model, arena, model.arena_bytes), OFA_DEVICE_OK);
	ASSERT_OK(ofa_subnet_forward(sub, x, n, NULL, want, &err), &err);
	for (int i = 0; i < n; i++) {
		ck_assert_int_eq(ofa_device_run(&model, arena, model.arena_bytes, x + (size_t)(i * r * r * c), got),
				 OFA_DEVICE_OK);
		expect_close(got, want + i * classes, (size_t)classes);
	}
	free(arena);
	free(want);
	free(got);
}

/* Smallest, largest and random subnets of one space. */
static void check_space(const struct ofa_space *space, int archs)
{
	struct ofa_supernet *net = random_net(space, &(struct random_net_options){.seed = 5, .class_names = true});
	struct ofa_rng rng;

	ofa_rng_init(&rng, 17);
	for (int i = 0; i < archs; i++) {
		struct ofa_arch arch;
		struct ofa_subnet *sub;
		struct package p;
		size_t n;
		float *x;

		if (i == 0)
			ofa_arch_smallest(space, &arch);
		else
			ofa_arch_sample(space, &rng, &arch);
		if (i == 1)
			ofa_arch_largest(space, &arch);
		arch.image_size = space->resolutions[i % (space->n_resolutions < 9 ? space->n_resolutions : 9)];
		sub = extract(net, &arch);
		p = pack_subnet(net, sub);
		n = 2 * (size_t)arch.image_size * arch.image_size * (size_t)space->input_channels;
		x = malloc(n * sizeof(*x));
		for (size_t j = 0; j < n; j++)
			x[j] = ofa_rng_normal(&rng);
		compare(sub, &p, x, 2);
		free(x);
		free(p.data);
		ofa_subnet_free(sub);
	}
	ofa_supernet_free(net);
}

START_TEST(device_equals_engine_on_odd_shapes)
{
	struct ofa_space space;

	load_space(tiny_json, &space);
	check_space(&space, 12);
}
END_TEST

START_TEST(device_equals_engine_on_mbv3)
{
	struct ofa_space space;

	preset_space("mbv3", 0.25, 10, &space);
	check_space(&space, 5);
}
END_TEST

START_TEST(device_equals_engine_on_proxyless)
{
	struct ofa_space space;

	preset_space("proxyless", 0.25, 13, &space);
	check_space(&space, 4);
}
END_TEST

START_TEST(device_equals_engine_on_resnets)
{
	struct ofa_space space;

	load_space(tiny_resnet_json, &space);
	check_space(&space, 12);
	load_space(small_resnet_json, &space);
	check_space(&space, 5);
}
END_TEST

/* Packages say the oldest version whose readers run them. */
START_TEST(versions_tell_the_kinds)
{
	static const char *const spaces[] = {tiny_json, tiny_resnet_json};

	for (uint8_t i = 0; i < OFA_ARRAY_LEN(spaces); i++) {
		struct ofa_space space;
		struct ofa_supernet *net;
		struct ofa_arch arch;
		struct package p;

		load_space(spaces[i], &space);
		net = random_net(&space, &(struct random_net_options){.seed = 3});
		ofa_arch_smallest(&space, &arch);
		p = build(net, &arch, &unknown);
		ck_assert_uint_eq(p.data[OFA_FMT_HEADER_MAJOR], 1);
		ck_assert_uint_eq(p.data[OFA_FMT_HEADER_MINOR], i);
		free(p.data);
		ofa_supernet_free(net);
	}
}
END_TEST

START_TEST(reference_weights)
{
	struct ofa_safetensors inputs;
	const struct ofa_tensor *t;
	struct ofa_space space;
	struct ofa_supernet *net;
	struct ofa_error err = {0};
	struct ofa_arch arch;
	float *x;

	if (!shared_available())
		return;
	preset_space("mbv3", 0.25, 10, &space);
	ASSERT_OK(ofa_supernet_load_as(shared_path("golden/mbv3_w0.25.safetensors"), &space, &net, &err), &err);
	ASSERT_OK(ofa_safetensors_open(shared_path("golden/inputs.safetensors"), &inputs, &err), &err);
	t = ofa_safetensors_find(&inputs, "x");
	ck_assert_ptr_nonnull(t);
	x = malloc(t->size);
	ofa_nchw_to_nhwc(t->data, (int)t->shape[0], (int)t->shape[1], (int)t->shape[2], (int)t->shape[3], x);
	for (int i = 0; i < 2; i++) {
		struct ofa_subnet *sub;
		struct package p;

		(i ? ofa_arch_largest : ofa_arch_smallest)(&space, &arch);
		arch.image_size = (uint16_t)t->shape[2];
		sub = extract(net, &arch);
		p = pack_subnet(net, sub);
		compare(sub, &p, x, (int)t->shape[0]);
		free(p.data);
		ofa_subnet_free(sub);
	}
	free(x);
	ofa_safetensors_close(&inputs);
	ofa_supernet_free(net);
}
END_TEST

static struct ofa_supernet *tiny_net(struct ofa_arch *ret_arch)
{
	struct ofa_space space;
	struct ofa_supernet *net;

	load_space(tiny_json, &space);
	net = random_net(&space, &(struct random_net_options){.seed = 3, .class_names = true, .calibration_images = 5});
	ofa_arch_largest(&net->space, ret_arch);
	return net;
}

START_TEST(what_a_package_says)
{
	const struct ofa_pack_info info = {.predicted_accuracy = 0.931, .latency_ms = 12.5, .profile = "acme/cam-m7"};
	struct ofa_package_summary s;
	struct ofa_arch arch, back;
	struct ofa_supernet *net = tiny_net(&arch);
	struct package p = build(net, &arch, &info);
	struct ofa_error err = {0};
	struct ofa_plan plan;

	ofa_plan_init(&net->space, &net->params, &arch, &plan);
	ASSERT_OK(ofa_package_read(p.data, p.size, &s, &err), &err);
	ck_assert_uint_eq(s.size_bytes, p.size);
	ck_assert_uint_eq(s.macs, ofa_plan_macs(&plan));
	ck_assert_uint_eq(s.params, ofa_plan_params(&plan));
	ck_assert_int_eq(s.image_size, arch.image_size);
	ck_assert_int_eq(s.channels, 1);
	ck_assert_int_eq(s.classes, 10);
	ck_assert_str_eq(s.dtype, "float32");
	ASSERT_OK(ofa_arch_parse(&net->space, json_object_get(s.meta, "arch"), &back, &err), &err);
	ck_assert(ofa_arch_equal(&plan.arch, &back));
	ck_assert_double_eq_tol(json_number_value(json_object_get(s.meta, "predicted_accuracy")), 0.931, 1e-9);
	ck_assert_double_eq_tol(json_number_value(json_object_get(s.meta, "latency_ms")), 12.5, 1e-9);
	ck_assert_str_eq(json_string_value(json_object_get(s.meta, "profile")), "acme/cam-m7");
	ck_assert_str_eq(json_string_value(json_array_get(json_object_get(s.meta, "classes"), 1)), "naïve \"1\"");
	ck_assert_str_eq(json_string_value(json_object_get(json_object_get(s.meta, "network"), "license")),
			 "Apache-2.0");
	ofa_package_summary_release(&s);
	free(p.data);
	ofa_supernet_free(net);
}
END_TEST

/* Same question, same bytes; another prediction, same size and weights. */
START_TEST(bytes_are_reproducible)
{
	const struct ofa_pack_info long_info = {.predicted_accuracy = 0.123456789,
						.latency_ms = 1234.56789,
						.profile = "a-name/that.is_rather/long-but-still-accepted"};
	struct ofa_arch arch;
	struct ofa_supernet *net = tiny_net(&arch);
	struct package a = build(net, &arch, &unknown), b = build(net, &arch, &unknown),
		       c = build(net, &arch, &long_info);
	struct ofa_device_model m;

	ck_assert_uint_eq(a.size, b.size);
	for (size_t i = 0; i < a.size; i++)
		ck_assert_msg(a.data[i] == b.data[i], "byte %zu of %zu differs", i, a.size);
	ck_assert_uint_eq(a.size, c.size);
	ck_assert_int_eq(ofa_device_load(a.data, a.size, &m, NULL), OFA_DEVICE_OK);
	ck_assert_mem_eq(m.meta + m.meta_bytes, c.data + (m.meta + m.meta_bytes - (const char *)a.data),
			 a.size - OFA_FMT_TRAILER_BYTES - (size_t)(m.meta + m.meta_bytes - (const char *)a.data));
	free(a.data);
	free(b.data);
	free(c.data);
	ofa_supernet_free(net);
}
END_TEST

/* What a block adds to the size depends on nothing but the block: search sums such differences. */
START_TEST(size_is_additive)
{
	struct ofa_space space;
	struct ofa_supernet *net;
	struct ofa_plan plan;
	struct ofa_arch a, b, c, d;

	preset_space("mbv3", 0.5, 10, &space);
	net = random_net(&space, &(struct random_net_options){.seed = 1});
	ofa_arch_smallest(&space, &a);
	b = c = d = a;
	b.k[5] = d.k[5] = 2;
	b.e[5] = d.e[5] = 1;
	c.d[2] = d.d[2] = 2;
	c.e[17] = d.e[17] = 2;
	uint64_t size[4];
	const struct ofa_arch *archs[] = {&a, &b, &c, &d};
	for (int i = 0; i < 4; i++) {
		ofa_plan_init(&space, &net->params, archs[i], &plan);
		size[i] = ofa_pack_size(net, &plan, OFA_FLOAT32);
	}
	ck_assert_uint_gt(size[1], size[0]);
	ck_assert_uint_gt(size[2], size[0]);
	ck_assert_uint_eq(size[3] - size[2], size[1] - size[0]);
	ofa_supernet_free(net);
}
END_TEST

static enum ofa_status full_disk(void *ctx, const void *data, size_t size, struct ofa_error *err)
{
	int *left = ctx;

	(void)data;
	(void)size;
	return --*left < 0 ? ofa_fail(err, OFA_ERR_IO, NULL, "disk full") : OFA_OK;
}

START_TEST(sink_errors_stop_the_writer)
{
	const struct ofa_pack_info no_name = {.predicted_accuracy = NAN, .latency_ms = NAN, .profile = "../etc"};
	struct ofa_arch arch;
	struct ofa_supernet *net = tiny_net(&arch);
	struct ofa_subnet *sub = extract(net, &arch);
	struct ofa_packer *packer;
	struct ofa_error err = {0};

	ASSERT_FAILS(ofa_packer_new(net, sub, &no_name, &packer, &err), OFA_ERR_INVALID);
	ck_assert_str_eq(err.field, "profile");
	err = (struct ofa_error){0};
	ASSERT_OK(ofa_packer_new(net, sub, &unknown, &packer, &err), &err);
	for (int calls = 0; calls < 3; calls++) { /* tables, weights, digest */
		int left = calls;

		ASSERT_FAILS(ofa_packer_write(packer, &(struct ofa_sink){.write = full_disk, .ctx = &left}, &err),
			     OFA_ERR_IO);
		ck_assert_int_eq(left, -1);
	}
	ofa_packer_free(packer);
	ofa_subnet_free(sub);
	ofa_supernet_free(net);
}
END_TEST

/* Straight into memory, on one thread or three, and through a sink: the same bytes. */
START_TEST(memory_and_sink_get_the_same_package)
{
	struct ofa_arch arch;
	struct ofa_supernet *net = tiny_net(&arch);
	struct ofa_subnet *sub = extract(net, &arch);
	struct package want = pack_subnet(net, sub);
	const size_t end = want.size - OFA_FMT_TRAILER_BYTES;
	uint8_t *got = aligned_alloc(64, (want.size + 63) / 64 * 64);
	struct ofa_error err = {0};
	struct ofa_pool *pool;

	for (unsigned threads = 1; threads <= 3; threads += 2) {
		ASSERT_OK(ofa_pool_new(threads, &pool), &err);
		memset(got, 0xff, want.size);
		ASSERT_OK(ofa_pack_into(net, &sub->plan, NULL, &unknown, true, pool, got, &err), &err);
		ck_assert_mem_eq(got, want.data, want.size);
		ofa_pool_free(pool);
	}
	memset(got, 0xff, want.size);
	ASSERT_OK(ofa_pack_into(net, &sub->plan, NULL, &unknown, false, NULL, got, &err), &err);
	ck_assert_mem_eq(got + end - 4096, want.data + end - 4096, 4096); /* weights; no trailer after them */
	ck_assert_uint_eq(got[end], 0xff);
	free(got);
	free(want.data);
	ofa_subnet_free(sub);
	ofa_supernet_free(net);
}
END_TEST

static void expect_refused(const struct package *p, size_t size, enum ofa_status want, const char *field)
{
	struct ofa_package_summary s;
	struct ofa_error err = {0};

	ASSERT_FAILS(ofa_package_read(p->data, size, &s, &err), want);
	ck_assert_str_eq(err.field, field);
}

START_TEST(reader_refuses)
{
	struct ofa_arch arch;
	struct ofa_supernet *net = tiny_net(&arch);
	struct package p = build(net, &arch, &unknown);
	struct ofa_device_model m;
	size_t weights;

	ck_assert_int_eq(ofa_device_load(p.data, p.size, &m, NULL), OFA_DEVICE_OK);
	weights = (size_t)(m.meta + m.meta_bytes - (const char *)p.data);
	expect_refused(&p, p.size - 1, OFA_ERR_FORMAT, "byte 16");
	p.data[weights + 5] ^= 1;
	expect_refused(&p, p.size, OFA_ERR_FORMAT, "trailer");
	p.data[weights + 5] ^= 1;
	p.data[OFA_FMT_HEADER_MAJOR] = 2;
	expect_refused(&p, p.size, OFA_ERR_UNSUPPORTED, "byte 8");
	p.data[OFA_FMT_HEADER_MAJOR] = 1;
	p.data[OFA_FMT_HEADER_FLAGS] = 1;
	expect_refused(&p, p.size, OFA_ERR_UNSUPPORTED, "byte 12");
	p.data[OFA_FMT_HEADER_FLAGS] = 0;
	p.data = realloc(p.data, p.size + 1);
	p.data[p.size] = 0;
	expect_refused(&p, p.size + 1, OFA_ERR_FORMAT, "size");
	free(p.data);
	ofa_supernet_free(net);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		device_equals_engine_on_odd_shapes,
		device_equals_engine_on_mbv3,
		device_equals_engine_on_proxyless,
		device_equals_engine_on_resnets,
		versions_tell_the_kinds,
		reference_weights,
		what_a_package_says,
		bytes_are_reproducible,
		size_is_additive,
		sink_errors_stop_the_writer, memory_and_sink_get_the_same_package,
		reader_refuses,
	};

	return run_tests("pack", tests, OFA_ARRAY_LEN(tests));
}
