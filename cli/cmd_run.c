/* ofa run: logits of a package (device runtime) or of subnets of a network (engine). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "commands.h"
#include "device_model.h"
#include "network.h"
#include "output.h"
#include "subnet.h"
#include "threads.h"

struct run_options {
	const char *file, *input, *arch, *recalibrate;
	int recalibrate_batch, threads;
	bool sliced, json;
};

static json_t *logits_json(const float *logits, int n, int classes)
{
	json_t *rows = json_array();

	for (int i = 0; i < n; i++) {
		json_t *row = json_array();
		for (int j = 0; j < classes; j++)
			json_array_append_new(row, cli_number((double)logits[(size_t)i * classes + j]));
		json_array_append_new(rows, row);
	}
	return rows;
}

/* Top class of one image and its softmax probability. */
static int top_class(const float *logits, int classes, double *ret_probability)
{
	double sum = 0;
	int best = 0;

	for (int j = 1; j < classes; j++)
		if (logits[j] > logits[best])
			best = j;
	for (int j = 0; j < classes; j++)
		sum += exp((double)(logits[j] - logits[best]));
	*ret_probability = 1 / sum;
	return best;
}

static void print_top(int image, const float *logits, int classes, const char *name)
{
	double p;
	int best = top_class(logits, classes, &p);

	printf("image %d: class %d%s%s, probability %.3f\n", image, best, name ? " " : "", name ? name : "", p);
}

static enum ofa_status run_device(const struct cli_device_model *d, const struct cli_images *x, float *logits,
                                  struct ofa_error *err)
{
	const struct ofa_device_model *m = &d->model;
	size_t pixels = (size_t)m->height * m->width * m->channels;

	for (int i = 0; i < x->n; i++) {
		enum ofa_device_status ds = ofa_device_run(m, d->arena, ofa_device_arena_bytes(m),
		                                           x->x + (size_t)i * pixels, logits + (size_t)i * m->classes);
		if (ds != OFA_DEVICE_OK)
			return ofa_fail(err, OFA_ERR_FORMAT, NULL, "image %d: %s", i, ofa_device_strerror(ds));
	}
	return OFA_OK;
}

static enum ofa_status run_package(const struct run_options *o, const struct cli_images *x, struct ofa_error *err)
{
	struct cli_device_model d = {0};
	float *logits = NULL;
	enum ofa_status st;

	if (o->arch || o->recalibrate)
		return ofa_fail(err, OFA_ERR_INVALID, o->arch ? "--arch" : "--recalibrate",
		                "%s is a package, its arch and batch norm are fixed; give the network instead",
		                o->file);
	st = cli_device_open(o->file, &d, err);
	if (st == OFA_OK)
		st = cli_check_images(x, "--input", (int)d.model.height, (int)d.model.channels, err);
	if (st == OFA_OK) {
		logits = malloc((size_t)x->n * d.model.classes * sizeof *logits);
		st = logits ? run_device(&d, x, logits, err) : ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	}
	if (st == OFA_OK && o->json)
		st = cli_print_json(json_pack("{s:o}", "logits", logits_json(logits, x->n, (int)d.model.classes)), err);
	for (int i = 0; st == OFA_OK && !o->json && i < x->n; i++) {
		const float *row = logits + (size_t)i * d.model.classes;
		double p;
		int top = top_class(row, (int)d.model.classes, &p);
		print_top(i, row, (int)d.model.classes, ofa_device_class_name(&d.model, (uint32_t)top));
	}
	free(logits);
	cli_device_close(&d);
	return st;
}

/* Everything that the archs of one network share. */
struct net_run {
	const struct run_options *o;
	const struct ofa_supernet *net;
	const struct cli_images *x;
	struct cli_bn bn;
	struct ofa_pool *pool;
	json_t *answers; /* array */
};

static enum ofa_status run_arch(struct net_run *r, const struct ofa_arch *arch, struct ofa_error *err)
{
	int classes = r->net->space.classes;
	struct ofa_subnet *sub = NULL;
	float *logits = NULL;
	enum ofa_status st = cli_check_images(r->x, "--input", arch->image_size, r->net->space.input_channels, err);

	if (st == OFA_OK)
		st = cli_build_subnet(r->net, arch, &r->bn, r->pool, &sub, err);
	if (st != OFA_OK)
		return st;
	logits = malloc((size_t)r->x->n * (size_t)classes * sizeof *logits);
	st = logits ? ofa_subnet_forward(sub, r->x->x, r->x->n, r->pool, logits, err)
	            : ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory for the logits");
	if (st == OFA_OK && r->o->json)
		json_array_append_new(r->answers,
		                      json_pack("{s:o,s:o}", "arch", ofa_arch_format(&r->net->space, arch), "logits",
		                                logits_json(logits, r->x->n, classes)));
	for (int i = 0; st == OFA_OK && !r->o->json && i < r->x->n; i++) {
		const float *row = logits + (size_t)i * (size_t)classes;
		double p;
		int top = top_class(row, classes, &p);
		print_top(i, row, classes, r->net->classes ? r->net->classes[top] : NULL);
	}
	free(logits);
	ofa_subnet_free(sub);
	return st;
}

