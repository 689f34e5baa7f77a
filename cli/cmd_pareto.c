/* ofa pareto: the front of predicted accuracy over one resource. */
#include <math.h>
#include <stdio.h>

#include "assess.h"
#include "commands.h"
#include "files.h"
#include "output.h"
#include "search/front.h"

struct pareto_options {
	const char *network, *profile, *metric, *dtype;
	struct opt_list limits;
	uint64_t seed;
	int points, evaluations;
	double min, max;
	bool json;
};

static enum ofa_status gather(const struct pareto_options *o, const struct cli_assessor *a,
			      struct ofa_front_options *ret, struct ofa_error *err)
{
	int metric = ofa_resource_find(o->metric ? o->metric : "");
	enum ofa_status st;

	if (metric < 0)
		return ofa_fail(err, OFA_ERR_INVALID, "--metric",
				"\"%.64s\" is no resource; latency_ms, macs, peak_memory_bytes and storage_bytes are "
				"accepted",
				o->metric ? o->metric : "");
	*ret = (struct ofa_front_options){
		.metric = (enum ofa_resource)metric,
		.points = o->points,
		.min = o->min,
		.max = o->max,
		.seed = o->seed,
		.evaluations = o->evaluations,
	};
	st = metric == OFA_LATENCY_MS ? cli_require_latency(a, "--metric", err) : OFA_OK;
	return st == OFA_OK ? cli_gather_limits(a, &o->limits, &ret->limits, err) : st;
}

static void print_point(const struct ofa_front_point *p)
{
	char accuracy[CLI_SHORT_MAX] = "-";
	char macs[CLI_SHORT_MAX], memory[CLI_SHORT_MAX], storage[CLI_SHORT_MAX], latency[CLI_SHORT_MAX] = "-";

	if (isfinite(p->value[OFA_LATENCY_MS]))
		snprintf(latency, sizeof latency, "%.3f", p->value[OFA_LATENCY_MS]);
	if (isfinite(p->predicted_accuracy))
		snprintf(accuracy, sizeof accuracy, "%.2f", 100 * p->predicted_accuracy);
	printf("%10s  %10s  %8s  %9sB  %8sB  %10d\n", accuracy, latency,
	       cli_short_count(p->value[OFA_MACS], macs), cli_short_count(p->value[OFA_PEAK_MEMORY_BYTES], memory),
	       cli_short_count(p->value[OFA_STORAGE_BYTES], storage), p->arch.image_size);
}

static enum ofa_status print_front(const struct pareto_options *o, const struct ofa_search_problem *p,
				   const struct ofa_front *f, struct ofa_error *err)
{
	if (o->json)
		return cli_print_json(ofa_front_format(p, f), err);
	printf("accuracy %%  latency ms      MACs  peak memory   package  image size\n");
	for (size_t i = 0; i < f->n; i++)
		print_point(&f->points[i]);
	return OFA_OK;
}

static enum ofa_status run(const struct pareto_options *o, const struct cli_assessor *a, struct ofa_error *err)
{
	struct ofa_search_problem *problem = NULL;
	struct ofa_front_options options;
	struct ofa_front front = {0};
	enum ofa_status st;

	st = gather(o, a, &options, err);
	if (st == OFA_OK)
		st = cli_assessor_problem(a, &problem, err);
	if (st == OFA_OK)
		st = ofa_front_run(problem, &options, &front, err);
	if (st == OFA_OK)
		st = print_front(o, problem, &front, err);
	ofa_front_release(&front);
	ofa_search_problem_free(problem);
	return st;
}

static enum ofa_status pareto(const struct pareto_options *o, struct ofa_error *err)
{
	struct ofa_supernet *net = NULL;
	struct cli_assessor assessor = {0};
	enum ofa_status st = cli_assessor_open(o->network, o->profile, o->dtype, &net, &assessor, err);

	if (st == OFA_OK)
		st = run(o, &assessor, err);
	cli_assessor_release(&assessor);
	ofa_supernet_free(net);
	return st;
}

int cmd_pareto(int argc, char **argv)
{
	struct pareto_options o = {.dtype = "float32"};
	const struct opt options[] = {
		{.name = "metric",
		 .kind = OPT_TEXT,
		 .value = "NAME",
		 .to.text = &o.metric,
		 .help = "latency_ms, macs, peak_memory_bytes or storage_bytes"},
		{.name = "profile",
		 .kind = OPT_TEXT,
		 .value = "FILE",
		 .to.text = &o.profile,
		 .help = "device profile: its latency table and limits"},
		{.name = "dtype",
		 .kind = OPT_TEXT,
		 .value = "TYPE",
		 .to.text = &o.dtype,
		 .help = OFA_PRECISION_CHOICES ": of the packages (default float32)"},
		{.name = "limit",
		 .kind = OPT_LIST,
		 .value = "NAME=VALUE",
		 .to.list = &o.limits,
		 .help = "kept by every point; names as for --metric; repeatable"},
		{.name = "points",
		 .kind = OPT_INT,
		 .value = "N",
		 .to.integer = &o.points,
		 .min = 0,
		 .max = OFA_FRONT_MAX_POINTS,
		 .help = "limits on the metric that are tried (default 64)"},
		{.name = "min",
		 .kind = OPT_NUMBER,
		 .value = "VALUE",
		 .to.number = &o.min,
		 .help = "the first of them (default 0: the least a subnet can have)"},
		{.name = "max",
		 .kind = OPT_NUMBER,
		 .value = "VALUE",
		 .to.number = &o.max,
		 .help = "the last of them (default 0: the most)"},
		{.name = "seed",
		 .kind = OPT_U64,
		 .value = "N",
		 .to.u64 = &o.seed,
		 .help = "same seed, same answer (default 0)"},
		{.name = "evaluations",
		 .kind = OPT_INT,
		 .value = "N",
		 .to.integer = &o.evaluations,
		 .min = 0,
		 .max = OFA_SEARCH_MAX_EVALUATIONS,
		 .help = "budget of predictor evaluations (default 0: the engine's)"},
		{.name = "json", .kind = OPT_FLAG, .to.flag = &o.json, .help = "answer a JSON object"},
	};
	const struct opt_spec spec = {
		.command = "pareto",
		.operands = "NET",
		.n_operands = 1,
		.about = "Finds the subnets that no other one beats in both predicted accuracy and one resource,\n"
			 "ascending, each with its arch and all its costs.  --json: {\"metric\", \"points\":[..]}.\n",
		.examples = "  ofa pareto fashion.safetensors --metric macs\n"
			    "  ofa pareto fashion.safetensors --metric latency_ms --profile laptop.json --json\n"
			    "  ofa pareto fashion.safetensors --metric macs --limit peak_memory_bytes=60000\n",
		.options = options,
		.n_options = OFA_ARRAY_LEN(options),
	};
	const char *operand[OPT_MAX_OPERANDS];
	struct ofa_error err = {0};
	int rc;

	if (!opt_parse(&spec, argc, argv, operand, &rc))
		return rc;
	o.network = operand[0];
	return cli_finish(spec.command, o.json, pareto(&o, &err), &err);
}
