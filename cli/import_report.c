#include "import_report.h"

#include <stdio.h>
#include <string.h>

#include "output.h"

/* The distinct values of a choice over all stages, ascending. */
struct choices {
	int n;
	float value[OFA_MAX_STAGES * OFA_MAX_CHOICES];
};

static void add_choice(struct choices *c, float value)
{
	int at = 0;

	while (at < c->n && c->value[at] < value)
		at++;
	if (at < c->n && c->value[at] == value)
		return;
	memmove(c->value + at + 1, c->value + at, (size_t)(c->n - at) * sizeof(*c->value));
	c->value[at] = value;
	c->n++;
}

static void collect_kernels(const struct ofa_space *s, int least, struct choices *c)
{
	for (int i = 0; i < s->n_stages; i++)
		for (int j = 0; s->stages[i].n_kernels >= least && j < s->stages[i].n_kernels; j++)
			add_choice(c, s->stages[i].kernels[j]);
}

static void collect_expands(const struct ofa_space *s, int least, struct choices *c)
{
	for (int i = 0; i < s->n_stages; i++)
		for (int j = 0; s->stages[i].n_expands >= least && j < s->stages[i].n_expands; j++)
			add_choice(c, s->stages[i].expands[j]);
}

/* Where some stages have a choice, what is fixed in others says nothing. */
static void collect_choices(const struct ofa_space *s, struct choices *kernels, struct choices *expands)
{
	collect_kernels(s, 2, kernels);
	if (!kernels->n)
		collect_kernels(s, 1, kernels);
	collect_expands(s, 2, expands);
	if (!expands->n)
		collect_expands(s, 1, expands);
}

static json_t *choices_json(const struct choices *c)
{
	json_t *list = json_array();

	for (int i = 0; i < c->n; i++) {
		float v = c->value[i];
		json_t *number = v == (float)(int)v ? json_integer((int)v) : json_real(ofa_float_decimal(v));

		if (json_array_append_new(list, number) != 0)
			break;
	}
	return list;
}

/* A list of depths per stage. */
static json_t *depths_json(const struct ofa_space *s)
{
	json_t *list = json_array();

	for (int i = 0; i < s->n_stages; i++) {
		json_t *stage = json_array();

		for (int j = 0; j < s->stages[i].n_depths; j++)
			if (json_array_append_new(stage, json_integer(s->stages[i].depths[j])) != 0)
				break;
		if (json_array_append_new(list, stage) != 0)
			break;
	}
	return list;
}

static void print_depths(const struct ofa_space *s)
{
	printf("; blocks per stage");
	for (int i = 0; i < s->n_stages; i++) {
		const struct ofa_stage *t = &s->stages[i];

		if (t->n_depths > 1)
			printf(" %d-%d", t->depths[0], t->depths[t->n_depths - 1]);
		else
			printf(" %d", t->depths[0]);
	}
}

static void print_choices(const char *name, const struct choices *c)
{
	printf("%s", name);
	for (int i = 0; i < c->n; i++)
		printf(" %g", (double)c->value[i]);
}

static size_t count_elements(const struct ofa_params *params)
{
	size_t n = 0;

	for (int i = 0; i < params->n; i++)
		n += params->list[i].elements;
	return n;
}

static void print_source(const struct cli_import_report *r)
{
	const struct ofa_import *im = r->import;
	char values[CLI_SHORT_MAX];

	cli_short_count((double)count_elements(r->parts->params), values);
	if (!im) {
		printf("%s: our network %s, kept as it is\n", r->source, r->parts->name);
		return;
	}
	printf("%s (%s): ", r->source, ofa_checkpoint_format_name(im->checkpoint.format));
	if (im->found.width > 0)
		printf("%s%s%s at width %g", im->found.family, *im->found.base ? " with base widths " : "",
		       im->found.base, im->found.width);
	else
		printf("%s", im->found.family);
	printf(", %d classes, %d tensors of %s values", r->parts->space->classes, r->parts->params->n, values);
	if (im->n_converted)
		printf(", %zu of them converted to float32", im->n_converted);
	printf("\n");
}

