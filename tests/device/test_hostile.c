/* The loader against damaged and hostile packages: a named error, or a run inside its arena. */
#include <string.h>

#include "golden_package.h"
#include "int8_package.h"
#include "ofa_device.h"
#include "ofa_format.h"
#include "runner.h"

enum { GUARD_BYTES = 64, GUARD = 0xa5, MAX_ARENA = 1 << 20, MAX_MACS = 1 << 22 };

static const char *const packages[] = {GOLDEN_PACKAGE, GOLDEN_RESNET, GOLDEN_FLOAT16, GOLDEN_INT8, GOLDEN_RESNET_INT8};
enum { FIRST_INT8 = 3 };

/* Runs what was accepted, in an arena of exactly the size it asked for, full of NaNs or -1. */
static void run_guarded(const struct ofa_device_model *m)
{
	const size_t n = ofa_device_arena_bytes(m);
	float *logits = malloc(m->classes * sizeof(*logits));
	uint8_t *arena;
	enum ofa_device_status status;

	if (n > MAX_ARENA || m->macs > MAX_MACS) {
		free(logits);
		return;
	}
	arena = malloc(n + GUARD_BYTES);
	memset(arena, 0xff, n);
	memset(arena + n, GUARD, GUARD_BYTES);
	status = ofa_device_self_test(m, arena, n);
	ck_assert(status == OFA_DEVICE_OK || status == OFA_DEVICE_ERR_SELF_TEST);
	ofa_device_put_pixels(m, m->pixels, arena);
	ck_assert_int_eq(ofa_device_run(m, arena, n, NULL, logits), OFA_DEVICE_OK);
	for (size_t i = 0; i < GUARD_BYTES; i++)
		ck_assert_uint_eq(arena[n + i], GUARD);
	for (uint32_t i = 0; i <= m->classes; i++)
		ck_assert(m->names_bytes == 0 || (ofa_device_class_name(m, i) != NULL) == (i < m->classes));
	free(arena);
	free(logits);
}

/* Loads; runs if accepted. */
static enum ofa_device_status try_package(const uint8_t *data, size_t size)
{
	struct ofa_device_model m;
	uint32_t where = UINT32_MAX;
	enum ofa_device_status status = ofa_device_load(data, size, &m, &where);

	ck_assert_int_lt(status, OFA_DEVICE_STATUS_COUNT);
	if (status == OFA_DEVICE_OK) {
		run_guarded(&m);
	} else {
		ck_assert_msg(where < size || size < OFA_FMT_HEADER_BYTES, "status %d at byte %u of %zu", status, where,
			      size);
	}
	return status;
}

static void put32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static uint32_t get32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

START_TEST(every_truncation_is_refused)
{
	size_t size;
	uint8_t *data = read_source_file(packages[_i], &size);

	ck_assert_int_eq(try_package(data, size), OFA_DEVICE_OK);
	for (size_t n = 0; n < size; n++) {
		uint8_t *part = malloc(n ? n : 1);

		memcpy(part, data, n);
		ck_assert_int_eq(try_package(part, n), OFA_DEVICE_ERR_TRUNCATED);
		free(part);
	}
	free(data);
}
END_TEST

START_TEST(every_byte_of_the_tables)
{
	size_t size, end, accepted = 0;
	uint8_t *data = read_source_file(packages[_i], &size);

	end = get32(data + OFA_FMT_HEADER_META_OFFSET);
	for (size_t i = 0; i < end; i++) {
		const uint8_t was = data[i];
		const uint8_t values[] = {0, 0xff, (uint8_t)(was + 1), (uint8_t)(was - 1), was ^ 0x40};

		for (size_t j = 0; j < OFA_ARRAY_LEN(values); j++) {
			data[i] = values[j];
			accepted += try_package(data, size) == OFA_DEVICE_OK && values[j] != was;
		}
		data[i] = was;
	}
	ck_assert_uint_gt(accepted, 0); /* hashes, pixels, logits: structure does not depend on them */
	free(data);
}
END_TEST

START_TEST(every_word_of_the_tables)
{
	static const uint32_t values[] = {0,          1,          63,         64,         0x10000,    0x7fffffc0,
					  0x7fffffff, 0x80000000, 0xffffffc0, 0xffffffff, 0x7fc00000, 0x00010001};
	size_t size, end;
	uint8_t *data = read_source_file(packages[_i], &size);

	end = get32(data + OFA_FMT_HEADER_IO_OFFSET) + OFA_FMT_IO_BYTES;
	for (size_t i = 0; i + 4 <= end; i += 2) {
		const uint32_t was = get32(data + i);

		for (size_t j = 0; j < OFA_ARRAY_LEN(values); j++) {
			put32(data + i, values[j]);
			try_package(data, size);
		}
		put32(data + i, was);
	}
	free(data);
}
END_TEST

/* One wrong field, its error and its place. */
struct wrong {
	uint32_t section; /* header field that holds the section's offset, or 0: the header itself */
	uint32_t record;  /* index, of 64 bytes */
	uint32_t field;
	uint32_t value;
	enum ofa_device_status want;
};

