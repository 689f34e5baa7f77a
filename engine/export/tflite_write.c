#include "export/tflite_write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCHEMA_VERSION 3
#define DATA_ALIGN 16
/* The most that one operation of a package becomes. */
#define TENSORS_PER_OP 24
#define OPERATORS_PER_OP 10
#define NAME_BYTES 64

/* Slots of schema.fbs. */
enum { MODEL_VERSION, MODEL_CODES, MODEL_SUBGRAPHS, MODEL_DESCRIPTION, MODEL_BUFFERS, MODEL_METADATA = 6 };
enum { CODE_DEPRECATED, CODE_VERSION = 2, CODE_BUILTIN = 3 };
enum { SUBGRAPH_TENSORS, SUBGRAPH_INPUTS, SUBGRAPH_OUTPUTS, SUBGRAPH_OPERATORS, SUBGRAPH_NAME };
enum { TENSOR_SHAPE, TENSOR_TYPE, TENSOR_BUFFER, TENSOR_NAME, TENSOR_QUANT };
enum { QUANT_SCALE = 2, QUANT_ZERO = 3, QUANT_DIMENSION = 6 };
enum { OPERATOR_CODE, OPERATOR_INPUTS, OPERATOR_OUTPUTS, OPERATOR_OPTIONS_TYPE, OPERATOR_OPTIONS };
enum { BUFFER_DATA };
enum { METADATA_NAME, METADATA_BUFFER };
enum { CONV_PADDING, CONV_STRIDE_W, CONV_STRIDE_H, CONV_ACT };
enum { DEPTHWISE_MULTIPLIER = 3, DEPTHWISE_ACT };
enum { POOL_WIDTH = 3, POOL_HEIGHT, POOL_ACT };
enum { SUM_ACT };
enum { REDUCER_KEEPS };

/* A code's options: their type in the union BuiltinOptions, and the first version with int8. */
struct code {
	uint8_t options, int8_version;
};
static const struct code codes[OFA_TFLITE_CODES] = {
	[OFA_TFLITE_ADD] = {11, 2},        [OFA_TFLITE_AVERAGE_POOL_2D] = {5, 2},
	[OFA_TFLITE_CONV_2D] = {1, 3},     [OFA_TFLITE_DEPTHWISE_CONV_2D] = {2, 3},
	[OFA_TFLITE_DEQUANTIZE] = {38, 2}, [OFA_TFLITE_MAX_POOL_2D] = {5, 2},
	[OFA_TFLITE_MUL] = {21, 2},        [OFA_TFLITE_RELU] = {0, 2},
	[OFA_TFLITE_RELU6] = {0, 2},       [OFA_TFLITE_RESHAPE] = {17, 1},
	[OFA_TFLITE_PAD] = {22, 2},        [OFA_TFLITE_MEAN] = {27, 2},
	[OFA_TFLITE_PADV2] = {43, 2},      [OFA_TFLITE_QUANTIZE] = {89, 1},
	[OFA_TFLITE_HARD_SWISH] = {91, 1},
};

enum ofa_status ofa_tflite_init(struct ofa_tflite *t, int n_ops, bool int8, size_t max_bytes)
{
	*t = (struct ofa_tflite){.int8 = int8, .most = (n_ops + 1) * TENSORS_PER_OP};
	ofa_flat_init(&t->flat, max_bytes);
	t->tensors = calloc((size_t)t->most, sizeof(*t->tensors));
	t->buffers = calloc((size_t)t->most, sizeof(*t->buffers));
	t->operators = calloc((size_t)t->most, sizeof(*t->operators));
	t->codes = calloc(OFA_TFLITE_CODES, sizeof(*t->codes));
	if (!t->tensors || !t->buffers || !t->operators || !t->codes) {
		ofa_tflite_release(t);
		return OFA_ERR_NOMEM;
	}
	for (int i = 0; i < OFA_TFLITE_CODES; i++)
		t->code_index[i] = -1;
	t->buffers[t->n_buffers++] = ofa_flat_table(&t->flat, NULL, 0); /* buffer 0 is that of tensors without data */
	return OFA_OK;
}