static void print_attached(const struct cli_import_report *r)
{
	const struct ofa_predictor *p = r->predictor;
	const struct ofa_calibration *c = r->calibration;

	if (p) {
		printf("predictor: %d features; trained for image sizes", p->n_features);
		for (int i = 0; i < p->n_resolutions; i++)
			printf(" %d", p->resolutions[i]);
		printf("\n");
	} else {
		printf("predictor: %s\n", r->has_predictor ? "kept" : "none; --predictor FILE attaches a released one");
	}
	if (!c) {
		printf("calibration: %s\n",
		       r->parts->n_calibration > 0
		               ? "kept"
		               : "none, so batch norm is not recalibrated; --calibration-dir DIR attaches images");
		return;
	}
	printf("calibration: %d images of %dx%d from %s", c->n, c->w, c->h, r->calibration_source);
	printf(", kept as %s\n", c->images ? "8-bit pixels" : "the floats they are: no pixels stand for them");
}

void cli_import_print(const struct cli_import_report *r)
{
	const struct ofa_space *s = r->parts->space;
	struct choices kernels = {0}, expands = {0};
	char subnets[512];

	print_source(r);
	collect_choices(s, &kernels, &expands);
	print_choices("choices: kernels", &kernels);
	print_choices("; expand ratios", &expands);
	print_depths(s);
	if (s->n_width_genes)
		printf("; %d elastic widths", s->n_width_genes);
	ofa_space_count(s, subnets, sizeof(subnets));
	printf("; %s subnets at each of %d image sizes\n", subnets, s->n_resolutions);
	print_attached(r);
	printf("wrote %s; next: `ofa inspect %s`", r->out, r->out);
	if (r->has_predictor)
		printf(", `ofa search %s --limit macs=N`\n", r->out);
	else
		printf(", `ofa predictor fit %s --data DIR`\n", r->out);
}

static json_t *predictor_json(const struct ofa_predictor *p)
{
	json_t *sizes = json_array();

	for (int i = 0; i < p->n_resolutions; i++)
		if (json_array_append_new(sizes, json_integer(p->resolutions[i])) != 0)
			break;
	return json_pack("{s:i, s:o}", "features", p->n_features, "resolutions", sizes);
}

static json_t *calibration_json(const struct cli_import_report *r)
{
	const struct ofa_calibration *c = r->calibration;

	return json_pack("{s:s, s:i, s:i, s:i, s:s}", "source", r->calibration_source, "images", c->n, "height", c->h,
	                 "width", c->w, "kept_as", c->images ? "pixels" : "floats");
}

/* {format, family, width, base, converted}, of a checkpoint. */
static json_t *source_json(const struct ofa_import *im)
{
	return json_pack("{s:s, s:s, s:o, s:s, s:I, s:I, s:s}", "format",
	                 ofa_checkpoint_format_name(im->checkpoint.format), "family", im->found.family, "width",
	                 im->found.width > 0 ? json_real(im->found.width) : json_null(), "base", im->found.base,
	                 "converted_tensors", (json_int_t)im->n_converted, "ignored_tensors", (json_int_t)im->n_ignored,
	                 "container", im->checkpoint.container);
}

json_t *cli_import_json(const struct cli_import_report *r)
{
	const struct ofa_space *s = r->parts->space;
	struct choices kernels = {0}, expands = {0};
	char subnets[512];

	collect_choices(s, &kernels, &expands);
	ofa_space_count(s, subnets, sizeof(subnets));
	return json_pack("{s:s, s:s, s:o, s:i, s:o, s:o, s:o, s:i, s:s, s:i, s:I, s:b, s:o, s:i, s:o}", "file", r->out,
	                 "name", r->parts->name, "source", r->import ? source_json(r->import) : json_null(), "classes",
	                 s->classes, "kernels", choices_json(&kernels), "expands", choices_json(&expands), "depths",
	                 depths_json(s), "width_genes", s->n_width_genes, "subnets_per_resolution", subnets,
	                 "tensors", r->parts->params->n, "elements", (json_int_t)count_elements(r->parts->params),
	                 "has_predictor", r->has_predictor, "predictor",
	                 r->predictor ? predictor_json(r->predictor) : json_null(), "calibration_images",
	                 r->parts->n_calibration, "calibration", r->calibration ? calibration_json(r) : json_null());
}
