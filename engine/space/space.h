/* A search space as data: which networks exist (once-for-all, arXiv:1908.09791).
 * Family "mbconv": OFA-MobileNetV3, OFA-Proxyless and our own networks; its blocks have elastic kernels, expand ratios
 * and depths.  Family "resnet": OFA-ResNet50 (a ResNet-D); its bottlenecks have elastic expand ratios, depths and
 * widths. */
#ifndef OFA_SPACE_SPACE_H
#define OFA_SPACE_SPACE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include "base/status.h"
#include "ops/act.h"

#define OFA_MAX_STAGES 8
#define OFA_MAX_BLOCKS 32 /* elastic blocks over all stages */
#define OFA_MAX_CHOICES 8
#define OFA_MAX_WIDTH_GENES 8
#define OFA_MAX_RESOLUTIONS 128
#define OFA_MAX_CHANNELS 8192
#define OFA_MAX_CLASSES 65536
#define OFA_MAX_IMAGE_SIZE 1024
#define OFA_MAX_INPUT_CHANNELS 4
#define OFA_MAX_VALUE_ELEMENTS (1 << 25) /* one activation of the largest subnet, one image */

const char *ofa_act_name(enum ofa_act act); /* "none", "relu", "relu6", "h_swish", "h_sigmoid" */

enum ofa_family { OFA_FAMILY_MBCONV, OFA_FAMILY_RESNET, OFA_FAMILY_COUNT };
const char *ofa_family_name(enum ofa_family family); /* "mbconv", "resnet" */

/* Elastic blocks of one output width; the stride sits on the first block. */
struct ofa_stage {
	int width, stride; /* output channels, the largest choice where widths are elastic */
	enum ofa_act act;
	bool se;
	int n_depths, n_kernels, n_expands;      /* each at least 1 */
	uint8_t depths[OFA_MAX_CHOICES];  /* ascending block counts */
	uint8_t depth_genes[OFA_MAX_CHOICES]; /* what "d" of an arch's JSON says for each: mbconv: the count itself */
	uint8_t kernels[OFA_MAX_CHOICES]; /* ascending, each 3, 5 or 7 */
	float expands[OFA_MAX_CHOICES];   /* ascending mid/input channel ratios */
	int first_block; /* derived: index of the stage's first elastic block, 0-based */
	int max_depth;   /* derived: depths[n_depths-1] */
};

/* An elastic width: ascending channel counts, which may repeat (rounding). */
struct ofa_width_gene {
	int n;
	uint16_t channels[OFA_MAX_CHOICES];
};

/* mbconv: stem, first, stages, head.
 * resnet: the stem is a 3x3 conv of stride 2 to the channels of width gene 0, stage 0 (of no or one block: a 3x3 conv
 * with an identity shortcut, in and out gene 0), a 3x3 conv to gene 1 and a 3x3 max pool of stride 2; stage i >= 1 is
 * bottlenecks that read gene i (the first one) and write gene i + 1; pool and classifier follow.  `first` and `head`
 * are absent. */
struct ofa_space {
	enum ofa_family family;
	char name[64];
	int input_channels, classes;
	float bn_eps;
	int n_resolutions;
	uint16_t resolutions[OFA_MAX_RESOLUTIONS]; /* ascending, pixels, square images */
	struct {
		int width, stride;
		enum ofa_act act;
	} stem; /* 3x3 conv + BN + act */
	struct {
		int width, kernel;
		enum ofa_act act;
		bool se, residual;
	} first; /* fixed block, no expansion; width 0: absent */
	int n_stages;
	struct ofa_stage stages[OFA_MAX_STAGES];
	struct {
		int expand_width; /* 1x1 conv + BN + act before the pool; 0: absent (resnet) */
		enum ofa_act expand_act;
		int mix_width; /* 1x1 conv + act after the pool, no BN, no bias; 0: absent */
		enum ofa_act mix_act;
	} head;
	int n_width_genes; /* 0 in mbconv */
	struct ofa_width_gene widths[OFA_MAX_WIDTH_GENES];
	int n_blocks; /* derived: sum of max depths = length of "ks" and "e"; in resnet "e" lacks stage 0's */
};

/* Rounds to a multiple of 8, never below 0.9 v ("make divisible", spec 4.1). */
int ofa_make_divisible(double v);
/* Mid channels of a block: make_divisible(round(c * expand)); c: its input's channels, of a bottleneck its output's. */
int ofa_mid_channels(int c, float expand);
/* SE hidden units: make_divisible(mid / 4, rounded down). */
int ofa_se_channels(int mid);

/* The decimal of fewest digits, at least 6, that reads back as x: files say 0.1, not 0.100000001490116. */
double ofa_float_decimal(float x);

/* JSON form (all fields required unless a default is given):
 *  {"family":"mbconv","name":"fashion","input_channels":1,"classes":10,"bn_eps":1e-5,
 *   "resolutions":[16,20,24,28],
 *   "stem":{"width":8,"stride":1,"act":"h_swish"},
 *   "first":{"width":8,"kernel":3,"act":"relu","se":false,"residual":true}   (or null),
 *   "kernels":[3,5,7],"expands":[3,4,6],"depths":[2,3,4]                     (defaults of the stages),
 *   "stages":[{"width":16,"stride":2,"act":"relu","se":false, (opt) "kernels","expands","depths"}, ...],
 *   "head":{"expand_width":384,"expand_act":"h_swish","mix_width":128,"mix_act":"h_swish"}
 *   (no mix layer: "mix_width":0,"mix_act":"none")}
 * Unknown fields are refused.  Errors name the field as a JSON pointer. */
enum ofa_status ofa_space_parse(const json_t *json, struct ofa_space *ret_space, struct ofa_error *err) OFA_MUST_CHECK;
/* New reference, or NULL when out of memory.  parse(format(s)) == s. */
json_t *ofa_space_format(const struct ofa_space *s);

/* The published families, width multiplier w: "mbv3" (spec 4.2), "proxyless" (4.3; base width list
 * of the paper), "resnet50" (4.4; w scales every choice, the published one is 1).  Resolutions 32..288 step 4 (released
 * subnets lie outside the trained list). */
enum ofa_status ofa_space_preset(const char *family, double width, int classes, struct ofa_space *ret_space,
                                 struct ofa_error *err) OFA_MUST_CHECK;

/* SHA-256 over the canonical JSON: artefacts made for one space carry it. */
void ofa_space_hash(const struct ofa_space *s, uint8_t out[32]);

/* Exact number of distinct subnets at one resolution, as a decimal string of at most cap-1
 * digits (products reach 10^20 and more, past 64 bits). */
void ofa_space_count(const struct ofa_space *s, char *ret_decimal, size_t cap);

#endif
