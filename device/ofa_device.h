/* Runs packed subnets (doc/pack-format.md) on a device: C99, no allocation, no dependency beyond libc.
 *
 * Compiled with OFA_DEVICE_INT8_ONLY, the runtime accepts int8 packages only and contains no float arithmetic; what is
 * marked "float" below is then missing.
 *
 * A package is loaded in place: the model borrows its bytes, which must stay unchanged while it is in
 * use.  Everything is checked by ofa_device_load(); after that a run can fail only for the arena that
 * the caller hands in.  A loaded model is read-only: threads may share it, each with its own arena. */
#ifndef OFA_DEVICE_H
#define OFA_DEVICE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum ofa_device_status {
	OFA_DEVICE_OK = 0,
	OFA_DEVICE_ERR_HOST,            /* this processor is big-endian: packages are used in place */
	OFA_DEVICE_ERR_ALIGNMENT,       /* package not at a multiple of 4 in memory */
	OFA_DEVICE_ERR_TRUNCATED,       /* fewer bytes than a header, or than the header says */
	OFA_DEVICE_ERR_MAGIC,           /* not a package */
	OFA_DEVICE_ERR_VERSION,         /* another major version */
	OFA_DEVICE_ERR_RESERVED,        /* a reserved field is in use: made by a later version */
	OFA_DEVICE_ERR_LIMIT,           /* a count, size or shape is zero or past the format's maximum */
	OFA_DEVICE_ERR_SECTION,         /* sections do not follow each other as they must */
	OFA_DEVICE_ERR_INPUT,           /* input shape, normalisation, class names or self-test malformed */
	OFA_DEVICE_ERR_OP,              /* an operation of unknown kind, or with parameters its kind cannot have */
	OFA_DEVICE_ERR_SHAPE,           /* an operation's output shape does not follow from its input */
	OFA_DEVICE_ERR_ARENA_RANGE,     /* a value lies outside the arena or is misplaced */
	OFA_DEVICE_ERR_DATAFLOW,        /* an operation reads what no earlier one left there, or overwrites its input */
	OFA_DEVICE_ERR_TENSOR,          /* a tensor's place, type, layout or shape is not what its operation needs */
	OFA_DEVICE_ERR_OUTPUT,          /* the last operation does not yield the logits */
	OFA_DEVICE_ERR_DIGEST,          /* SHA-256 of the package is not the one in its trailer */
	OFA_DEVICE_ERR_TENSOR_DIGEST,   /* a tensor's hash is not the one in its record */
	OFA_DEVICE_ERR_SELF_TEST,       /* logits differ from the stored ones by more than the tolerance */
	OFA_DEVICE_ERR_ARENA_SIZE,      /* arena smaller than ofa_device_arena_bytes() */
	OFA_DEVICE_ERR_ARENA_ALIGNMENT, /* arena not at a multiple of 4 in memory */
	OFA_DEVICE_ERR_RANGE,           /* no such operation, or only part of a group of an int8 package */
	OFA_DEVICE_ERR_TYPE,            /* a package of a type that this build, or this function, does not run */
	OFA_DEVICE_ERR_QUANT,           /* a scale, zero point, multiplier, shift or bound that cannot be */
	OFA_DEVICE_ERR_GROUP,           /* operations that run in turns are not a group */
	OFA_DEVICE_STATUS_COUNT
};

/* One English sentence without a full stop; "unknown status" outside the enum. */
const char *ofa_device_strerror(enum ofa_device_status status);

/* What the weights are stored in and, for int8, computed in; numbered as the format's tensor types. */
enum ofa_device_type { OFA_DEVICE_FLOAT32 = 1, OFA_DEVICE_FLOAT16 = 2, OFA_DEVICE_INT8 = 3 };

struct ofa_device_kernels;
struct ofa_device_int8_kernels;

/* Filled by ofa_device_load(); read the fields as you like, change none. */
struct ofa_device_model {
	const uint8_t *data; /* the package; borrowed */
	uint32_t size;       /* of the package in bytes, as its header says */
	uint32_t arena_bytes;
	uint32_t n_ops, n_tensors;
	uint32_t height, width, channels, classes;
	float mean[4], std[4]; /* input = (pixel / 255 - mean) / std, per channel */
	float tolerance;       /* of the self-test, relative to the largest absolute logit */
	const uint8_t *pixels; /* self-test input, height x width x channels */
	const float *logits;   /* self-test output; NULL in an int8 package */
	const char *meta;      /* JSON, then spaces; not NUL-terminated */
	uint32_t meta_bytes;
	uint64_t macs; /* multiply-accumulates of one run */
	uint32_t names_offset, names_bytes, tensor_offset, input_offset;
	const struct ofa_device_kernels *kernels; /* chosen for this processor */
	enum ofa_device_type type;
	/* of int8 packages, else 0: */
	const int8_t *logits_int8; /* self-test output */
	float in_scale, out_scale; /* number = scale (q - zero), of the input and of the logits */
	int32_t in_zero, out_zero;
	int32_t gain[4], offset[4]; /* input = (gain pixel + offset) / 2^16, rounded down, held in [-128, 127] */
	uint32_t quant_offset;
	const struct ofa_device_int8_kernels *int8_kernels;
};