/* Operations of the golden package: 0 stem, 1 depthwise, 2 SE, 3 project (adds the stem's output),
 * 4 expand, 5 depthwise stride 2. Tensors: 0, 1 stem; 2, 3 depthwise; 4..7 SE. */
static const struct wrong wrongs[] = {
	{0, 0, OFA_FMT_HEADER_MAGIC, 0x20202020, OFA_DEVICE_ERR_MAGIC},
	{0, 0, OFA_FMT_HEADER_MAJOR, 2, OFA_DEVICE_ERR_VERSION},
	{0, 0, OFA_FMT_HEADER_FLAGS, 1, OFA_DEVICE_ERR_RESERVED},
	{0, 0, OFA_FMT_HEADER_QUANTS, 1, OFA_DEVICE_ERR_LIMIT},
	{0, 0, OFA_FMT_HEADER_QUANTS, 0x10000, OFA_DEVICE_ERR_RESERVED},
	{0, 0, OFA_FMT_HEADER_SIZE, 0x80000000, OFA_DEVICE_ERR_LIMIT},
	{0, 0, OFA_FMT_HEADER_SIZE, 0x7fffffff, OFA_DEVICE_ERR_TRUNCATED},
	{0, 0, OFA_FMT_HEADER_ARENA, 0, OFA_DEVICE_ERR_LIMIT},
	{0, 0, OFA_FMT_HEADER_ARENA, 64, OFA_DEVICE_ERR_ARENA_RANGE},
	{0, 0, OFA_FMT_HEADER_OPS, 0, OFA_DEVICE_ERR_LIMIT},
	{0, 0, OFA_FMT_HEADER_TENSOR_OFFSET, 64, OFA_DEVICE_ERR_SECTION},
	{0, 0, OFA_FMT_HEADER_META_OFFSET, 0x7fffffc0, OFA_DEVICE_ERR_SECTION},
	{0, 0, OFA_FMT_HEADER_RESERVED2, 1, OFA_DEVICE_ERR_RESERVED},
	{OFA_FMT_HEADER_OP_OFFSET, 0, OFA_FMT_OP_KIND, 6, OFA_DEVICE_ERR_OP},
	{OFA_FMT_HEADER_OP_OFFSET, 0, OFA_FMT_OP_H_IN, 0x00090008, OFA_DEVICE_ERR_SHAPE},
	{OFA_FMT_HEADER_OP_OFFSET, 0, OFA_FMT_OP_C_IN, 3, OFA_DEVICE_ERR_TENSOR},
	{OFA_FMT_HEADER_OP_OFFSET, 0, OFA_FMT_OP_C_IN, 0, OFA_DEVICE_ERR_LIMIT},
	{OFA_FMT_HEADER_OP_OFFSET, 0, OFA_FMT_OP_HIDDEN, 8, OFA_DEVICE_ERR_OP},
	{OFA_FMT_HEADER_OP_OFFSET, 0, OFA_FMT_OP_IN, 0x7fffffc0, OFA_DEVICE_ERR_ARENA_RANGE},
	{OFA_FMT_HEADER_OP_OFFSET, 0, OFA_FMT_OP_RESIDUAL, 0, OFA_DEVICE_ERR_DATAFLOW},
	{OFA_FMT_HEADER_OP_OFFSET, 0, OFA_FMT_OP_ROWS, 1, OFA_DEVICE_ERR_RESERVED},
	{OFA_FMT_HEADER_OP_OFFSET, 1, OFA_FMT_OP_C_OUT, 11, OFA_DEVICE_ERR_SHAPE},
	{OFA_FMT_HEADER_OP_OFFSET, 2, OFA_FMT_OP_SCRATCH, OFA_FMT_NONE, OFA_DEVICE_ERR_OP},
	{OFA_FMT_HEADER_OP_OFFSET, 2, OFA_FMT_OP_HIDDEN, 16, OFA_DEVICE_ERR_TENSOR},
	{OFA_FMT_HEADER_TENSOR_OFFSET, 0, OFA_FMT_TENSOR_OFFSET, 64, OFA_DEVICE_ERR_TENSOR},
	{OFA_FMT_HEADER_TENSOR_OFFSET, 0, OFA_FMT_TENSOR_SIZE, 0x7fffffff, OFA_DEVICE_ERR_TENSOR},
	{OFA_FMT_HEADER_TENSOR_OFFSET, 0, OFA_FMT_TENSOR_TYPE, 0x04020103, OFA_DEVICE_ERR_TENSOR},
	{OFA_FMT_HEADER_TENSOR_OFFSET, 1, OFA_FMT_TENSOR_DIMS, 8, OFA_DEVICE_ERR_TENSOR},
	{OFA_FMT_HEADER_TENSOR_OFFSET, 1, OFA_FMT_TENSOR_RESERVED2, 1, OFA_DEVICE_ERR_RESERVED},
	{OFA_FMT_HEADER_IO_OFFSET, 0, OFA_FMT_IO_HEIGHT, 0, OFA_DEVICE_ERR_LIMIT},
	{OFA_FMT_HEADER_IO_OFFSET, 0, OFA_FMT_IO_CHANNELS, 5, OFA_DEVICE_ERR_LIMIT},
	{OFA_FMT_HEADER_IO_OFFSET, 0, OFA_FMT_IO_MEAN, 0x7fc00000, OFA_DEVICE_ERR_INPUT},
	{OFA_FMT_HEADER_IO_OFFSET, 0, OFA_FMT_IO_STD, 0, OFA_DEVICE_ERR_INPUT},
	{OFA_FMT_HEADER_IO_OFFSET, 0, OFA_FMT_IO_STD + 12, 1, OFA_DEVICE_ERR_RESERVED},
	{OFA_FMT_HEADER_IO_OFFSET, 0, OFA_FMT_IO_TOLERANCE, 0xff800000, OFA_DEVICE_ERR_INPUT},
	{OFA_FMT_HEADER_IO_OFFSET, 0, OFA_FMT_IO_TOLERANCE, 0x40000000, OFA_DEVICE_ERR_INPUT},
	{OFA_FMT_HEADER_IO_OFFSET, 0, OFA_FMT_IO_LOGITS_OFFSET, 1, OFA_DEVICE_ERR_INPUT},
	{OFA_FMT_HEADER_IO_OFFSET, 0, OFA_FMT_IO_NAMES_SIZE, 0, OFA_DEVICE_ERR_INPUT},
	{OFA_FMT_HEADER_IO_OFFSET, 0, OFA_FMT_IO_IN_SCALE, 1, OFA_DEVICE_ERR_RESERVED},
	{OFA_FMT_HEADER_IO_OFFSET, 2, 0, 0, OFA_DEVICE_ERR_INPUT}, /* zero bytes inside a class name */
};

