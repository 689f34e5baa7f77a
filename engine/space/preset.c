#include <stdio.h>
#include <string.h>

#include "space/space.h"

#define MAX_WIDTH_MULTIPLIER 8.0
#define FIRST_RESOLUTION 32
#define LAST_RESOLUTION 288
#define RESOLUTION_STEP 4

struct preset_stage {
	int width, stride;
	const char *act;
	bool se, fixed; /* fixed: one block, always present */
};

/* Widths before the multiplier. */
struct preset {
	const char *family;
	double bn_eps;
	const char *act; /* stem and head */
	const char *first_act;
	int stem, first;
	bool first_residual;
	int n_stages;
	struct preset_stage stages[OFA_MAX_STAGES];
	int expand, mix; /* mix 0: absent */
};

static const struct preset presets[] = {
	{
		.family = "mbv3",
		.bn_eps = 1e-5,
		.act = "h_swish",
		.first_act = "relu",
		.stem = 16,
		.first = 16,
		.first_residual = true,
		.n_stages = 5,
		.stages =
			{
				{24, 2, "relu", false, false},
				{40, 2, "relu", true, false},
				{80, 2, "h_swish", false, false},
				{112, 1, "h_swish", true, false},
				{160, 2, "h_swish", true, false},
			},
		.expand = 960,
		.mix = 1280,
	},
	{
		.family = "proxyless",
		.bn_eps = 1e-3,
		.act = "relu6",
		.first_act = "relu6",
		.stem = 32,
		.first = 16,
		.first_residual = false,
		.n_stages = 6,
		.stages =
			{
				{24, 2, "relu6", false, false},
				{40, 2, "relu6", false, false},
				{80, 2, "relu6", false, false},
				{96, 1, "relu6", false, false},
				{192, 2, "relu6", false, false},
				{320, 1, "relu6", false, true},
			},
		.expand = 1280,
		.mix = 0,
	},
};

static json_t *stages_json(const struct preset *p, double width)
{
	json_t *list = json_array();

	for (int i = 0; i < p->n_stages; i++) {
		const struct preset_stage *t = &p->stages[i];
		json_t *stage = json_pack("{s:i, s:i, s:s, s:b, s:o*}", "width", ofa_make_divisible(width * t->width),
					  "stride", t->stride, "act", t->act, "se", t->se, "depths",
					  t->fixed ? json_pack("[i]", 1) : NULL);

		if (json_array_append_new(list, stage) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *resolutions_json(void)
{
	json_t *list = json_array();

	for (int r = FIRST_RESOLUTION; r <= LAST_RESOLUTION; r += RESOLUTION_STEP)
		if (json_array_append_new(list, json_integer(r)) < 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

/* OFA-ResNet50 (spec 4.4).  Every list holds one width per multiplier. */
static const double resnet50_multipliers[] = {0.65, 0.8, 1.0};
#define RESNET50_STEM 64
static const struct {
	int width, stride, base_depth;
} resnet50_stages[] = {{256, 1, 2}, {512, 2, 2}, {1024, 2, 4}, {2048, 2, 2}};

/* base 0: the middle of the stem, half of its rounded width. */
static json_t *widths_json(double width, int base)
{
	json_t *list = json_array();

	for (size_t i = 0; i < OFA_ARRAY_LEN(resnet50_multipliers); i++) {
		double m = width * resnet50_multipliers[i];
		int c = base > 0 ? ofa_make_divisible(m * base)
				 : ofa_make_divisible(ofa_make_divisible(m * RESNET50_STEM) / 2);

		if (json_array_append_new(list, json_integer(c)) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *resnet50_stages_json(double width)
{
	json_t *list = json_array();

	for (size_t i = 0; i < OFA_ARRAY_LEN(resnet50_stages); i++) {
		json_t *stage = json_pack("{s:o, s:i, s:i}", "widths", widths_json(width, resnet50_stages[i].width),
					  "stride", resnet50_stages[i].stride, "base_depth",
					  resnet50_stages[i].base_depth);

		if (json_array_append_new(list, stage) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *resnet50_json(double width, int classes)
{
	char name[64];

	snprintf(name, sizeof(name), "resnet50_w%g", width);
	return json_pack("{s:s, s:s, s:i, s:i, s:f, s:o, s:{s:o, s:o, s:[i,i]}, s:[f,f,f], s:[i,i,i], s:o}", "family",
			 "resnet", "name", name, "input_channels", 3, "classes", classes, "bn_eps", 1e-5, "resolutions",
			 resolutions_json(), "stem", "mid_widths", widths_json(width, 0), "widths",
			 widths_json(width, RESNET50_STEM), "depths", 0, 2, "expands", 0.2, 0.25, 0.35, "depths", 0, 1,
			 2, "stages", resnet50_stages_json(width));
}

static json_t *space_json(const struct preset *p, double width, int classes)
{
	char name[64];

	snprintf(name, sizeof(name), "%s_w%g", p->family, width);
	return json_pack("{s:s, s:s, s:i, s:i, s:f, s:o, s:{s:i, s:i, s:s}, s:{s:i, s:i, s:s, s:b, s:b},"
			 " s:[i,i,i], s:[i,i,i], s:[i,i,i], s:o, s:{s:i, s:s, s:i, s:s}}",
			 "family", "mbconv", "name", name, "input_channels", 3, "classes", classes, "bn_eps", p->bn_eps,
			 "resolutions", resolutions_json(), "stem", "width", ofa_make_divisible(width * p->stem),
			 "stride", 2, "act", p->act, "first", "width", ofa_make_divisible(width * p->first), "kernel",
			 3, "act", p->first_act, "se", 0, "residual", p->first_residual, "kernels", 3, 5, 7, "expands",
			 3, 4, 6, "depths", 2, 3, 4, "stages", stages_json(p, width), "head", "expand_width",
			 ofa_make_divisible(width * p->expand), "expand_act", p->act, "mix_width",
			 p->mix ? ofa_make_divisible(width * p->mix) : 0, "mix_act", p->mix ? p->act : "none");
}

enum ofa_status ofa_space_preset(const char *family, double width, int classes, struct ofa_space *ret_space,
				 struct ofa_error *err)
{
	const bool resnet50 = strcmp(family, "resnet50") == 0;
	const struct preset *p = NULL;
	enum ofa_status st;
	json_t *json;

	for (size_t i = 0; i < OFA_ARRAY_LEN(presets); i++)
		if (strcmp(presets[i].family, family) == 0)
			p = &presets[i];
	if (!p && !resnet50)
		return ofa_fail(err, OFA_ERR_INVALID, "family",
				"no family is called \"%s\"; there are \"mbv3\", \"proxyless\" and \"resnet50\"",
				family);
	if (!(width > 0 && width <= MAX_WIDTH_MULTIPLIER))
		return ofa_fail(err, OFA_ERR_INVALID, "width",
				"the width multiplier is %g, must be above 0 and at most %g", width,
				MAX_WIDTH_MULTIPLIER);
	json = resnet50 ? resnet50_json(width, classes) : space_json(p, width, classes);
	if (!json)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	st = ofa_space_parse(json, ret_space, err);
	json_decref(json);
	return st;
}
