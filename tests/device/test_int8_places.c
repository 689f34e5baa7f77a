/* Where an int8 package puts its values is its writer's choice, and may be a hostile one: places and rows are changed
 * at random, and what the loader still accepts must compute what a run does that gives each value memory of its own. */
#include <math.h>
#include <string.h>

#include "group.h"
#include "kernels_int8.h"
#include "pack/bytes.h"
#include "pack/pack.h"
#include "random_net.h"
#include "spaces.h"

enum { ROUNDS = 20000, CLASSES = 10, MOST_VALUES = 512, MOST_ARENA = 1 << 16, PAINT = 0x5a };

/* Small enough to be run a thousand times: SE, additions of each sort, groups from the image on. */
static const char small_json[] =
	"{\"family\":\"mbconv\",\"name\":\"small\",\"input_channels\":2,\"classes\":10,\"bn_eps\":1e-5,"
	"\"resolutions\":[9],\"stem\":{\"width\":6,\"stride\":1,\"act\":\"h_swish\"},"
	"\"first\":{\"width\":6,\"kernel\":3,\"act\":\"relu\",\"se\":false,\"residual\":true},"
	"\"kernels\":[5],\"expands\":[1.5],\"depths\":[2],"
	"\"stages\":[{\"width\":7,\"stride\":2,\"act\":\"relu6\",\"se\":false},"
	"{\"width\":9,\"stride\":1,\"act\":\"h_swish\",\"se\":true}],"
	"\"head\":{\"expand_width\":20,\"expand_act\":\"none\",\"mix_width\":12,\"mix_act\":\"relu\"}}";

/* Pools, and additions that are operations. */
static const char pools_json[] =
	"{\"family\":\"resnet\",\"name\":\"pools\",\"input_channels\":2,\"classes\":10,\"bn_eps\":1e-5,"
	"\"resolutions\":[19],\"expands\":[0.5],\"depths\":[0],"
	"\"stem\":{\"mid_widths\":[6],\"widths\":[10],\"depths\":[0,2]},"
	"\"stages\":[{\"widths\":[12],\"stride\":1,\"base_depth\":2},{\"widths\":[14],\"stride\":2,\"base_depth\":1}]}";

/* Rows of equal length everywhere, and few: what lies over part of a window is common. */
static const char even_json[] =
	"{\"family\":\"mbconv\",\"name\":\"even\",\"input_channels\":2,\"classes\":10,\"bn_eps\":1e-5,"
	"\"resolutions\":[4],\"stem\":{\"width\":8,\"stride\":1,\"act\":\"h_swish\"},"
	"\"first\":{\"width\":8,\"kernel\":3,\"act\":\"relu\",\"se\":false,\"residual\":true},"
	"\"kernels\":[3],\"expands\":[1],\"depths\":[2],"
	"\"stages\":[{\"width\":8,\"stride\":1,\"act\":\"relu6\",\"se\":false},"
	"{\"width\":8,\"stride\":1,\"act\":\"h_swish\",\"se\":false}],"
	"\"head\":{\"expand_width\":8,\"expand_act\":\"none\",\"mix_width\":8,\"mix_act\":\"relu\"}}";

static const char *const spaces[] = {small_json, pools_json, even_json};

static uint8_t *make_package(const char *text, size_t *ret_size)
{
	const struct ofa_pack_info info = {.predicted_accuracy = NAN, .latency_ms = NAN, .precision = OFA_INT8};
	struct ofa_error err = {0};
	struct ofa_supernet *net;
	struct ofa_space space;
	struct ofa_arch arch;
	uint8_t *data;

	load_space(text, &space);
	net = random_net(&space, &(struct random_net_options){.seed = 5, .calibration_images = 4});
	ofa_arch_largest(&net->space, &arch);
	ASSERT_OK(ofa_pack_build(net, &arch, &info, NULL, &data, ret_size, NULL, &err), &err);
	ofa_supernet_free(net);
	return data;
}

