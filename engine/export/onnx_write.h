/* ONNX graphs (onnx/onnx.proto3, IR version 7) being written: constants, nodes and what surrounds them.  Failures
 * stick, as in export/proto.h. */
#ifndef OFA_EXPORT_ONNX_WRITE_H
#define OFA_EXPORT_ONNX_WRITE_H

#include "export/graph.h"
#include "export/proto.h"

enum ofa_onnx_type { OFA_ONNX_FLOAT = 1, OFA_ONNX_INT8 = 3, OFA_ONNX_INT32 = 6 };

/* The name of a value; "" stands for an input that is left out. */
struct ofa_onnx_name {
	char text[64];
};

struct ofa_onnx_attribute {
	const char *name;
	int n; /* of ints: 0 a float, -1 one int, else a list */
	int64_t ints[4];
	float number;
};

#define OFA_ONNX_MAX_INPUTS 3
#define OFA_ONNX_MAX_ATTRIBUTES 5
struct ofa_onnx_node {
	const char *type;
	struct ofa_onnx_name in[OFA_ONNX_MAX_INPUTS];
	int n_in;
	struct ofa_onnx_attribute attributes[OFA_ONNX_MAX_ATTRIBUTES];
	int n_attributes;
};

/* "SCOPE/WHAT" */
struct ofa_onnx_name ofa_onnx_name(const char *scope, const char *what);

/* A constant of `rank` dimensions (0: a number) and size bytes. */
struct ofa_onnx_name ofa_onnx_constant(struct ofa_proto *p, struct ofa_onnx_name name, enum ofa_onnx_type type,
				       int rank, const int64_t *dims, const void *data, size_t size);
/* Returns `out`, which the node writes. */
struct ofa_onnx_name ofa_onnx_node(struct ofa_proto *p, const struct ofa_onnx_node *node, struct ofa_onnx_name out);

struct ofa_onnx_end {
	const char *name;
	enum ofa_onnx_type type;
	int rank;
	int64_t dims[4];
};
/* The model around a graph: what was written between the two.  Returns what end wants. */
size_t ofa_onnx_begin(struct ofa_proto *p, const struct ofa_export_graph *g);
void ofa_onnx_end(struct ofa_proto *p, size_t begun, const struct ofa_onnx_end *input,
		  const struct ofa_onnx_end *output);

#endif
