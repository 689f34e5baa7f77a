/* Accuracy predictor: a small MLP over one-hot genes (spec 4.12), or a sum over genes and pairs of genes. */
#ifndef OFA_PREDICT_PREDICTOR_H
#define OFA_PREDICT_PREDICTOR_H

#include "net/supernet.h"
#include "predict/pairwise.h"
#include "predict/promise.h"

#define OFA_PREDICTOR_MAX_LAYERS 6
#define OFA_PREDICTOR_MAX_ROWS (1 + OFA_MAX_BLOCKS + OFA_MAX_WIDTH_GENES) /* that one arch adds up in the first layer */
#define OFA_PREDICTOR_MAX_ACTIVE (2 + 2 * OFA_MAX_BLOCKS + OFA_MAX_WIDTH_GENES) /* features that are 1 */

enum ofa_predictor_kind { OFA_PREDICTOR_MLP, OFA_PREDICTOR_PAIRWISE };

enum ofa_feature_order {
	OFA_FEATURES_K_E_R, /* once-for-all tutorial: genes, onehot(r) */
	OFA_FEATURES_R_K_E, /* ofa.nas encoders: onehot(r), genes */
};

/* Stored in a network file as "ofa.predictor" metadata, JSON, and tensors:
 *   MLP       order, resolutions, widths, base; "ofa.predictor.<i>.weight" (out,in), "ofa.predictor.<i>.bias" (out)
 *   pairwise  "kind":"pairwise", resolutions, base; "ofa.predictor.single" (features), "ofa.predictor.pair"
 *             (features,features), as in predict/pairwise.h
 * and in both the figures of the fit: rmse_points, kendall_tau, samples, ...; and "dtypes"?: {TYPE: promise}, what
 * packages of other types than float32 promise (predict/promise.h), which was fitted for this very predictor.
 * Members from `order` on are those of an MLP. */
struct ofa_predictor {
	enum ofa_predictor_kind kind;
	struct ofa_pairwise pairwise; /* of OFA_PREDICTOR_PAIRWISE */
	struct ofa_promise promises[OFA_PRECISION_COUNT]; /* that of float32 is not read */
	enum ofa_feature_order order;
	int n_resolutions;
	uint16_t resolutions[OFA_MAX_RESOLUTIONS]; /* those it was fitted on; they bound the search */
	int n_features, n_layers;                  /* linear layers, ReLU between them, last has one output */
	int width[OFA_PREDICTOR_MAX_LAYERS + 1];   /* width[0] = n_features, width[n_layers] = 1 */
	const float *w[OFA_PREDICTOR_MAX_LAYERS],
		*b[OFA_PREDICTOR_MAX_LAYERS]; /* (out,in), (out) or NULL; in storage once bound */
	float base;                           /* added to the output */
	int pitch[OFA_PREDICTOR_MAX_LAYERS + 1]; /* width rounded up to whole panels; what is beyond the width is 0 */
	const float *panels[OFA_PREDICTOR_MAX_LAYERS], *panel_bias[OFA_PREDICTOR_MAX_LAYERS]; /* layers 1.. for ops */
	float *storage;                          /* owned: copies of the weights, and the first layer as rows to sum: */
	const float *rows; /* of pitch[1]; one of group 0, the resolutions (first bias included), one of each group of a
			      block that is present: both features of (kernel, expand), kernel-major; then one of each
			      width gene */
	int n_row_groups;
	uint32_t row_group[OFA_PREDICTOR_MAX_ROWS + 1]; /* where each group begins, and where the last ends */
};

/* Completes a predictor whose kind, resolutions and values (pairwise: base, single, pair; MLP: order, n_layers, width,
 * w, b, base) are set: checks that it fits the space (else OFA_ERR_MISMATCH, and *p is as before), copies the values
 * and builds the row tables.  Weights of an MLP below 2^-63 become 0: released ones are full of denormal numbers. */
enum ofa_status ofa_predictor_bind(const struct ofa_space *s, struct ofa_predictor *p,
				   struct ofa_error *err) OFA_MUST_CHECK;