static enum ofa_status run_network(const struct run_options *o, const struct cli_images *x, struct ofa_error *err)
{
	struct net_run r = {.o = o, .x = x, .answers = json_array()};
	struct cli_images calibration = {0};
	struct ofa_supernet *net = NULL;
	struct cli_archs archs = {0};
	enum ofa_status st = cli_open_network(o->file, &net, err);

	if (st == OFA_OK)
		st = cli_load_archs_or_largest(&net->space, o->arch, x->size, &archs, err);
	if (st == OFA_OK && o->recalibrate)
		st = cli_load_images(o->recalibrate, &calibration, err);
	if (st == OFA_OK)
		st = cli_new_pool(o->threads, &r.pool, err);
	r.net = net;
	r.bn = (struct cli_bn){.source = o->recalibrate ? CLI_BN_IMAGES : o->sliced ? CLI_BN_SLICED : CLI_BN_BUILTIN,
	                       .images = &calibration,
	                       .batch = o->recalibrate_batch};
	for (int i = 0; st == OFA_OK && i < archs.n; i++)
		st = run_arch(&r, &archs.list[i], err);
	if (st == OFA_OK && o->json)
		st = cli_print_one_or_all(r.answers, err);
	json_decref(r.answers);
	ofa_pool_free(r.pool);
	cli_images_release(&calibration);
	cli_archs_release(&archs);
	ofa_supernet_free(net);
	return st;
}

static enum ofa_status run(const struct run_options *o, struct ofa_error *err)
{
	struct cli_images x;
	bool is_package;
	enum ofa_status st = cli_is_package(o->file, &is_package, err);

	if (st == OFA_OK)
		st = cli_load_images(o->input, &x, err);
	if (st != OFA_OK)
		return st;
	st = is_package ? run_package(o, &x, err) : run_network(o, &x, err);
	cli_images_release(&x);
	return st;
}

int cmd_run(int argc, char **argv)
{
	struct run_options o = {.recalibrate_batch = 16};
	const struct opt options[] = {
		{.name = "input", .kind = OPT_TEXT, .required = true, .value = "FILE:TENSOR", .to.text = &o.input,
		 .help = "safetensors file and tensor: float32 NCHW, normalised"},
		{.name = "arch", .kind = OPT_TEXT, .value = "FILE", .to.text = &o.arch,
		 .help = "which subnets of NET (default: the largest of the input's size)"},
		{.name = "recalibrate", .kind = OPT_TEXT, .value = "FILE:TENSOR", .to.text = &o.recalibrate,
		 .help = "take batch norm statistics from these images"},
		{.name = "recalibrate-batch", .kind = OPT_INT, .value = "N", .to.integer = &o.recalibrate_batch,
		 .min = 1, .max = 65536, .help = "images per batch of --recalibrate (default 16)"},
		{.name = "sliced", .kind = OPT_FLAG, .to.flag = &o.sliced,
		 .help = "use NET's stored running statistics as they are"},
		CLI_OPT_THREADS(o.threads),
		{.name = "json", .kind = OPT_FLAG, .to.flag = &o.json,
		 .help = "answer {\"logits\":[[..],..]}; an array of them for several archs"},
	};
	const struct opt_spec spec = {
		.command = "run", .operands = "PACKAGE|NET", .n_operands = 1,
		.about = "Runs images through a package, by the device runtime, or through subnets of a network, by\n"
		         "the engine.  Batch norm of a subnet is recalibrated on the network's own calibration images\n"
		         "when it has some and nothing else is asked for.\n",
		.examples = "  ofa run best.ofa --input images.safetensors:x\n"
		            "  ofa run fashion.safetensors --arch best.json --input images.safetensors:x --json\n"
		            "  ofa run net.safetensors --input im.safetensors:x --recalibrate im.safetensors:c\n",
		.options = options, .n_options = OFA_ARRAY_LEN(options),
	};
	const char *operand[OPT_MAX_OPERANDS];
	struct ofa_error err = {0};
	int rc;

	if (!opt_parse(&spec, argc, argv, operand, &rc))
		return rc;
	o.file = operand[0];
	return cli_finish(spec.command, o.json, run(&o, &err), &err);
}
