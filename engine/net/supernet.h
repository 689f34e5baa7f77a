/* The supernet: one safetensors file, mapped, immutable, shared by all threads without locks. */
#ifndef OFA_NET_SUPERNET_H
#define OFA_NET_SUPERNET_H

#include "net/plan.h"
#include "tensor/safetensors.h"

#define OFA_NET_MAX_CLASS_NAME 64

/* __metadata__ of a network file (all values are strings; objects are JSON text):
 *   ofa.format "1", ofa.name, ofa.space {space JSON}, ofa.classes [names], ofa.mean [per channel],
 *   ofa.std [per channel], ofa.lineage {how it was made, "cost":{"cpu_seconds"} if recorded}, ofa.license,
 *   ofa.predictor {see predict/predictor.h}, ofa.history {see cost/history.h}, ofa.references [see
 *   cost/references.h]
 * Tensors: the parameters by name (F32); "ofa.calibration.images" U8 (N,H,W,C), raw pixels 0..255, or
 * "ofa.calibration.inputs" F32 (N,H,W,C), normalised already; "ofa.predictor.*".  Others are ignored when named
 * num_batches_tracked, else refused. */
struct ofa_supernet {
	char name[64];            /* ofa.name, or the file's base name */
	struct ofa_space space;
	struct ofa_params params;
	const float *const *data; /* by parameter id; mapped */
	char (*classes)[OFA_NET_MAX_CLASS_NAME]; /* space.classes names, or NULL */
	float mean[4], std[4];    /* of pixel/255; input channels at most 4 */
	/* n = 0: none; else images or inputs, mapped; the other is NULL */
	struct { const uint8_t *images; const float *inputs; int n, h, w, c; } calibration;
	json_t *lineage;          /* parsed ofa.lineage, or NULL; owned */
	struct ofa_tensor *extra; /* the "ofa.predictor.*" tensors, in file order; data mapped */
	size_t n_extra;
	struct ofa_safetensors file; /* metadata and predictor tensors are read through it */
	uint8_t sha256[32];       /* of the whole file: the network's identity */
	char *path;
};

/* Refused, naming the tensor or key: what safetensors refuses, missing or unknown tensors and other
 * shapes (OFA_ERR_MISMATCH), values that are not finite and negative variances, bad metadata. */
enum ofa_status ofa_supernet_load(const char *path, struct ofa_supernet **ret_net,
                                  struct ofa_error *err) OFA_MUST_CHECK;
/* From bare tensors (a state dict; metadata is not read) for a known space; used by import and tests.
 * The name is the file's, mean 0 and std 1. */
enum ofa_status ofa_supernet_load_as(const char *path, const struct ofa_space *space, struct ofa_supernet **ret_net,
                                     struct ofa_error *err) OFA_MUST_CHECK;
void ofa_supernet_free(struct ofa_supernet *net);

/* What a network file is written from.  Pointers are borrowed. */
struct ofa_supernet_parts {
	const char *name;
	const struct ofa_space *space;
	const struct ofa_params *params;
	const float *const *data;       /* by parameter id */
	const char (*classes)[OFA_NET_MAX_CLASS_NAME]; /* or NULL */
	const float *mean, *std;        /* per input channel */
	const uint8_t *calibration;      /* U8 NHWC, or NULL */
	const float *calibration_inputs; /* or normalised floats, NHWC */
	int n_calibration, calibration_h, calibration_w;
	json_t *lineage;                /* object or NULL; borrowed */
	const char *license;            /* or NULL */
	json_t *extra_metadata;         /* object of strings to which the above is added (ofa.history), or NULL */
	const struct ofa_tensor *extra; size_t n_extra; /* predictor tensors */
};
enum ofa_status ofa_supernet_save(const char *path, const struct ofa_supernet_parts *parts,
                                  struct ofa_error *err) OFA_MUST_CHECK;
/* Sets a key of the metadata to JSON text, in which floats keep 9 digits; takes the reference to value.  False: memory
 * is out. */
bool ofa_supernet_set_metadata(json_t *metadata, const char *key, json_t *value) OFA_MUST_CHECK;
/* The parts of a loaded network (borrowing from it), so that a tool can change one and save. */
void ofa_supernet_parts(const struct ofa_supernet *net, struct ofa_supernet_parts *ret);

/* Calibration images -> normalised float32 NHWC at r x r, resampled as the data sets are (tensor/resize.h).
 * x holds n*r*r*c floats. */
void ofa_supernet_calibration_input(const struct ofa_supernet *net, int first, int n, int r, float *x);

#endif