/* Operations of the other package: 0 stem, 1 the optional layer, 2 its addition, 3 stem's last, 4 max pool, 5 to 8
 * a bottleneck with a projection, 9 to 11 one without, 12 conv, 13 average pool, 14 projection, 15 conv of stride 2. */
static const struct wrong resnet_wrongs[] = {
	{OFA_FMT_HEADER_OP_OFFSET, 2, OFA_FMT_OP_KIND, 0x01010009, OFA_DEVICE_ERR_OP},
	{OFA_FMT_HEADER_OP_OFFSET, 2, OFA_FMT_OP_RESIDUAL, OFA_FMT_NONE, OFA_DEVICE_ERR_OP},
	{OFA_FMT_HEADER_OP_OFFSET, 2, OFA_FMT_OP_C_OUT, 5, OFA_DEVICE_ERR_SHAPE},
	{OFA_FMT_HEADER_OP_OFFSET, 2, OFA_FMT_OP_RESIDUAL, 0x7fffffc0, OFA_DEVICE_ERR_ARENA_RANGE},
	{OFA_FMT_HEADER_OP_OFFSET, 4, OFA_FMT_OP_KIND, 0x02030106, OFA_DEVICE_ERR_OP}, /* has no activation */
	{OFA_FMT_HEADER_OP_OFFSET, 4, OFA_FMT_OP_KIND, 0x02080006, OFA_DEVICE_ERR_OP},
	{OFA_FMT_HEADER_OP_OFFSET, 4, OFA_FMT_OP_KIND, 0x03030006, OFA_DEVICE_ERR_OP},
	{OFA_FMT_HEADER_OP_OFFSET, 4, OFA_FMT_OP_PAD, 3, OFA_DEVICE_ERR_OP},
	{OFA_FMT_HEADER_OP_OFFSET, 4, OFA_FMT_OP_PAD, 0, OFA_DEVICE_ERR_SHAPE},
	{OFA_FMT_HEADER_OP_OFFSET, 4, OFA_FMT_OP_C_OUT, 12, OFA_DEVICE_ERR_SHAPE},
	{OFA_FMT_HEADER_OP_OFFSET, 4, OFA_FMT_OP_RESIDUAL, 0, OFA_DEVICE_ERR_OP},
	{OFA_FMT_HEADER_OP_OFFSET, 4, OFA_FMT_OP_SCRATCH, 0, OFA_DEVICE_ERR_OP},
	{OFA_FMT_HEADER_OP_OFFSET, 4, OFA_FMT_OP_HIDDEN, 4, OFA_DEVICE_ERR_OP},
	{OFA_FMT_HEADER_OP_OFFSET, 13, OFA_FMT_OP_KIND, 0x02030007, OFA_DEVICE_ERR_OP}, /* windows must be tiles */
	{OFA_FMT_HEADER_OP_OFFSET, 13, OFA_FMT_OP_PAD, 1, OFA_DEVICE_ERR_OP},
	{OFA_FMT_HEADER_OP_OFFSET, 13, OFA_FMT_OP_H_OUT, 0x00030002, OFA_DEVICE_ERR_SHAPE},
	{OFA_FMT_HEADER_OP_OFFSET, 13, OFA_FMT_OP_H_OUT, 0x00020003, OFA_DEVICE_ERR_SHAPE},
};