void ofa_tflite_release(struct ofa_tflite *t)
{
	ofa_flat_release(&t->flat);
	free(t->tensors);
	free(t->buffers);
	free(t->operators);
	free(t->codes);
	*t = (struct ofa_tflite){.n_tensors = 0};
}

static uint32_t buffer(struct ofa_tflite *t, const void *data, size_t size)
{
	const struct ofa_flat_field field = {BUFFER_DATA, 0, ofa_flat_vector(&t->flat, data, size, 1, DATA_ALIGN)};

	t->buffers[t->n_buffers] = ofa_flat_table(&t->flat, &field, 1);
	return (uint32_t)t->n_buffers++;
}

static ofa_flat_ref quantisation(struct ofa_tflite *t, const struct ofa_tflite_quant *q)
{
	int64_t *zeros = calloc(q->n, sizeof(*zeros));
	ofa_flat_ref ref;

	if (!zeros) {
		t->flat.status = OFA_ERR_NOMEM;
		return 0;
	}
	for (size_t i = 0; i < q->n; i++)
		zeros[i] = q->zero;
	ref = ofa_flat_table(&t->flat,
			     (const struct ofa_flat_field[]){
				     {QUANT_SCALE, 0, ofa_flat_vector(&t->flat, q->scale, q->n, sizeof(float), 4)},
				     {QUANT_ZERO, 0, ofa_flat_vector(&t->flat, zeros, q->n, sizeof(*zeros), 8)},
				     {QUANT_DIMENSION, 4, q->dimension},
			     },
			     3);
	free(zeros);
	return ref;
}

int ofa_tflite_tensor(struct ofa_tflite *t, const struct ofa_tflite_tensor *tensor)
{
	char name[NAME_BYTES];
	struct ofa_flat *f = &t->flat;

	if (t->n_tensors == t->most || t->n_buffers == t->most) {
		f->status = OFA_ERR_LIMIT;
		return 0;
	}
	snprintf(name, sizeof(name), "%s%s%s", tensor->scope, *tensor->what ? "/" : "", tensor->what);
	t->tensors[t->n_tensors] = ofa_flat_table(
		f,
		(const struct ofa_flat_field[]){
			{TENSOR_SHAPE, 0, ofa_flat_vector(f, tensor->dims, (size_t)tensor->rank, sizeof(int32_t), 4)},
			{TENSOR_TYPE, 1, tensor->type},
			{TENSOR_BUFFER, 4, tensor->data ? buffer(t, tensor->data, tensor->size) : 0},
			{TENSOR_NAME, 0, ofa_flat_text(f, name)},
			{TENSOR_QUANT, 0, tensor->quant.n ? quantisation(t, &tensor->quant) : 0},
		},
		5);
	return t->n_tensors++;
}

static uint32_t code_index(struct ofa_tflite *t, enum ofa_tflite_code code)
{
	if (t->code_index[code] < 0) {
		t->codes[t->n_codes] = ofa_flat_table(&t->flat,
						      (const struct ofa_flat_field[]){
							      {CODE_DEPRECATED, 1, code},
							      {CODE_VERSION, 4, t->int8 ? codes[code].int8_version : 1},
							      {CODE_BUILTIN, 4, code},
						      },
						      3);
		t->code_index[code] = t->n_codes++;
	}
	return (uint32_t)t->code_index[code];
}

