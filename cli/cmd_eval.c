/* ofa eval: accuracy of subnets (engine) or of a package (device runtime) on a data set. */
#include <stdio.h>

#include "accuracy.h"
#include "commands.h"
#include "device_eval.h"
#include "network.h"
#include "output.h"
#include "pack/pack.h"
#include "subnet.h"
#include "threads.h"
#include "timing.h"

#define LATENCY_MS 1000.0 /* time spent on timing a package */

struct eval_options {
	const char *file, *data, *arch, *split_name;
	enum cli_split split;
	int limit_images, threads;
	unsigned used_threads;
	bool sliced, json;
};

static int image_count(const struct eval_options *o, const struct ofa_dataset *d)
{
	return o->limit_images > 0 && o->limit_images < d->n ? o->limit_images : d->n;
}

static enum ofa_status check_data(const struct eval_options *o, const struct ofa_dataset *d, int channels, int classes,
                                  struct ofa_error *err)
{
	if (d->c == channels && d->classes == classes)
		return OFA_OK;
	return ofa_fail(err, OFA_ERR_MISMATCH, "--data",
	                "%s has %d channels and %d classes; %s takes %d channels and tells %d classes",
	                o->data, d->c, d->classes, o->file, channels, classes);
}

/* What is said of a package beside its accuracy. */
struct package_figures {
	const char *dtype;
	uint32_t bytes, arena_bytes;
	double images_per_second; /* of all threads */
	struct cli_timing latency;
};

static json_t *answer_json(const struct eval_options *o, json_t *arch, double accuracy, int images,
                           const struct package_figures *p)
{
	json_t *answer = json_pack("{s:f,s:i,s:s}", "accuracy", accuracy, "images", images, "split", o->split_name);
	json_t *more = p ? json_pack("{s:s,s:I,s:I,s:o,s:o,s:o}", "dtype", p->dtype, "storage_bytes",
	                             (json_int_t)p->bytes, "peak_memory_bytes", (json_int_t)p->arena_bytes,
	                             "images_per_second", cli_number(p->images_per_second), "latency_ms",
	                             cli_number(p->latency.mean_ms), "latency_std_ms", cli_number(p->latency.std_ms))
	                 : json_pack("{s:o}", "arch", arch);

	if (!answer || !more || json_object_update(answer, more) != 0) {
		json_decref(answer);
		answer = NULL;
	}
	json_decref(more);
	return answer;
}

/* arch (stolen) of a subnet, p of a package; the other one is NULL. */
static enum ofa_status report(const struct eval_options *o, json_t *arch, double accuracy, int images,
                              const struct package_figures *p, json_t *answers, struct ofa_error *err)
{
	json_t *answer = answer_json(o, arch, accuracy, images, p);
	char size[CLI_SHORT_MAX], memory[CLI_SHORT_MAX];

	if (!answer || json_array_append_new(answers, answer) != 0)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	if (o->json)
		return OFA_OK;
	printf("accuracy %.2f %% on %d %s images\n", 100 * accuracy, images, o->split_name);
	if (p)
		printf("%s package of %sB, %sB of memory; %.0f images/s on %d threads, %.4f ms per image on one "
		       "(std %.4f)\n",
		       p->dtype, cli_short_count(p->bytes, size), cli_short_count(p->arena_bytes, memory),
		       p->images_per_second, (int)o->used_threads, p->latency.mean_ms, p->latency.std_ms);
	return OFA_OK;
}

static enum ofa_status eval_arch(const struct eval_options *o, const struct ofa_supernet *net,
                                 const struct ofa_arch *arch, const struct ofa_dataset *data, struct ofa_pool *pool,
                                 json_t *answers, struct ofa_error *err)
{
	struct cli_bn bn = {.source = o->sliced ? CLI_BN_SLICED : CLI_BN_BUILTIN};
	struct cli_examples examples = {0};
	struct ofa_subnet *sub = NULL;
	double accuracy = 0;
	enum ofa_status st = cli_examples_init(data, image_count(o, data), arch->image_size, net->mean, net->std,
	                                       &examples, err);

	if (st == OFA_OK)
		st = cli_build_subnet(net, arch, &bn, pool, &sub, err);
	if (st == OFA_OK)
		st = cli_subnet_accuracy(sub, &examples, pool, &accuracy, err);
	if (st == OFA_OK)
		st = report(o, ofa_arch_format(&net->space, arch), accuracy, examples.n, NULL, answers, err);
	ofa_subnet_free(sub);
	cli_examples_release(&examples);
	return st;
}

static enum ofa_status eval_network(const struct eval_options *o, struct ofa_pool *pool, json_t *answers,
                                    struct ofa_error *err)
{
	struct ofa_supernet *net = NULL;
	struct ofa_dataset data = {0};
	struct cli_archs archs = {0};
	enum ofa_status st = cli_open_network(o->file, &net, err);

	if (st == OFA_OK)
		st = cli_load_archs_or_largest(&net->space, o->arch, 0, &archs, err);
	if (st == OFA_OK)
		st = cli_load_split(o->data, o->split, net->lineage, &data, err);
	if (st == OFA_OK)
		st = check_data(o, &data, net->space.input_channels, net->space.classes, err);
	for (int i = 0; st == OFA_OK && i < archs.n; i++)
		st = eval_arch(o, net, &archs.list[i], &data, pool, answers, err);
	cli_archs_release(&archs);
	ofa_dataset_release(&data);
	ofa_supernet_free(net);
	return st;
}

