/* ofa init: a network of a published family with random weights. */
#include <config.h>

#include <stdio.h>

#include "commands.h"
#include "net/supernet.h"
#include "output.h"
#include "train/step.h"

#define MAX_CLASSES 65536

struct init_options {
	const char *family, *out;
	double width;
	int classes;
	uint64_t seed;
	bool json;
};

static enum ofa_status save(const struct init_options *o, const struct ofa_train_params *weights, struct ofa_error *err)
{
	/* Of ImageNet's training images (spec 1), which the published families take. */
	static const float mean[] = {0.485f, 0.456f, 0.406f}, std[] = {0.229f, 0.224f, 0.225f};
	json_t *lineage = json_pack("{s:s, s:{s:s, s:f, s:i, s:I}}", "tool", "ofa " PACKAGE_VERSION, "init", "family",
	                            o->family, "width", o->width, "classes", o->classes, "seed", (json_int_t)o->seed);
	enum ofa_status st = lineage ? OFA_OK : ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");

	if (st == OFA_OK)
		st = ofa_supernet_save(o->out,
		                       &(struct ofa_supernet_parts){
			                       .name = weights->space->name,
			                       .space = weights->space,
			                       .params = weights->params,
			                       .data = (const float *const *)weights->data,
			                       .mean = mean,
			                       .std = std,
			                       .lineage = lineage,
		                       },
		                       err);
	json_decref(lineage);
	return st;
}

static enum ofa_status print_result(const struct init_options *o, const struct ofa_space *s,
                                    const struct ofa_params *params, struct ofa_error *err)
{
	char subnets[64], weights[CLI_SHORT_MAX];
	size_t n = 0;

	for (int i = 0; i < params->n; i++)
		n += params->list[i].elements;
	ofa_space_count(s, subnets, sizeof subnets);
	if (o->json)
		return cli_print_json(json_pack("{s:s, s:s, s:I, s:s, s:I}", "file", o->out, "name", s->name, "tensors",
		                                (json_int_t)params->n, "subnets_per_resolution", subnets, "elements",
		                                (json_int_t)n),
		                      err);
	printf("wrote %s: %s, %s values in %d tensors, %s subnets at each of %d image sizes\n", o->out, s->name,
	       cli_short_count((double)n, weights), params->n, subnets, s->n_resolutions);
	printf("its weights are random: it counts, packs and runs like a trained one, and knows nothing\n");
	return OFA_OK;
}

static enum ofa_status init(const struct init_options *o, struct ofa_error *err)
{
	struct ofa_train_params *weights = NULL;
	struct ofa_params params;
	struct ofa_space space;
	enum ofa_status st = ofa_space_preset(o->family, o->width, o->classes, &space, err);

	if (st != OFA_OK)
		return st;
	st = ofa_params_init(&space, &params, err);
	if (st != OFA_OK)
		return st;
	st = ofa_train_params_new(&space, &params, &weights, err);
	if (st == OFA_OK) {
		ofa_train_params_init(weights, o->seed);
		st = save(o, weights, err);
	}
	if (st == OFA_OK)
		st = print_result(o, &space, &params, err);
	ofa_train_params_free(weights);
	ofa_params_release(&params);
	return st;
}

int cmd_init(int argc, char **argv)
{
	struct init_options o = {.width = 1, .classes = 1000, .seed = 1};
	const struct opt options[] = {
		{.name = "family", .kind = OPT_TEXT, .required = true, .value = "NAME", .to.text = &o.family,
		 .help = "mbv3 (OFA-MobileNetV3), proxyless (OFA-ProxylessNAS) or resnet50 (OFA-ResNet50)"},
		{.name = "width", .kind = OPT_NUMBER, .value = "W", .to.number = &o.width,
		 .help = "width multiplier of all layers (default 1; published are 1.0, 1.2 and 1.3)"},
		{.name = "classes", .kind = OPT_INT, .value = "N", .min = 2, .max = MAX_CLASSES,
		 .to.integer = &o.classes, .help = "classes (default 1000)"},
		{.name = "out", .letter = 'o', .kind = OPT_TEXT, .required = true, .value = "NET", .to.text = &o.out,
		 .help = "the network file"},
		{.name = "seed", .kind = OPT_U64, .value = "N", .to.u64 = &o.seed,
		 .help = "equal seeds, equal bytes (default 1)"},
		{.name = "json", .kind = OPT_FLAG, .to.flag = &o.json, .help = "answer a JSON object"},
	};
	const struct opt_spec spec = {
		.command = "init", .operands = "", .n_operands = 0,
		.about = "Writes a network of a published family with random weights, as training would begin with.\n"
		         "It knows nothing, but has the real sizes: what counting, packing, running and serving cost\n"
		         "can be tried before a trained one is at hand.\n",
		.examples = "  ofa init --family mbv3 --width 1.2 --classes 1000 -o mbv3.safetensors\n"
		            "  ofa init --family resnet50 -o resnet50.safetensors\n"
		            "  ofa inspect mbv3.safetensors\n",
		.options = options, .n_options = OFA_ARRAY_LEN(options),
	};
	const char *operand[OPT_MAX_OPERANDS];
	struct ofa_error err = {0};
	int rc;

	if (!opt_parse(&spec, argc, argv, operand, &rc))
		return rc;
	return cli_finish(spec.command, o.json, init(&o, &err), &err);
}