/* A value that was once at a place of the arena. */
struct value {
	uint32_t offset, h, w, c;
	int8_t *numbers;
};

/* All of them, in the order in which they are made. */
struct values {
	struct value list[MOST_VALUES];
	int n;
};

static int8_t *store(struct values *v, uint32_t offset, uint32_t h, uint32_t w, uint32_t c)
{
	ck_assert_int_lt(v->n, MOST_VALUES);
	v->list[v->n] = (struct value){offset, h, w, c, malloc((size_t)h * w * c)};
	return v->list[v->n++].numbers;
}

static int8_t *find(const struct values *v, uint32_t offset, uint32_t h, uint32_t w, uint32_t c)
{
	for (int i = v->n - 1; i >= 0; i--) {
		const struct value *at = &v->list[i];

		if (at->offset == offset && at->h == h && at->w == w && at->c == c)
			return at->numbers;
	}
	ck_abort_msg("nothing of that shape was ever at %u", offset);
	return NULL;
}

static const void *tensor(const struct ofa_device_model *m, uint32_t index)
{
	struct ofa_device_tensor t;

	ofa_device_tensor(m, index, &t);
	return t.data;
}

static struct ofa_device_rescale rescale_at(const uint8_t *p)
{
	return (struct ofa_device_rescale){ofa_device_i32(p), ofa_device_i32(p + 4)};
}

static struct ofa_device_int8_args matrix(const struct ofa_device_model *m, uint32_t weight, uint32_t multiplier,
					  uint32_t c_in, uint32_t c_out)
{
	return (struct ofa_device_int8_args){
		.w_in = 1,
		.c_in = c_in,
		.w_out = 1,
		.c_out = c_out,
		.k = 1,
		.stride = 1,
		.w = tensor(m, weight),
		.b = tensor(m, weight + 1),
		.m = tensor(m, multiplier),
		.s = tensor(m, multiplier + 1),
		.low = -128,
		.high = 127,
	};
}

static struct ofa_device_int8_args args_of(const struct ofa_device_model *m, uint32_t i, const struct ofa_device_op *op)
{
	const uint8_t *r = ofa_device_quant_record(m, i);
	const bool weighs = op->n_tensors > 0 && op->kind != OFA_FMT_SE;
	const bool looks_up = op->act >= OFA_FMT_ACT_HSWISH, adds = op->residual != OFA_FMT_NONE;
	struct ofa_device_int8_args a = {0};

	if (weighs)
		a = matrix(m, op->first_tensor, op->first_tensor + 2, op->c_in, op->c_out);
	a.w_in = op->w_in;
	a.c_in = op->c_in;
	a.w_out = op->w_out;
	a.c_out = op->c_out;
	a.k = op->k;
	a.stride = op->stride;
	a.pad = op->pad;
	a.table = looks_up ? tensor(m, op->first_tensor + 4) : NULL;
	a.in_zero = (int8_t)r[OFA_FMT_QUANT_IN_ZERO];
	a.added_zero = (int8_t)r[OFA_FMT_QUANT_ADDED_ZERO];
	a.out_zero = (int8_t)r[OFA_FMT_QUANT_OUT_ZERO];
	a.zero = (int8_t)r[weighs && (looks_up || adds) ? OFA_FMT_QUANT_INNER_ZERO : OFA_FMT_QUANT_OUT_ZERO];
	if (op->kind == OFA_FMT_ADD)
		a.zero = a.in_zero;
	a.low = ofa_device_i32(r + OFA_FMT_QUANT_LOW);
	a.high = ofa_device_i32(r + OFA_FMT_QUANT_HIGH);
	a.first = rescale_at(r + OFA_FMT_QUANT_FIRST);
	a.second = rescale_at(r + OFA_FMT_QUANT_SECOND);
	a.result = rescale_at(r + OFA_FMT_QUANT_RESULT);
	return a;
}

