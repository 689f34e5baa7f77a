/* Cross-layer equalisation: a subnet that computes the same, with the channels between layers nearer to one range.
 * After Nagel et al., "Data-free quantization through weight equalization and bias correction", arXiv:1906.04721, 4.1:
 * ReLU(s x) = s ReLU(x), so that one layer's outputs may be divided by what the next one's weights are multiplied by.
 * The paper balances the weights of both layers; ours have a scale per output, so it is activations, which have one for
 * all channels, against the weights that read them.  h-swish and ReLU6 are not scaled. */
#ifndef OFA_QUANTISE_EQUALISE_H
#define OFA_QUANTISE_EQUALISE_H

#include "quantise/observe.h"

/* *ret is the caller's to free. */
enum ofa_status ofa_equalise(const struct ofa_subnet *sub, const struct ofa_observation *seen, struct ofa_subnet **ret,
			     struct ofa_error *err) OFA_MUST_CHECK;

#endif