/* How many features an arch of the space has with so many resolutions. */
int ofa_predictor_feature_count(const struct ofa_space *s, int n_resolutions);

/* OFA_ERR_NOT_FOUND when the network has none; OFA_ERR_MISMATCH when it does not fit the space. */
enum ofa_status ofa_predictor_load(const struct ofa_supernet *net, struct ofa_predictor *ret,
				   struct ofa_error *err) OFA_MUST_CHECK;
void ofa_predictor_release(struct ofa_predictor *p);
bool ofa_predictor_has_resolution(const struct ofa_predictor *p, int image_size);

/* Dense features of one canonical arch, n_features floats (tests, fitting). Skipped block: zeros. */
void ofa_predictor_features(const struct ofa_space *s, const struct ofa_predictor *p, const struct ofa_arch *a,
			    float *x);
/* Indices of the features that are 1, at most OFA_PREDICTOR_MAX_ACTIVE.  Which are where: predict/features.h. */
int ofa_predictor_active(const struct ofa_space *s, const struct ofa_predictor *p, const struct ofa_arch *a,
			 uint16_t *index);

/* Indices into p->rows of the rows that an arch adds up, at most OFA_PREDICTOR_MAX_ROWS; the first one is the
 * resolution's, which must be one of p->resolutions. */
int ofa_predictor_rows(const struct ofa_space *s, const struct ofa_predictor *p, const struct ofa_arch *a,
		       uint32_t *index);

/* Predicted accuracy in [0,1] of n canonical archs.  Workspace of ofa_predictor_workspace(p, n) floats.
 * Cannot fail; each arch's image_size must be one of p->resolutions. */
size_t ofa_predictor_workspace(const struct ofa_predictor *p, int n);
void ofa_predictor_predict(const struct ofa_space *s, const struct ofa_predictor *p, const struct ofa_arch *archs,
			   int n, float *workspace, float *accuracy);

/* What a package of the precision promises where float32 is predicted: float32 itself, or less; NAN when nothing was
 * measured of this type. */
double ofa_predictor_promise(const struct ofa_predictor *p, enum ofa_precision precision, double float32);

/* Fits an MLP on canonical (arch, accuracy in [0,1]) by Adam (Kingma and Ba 2015) with decoupled weight decay
 * (Loshchilov and Hutter 2019) and a cosine learning rate; targets are standardised and the scale is folded
 * back, so the output bias starts at the mean accuracy.  Zero options mean the defaults of fit.c.
 * At least 8 samples.  Deterministic for a seed.  progress: training RMSE, in accuracy, of the epoch. */
struct ofa_predictor_fit_options {
	int hidden[OFA_PREDICTOR_MAX_LAYERS];
	int n_hidden;
	int epochs, batch;
	float lr, weight_decay;
	uint64_t seed;
	void (*progress)(void *ctx, int epoch, int epochs, double rmse);
	void *ctx;
};
enum ofa_status ofa_predictor_fit(const struct ofa_space *s, const struct ofa_arch *archs, const float *accuracy, int n,
				  const struct ofa_predictor_fit_options *opt, struct ofa_predictor *ret,
				  struct ofa_error *err) OFA_MUST_CHECK;

/* Root mean square error; Kendall's tau-b by Knight's method (1966), O(n log n), NAN when either list is
 * constant or memory is short. */
double ofa_rmse(const float *a, const float *b, int n);
double ofa_kendall_tau(const float *a, const float *b, int n);

/* The tensors and metadata to save a predictor with a network (names borrowed from static storage;
 * data from p).  ret_tensors holds 2*OFA_PREDICTOR_MAX_LAYERS. */
size_t ofa_predictor_tensors(const struct ofa_predictor *p, struct ofa_tensor *ret_tensors);
/* The members above without the figures of the fit, which the caller merges in; new reference. */
json_t *ofa_predictor_metadata(const struct ofa_predictor *p);

#endif