/* Checks a package of at most `size` bytes at `data` and fills *ret_model, which is untouched on
 * failure.  Bytes after the package are not looked at.  The digests are left to ofa_device_verify().
 * ret_where (may be NULL): on failure, the byte offset of the refused field or record. */
enum ofa_device_status ofa_device_load(const void *data, size_t size, struct ofa_device_model *ret_model,
				       uint32_t *ret_where);

/* Digest of the whole, then of each tensor; ret_where (may be NULL) as above. */
enum ofa_device_status ofa_device_verify(const struct ofa_device_model *model, uint32_t *ret_where);

/* One stored array, as doc/pack-format.md describes it.  index < model->n_tensors. */
struct ofa_device_tensor {
	const uint8_t *data;
	uint32_t size;       /* bytes */
	const uint8_t *hash; /* 16 bytes: first half of the SHA-256 of the data */
};
void ofa_device_tensor(const struct ofa_device_model *model, uint32_t index, struct ofa_device_tensor *ret_tensor);

/* Working memory of a run in bytes.  Place it at a multiple of 64 for speed; 4 is demanded. */
size_t ofa_device_arena_bytes(const struct ofa_device_model *model);

/* float: where the input lives in an arena: a caller that writes its input there saves a copy.  NULL for an int8
 * package: there is no place for floats. */
float *ofa_device_input(const struct ofa_device_model *model, void *arena);

/* The same for the input of an int8 package; NULL for others. */
int8_t *ofa_device_input_int8(const struct ofa_device_model *model, void *arena);

/* float: (n) pixels, n = height x width x channels in that order -> normalised floats. */
void ofa_device_normalise(const struct ofa_device_model *model, const uint8_t *pixels, float *input);

/* (n) pixels -> the input of an int8 package, in integers; may be ofa_device_input_int8().  Nothing for others. */
void ofa_device_quantise(const struct ofa_device_model *model, const uint8_t *pixels, int8_t *input);

/* (n) pixels -> the input's place in an arena, in the form that the package takes. */
void ofa_device_put_pixels(const struct ofa_device_model *model, const uint8_t *pixels, void *arena);

/* float: input: height x width x channels float32, normalised; may be ofa_device_input(); NULL: the arena holds the
 * input, in the package's form.  logits: classes floats.  The input of an int8 package is quantised, its logits are
 * made floats.  ERR_ARENA_SIZE or ERR_ARENA_ALIGNMENT; otherwise cannot fail. */
enum ofa_device_status ofa_device_run(const struct ofa_device_model *model, void *arena, size_t arena_size,
				      const float *input, float *logits);

/* Runs an int8 package without a float.  input: height x width x channels; may be ofa_device_input_int8(); NULL: the
 * arena holds it.  logits: classes, out_scale (q - out_zero) each.  ERR_TYPE for other packages, else as
 * ofa_device_run(). */
enum ofa_device_status ofa_device_run_int8(const struct ofa_device_model *model, void *arena, size_t arena_size,
					   const int8_t *input, int8_t *logits);

/* Runs the operations [first, first + count) on what the arena holds: for timing parts of a network.
 * Operation i is layer i of the engine's plan.  The arena need not hold what only an operation of the range reads.
 * ERR_RANGE where [first, first + count) is not within the package or, of an int8 one, not whole groups. */
enum ofa_device_status ofa_device_run_ops(const struct ofa_device_model *model, void *arena, size_t arena_size,
					  uint32_t first, uint32_t count);

/* Runs the stored input and compares with the stored logits: within the tolerance, or exactly where they are int8. */
enum ofa_device_status ofa_device_self_test(const struct ofa_device_model *model, void *arena, size_t arena_size);

/* UTF-8, from the package; NULL when the classes have no names or there is no such class. */
const char *ofa_device_class_name(const struct ofa_device_model *model, uint32_t class_index);

/* Instruction set of the kernels in use: "avx2", "simd128" or "scalar"; of int8 packages "simd128" are those of
 * WebAssembly, the portable ones "portable", those of Cortex-M "dsp" or "mve". */
const char *ofa_device_kernel_name(const struct ofa_device_model *model);

#ifdef __cplusplus
}
#endif

#endif
