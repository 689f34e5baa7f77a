/* The runtime's interface on a good package: where it may lie, what the arena must be, running in parts. */
#include <math.h>
#include <string.h>

#include "base/sha256.h"
#include "golden_package.h"
#include "internal.h"
#include "runner.h"

struct loaded {
	uint8_t *data;
	size_t size;
	struct ofa_device_model model;
	uint8_t *arena;
};

static void open_golden(struct loaded *l)
{
	l->data = read_source_file(GOLDEN_PACKAGE, &l->size);
	ck_assert_int_eq(ofa_device_load(l->data, l->size, &l->model, NULL), OFA_DEVICE_OK);
	l->arena = malloc(l->model.arena_bytes + sizeof(float));
}

static void close_golden(struct loaded *l)
{
	free(l->arena);
	free(l->data);
}

START_TEST(place_of_the_package)
{
	struct loaded l;
	uint8_t *memory;

	open_golden(&l);
	memory = malloc(l.size + 64);
	for (size_t shift = 0; shift < 9; shift++) {
		struct ofa_device_model m = {.data = NULL};
		enum ofa_device_status status;

		memcpy(memory + shift, l.data, l.size);
		status = ofa_device_load(memory + shift, l.size + 5, &m, NULL); /* flash goes on behind */
		if (shift % 4 != 0) {
			ck_assert_int_eq(status, OFA_DEVICE_ERR_ALIGNMENT);
			ck_assert_ptr_null(m.data);
			continue;
		}
		ck_assert_int_eq(status, OFA_DEVICE_OK);
		ck_assert_int_eq(ofa_device_self_test(&m, l.arena, m.arena_bytes), OFA_DEVICE_OK);
	}
	free(memory);
	close_golden(&l);
}
END_TEST

START_TEST(demands_on_the_arena)
{
	struct loaded l;
	float input[9 * 9 * 2] = {0}, logits[3];
	size_t n;

	open_golden(&l);
	n = ofa_device_arena_bytes(&l.model);
	ck_assert_int_eq(ofa_device_run(&l.model, l.arena, n - 1, input, logits), OFA_DEVICE_ERR_ARENA_SIZE);
	ck_assert_int_eq(ofa_device_run(&l.model, l.arena + 2, n, input, logits), OFA_DEVICE_ERR_ARENA_ALIGNMENT);
	ck_assert_int_eq(ofa_device_self_test(&l.model, l.arena, 0), OFA_DEVICE_ERR_ARENA_SIZE);
	ck_assert_int_eq(ofa_device_run_ops(&l.model, l.arena, 0, 0, 1), OFA_DEVICE_ERR_ARENA_SIZE);
	ck_assert_int_eq(ofa_device_run(&l.model, l.arena + 4, n, input, logits), OFA_DEVICE_OK);
	close_golden(&l);
}
END_TEST

START_TEST(parts_make_the_whole)
{
	struct loaded l;
	struct ofa_device_op last;
	float whole[3];
	uint32_t n;

	open_golden(&l);
	n = l.model.n_ops;
	ofa_device_normalise(&l.model, l.model.pixels, ofa_device_input(&l.model, l.arena));
	ck_assert_int_eq(
		ofa_device_run(&l.model, l.arena, l.model.arena_bytes, ofa_device_input(&l.model, l.arena), whole),
		OFA_DEVICE_OK);
	memset(l.arena, 0xff, l.model.arena_bytes);
	ofa_device_normalise(&l.model, l.model.pixels, ofa_device_input(&l.model, l.arena));
	for (uint32_t i = 0; i < n; i++)
		ck_assert_int_eq(ofa_device_run_ops(&l.model, l.arena, l.model.arena_bytes, i, 1), OFA_DEVICE_OK);
	ofa_device_op_decode(ofa_device_op_record(&l.model, n - 1), &last);
	ck_assert_mem_eq(l.arena + last.out, whole, sizeof(whole));
	ck_assert_int_eq(ofa_device_run_ops(&l.model, l.arena, l.model.arena_bytes, n, 0), OFA_DEVICE_OK);
	ck_assert_int_eq(ofa_device_run_ops(&l.model, l.arena, l.model.arena_bytes, n, 1), OFA_DEVICE_ERR_RANGE);
	ck_assert_int_eq(ofa_device_run_ops(&l.model, l.arena, l.model.arena_bytes, 1, UINT32_MAX),
			 OFA_DEVICE_ERR_RANGE);
	close_golden(&l);
}
END_TEST