/* Of the first one in int8: operations 4 to 6 are a group, its input moved; 7 and 8 are, too.  Tensors 0 to 4 are the
 * stem's: weight, bias, multiplier, shift, table. */
static const struct wrong int8_wrongs[] = {
	{0, 0, OFA_FMT_HEADER_QUANTS, 14, OFA_DEVICE_ERR_LIMIT},
	{0, 0, OFA_FMT_HEADER_QUANTS, 0, OFA_DEVICE_ERR_SECTION},
	{0, 0, OFA_FMT_HEADER_QUANT_OFFSET, 64, OFA_DEVICE_ERR_SECTION},
	{0, 0, OFA_FMT_HEADER_ARENA, 544, OFA_DEVICE_ERR_ARENA_RANGE},
	{OFA_FMT_HEADER_OP_OFFSET, 3, OFA_FMT_OP_KIND, 0x01010301, OFA_DEVICE_ERR_OP}, /* a table, and adds */
	{OFA_FMT_HEADER_OP_OFFSET, 0, OFA_FMT_OP_KIND, 0x02030101, OFA_DEVICE_ERR_OP}, /* and no table */
	{OFA_FMT_HEADER_OP_OFFSET, 0, OFA_FMT_OP_C_IN, 7282, OFA_DEVICE_ERR_LIMIT},    /* 65,538 products */
	{OFA_FMT_HEADER_OP_OFFSET, 0, OFA_FMT_OP_C_IN, 7281, OFA_DEVICE_ERR_TENSOR},
	{OFA_FMT_HEADER_OP_OFFSET, 4, OFA_FMT_OP_ROWS, 0x10003, OFA_DEVICE_ERR_RESERVED},
	{OFA_FMT_HEADER_OP_OFFSET, 4, OFA_FMT_OP_RESERVED2, 1, OFA_DEVICE_ERR_RESERVED},
	{OFA_FMT_HEADER_OP_OFFSET, 4, OFA_FMT_OP_ROWS, 6, OFA_DEVICE_ERR_GROUP},
	{OFA_FMT_HEADER_OP_OFFSET, 4, OFA_FMT_OP_ROWS, 2, OFA_DEVICE_ERR_DATAFLOW}, /* too few */
	{OFA_FMT_HEADER_OP_OFFSET, 4, OFA_FMT_OP_ROWS, 0, OFA_DEVICE_ERR_DATAFLOW}, /* over its own input */
	{OFA_FMT_HEADER_OP_OFFSET, 6, OFA_FMT_OP_ROWS, 1, OFA_DEVICE_ERR_GROUP},
	{OFA_FMT_HEADER_OP_OFFSET, 9, OFA_FMT_OP_ROWS, 1, OFA_DEVICE_ERR_GROUP},
	{OFA_FMT_HEADER_OP_OFFSET, 14, OFA_FMT_OP_ROWS, 1, OFA_DEVICE_ERR_GROUP},
	{OFA_FMT_HEADER_OP_OFFSET, 5, OFA_FMT_OP_FROM, 0, OFA_DEVICE_ERR_GROUP},
	{OFA_FMT_HEADER_OP_OFFSET, 0, OFA_FMT_OP_FROM, 0x7ffffff0, OFA_DEVICE_ERR_ARENA_RANGE},
	{OFA_FMT_HEADER_OP_OFFSET, 0, OFA_FMT_OP_FROM, 120, OFA_DEVICE_ERR_ARENA_RANGE},
	{OFA_FMT_HEADER_OP_OFFSET, 4, OFA_FMT_OP_FROM, 16, OFA_DEVICE_ERR_DATAFLOW},
	{OFA_FMT_HEADER_OP_OFFSET, 9, OFA_FMT_OP_FROM, 0, OFA_DEVICE_ERR_DATAFLOW},
	{OFA_FMT_HEADER_OP_OFFSET, 4, OFA_FMT_OP_IN, 320, OFA_DEVICE_ERR_ARENA_RANGE},
	{OFA_FMT_HEADER_OP_OFFSET, 4, OFA_FMT_OP_IN, 208, OFA_DEVICE_ERR_DATAFLOW}, /* the window takes its rows */
	{OFA_FMT_HEADER_OP_OFFSET, 2, OFA_FMT_OP_SCRATCH, 496, OFA_DEVICE_ERR_DATAFLOW},
	{OFA_FMT_HEADER_OP_OFFSET, 2, OFA_FMT_OP_SCRATCH, 0, OFA_DEVICE_ERR_DATAFLOW},
	{OFA_FMT_HEADER_OP_OFFSET, 2, OFA_FMT_OP_SCRATCH, 560, OFA_DEVICE_ERR_ARENA_RANGE},
	{OFA_FMT_HEADER_OP_OFFSET, 3, OFA_FMT_OP_OUT, 16, OFA_DEVICE_ERR_DATAFLOW},
	{OFA_FMT_HEADER_OP_OFFSET, 3, OFA_FMT_OP_RESIDUAL, 16, OFA_DEVICE_ERR_DATAFLOW},
	{OFA_FMT_HEADER_OP_OFFSET, 3, OFA_FMT_OP_RESIDUAL, 0x1000, OFA_DEVICE_ERR_ARENA_RANGE},
	{OFA_FMT_HEADER_OP_OFFSET, 12, OFA_FMT_OP_OUT, 160, OFA_DEVICE_ERR_DATAFLOW},
	{OFA_FMT_HEADER_TENSOR_OFFSET, 0, OFA_FMT_TENSOR_TYPE, 0x04030101, OFA_DEVICE_ERR_TENSOR},
	{OFA_FMT_HEADER_TENSOR_OFFSET, 0, OFA_FMT_TENSOR_TYPE, 0x04020103, OFA_DEVICE_ERR_TENSOR},
	{OFA_FMT_HEADER_TENSOR_OFFSET, 1, OFA_FMT_TENSOR_TYPE, 0x01010201, OFA_DEVICE_ERR_TENSOR},
	{OFA_FMT_HEADER_TENSOR_OFFSET, 2, OFA_FMT_TENSOR_TYPE, 0x01010604, OFA_DEVICE_ERR_TENSOR},
	{OFA_FMT_HEADER_TENSOR_OFFSET, 4, OFA_FMT_TENSOR_DIMS, 255, OFA_DEVICE_ERR_TENSOR},
	{OFA_FMT_HEADER_QUANT_OFFSET, 0, OFA_FMT_QUANT_IN_SCALE, 0, OFA_DEVICE_ERR_QUANT},
	{OFA_FMT_HEADER_QUANT_OFFSET, 0, OFA_FMT_QUANT_OUT_SCALE, 0x7f800000, OFA_DEVICE_ERR_QUANT},
	{OFA_FMT_HEADER_QUANT_OFFSET, 0, OFA_FMT_QUANT_OUT_SCALE, 0xbf800000, OFA_DEVICE_ERR_QUANT},
	{OFA_FMT_HEADER_QUANT_OFFSET, 0, OFA_FMT_QUANT_ADDED_SCALE, 0x3f800000, OFA_DEVICE_ERR_QUANT},
	{OFA_FMT_HEADER_QUANT_OFFSET, 0, OFA_FMT_QUANT_INNER_SCALE, 0, OFA_DEVICE_ERR_QUANT},
	{OFA_FMT_HEADER_QUANT_OFFSET, 1, OFA_FMT_QUANT_INNER_SCALE, 0x3f800000, OFA_DEVICE_ERR_QUANT},
	{OFA_FMT_HEADER_QUANT_OFFSET, 1, OFA_FMT_QUANT_IN_ZERO, 0x01000000, OFA_DEVICE_ERR_QUANT}, /* of inner */
	{OFA_FMT_HEADER_QUANT_OFFSET, 0, OFA_FMT_QUANT_LOW, 0xffffff81, OFA_DEVICE_ERR_QUANT}, /* nothing bounds it */
	{OFA_FMT_HEADER_QUANT_OFFSET, 1, OFA_FMT_QUANT_LOW, 0xffffff7f, OFA_DEVICE_ERR_QUANT},
	{OFA_FMT_HEADER_QUANT_OFFSET, 1, OFA_FMT_QUANT_HIGH, 128, OFA_DEVICE_ERR_QUANT},
	{OFA_FMT_HEADER_QUANT_OFFSET, 1, OFA_FMT_QUANT_HIGH, 0x80000000, OFA_DEVICE_ERR_QUANT},
	{OFA_FMT_HEADER_QUANT_OFFSET, 0, OFA_FMT_QUANT_FIRST, 1 << 30, OFA_DEVICE_ERR_QUANT},
	{OFA_FMT_HEADER_QUANT_OFFSET, 3, OFA_FMT_QUANT_FIRST, 1, OFA_DEVICE_ERR_QUANT},
	{OFA_FMT_HEADER_QUANT_OFFSET, 3, OFA_FMT_QUANT_SECOND, (1 << 30) - 1, OFA_DEVICE_ERR_QUANT},
	{OFA_FMT_HEADER_QUANT_OFFSET, 3, OFA_FMT_QUANT_RESULT, 0x80000000, OFA_DEVICE_ERR_QUANT},
	{OFA_FMT_HEADER_QUANT_OFFSET, 3, OFA_FMT_QUANT_SECOND + 4, 31, OFA_DEVICE_ERR_QUANT},
	{OFA_FMT_HEADER_QUANT_OFFSET, 12, OFA_FMT_QUANT_FIRST + 4, 0xffffffe0, OFA_DEVICE_ERR_QUANT},
	{OFA_FMT_HEADER_QUANT_OFFSET, 12, OFA_FMT_QUANT_RESERVED + 8, 1, OFA_DEVICE_ERR_RESERVED},
	{OFA_FMT_HEADER_IO_OFFSET, 0, OFA_FMT_IO_TOLERANCE, 0x3a000000, OFA_DEVICE_ERR_INPUT},
	{OFA_FMT_HEADER_IO_OFFSET, 0, OFA_FMT_IO_IN_SCALE, 0x7fc00000, OFA_DEVICE_ERR_QUANT},
	{OFA_FMT_HEADER_IO_OFFSET, 0, OFA_FMT_IO_OUT_SCALE, 0, OFA_DEVICE_ERR_QUANT},
	{OFA_FMT_HEADER_IO_OFFSET, 0, OFA_FMT_IO_IN_ZERO, 128, OFA_DEVICE_ERR_QUANT},
	{OFA_FMT_HEADER_IO_OFFSET, 0, OFA_FMT_IO_OUT_ZERO, 0xffffff7f, OFA_DEVICE_ERR_QUANT},
	{OFA_FMT_HEADER_IO_OFFSET, 0, OFA_FMT_IO_GAIN, (1 << 22) + 1, OFA_DEVICE_ERR_QUANT},
	{OFA_FMT_HEADER_IO_OFFSET, 0, OFA_FMT_IO_OFFSET, 0x80000000, OFA_DEVICE_ERR_QUANT},
	{OFA_FMT_HEADER_IO_OFFSET, 0, OFA_FMT_IO_GAIN + 8, 1, OFA_DEVICE_ERR_RESERVED},
	{OFA_FMT_HEADER_IO_OFFSET, 0, OFA_FMT_IO_RESERVED2, 1, OFA_DEVICE_ERR_RESERVED},
};