static void run_se(const struct ofa_device_model *m, uint32_t i, const struct ofa_device_op *op, const int8_t *x,
		   int8_t *y)
{
	const struct ofa_device_int8_kernels *k = m->int8_kernels;
	const uint32_t pixels = op->h_in * op->w_in;
	struct ofa_device_int8_args a = args_of(m, i, op), reduce, expand;
	int8_t *mean = malloc(op->c_in), *hidden = malloc(op->hidden), *gate = malloc(op->c_in);
	struct ofa_device_int8_args to_mean = a;

	to_mean.out_zero = a.added_zero;
	k->mean(&to_mean, pixels, x, mean);
	reduce = matrix(m, op->first_tensor, op->first_tensor + 4, op->c_in, op->hidden);
	reduce.zero = reduce.low = (int8_t)ofa_device_quant_record(m, i)[OFA_FMT_QUANT_INNER_ZERO];
	k->pointwise(&reduce, 1, mean, NULL, hidden);
	expand = matrix(m, op->first_tensor + 2, op->first_tensor + 6, op->hidden, op->c_in);
	expand.zero = -128;
	k->pointwise(&expand, 1, hidden, NULL, gate);
	memcpy(y, x, (size_t)pixels * op->c_in);
	k->scale(&a, pixels, gate, y);
	free(mean);
	free(hidden);
	free(gate);
}

static void run_rows(const struct ofa_device_model *m, const struct ofa_device_int8_args *a,
		     const struct ofa_device_op *op, const int8_t *x, const int8_t *added, int8_t *y)
{
	const struct ofa_device_int8_kernels *k = m->int8_kernels;
	const size_t in_row = (size_t)op->w_in * op->c_in, out_row = (size_t)op->w_out * op->c_out;
	const int8_t *rows[OFA_FMT_MAX_KERNEL];

	for (uint32_t row = 0; row < op->h_out; row++, y += out_row, added += added ? out_row : 0) {
		for (uint32_t i = 0; i < op->k; i++) {
			const int64_t at = (int64_t)row * op->stride + i - op->pad;

			rows[i] = at >= 0 && at < op->h_in ? x + (size_t)at * in_row : NULL;
		}
		if (op->kind == OFA_FMT_CONV)
			k->conv_row(a, rows, added, y);
		else if (op->kind == OFA_FMT_DWCONV)
			k->depthwise_row(a, rows, y);
		else if (op->kind == OFA_FMT_MAX_POOL)
			k->max_pool_row(a, rows, y);
		else if (op->kind == OFA_FMT_AVERAGE_POOL)
			k->average_pool_row(a, rows, y);
		else
			k->add(a, (uint32_t)out_row, rows[0], added, y);
	}
}

static const int8_t *run_op(const struct ofa_device_model *m, uint32_t i, struct values *v)
{
	struct ofa_device_op op;
	struct ofa_device_int8_args a;
	const int8_t *x, *added = NULL;
	int8_t *y;

	ofa_device_op_decode(ofa_device_op_record(m, i), &op);
	a = args_of(m, i, &op);
	x = find(v, op.origin, op.h_in, op.w_in, op.c_in);
	if (op.origin != op.in)
		x = memcpy(store(v, op.in, op.h_in, op.w_in, op.c_in), x, (size_t)op.h_in * op.w_in * op.c_in);
	if (op.residual != OFA_FMT_NONE)
		added = find(v, op.residual, op.h_out, op.w_out, op.c_out);
	y = store(v, op.out, op.h_out, op.w_out, op.c_out);
	if (op.kind == OFA_FMT_SE)
		run_se(m, i, &op, x, y);
	else if (op.kind == OFA_FMT_GLOBAL_POOL)
		m->int8_kernels->mean(&a, op.h_in * op.w_in, x, y);
	else if (op.kind == OFA_FMT_LINEAR)
		m->int8_kernels->pointwise(&a, 1, x, NULL, y);
	else
		run_rows(m, &a, &op, x, added, y);
	return y;
}

