#include "export/onnx_write.h"

#include <stdio.h>

#define IR_VERSION 7
#define OPSET 14

/* Field numbers of onnx.proto3. */
enum { MODEL_IR_VERSION = 1, MODEL_PRODUCER = 2, MODEL_GRAPH = 7, MODEL_OPSET = 8, MODEL_METADATA = 14 };
enum { OPSET_VERSION = 2 };
enum { METADATA_KEY = 1, METADATA_VALUE = 2 };
enum { GRAPH_NODE = 1, GRAPH_NAME = 2, GRAPH_CONSTANT = 5, GRAPH_INPUT = 11, GRAPH_OUTPUT = 12 };
enum { NODE_INPUT = 1, NODE_OUTPUT = 2, NODE_NAME = 3, NODE_TYPE = 4, NODE_ATTRIBUTE = 5 };
enum { ATTRIBUTE_NAME = 1, ATTRIBUTE_FLOAT = 2, ATTRIBUTE_INT = 3, ATTRIBUTE_INTS = 8, ATTRIBUTE_TYPE = 20 };
enum { ATTRIBUTE_IS_FLOAT = 1, ATTRIBUTE_IS_INT = 2, ATTRIBUTE_IS_INTS = 7 };
enum { TENSOR_DIMS = 1, TENSOR_TYPE = 2, TENSOR_NAME = 8, TENSOR_DATA = 9 };
enum { VALUE_NAME = 1, VALUE_TYPE = 2, TYPE_TENSOR = 1, TENSOR_TYPE_ELEMENT = 1, TENSOR_TYPE_SHAPE = 2 };
enum { SHAPE_DIM = 1, DIM_VALUE = 1 };

struct ofa_onnx_name ofa_onnx_name(const char *scope, const char *what)
{
	struct ofa_onnx_name n;

	snprintf(n.text, sizeof(n.text), "%s/%s", scope, what);
	return n;
}

struct ofa_onnx_name ofa_onnx_constant(struct ofa_proto *p, struct ofa_onnx_name name, enum ofa_onnx_type type,
				       int rank, const int64_t *dims, const void *data, size_t size)
{
	const size_t tensor = ofa_proto_begin(p, GRAPH_CONSTANT);

	for (int i = 0; i < rank; i++)
		ofa_proto_int(p, TENSOR_DIMS, dims[i]);
	ofa_proto_int(p, TENSOR_TYPE, type);
	ofa_proto_text(p, TENSOR_NAME, name.text);
	ofa_proto_bytes(p, TENSOR_DATA, data, size);
	ofa_proto_end(p, tensor);
	return name;
}

static void attribute(struct ofa_proto *p, const struct ofa_onnx_attribute *a)
{
	const size_t begun = ofa_proto_begin(p, NODE_ATTRIBUTE);

	ofa_proto_text(p, ATTRIBUTE_NAME, a->name);
	if (a->n == 0)
		ofa_proto_float(p, ATTRIBUTE_FLOAT, a->number);
	else if (a->n < 0)
		ofa_proto_int(p, ATTRIBUTE_INT, a->ints[0]);
	for (int i = 0; i < a->n; i++)
		ofa_proto_int(p, ATTRIBUTE_INTS, a->ints[i]);
	ofa_proto_int(p, ATTRIBUTE_TYPE,
		      a->n == 0  ? ATTRIBUTE_IS_FLOAT
		      : a->n < 0 ? ATTRIBUTE_IS_INT
				 : ATTRIBUTE_IS_INTS);
	ofa_proto_end(p, begun);
}

struct ofa_onnx_name ofa_onnx_node(struct ofa_proto *p, const struct ofa_onnx_node *node, struct ofa_onnx_name out)
{
	const size_t begun = ofa_proto_begin(p, GRAPH_NODE);

	for (int i = 0; i < node->n_in; i++)
		ofa_proto_text(p, NODE_INPUT, node->in[i].text);
	ofa_proto_text(p, NODE_OUTPUT, out.text);
	ofa_proto_text(p, NODE_NAME, out.text);
	ofa_proto_text(p, NODE_TYPE, node->type);
	for (int i = 0; i < node->n_attributes; i++)
		attribute(p, &node->attributes[i]);
	ofa_proto_end(p, begun);
	return out;
}

static void metadata(struct ofa_proto *p, const struct ofa_export_graph *g)
{
	json_t *strings = ofa_export_metadata(g), *value;
	const char *key;

	if (!strings)
		p->status = OFA_ERR_NOMEM;
	json_object_foreach(strings, key, value)
	{
		const size_t begun = ofa_proto_begin(p, MODEL_METADATA);

		ofa_proto_text(p, METADATA_KEY, key);
		ofa_proto_text(p, METADATA_VALUE, json_string_value(value));
		ofa_proto_end(p, begun);
	}
	json_decref(strings);
}

size_t ofa_onnx_begin(struct ofa_proto *p, const struct ofa_export_graph *g)
{
	size_t begun;

	ofa_proto_int(p, MODEL_IR_VERSION, IR_VERSION);
	ofa_proto_text(p, MODEL_PRODUCER, "ofa");
	begun = ofa_proto_begin(p, MODEL_OPSET);
	ofa_proto_int(p, OPSET_VERSION, OPSET);
	ofa_proto_end(p, begun);
	metadata(p, g);
	begun = ofa_proto_begin(p, MODEL_GRAPH);
	ofa_proto_text(p, GRAPH_NAME, "subnet");
	return begun;
}

static void value_info(struct ofa_proto *p, uint32_t field, const struct ofa_onnx_end *end)
{
	const size_t value = ofa_proto_begin(p, field);
	size_t type, tensor, shape;

	ofa_proto_text(p, VALUE_NAME, end->name);
	type = ofa_proto_begin(p, VALUE_TYPE);
	tensor = ofa_proto_begin(p, TYPE_TENSOR);
	ofa_proto_int(p, TENSOR_TYPE_ELEMENT, end->type);
	shape = ofa_proto_begin(p, TENSOR_TYPE_SHAPE);
	for (int i = 0; i < end->rank; i++) {
		const size_t dim = ofa_proto_begin(p, SHAPE_DIM);

		ofa_proto_int(p, DIM_VALUE, end->dims[i]);
		ofa_proto_end(p, dim);
	}
	ofa_proto_end(p, shape);
	ofa_proto_end(p, tensor);
	ofa_proto_end(p, type);
	ofa_proto_end(p, value);
}

void ofa_onnx_end(struct ofa_proto *p, size_t begun, const struct ofa_onnx_end *input,
		  const struct ofa_onnx_end *output)
{
	value_info(p, GRAPH_INPUT, input);
	value_info(p, GRAPH_OUTPUT, output);
	ofa_proto_end(p, begun);
}