/* Operation 2 adds, 4 is max pool, 13 average pool. */
static const struct wrong resnet_int8_wrongs[] = {
	{OFA_FMT_HEADER_OP_OFFSET, 2, OFA_FMT_OP_KIND, 0x01010308, OFA_DEVICE_ERR_OP}, /* h-swish */
	{OFA_FMT_HEADER_OP_OFFSET, 2, OFA_FMT_OP_OUT, 624, OFA_DEVICE_ERR_DATAFLOW},
	{OFA_FMT_HEADER_OP_OFFSET, 4, OFA_FMT_OP_OUT, 832, OFA_DEVICE_ERR_DATAFLOW},
	{OFA_FMT_HEADER_OP_OFFSET, 4, OFA_FMT_OP_ROWS, 1, OFA_DEVICE_ERR_GROUP},
	{OFA_FMT_HEADER_QUANT_OFFSET, 2, OFA_FMT_QUANT_ADDED_SCALE, 0, OFA_DEVICE_ERR_QUANT},
	{OFA_FMT_HEADER_QUANT_OFFSET, 4, OFA_FMT_QUANT_OUT_SCALE, 0x3f800000, OFA_DEVICE_ERR_QUANT},
	{OFA_FMT_HEADER_QUANT_OFFSET, 13, OFA_FMT_QUANT_IN_ZERO, 0x55, OFA_DEVICE_ERR_QUANT},
	{OFA_FMT_HEADER_QUANT_OFFSET, 13, OFA_FMT_QUANT_FIRST, 1 << 30, OFA_DEVICE_ERR_QUANT},
};

