/* The plan: the list of layers of one arch with every shape, stride and slice.  Counting, memory,
 * latency keys, forward, backward, packing and drawing all walk this one list. */
#ifndef OFA_NET_PLAN_H
#define OFA_NET_PLAN_H

#include "space/arch.h"
#include "space/params.h"

enum ofa_op {
	OFA_OP_CONV,   /* dense k x k (k = 1: pointwise), then BN (bn >= 0), residual add, act */
	OFA_OP_DWCONV, /* depthwise k x k, BN, act */
	OFA_OP_SE,     /* squeeze-and-excitation, in place: out == in */
	OFA_OP_POOL,   /* global average: (h,w,c) -> (1,1,c) */
	OFA_OP_LINEAR, /* (in) -> (out) with bias */
	OFA_OP_MAX_POOL,     /* k x k; what lies outside the input never is the largest */
	OFA_OP_AVERAGE_POOL, /* k x k, stride k, no padding; windows at the far edges may be cut (ceil mode) */
	OFA_OP_ADD,          /* in + residual */
	OFA_OP_COUNT
};
const char *ofa_op_name(enum ofa_op op);

struct ofa_layer {
	enum ofa_op op;
	enum ofa_act act;
	int unit;               /* index into plan.units */
	int in, out, residual;  /* value ids; residual -1 if none */
	int h_in, w_in, c_in, h_out, w_out, c_out;
	int k, stride, pad;     /* conv and windowed pools; 1,1,0 otherwise */
	int hidden;             /* SE hidden units */
	/* parameter ids, -1 if none; the slice taken is always the first c_out / c_in / hidden */
	int weight, bias;       /* SE: reduce */
	int weight2, bias2;     /* SE: expand */
	int bn;                 /* id of gamma */
	int k_stored;           /* depthwise: kernel size of the stored weight */
	int t75, t53;           /* transforms to apply, in order, -1 if not */
};

/* An activation tensor.  Value 0 is the network's input. */
struct ofa_value {
	int h, w, c;
	int first_layer, last_layer; /* written, last read; the input is written by -1 */
};

/* What a latency table has one row for. */
enum ofa_unit_kind {
	OFA_UNIT_STEM,
	OFA_UNIT_BLOCK,
	OFA_UNIT_HEAD_EXPAND,
	OFA_UNIT_POOL,
	OFA_UNIT_MIX,
	OFA_UNIT_CLASSIFIER,
	OFA_UNIT_STEM_OUT, /* resnet: the stem's last convolution, and */
	OFA_UNIT_MAX_POOL, /* the pool after it */
	OFA_UNIT_COUNT
};
struct ofa_unit {
	enum ofa_unit_kind kind;
	int block;              /* -1; block 0 = the fixed first, i+1 = elastic block i */
	int first_layer, n_layers;
	int h_in, w_in, c_in, h_out, w_out, c_out;
	int gene_in, gene_out;  /* width genes that c_in and c_out come from, -1 where fixed */
	int mid, k, stride;     /* OFA_UNIT_BLOCK only; mid 0: the optional layer of a resnet's stem */
	float expand;           /* ratio; 1 for the first block */
	bool residual, se;      /* residual: adds its input */
	bool bottleneck;        /* resnet: adds its input or, without residual, a projection of it, before ReLU */
	enum ofa_act act;
};

#define OFA_PLAN_MAX_LAYERS (5 * (OFA_MAX_BLOCKS + 1) + 8)
#define OFA_PLAN_MAX_UNITS (OFA_MAX_BLOCKS + 8)

struct ofa_plan {
	struct ofa_arch arch; /* canonical */
	int n_layers, n_values, n_units, classes;
	struct ofa_layer layers[OFA_PLAN_MAX_LAYERS];
	struct ofa_value values[OFA_PLAN_MAX_LAYERS + 1];
	struct ofa_unit units[OFA_PLAN_MAX_UNITS];
};

/* A bottleneck that needs a projection runs it after its first layer when it has to pool (so that its input can go) and
 * after its second one otherwise; the arena (cost/memory.c) is laid out for this order. */

/* Cannot fail for an arch that ofa_arch_parse() or the samplers made.  No allocation. */
void ofa_plan_init(const struct ofa_space *s, const struct ofa_params *p, const struct ofa_arch *a,
                   struct ofa_plan *ret);

#endif