static ofa_flat_ref options(struct ofa_flat *f, const struct ofa_tflite_operator *op)
{
	const struct ofa_flat_field padding = {CONV_PADDING, 1, op->padding};
	const struct ofa_flat_field across = {CONV_STRIDE_W, 4, op->stride}, down = {CONV_STRIDE_H, 4, op->stride};

	switch (op->code) {
	case OFA_TFLITE_CONV_2D:
		return ofa_flat_table(f, (struct ofa_flat_field[]){padding, across, down, {CONV_ACT, 1, op->act}}, 4);
	case OFA_TFLITE_DEPTHWISE_CONV_2D:
		return ofa_flat_table(
			f,
			(struct ofa_flat_field[]){
				padding, across, down, {DEPTHWISE_MULTIPLIER, 4, 1}, {DEPTHWISE_ACT, 1, op->act}},
			5);
	case OFA_TFLITE_MAX_POOL_2D:
	case OFA_TFLITE_AVERAGE_POOL_2D:
		return ofa_flat_table(f,
				      (struct ofa_flat_field[]){padding,
								across,
								down,
								{POOL_WIDTH, 4, op->window},
								{POOL_HEIGHT, 4, op->window},
								{POOL_ACT, 1, OFA_TFLITE_ACT_NONE}},
				      6);
	case OFA_TFLITE_ADD:
	case OFA_TFLITE_MUL:
		return ofa_flat_table(f, &(struct ofa_flat_field){SUM_ACT, 1, op->act}, 1);
	case OFA_TFLITE_MEAN:
		return ofa_flat_table(f, &(struct ofa_flat_field){REDUCER_KEEPS, 1, 1}, 1);
	default:
		return ofa_flat_table(f, NULL, 0);
	}
}

int ofa_tflite_operator(struct ofa_tflite *t, const struct ofa_tflite_operator *op)
{
	const uint32_t type = codes[op->code].options;
	struct ofa_flat *f = &t->flat;

	if (t->n_operators == t->most) {
		f->status = OFA_ERR_LIMIT;
		return 0;
	}
	t->operators[t->n_operators++] = ofa_flat_table(
		f,
		(const struct ofa_flat_field[]){
			{OPERATOR_CODE, 4, code_index(t, op->code)},
			{OPERATOR_INPUTS, 0, ofa_flat_vector(f, op->in, (size_t)op->n_in, sizeof(int32_t), 4)},
			{OPERATOR_OUTPUTS, 0, ofa_flat_vector(f, &op->out, 1, sizeof(int32_t), 4)},
			{OPERATOR_OPTIONS_TYPE, 1, type},
			{OPERATOR_OPTIONS, 0, type ? options(f, op) : 0},
		},
		5);
	return op->out;
}

enum ofa_status ofa_tflite_finish(struct ofa_tflite *t, int input, int output, const char *meta, uint8_t **ret_data,
				  size_t *ret_size)
{
	struct ofa_flat *f = &t->flat;
	const uint32_t meta_buffer = buffer(t, meta, strlen(meta));
	const ofa_flat_ref entry = ofa_flat_table(f,
						  (const struct ofa_flat_field[]){
							  {METADATA_NAME, 0, ofa_flat_text(f, "ofa.package")},
							  {METADATA_BUFFER, 4, meta_buffer},
						  },
						  2);
	const ofa_flat_ref subgraph =
		ofa_flat_table(f,
			       (const struct ofa_flat_field[]){
				       {SUBGRAPH_TENSORS, 0, ofa_flat_refs(f, t->tensors, (size_t)t->n_tensors)},
				       {SUBGRAPH_INPUTS, 0, ofa_flat_vector(f, &input, 1, sizeof(int32_t), 4)},
				       {SUBGRAPH_OUTPUTS, 0, ofa_flat_vector(f, &output, 1, sizeof(int32_t), 4)},
				       {SUBGRAPH_OPERATORS, 0, ofa_flat_refs(f, t->operators, (size_t)t->n_operators)},
				       {SUBGRAPH_NAME, 0, ofa_flat_text(f, "main")},
			       },
			       5);
	const ofa_flat_ref model =
		ofa_flat_table(f,
			       (const struct ofa_flat_field[]){
				       {MODEL_VERSION, 4, SCHEMA_VERSION},
				       {MODEL_CODES, 0, ofa_flat_refs(f, t->codes, (size_t)t->n_codes)},
				       {MODEL_SUBGRAPHS, 0, ofa_flat_refs(f, &subgraph, 1)},
				       {MODEL_DESCRIPTION, 0, ofa_flat_text(f, "ofa")},
				       {MODEL_BUFFERS, 0, ofa_flat_refs(f, t->buffers, (size_t)t->n_buffers)},
				       {MODEL_METADATA, 0, ofa_flat_refs(f, &entry, 1)},
			       },
			       6);

	return ofa_flat_finish(f, model, "TFL3", ret_data, ret_size);
}
