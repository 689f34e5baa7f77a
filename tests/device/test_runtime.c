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
	const TTest *const tests[] = {place_of_the_package, demands_on_the_arena, parts_make_the_whole,
				      self_test_tells,      statuses_have_texts,  sha256_is_right};

	return run_tests("device runtime", tests, OFA_ARRAY_LEN(tests));
}
