/* Where an MLP's features lie: one-hot groups, in the order of spec 4.12.
 *   mbconv  kernel of every block, expand ratio of every block
 *   resnet  is the stem's residual conv left out, or there; each width; expand ratio of every bottleneck
 * The resolution comes after these (OFA_FEATURES_K_E_R) or before (OFA_FEATURES_R_K_E). */
#ifndef OFA_PREDICT_FEATURES_H
#define OFA_PREDICT_FEATURES_H

#include "predict/predictor.h"

/* The first feature of each group, -1 where there is none. */
struct ofa_feature_layout {
	int resolution;
	int stem; /* two features: left out, there; whether block 0 is active tells which */
	int width[OFA_MAX_WIDTH_GENES];
	int kernel[OFA_MAX_BLOCKS], expand[OFA_MAX_BLOCKS];
	int n;
};

void ofa_feature_layout_init(const struct ofa_space *s, enum ofa_feature_order order, int n_resolutions,
			     struct ofa_feature_layout *ret);

#endif