static void check_wrongs(const char *package, const struct wrong *list, size_t n)
{
	size_t size;
	uint8_t *data = read_source_file(package, &size), *copy = malloc(size);

	for (size_t i = 0; i < n; i++) {
		const struct wrong *w = &list[i];
		const uint32_t at = (w->section ? get32(data + w->section) : 0) + 64 * w->record + w->field;
		enum ofa_device_status got;

		memcpy(copy, data, size);
		put32(copy + at, w->value);
		got = try_package(copy, size);
		ck_assert_msg(got == w->want, "case %zu, byte %u: \"%s\" instead of \"%s\"", i, at,
			      ofa_device_strerror(got), ofa_device_strerror(w->want));
	}
	free(copy);
	free(data);
}

START_TEST(errors_are_named)
{
	check_wrongs(GOLDEN_PACKAGE, wrongs, OFA_ARRAY_LEN(wrongs));
	check_wrongs(GOLDEN_RESNET, resnet_wrongs, OFA_ARRAY_LEN(resnet_wrongs));
	check_wrongs(GOLDEN_INT8, int8_wrongs, OFA_ARRAY_LEN(int8_wrongs));
	check_wrongs(GOLDEN_RESNET_INT8, resnet_int8_wrongs, OFA_ARRAY_LEN(resnet_int8_wrongs));
}
END_TEST

static bool is_sound(uint32_t role, uint32_t number)
{
	if (role == OFA_FMT_MULTIPLIER || role == OFA_FMT_MULTIPLIER2)
		return number == 0 || number >> 30 == 1;
	if (role == OFA_FMT_SHIFT || role == OFA_FMT_SHIFT2)
		return (int32_t)number >= OFA_FMT_MIN_SHIFT && (int32_t)number <= OFA_FMT_MAX_SHIFT;
	return true;
}

