/* Released accuracy predictors: the state dict of an MLP over one-hot genes (spec 4.12) -> struct ofa_predictor.
 *
 * Two layouts are known by their tensors' names:
 *   tutorial   "0.weight" (400,128), "0.bias", "2.weight", .., "6.bias": features in the order k, e, r; eight
 *              resolutions 112, 128, .., 224
 *   ofa.nas    "layers.0.0.weight", "layers.0.0.bias", .., "layers.3.weight", mostly without a bias on the last
 *              layer, and "base_acc", which is added to the output: order r, k, e (ResNet: r, stem, w, e).
 *              One resolution: 224; four: 128, 160, 192, 224; eight: 128, 144, 160, 176, 192, 224, 240, 256.
 * Names may begin with "model." or "module.".  Both predict accuracy in [0,1].
 *
 * A file tells how many resolutions it has slots for, never which: any other number needs options.resolutions.
 *
 * Slots that were never trained predict noise, so they are left out and do not take part in a search.  A slot's
 * column of the first layer is taken for untrained where
 *   - weight decay brought all of it to nothing (below 2^-63), or
 *   - all of it lies inside +-1/sqrt(features), PyTorch's initial range, although weights did not decay (their root
 *     mean square is at least nine tenths of that of the initial ones).
 * In the released MobileNetV3 predictor these are exactly 112, 128 and 144.  A gene of little effect may look
 * untrained too; a resolution moves the accuracy more than any gene. */
#ifndef OFA_IMPORT_PREDICTOR_H
#define OFA_IMPORT_PREDICTOR_H

#include "predict/predictor.h"

struct ofa_import_predictor_options {
	int n_resolutions; /* 0: as the layout says, without untrained slots */
	uint16_t resolutions[OFA_MAX_RESOLUTIONS]; /* ascending; as many as the file has slots: what each slot means;
						      fewer: those to keep of the layout's.  None is then left out */
};

/* OFA_ERR_NOT_FOUND: no tensors of a known layout among these n.  OFA_ERR_MISMATCH: features that do not fit the
 * space (the message has both counts), layers that do not fit each other, resolutions that are not told. */
enum ofa_status ofa_import_predictor(const struct ofa_space *s, const struct ofa_tensor *tensors, size_t n,
				     const struct ofa_import_predictor_options *opt, struct ofa_predictor *ret,
				     struct ofa_error *err) OFA_MUST_CHECK;

#endif