static void run_apart(const struct ofa_device_model *m, const int8_t *input, int8_t *logits)
{
	struct values *v = calloc(1, sizeof(*v));
	const size_t n = (size_t)m->height * m->width * m->channels;

	memcpy(store(v, m->input_offset, m->height, m->width, m->channels), input, n);
	for (uint32_t i = 0; i < m->n_ops; i++)
		memcpy(logits, run_op(m, i, v), i + 1 == m->n_ops ? m->classes : 0);
	while (v->n > 0)
		free(v->list[--v->n].numbers);
	free(v);
}

/* By the kernels of this processor and by the portable ones, which go through pixels and channels in another order. */
static void check_run(const struct ofa_device_model *m, struct ofa_rng *rng)
{
	const size_t n = (size_t)m->height * m->width * m->channels;
	int8_t *input = malloc(n), got[CLASSES], want[CLASSES];
	uint8_t *arena = malloc(m->arena_bytes); /* exactly: a sanitizer sees a step over its end */
	struct ofa_device_model portable = *m;

	portable.int8_kernels = &ofa_device_int8_portable;
	for (size_t i = 0; i < n; i++)
		input[i] = (int8_t)ofa_rng_below(rng, 256);
	run_apart(m, input, want);
	memset(arena, PAINT, m->arena_bytes);
	ck_assert_int_eq(ofa_device_run_int8(m, arena, m->arena_bytes, input, got), OFA_DEVICE_OK);
	ck_assert_mem_eq(got, want, CLASSES);
	ck_assert_int_eq(ofa_device_run_int8(&portable, arena, m->arena_bytes, input, got), OFA_DEVICE_OK);
	ck_assert_mem_eq(got, want, CLASSES);
	free(input);
	free(arena);
}

static uint8_t *record_of(uint8_t *data, uint32_t i)
{
	return data + OFA_FMT_HEADER_BYTES + (size_t)i * OFA_FMT_OP_BYTES;
}

/* Somewhere near, or where something else is. */
static uint32_t another_place(uint8_t *data, uint32_t n_ops, uint32_t was, struct ofa_rng *rng)
{
	static const uint32_t fields[] = {OFA_FMT_OP_IN, OFA_FMT_OP_OUT, OFA_FMT_OP_FROM};
	const uint32_t step = (ofa_rng_below(rng, 9) - 4) * OFA_FMT_INT8_ALIGN;

	if (ofa_rng_below(rng, 2) == 0)
		was = ofa_device_u32(record_of(data, ofa_rng_below(rng, n_ops)) + fields[ofa_rng_below(rng, 3)]);
	return was + step;
}

/* Those who read what was at `was` before it is written again read it at `now`. */
static void move_readers(uint8_t *data, uint32_t n_ops, uint32_t from, uint32_t was, uint32_t now)
{
	for (uint32_t i = from; i < n_ops; i++) {
		uint8_t *r = record_of(data, i);

		if (ofa_device_u32(r + OFA_FMT_OP_RESIDUAL) == was)
			ofa_put_u32(r + OFA_FMT_OP_RESIDUAL, now);
		if (ofa_device_u32(r + OFA_FMT_OP_FROM) == was) {
			if (ofa_device_u32(r + OFA_FMT_OP_IN) == was)
				ofa_put_u32(r + OFA_FMT_OP_IN, now);
			ofa_put_u32(r + OFA_FMT_OP_FROM, now);
		}
		if (ofa_device_u32(r + OFA_FMT_OP_OUT) != was)
			continue;
		if (r[OFA_FMT_OP_KIND] != OFA_FMT_SE)
			break;
		ofa_put_u32(r + OFA_FMT_OP_OUT, now);
	}
}