static enum ofa_status eval_package(const struct eval_options *o, struct ofa_pool *pool, json_t *answers,
                                    struct ofa_error *err)
{
	struct cli_device_model d = {0};
	struct cli_device_result result;
	struct ofa_package_summary summary = {0};
	struct package_figures figures;
	struct ofa_dataset data = {0};
	enum ofa_status st;

	if (o->arch || o->sliced)
		return ofa_fail(err, OFA_ERR_INVALID, o->arch ? "--arch" : "--sliced",
		                "%s is a package, its arch and batch norm are fixed; give the network", o->file);
	st = cli_device_open(o->file, &d, err);
	if (st == OFA_OK)
		st = ofa_package_read(d.map.data, d.map.size, &summary, err);
	if (st == OFA_OK)
		st = cli_load_split(o->data, o->split, NULL, &data, err);
	if (st == OFA_OK)
		st = check_data(o, &data, (int)d.model.channels, (int)d.model.classes, err);
	if (st == OFA_OK)
		st = cli_device_evaluate(&d, &data, image_count(o, &data), pool, &result, err);
	if (st == OFA_OK)
		st = cli_time_runs(&d, LATENCY_MS, &figures.latency, err);
	if (st == OFA_OK) {
		figures.dtype = summary.dtype;
		figures.bytes = d.model.size;
		figures.arena_bytes = d.model.arena_bytes;
		figures.images_per_second = result.images_per_second;
		st = report(o, NULL, result.accuracy, image_count(o, &data), &figures, answers, err);
	}
	ofa_dataset_release(&data);
	ofa_package_summary_release(&summary);
	cli_device_close(&d);
	return st;
}

static enum ofa_status eval(struct eval_options *o, struct ofa_error *err)
{
	json_t *answers = json_array();
	struct ofa_pool *pool = NULL;
	bool is_package = false;
	enum ofa_status st = cli_split_parse(o->split_name, &o->split, err);

	if (st == OFA_OK)
		st = cli_is_package(o->file, &is_package, err);
	if (st == OFA_OK)
		st = cli_new_pool(o->threads, &pool, err);
	o->used_threads = ofa_pool_size(pool);
	if (st == OFA_OK)
		st = is_package ? eval_package(o, pool, answers, err) : eval_network(o, pool, answers, err);
	if (st == OFA_OK && o->json)
		st = cli_print_one_or_all(answers, err);
	json_decref(answers);
	ofa_pool_free(pool);
	return st;
}

int cmd_eval(int argc, char **argv)
{
	struct eval_options o = {.split_name = "test"};
	const struct opt options[] = {
		{.name = "data", .kind = OPT_TEXT, .required = true, .value = "DIR", .to.text = &o.data,
		 .help = "IDX files (MNIST, Fashion-MNIST) or CIFAR-10's binary batches"},
		{.name = "arch", .kind = OPT_TEXT, .value = "FILE", .to.text = &o.arch,
		 .help = "which subnets of NET (default: the largest)"},
		{.name = "split", .kind = OPT_TEXT, .value = "NAME", .to.text = &o.split_name,
		 .help = "test (default) or holdout, the images that training left out"},
		{.name = "limit-images", .kind = OPT_INT, .value = "N", .to.integer = &o.limit_images,
		 .min = 1, .max = 1e9, .help = "only the first N images"},
		{.name = "sliced", .kind = OPT_FLAG, .to.flag = &o.sliced,
		 .help = "use NET's stored running statistics as they are"},
		CLI_OPT_THREADS(o.threads),
		{.name = "json", .kind = OPT_FLAG, .to.flag = &o.json,
		 .help = "answer {\"accuracy\":0.93,\"images\":N,..}; an array of them for several archs"},
	};
	const struct opt_spec spec = {
		.command = "eval", .operands = "NET|PACKAGE", .n_operands = 1,
		.about = "Classifies a data set and tells how many images were right: subnets of a network by the\n"
		         "engine, after batch norm recalibration on its calibration images; a package, of any type,\n"
		         "by the device runtime, with its memory and the time that one image takes on one thread.\n"
		         "Images of another size are resized, by the same filter for both: a float32 package is as\n"
		         "good as its subnet, and what float16 or int8 cost is the difference.\n",
		.examples = "  ofa eval best.ofa --data /usr/share/datasets/fashion-mnist\n"
		            "  ofa eval tiny-int8.ofa --data /usr/share/datasets/fashion-mnist --json\n"
		            "  ofa eval fashion.safetensors --arch best.json --data /usr/share/datasets/fashion-mnist\n"
		            "  ofa eval fashion.safetensors --split holdout --limit-images 2000 --data DIR --json\n",
		.options = options, .n_options = OFA_ARRAY_LEN(options),
	};
	const char *operand[OPT_MAX_OPERANDS];
	struct ofa_error err = {0};
	int rc;

	if (!opt_parse(&spec, argc, argv, operand, &rc))
		return rc;
	o.file = operand[0];
	return cli_finish(spec.command, o.json, eval(&o, &err), &err);
}
