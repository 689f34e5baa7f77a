/* TFLite models (tensorflow/lite/schema/schema.fbs, version 3) being written: tensors, operators and what surrounds
 * them.  Failures stick, as in export/flat.h. */
#ifndef OFA_EXPORT_TFLITE_WRITE_H
#define OFA_EXPORT_TFLITE_WRITE_H

#include "export/flat.h"
#include "export/graph.h"

enum ofa_tflite_type { OFA_TFLITE_FLOAT32 = 0, OFA_TFLITE_INT32 = 2, OFA_TFLITE_INT8 = 9 };

/* BuiltinOperator */
enum ofa_tflite_code {
	OFA_TFLITE_ADD = 0,
	OFA_TFLITE_AVERAGE_POOL_2D = 1,
	OFA_TFLITE_CONV_2D = 3,
	OFA_TFLITE_DEPTHWISE_CONV_2D = 4,
	OFA_TFLITE_DEQUANTIZE = 6,
	OFA_TFLITE_MAX_POOL_2D = 17,
	OFA_TFLITE_MUL = 18,
	OFA_TFLITE_RELU = 19,
	OFA_TFLITE_RELU6 = 21,
	OFA_TFLITE_RESHAPE = 22,
	OFA_TFLITE_PAD = 34,
	OFA_TFLITE_MEAN = 40,
	OFA_TFLITE_PADV2 = 60,
	OFA_TFLITE_QUANTIZE = 114,
	OFA_TFLITE_HARD_SWISH = 117,
	OFA_TFLITE_CODES = 118
};

/* ActivationFunctionType and Padding */
enum ofa_tflite_act { OFA_TFLITE_ACT_NONE = 0, OFA_TFLITE_ACT_RELU = 1, OFA_TFLITE_ACT_RELU6 = 3 };
enum ofa_tflite_padding { OFA_TFLITE_SAME = 0, OFA_TFLITE_VALID = 1 };

/* Scales and zero points of a tensor; all zero: it is not quantised. */
struct ofa_tflite_quant {
	size_t n;           /* 1, or channels */
	const float *scale; /* (n) */
	int zero;           /* of all */
	uint32_t dimension; /* that of the channels */
};

struct ofa_tflite_tensor {
	const char *scope, *what; /* name: "SCOPE/WHAT" */
	enum ofa_tflite_type type;
	int rank;
	int32_t dims[4];
	struct ofa_tflite_quant quant;
	const void *data; /* of a constant, else NULL */
	size_t size;
};

#define OFA_TFLITE_MAX_INPUTS 3
struct ofa_tflite_operator {
	enum ofa_tflite_code code;
	int in[OFA_TFLITE_MAX_INPUTS];
	int n_in, out;
	/* what the code has use for */
	enum ofa_tflite_padding padding;
	enum ofa_tflite_act act;
	uint32_t stride, window;
};

/* Tables and references, of a size fixed by the number of operations. */
struct ofa_tflite {
	struct ofa_flat flat;
	int n_tensors, n_buffers, n_operators, n_codes, most;
	ofa_flat_ref *tensors, *buffers, *operators, *codes;
	int code_index[OFA_TFLITE_CODES]; /* -1: not in use yet */
	bool int8;
};

/* OFA_ERR_NOMEM.  int8: versions of operators are those with int8 kernels. */
enum ofa_status ofa_tflite_init(struct ofa_tflite *t, int n_ops, bool int8, size_t max_bytes) OFA_MUST_CHECK;
void ofa_tflite_release(struct ofa_tflite *t);

/* Both return what the new tensor, or the operator's output, is referred to by. */
int ofa_tflite_tensor(struct ofa_tflite *t, const struct ofa_tflite_tensor *tensor);
int ofa_tflite_operator(struct ofa_tflite *t, const struct ofa_tflite_operator *op);

/* meta: JSON text that goes into the model as metadata "ofa.package". */
enum ofa_status ofa_tflite_finish(struct ofa_tflite *t, int input, int output, const char *meta, uint8_t **ret_data,
				  size_t *ret_size) OFA_MUST_CHECK;

#endif