/* Another number of rows, also where all or none but one existed; what follows takes no copy then. */
static void change_rows(uint8_t *r, bool last, struct ofa_rng *rng)
{
	const uint32_t h = ofa_device_u16(r + OFA_FMT_OP_H_OUT), was = ofa_device_u16(r + OFA_FMT_OP_ROWS);
	const uint32_t rows = was > 0 && ofa_rng_below(rng, 2) ? was + ofa_rng_below(rng, 3) - 1
							       : ofa_rng_below(rng, h + 1);

	if (r[OFA_FMT_OP_KIND] > OFA_FMT_DWCONV || last)
		return;
	ofa_put_u16(r + OFA_FMT_OP_ROWS, rows);
	ofa_put_u32(r + OFA_FMT_OP_BYTES + OFA_FMT_OP_IN, ofa_device_u32(r + OFA_FMT_OP_OUT));
	ofa_put_u32(r + OFA_FMT_OP_BYTES + OFA_FMT_OP_FROM, ofa_device_u32(r + OFA_FMT_OP_OUT));
}

static void change_places(uint8_t *data, uint32_t n_ops, struct ofa_rng *rng)
{
	const uint32_t i = ofa_rng_below(rng, n_ops);
	uint8_t *r = record_of(data, i), *io = data + ofa_device_u32(data + OFA_FMT_HEADER_IO_OFFSET);
	uint32_t field, was, now;

	switch (ofa_rng_below(rng, 8)) {
	case 0:
		change_rows(r, i + 1 == n_ops, rng);
		return;
	case 1: /* the input of a group, or only where it is moved to */
		ofa_put_u32(r + OFA_FMT_OP_IN, another_place(data, n_ops, ofa_device_u32(r + OFA_FMT_OP_IN), rng));
		return;
	case 2:
		field = ofa_rng_below(rng, 2) ? OFA_FMT_OP_RESIDUAL : OFA_FMT_OP_SCRATCH;
		if (ofa_device_u32(r + field) != OFA_FMT_NONE)
			ofa_put_u32(r + field, another_place(data, n_ops, ofa_device_u32(r + field), rng));
		return;
	case 3:
		now = ofa_device_u32(data + OFA_FMT_HEADER_ARENA) + ofa_rng_below(rng, 8) * OFA_FMT_INT8_ALIGN;
		ofa_put_u32(data + OFA_FMT_HEADER_ARENA, now);
		return;
	case 4:
		was = ofa_device_u32(io + OFA_FMT_IO_INPUT);
		now = another_place(data, n_ops, was, rng);
		ofa_put_u32(io + OFA_FMT_IO_INPUT, now);
		move_readers(data, n_ops, 0, was, now);
		return;
	default:
		was = ofa_device_u32(r + OFA_FMT_OP_OUT);
		now = another_place(data, n_ops, was, rng);
		ofa_put_u32(r + OFA_FMT_OP_OUT, now);
		move_readers(data, n_ops, i + 1, was, now);
	}
}

START_TEST(accepted_places_keep_all_values)
{
	size_t size, ran = 0;
	uint8_t *original = make_package(spaces[_i], &size), *data = malloc(size), *next = malloc(size);
	struct ofa_device_model m;
	struct ofa_rng rng;

	ofa_rng_init(&rng, (uint64_t)_i + 1);
	memcpy(data, original, size);
	ck_assert_int_eq(ofa_device_load(data, size, &m, NULL), OFA_DEVICE_OK);
	for (int i = 0; i < ROUNDS; i++) {
		if (i % 50 == 0)
			memcpy(data, original, size);
		memcpy(next, data, size);
		for (uint32_t n = ofa_rng_below(&rng, 3); n < 3; n++)
			change_places(next, m.n_ops, &rng);
		if (memcmp(next, data, size) == 0 || ofa_device_load(next, size, &m, NULL) != OFA_DEVICE_OK ||
		    m.arena_bytes > MOST_ARENA)
			continue;
		check_run(&m, &rng);
		ran++;
		memcpy(data, next, size); /* goes on from there */
	}
	ck_assert_uint_gt(ran, ROUNDS / 20);
	free(original);
	free(data);
	free(next);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("places of int8 values");
	TCase *tcase = tcase_create("places of int8 values");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tcase, 300);
	suite_add_tcase(suite, tcase);
	tcase_add_loop_test(tcase, accepted_places_keep_all_values, 0, (int)OFA_ARRAY_LEN(spaces));
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