/* Numbers in the data: a multiplier or shift that cannot be is refused, all others, and any bias, run. */
START_TEST(every_number_of_int8_data)
{
	static const uint32_t values[] = {0,          1,          30,         31,         (1 << 30) - 1, 1 << 30,
					  0x7fffffff, 0x80000000, 0xffffffff, 0xffffffe1, 0xffffffe0,    0xc0000000};
	size_t size, accepted = 0, refused = 0;
	uint8_t *data = read_source_file(packages[_i], &size);
	struct ofa_device_model m;

	ck_assert_int_eq(ofa_device_load(data, size, &m, NULL), OFA_DEVICE_OK);
	for (uint32_t t = 0; t < m.n_tensors; t++) {
		const uint8_t *record = data + m.tensor_offset + (size_t)t * OFA_FMT_TENSOR_BYTES;
		uint8_t *at = data + get32(record + OFA_FMT_TENSOR_OFFSET);

		for (uint32_t i = 0; i + 4 <= get32(record + OFA_FMT_TENSOR_SIZE); i += 16, at += 16) {
			const uint32_t was = get32(at);

			for (size_t j = 0; j < OFA_ARRAY_LEN(values); j++) {
				const bool sound = is_sound(record[OFA_FMT_TENSOR_ROLE], values[j]);

				put32(at, values[j]);
				ck_assert_msg(try_package(data, size) == (sound ? OFA_DEVICE_OK : OFA_DEVICE_ERR_QUANT),
					      "tensor %u, byte %u: %#x", t, i, values[j]);
				accepted += sound;
				refused += !sound;
			}
			put32(at, was);
		}
	}
	ck_assert_uint_gt(accepted, 1000);
	ck_assert_uint_gt(refused, 100);
	free(data);
}
END_TEST

/* Not even where it comes with all tensors that it would need. */
START_TEST(additions_have_no_table)
{
	struct ofa_device_op op = {
		.kind = OFA_FMT_CONV,
		.act = OFA_FMT_ACT_HSWISH,
		.k = 1,
		.stride = 1,
		.h_in = 1,
		.w_in = 1,
		.h_out = 1,
		.w_out = 1,
		.c_in = 3,
		.c_out = 3,
		.out = 16,
		.scratch = OFA_FMT_NONE,
	};
	struct int8_package p = {.n_ops = 1, .h = 1, .w = 1, .c = 3, .arena_bytes = 32};
	struct ofa_device_model m;
	uint32_t where = 0;
	uint8_t *data;
	size_t size;

	for (int adds = 0; adds < 2; adds++) {
		op.residual = adds ? 0 : OFA_FMT_NONE;
		p.ops[0] = op;
		data = int8_package_new(&p, 1 << 16, &size);
		ck_assert_int_eq(ofa_device_load(data, size, &m, &where), adds ? OFA_DEVICE_ERR_OP : OFA_DEVICE_OK);
		free(data);
	}
	ck_assert_uint_eq(where, OFA_FMT_HEADER_BYTES + OFA_FMT_OP_ACT);
}
END_TEST

static struct ofa_device_op square_conv(uint32_t side, uint32_t k, uint32_t stride, uint32_t pad, uint32_t c_in)
{
	const uint32_t out = (side + 2 * pad - k) / stride + 1;

	return (struct ofa_device_op){
		.kind = OFA_FMT_CONV,
		.k = k,
		.stride = stride,
		.pad = pad,
		.h_in = side,
		.w_in = side,
		.h_out = out,
		.w_out = out,
		.c_in = c_in,
		.c_out = 16,
		.residual = OFA_FMT_NONE,
		.scratch = OFA_FMT_NONE,
	};
}

/* Three operations in turns, the last adds the first one's window, and a pool; all lie apart. */
static void check_added_window(struct ofa_device_op ops[3], enum ofa_device_status want, uint32_t want_where)
{
	const uint32_t apart = 1 << 12, side = ops[2].h_out;
	struct int8_package p = {.n_ops = 4, .h = side, .w = side, .c = 4, .arena_bytes = 5 * apart};
	struct ofa_device_model m;
	uint32_t where = 0;
	uint8_t *data;
	size_t size;

	ops[2].residual = apart;
	memcpy(p.ops, ops, 3 * sizeof(ops[0]));
	p.ops[3] = square_conv(side, 1, 1, 0, 16);
	p.ops[3].kind = OFA_FMT_GLOBAL_POOL;
	p.ops[3].h_out = p.ops[3].w_out = 1;
	for (uint32_t i = 0; i < 4; i++) {
		p.ops[i].in = p.ops[i].origin = i * apart;
		p.ops[i].out = (i + 1) * apart;
	}
	data = int8_package_new(&p, 1 << 16, &size);
	ck_assert_int_eq(ofa_device_load(data, size, &m, &where), want);
	ck_assert_uint_eq(where, want_where);
	free(data);
}

