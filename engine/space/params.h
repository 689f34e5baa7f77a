/* The supernet's parameters: names, shapes and roles derived from the space alone, in the
 * reference implementation's state-dict order.  A parameter's id is its index here. */
#ifndef OFA_SPACE_PARAMS_H
#define OFA_SPACE_PARAMS_H

#include "space/space.h"

enum ofa_param_role {
	OFA_PARAM_CONV,      /* (out,in,k,k); depthwise (c,1,k,k) */
	OFA_PARAM_BN_GAMMA, OFA_PARAM_BN_BETA, OFA_PARAM_BN_MEAN, OFA_PARAM_BN_VAR, /* (c), consecutive ids */
	OFA_PARAM_TRANSFORM, /* kernel transform matrix (25,25) or (9,9) */
	OFA_PARAM_BIAS,      /* SE and classifier biases */
	OFA_PARAM_LINEAR,    /* classifier (classes,in) */
};

struct ofa_param {
	char name[96]; /* e.g. "blocks.1.conv.depth_conv.conv.7to5_matrix" */
	enum ofa_param_role role;
	int rank;
	int shape[4];
	size_t elements;
};

/* Ids of one block's parameters, -1 where absent.  bn ids are gamma's; +1 beta, +2 mean, +3 var.
 * A bottleneck's conv1, conv2 and conv3 are expand, conv and project; the stem's optional layer is conv alone. */
struct ofa_block_params {
	int expand, expand_bn;
	int t53, t75, depthwise, depthwise_bn;
	int se_reduce, se_reduce_bias, se_expand, se_expand_bias;
	int project, project_bn;
	int conv, conv_bn;
	int shortcut, shortcut_bn; /* the projection of a stage's first bottleneck */
};

struct ofa_params {
	int n;
	struct ofa_param *list; /* owned */
	int stem, stem_bn;
	struct ofa_block_params first; /* all -1 when absent */
	/* By elastic block, 0-based: "blocks.<i+1>" in names, "blocks.<i>" without a first block. */
	struct ofa_block_params blocks[OFA_MAX_BLOCKS];
	int stem_out, stem_out_bn; /* resnet: the stem's last convolution */
	int head_expand, head_expand_bn, mix, classifier, classifier_bias; /* -1 where absent */
	size_t max_elements;
};

/* num_batches_tracked buffers are not listed: readers ignore them.
 * Transform matrices exist where the stage's kernels allow the step (7->5 when 7 and a smaller one
 * are choices; 5->3 when 3 and a larger one are). */
enum ofa_status ofa_params_init(const struct ofa_space *s, struct ofa_params *ret,
                                struct ofa_error *err) OFA_MUST_CHECK;
void ofa_params_release(struct ofa_params *p);
int ofa_params_find(const struct ofa_params *p, const char *name); /* id or -1 */
bool ofa_param_trained(const struct ofa_param *p); /* false for BN mean and var */
bool ofa_param_decayed(const struct ofa_param *p); /* weight decay applies: name has neither "bn" nor "bias" */

#endif