enum { SIDE = 4, VALUE_BYTES = SIDE * SIDE * 64 * 4 };

/* k x k, same size; value i of the arena has the offset i * VALUE_BYTES. */
static struct ofa_device_op layer(uint32_t kind, uint32_t k, uint32_t c_in, uint32_t c_out, uint32_t in, uint32_t out)
{
	return (struct ofa_device_op){
		.kind = kind,
		.k = k,
		.stride = 1,
		.pad = k / 2,
		.h_in = SIDE,
		.w_in = SIDE,
		.c_in = c_in,
		.h_out = SIDE,
		.w_out = SIDE,
		.c_out = c_out,
		.in = in * VALUE_BYTES,
		.out = out * VALUE_BYTES,
		.residual = OFA_FMT_NONE,
		.scratch = OFA_FMT_NONE,
	};
}

static void put(uint8_t *p, uint32_t v, int bytes)
{
	for (int i = 0; i < bytes; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static void put_op(uint8_t *r, const struct ofa_device_op *op)
{
	put(r + OFA_FMT_OP_KIND, op->kind, 1);
	put(r + OFA_FMT_OP_KERNEL, op->k, 1);
	put(r + OFA_FMT_OP_STRIDE, op->stride, 1);
	put(r + OFA_FMT_OP_PAD, op->pad, 1);
	put(r + OFA_FMT_OP_H_IN, op->h_in, 2);
	put(r + OFA_FMT_OP_W_IN, op->w_in, 2);
	put(r + OFA_FMT_OP_H_OUT, op->h_out, 2);
	put(r + OFA_FMT_OP_W_OUT, op->w_out, 2);
	put(r + OFA_FMT_OP_C_IN, op->c_in, 4);
	put(r + OFA_FMT_OP_C_OUT, op->c_out, 4);
	put(r + OFA_FMT_OP_IN, op->in, 4);
	put(r + OFA_FMT_OP_OUT, op->out, 4);
	put(r + OFA_FMT_OP_RESIDUAL, op->residual, 4);
	put(r + OFA_FMT_OP_SCRATCH, op->scratch, 4);
}

/* -1: the first two operations are run apart; otherwise whether the input is moved. */
static int fused(const struct ofa_device_op *ops, uint32_t n)
{
	uint8_t data[OFA_FMT_HEADER_BYTES + 4 * OFA_FMT_OP_BYTES] = {0};
	const struct ofa_device_model m = {.data = data, .n_ops = n};
	int copy = -1;

	for (uint32_t i = 0; i < n; i++)
		put_op(data + OFA_FMT_HEADER_BYTES + i * OFA_FMT_OP_BYTES, &ops[i]);
	return ofa_device_fuses(&m, 0, &ops[0], &ops[1], &copy) ? copy : -1;
}

START_TEST(pairs_that_are_run_as_one)
{
	const struct ofa_device_op expand = layer(OFA_FMT_CONV, 1, 16, 64, 0, 1);
	const struct ofa_device_op depthwise = layer(OFA_FMT_DWCONV, 3, 64, 64, 1, 2);
	const struct ofa_device_op project = layer(OFA_FMT_CONV, 1, 64, 16, 2, 0);
	struct ofa_device_op ops[4] = {expand, depthwise, project, layer(OFA_FMT_ADD, 1, 16, 16, 0, 3)};

	ck_assert_int_eq(fused(ops, 4), 0);
	/* what the first made is added later, or was overwritten before */
	ops[2].residual = VALUE_BYTES;
	ck_assert_int_eq(fused(ops, 4), -1);
	ops[2].residual = OFA_FMT_NONE;
	ops[3].residual = VALUE_BYTES + 64;
	ck_assert_int_eq(fused(ops, 4), -1);
	ck_assert_int_eq(fused(ops, 3), 0);
	ops[2].out = VALUE_BYTES;
	ck_assert_int_eq(fused(ops, 4), 0);
	/* the second writes to the input of the first, for which there is room or not */
	ops[1].out = 0;
	ck_assert_int_eq(fused(ops, 2), 1);
	ops[0].c_in = 17;
	ck_assert_int_eq(fused(ops, 2), -1);
	ops[1] = depthwise;
	ck_assert_int_eq(fused(ops, 2), 0);
	/* not a pair */
	ops[0].residual = 3 * VALUE_BYTES;
	ck_assert_int_eq(fused(ops, 2), -1);
	ops[0] = layer(OFA_FMT_CONV, 3, 16, 64, 0, 1);
	ck_assert_int_eq(fused(ops, 2), -1);
	ops[0] = layer(OFA_FMT_CONV, 1, 16, 64, 0, 3);
	ck_assert_int_eq(fused(ops, 2), -1);
	ops[0] = layer(OFA_FMT_CONV, 1, 16, 47, 0, 1);
	ops[1] = layer(OFA_FMT_DWCONV, 3, 47, 47, 1, 2);
	ck_assert_int_eq(fused(ops, 2), -1);
}
END_TEST

START_TEST(self_test_tells)
{
	struct loaded l;
	float *logit;
	float was;

	open_golden(&l);
	logit = (float *)(void *)(l.data + ((const uint8_t *)l.model.logits - l.data));
	was = *logit;
	*logit = was + 0.01f;
	ck_assert_int_eq(ofa_device_self_test(&l.model, l.arena, l.model.arena_bytes), OFA_DEVICE_ERR_SELF_TEST);
	*logit = HUGE_VALF;
	ck_assert_int_eq(ofa_device_load(l.data, l.size, &l.model, NULL), OFA_DEVICE_ERR_INPUT);
	*logit = was;
	ck_assert_int_eq(ofa_device_self_test(&l.model, l.arena, l.model.arena_bytes), OFA_DEVICE_OK);
	close_golden(&l);
}
END_TEST

START_TEST(statuses_have_texts)
{
	for (int i = 0; i < OFA_DEVICE_STATUS_COUNT; i++) {
		const char *text = ofa_device_strerror((enum ofa_device_status)i);

		ck_assert_ptr_nonnull(text);
		for (int j = 0; j < i; j++)
			ck_assert_str_ne(text, ofa_device_strerror((enum ofa_device_status)j));
	}
	ck_assert_str_eq(ofa_device_strerror(OFA_DEVICE_STATUS_COUNT), "unknown status");
}
END_TEST

/* FIPS 180-4's examples and every length around the block borders. */
START_TEST(sha256_is_right)
{
	static const uint8_t abc[] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
				      0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
				      0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
	uint8_t got[32], want[32], data[200];

	ofa_device_sha256((const uint8_t *)"abc", 3, got);
	ck_assert_mem_eq(got, abc, 32);
	for (size_t n = 0; n < sizeof(data); n++) {
		data[n] = (uint8_t)(n * 31);
		ofa_device_sha256(data, n, got);
		ofa_sha256(data, n, want);
		ck_assert_mem_eq(got, want, 32);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		place_of_the_package,
		demands_on_the_arena,
		parts_make_the_whole,
		pairs_that_are_run_as_one,
		self_test_tells,
		statuses_have_texts,
		sha256_is_right,
	};

	return run_tests("device runtime", tests, OFA_ARRAY_LEN(tests));
}