START_TEST(added_windows_are_there)
{
	/* the second skips the last row, which is never made; padding makes up for it */
	struct ofa_device_op skips[] = {square_conv(4, 1, 1, 0, 4), square_conv(4, 1, 2, 0, 16),
					square_conv(2, 3, 1, 2, 16)};
	/* the second is done with a row before the last one adds it */
	struct ofa_device_op ahead[] = {square_conv(6, 1, 1, 0, 4), square_conv(6, 3, 1, 1, 16),
					square_conv(6, 5, 1, 2, 16)};

	skips[0].rows = 4;
	skips[1].rows = 2;
	check_added_window(skips, OFA_DEVICE_ERR_DATAFLOW,
			   OFA_FMT_HEADER_BYTES + 2 * OFA_FMT_OP_BYTES + OFA_FMT_OP_RESIDUAL);
	ahead[0].rows = 4;
	ahead[1].rows = 5;
	check_added_window(ahead, OFA_DEVICE_OK, 0);
	ahead[0].rows = 3;
	check_added_window(ahead, OFA_DEVICE_ERR_DATAFLOW, OFA_FMT_HEADER_BYTES + OFA_FMT_OP_OUT);
}
END_TEST

/* What pads a tensor is read by kernels. */
START_TEST(padding_is_zero)
{
	size_t size;
	uint8_t *data = read_source_file(packages[_i], &size);
	const uint8_t *second = data + get32(data + OFA_FMT_HEADER_TENSOR_OFFSET) + OFA_FMT_TENSOR_BYTES;
	const uint32_t end = get32(second + OFA_FMT_TENSOR_OFFSET) + get32(second + OFA_FMT_TENSOR_SIZE);

	ck_assert_uint_ne(end % OFA_FMT_ALIGN, 0);
	data[end] = 1;
	ck_assert_int_eq(try_package(data, size), OFA_DEVICE_ERR_TENSOR);
	free(data);
}
END_TEST

/* An operation must not read a value that a later one wrote over, nor one never written. */
START_TEST(dataflow_is_checked)
{
	size_t size;
	uint8_t *data = read_source_file(GOLDEN_PACKAGE, &size);
	uint8_t *stem = data + OFA_FMT_HEADER_BYTES, *depthwise = stem + OFA_FMT_OP_BYTES;
	struct ofa_device_model m;
	uint32_t where;

	put32(depthwise + OFA_FMT_OP_IN, get32(stem + OFA_FMT_OP_IN));
	ck_assert_int_eq(ofa_device_load(data, size, &m, &where), OFA_DEVICE_ERR_DATAFLOW);
	ck_assert_uint_eq(where, OFA_FMT_HEADER_BYTES + OFA_FMT_OP_BYTES + OFA_FMT_OP_IN);
	put32(depthwise + OFA_FMT_OP_IN, get32(stem + OFA_FMT_OP_OUT));
	put32(depthwise + OFA_FMT_OP_OUT, get32(stem + OFA_FMT_OP_OUT));
	ck_assert_int_eq(ofa_device_load(data, size, &m, &where), OFA_DEVICE_ERR_DATAFLOW);
	ck_assert_uint_eq(where, OFA_FMT_HEADER_BYTES + OFA_FMT_OP_BYTES + OFA_FMT_OP_OUT);
	free(data);
}
END_TEST

START_TEST(damage_is_found)
{
	size_t size, data_at;
	uint8_t *data = read_source_file(packages[_i], &size);
	struct ofa_device_model m;
	uint32_t where = 0;

	data_at = get32(data + OFA_FMT_HEADER_DATA_OFFSET);
	ck_assert_int_eq(ofa_device_load(data, size, &m, NULL), OFA_DEVICE_OK);
	for (size_t i = data_at; i < size; i += 61) {
		data[i] ^= 0x10;
		ck_assert_int_eq(ofa_device_verify(&m, &where), OFA_DEVICE_ERR_DIGEST);
		ck_assert_uint_eq(where, size - OFA_FMT_TRAILER_BYTES);
		data[i] ^= 0x10;
	}
	ck_assert_int_eq(ofa_device_verify(&m, NULL), OFA_DEVICE_OK);
	free(data);
}
END_TEST

int main(void)
{
	const TTest *const of_each[] = {every_truncation_is_refused, every_byte_of_the_tables, every_word_of_the_tables,
					damage_is_found, padding_is_zero};
	Suite *suite = suite_create("hostile packages");
	TCase *tcase = tcase_create("hostile packages");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tcase, 300);
	suite_add_tcase(suite, tcase);
	for (size_t i = 0; i < OFA_ARRAY_LEN(of_each); i++)
		tcase_add_loop_test(tcase, of_each[i], 0, (int)OFA_ARRAY_LEN(packages));
	tcase_add_loop_test(tcase, every_number_of_int8_data, FIRST_INT8, (int)OFA_ARRAY_LEN(packages));
	tcase_add_test(tcase, errors_are_named);
	tcase_add_test(tcase, additions_have_no_table);
	tcase_add_test(tcase, added_windows_are_there);
	tcase_add_test(tcase, dataflow_is_checked);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
