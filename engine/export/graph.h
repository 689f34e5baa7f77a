/* A package as exporters read it: operations, the values between them, and constants in the order that a format
 * wants. */
#ifndef OFA_EXPORT_GRAPH_H
#define OFA_EXPORT_GRAPH_H

#include "base/precision.h"
#include "ofa_device.h"
#include "ofa_format.h"
#include "pack/pack.h"
#include "quantise/quantised.h"

/* Value 0 is the network's input, value i + 1 what operation i writes. */
struct ofa_export_value {
	uint32_t h, w, c;
	struct ofa_affine affine; /* of int8 packages */
	bool no_negatives;        /* an activation before it saw to that */
};

struct ofa_export_op {
	uint32_t kind, act, k, stride, pad, hidden; /* as doc/pack-format.md */
	uint32_t first_tensor, n_tensors;
	int in, added, out;            /* values; added: -1 if none */
	struct ofa_affine mean, inner; /* int8: of the quantisation record; mean of `se` only */
};

/* Borrows the package; read-only once made, so threads may share it. */
struct ofa_export_graph {
	struct ofa_device_model model;
	struct ofa_package_summary summary;
	enum ofa_precision precision;
	int n_ops;
	struct ofa_export_op *ops;       /* (n_ops) */
	struct ofa_export_value *values; /* (n_ops + 1) */
};

/* Reads the package with every check that ofa_package_read() knows, whose errors it passes on. */
enum ofa_status ofa_export_graph_init(const uint8_t *data, size_t size, struct ofa_export_graph *ret,
				      struct ofa_error *err) OFA_MUST_CHECK;
void ofa_export_graph_release(struct ofa_export_graph *g);

/* Orders of a weight's dimensions; a depthwise one has a single input per output, a matrix a window of 1 x 1. */
enum ofa_export_order {
	OFA_EXPORT_OUT_WINDOW_IN, /* (c_out, k, k, c_in) */
	OFA_EXPORT_OUT_IN_WINDOW, /* (c_out, c_in, k, k) */
	OFA_EXPORT_IN_WINDOW_OUT  /* (c_in, k, k, c_out) */
};

/* Weight and bias of one layer; `se` has two.  Element types: float32 both (float16 is widened), or int8 and int32. */
struct ofa_export_layer {
	uint32_t n, taps, c; /* outputs, k x k, inputs per output */
	void *weight;        /* (n taps c), owned, as are the others */
	void *bias;          /* (n); int8: not folded, so that the input's zero point is to be subtracted */
	float *weight_scale; /* (n); NULL but in int8 packages, as is the next */
	float *bias_scale;   /* (n): that of the input times that of the weights */
};

/* The layer whose weight has the role OFA_FMT_WEIGHT or OFA_FMT_WEIGHT2.  The scales of int8 weights follow from the
 * multipliers and the affines of input and output.  OFA_ERR_UNSUPPORTED when such a scale is no normal float. */
enum ofa_status ofa_export_layer_init(const struct ofa_export_graph *g, const struct ofa_export_op *op,
				      enum ofa_fmt_role role, enum ofa_export_order order, struct ofa_export_layer *ret,
				      struct ofa_error *err) OFA_MUST_CHECK;
void ofa_export_layer_release(struct ofa_export_layer *l);

/* What the sums of a convolution or matrix stand for once they are rescaled: of an operation that adds or looks up, the
 * inner value. */
struct ofa_affine ofa_export_product_affine(const struct ofa_export_graph *g, const struct ofa_export_op *op);

/* The 1/255 grid from 0 to 1 on which an int8 gate of `se` lies. */
struct ofa_affine ofa_export_gate_affine(void);

/* "0.conv", "7.se": unique names of operations, of at most OFA_EXPORT_NAME_BYTES with the NUL. */
#define OFA_EXPORT_NAME_BYTES 32
void ofa_export_op_name(const struct ofa_export_graph *g, const struct ofa_export_op *op,
			char ret[OFA_EXPORT_NAME_BYTES]);

/* What the package says of itself as an object of strings: text as it is, all else as JSON.  NULL when out of
 * memory. */
json_t *ofa_export_metadata(const struct ofa_export_graph *g);

#endif
