/* ofa search: the subnet with the best predicted accuracy under limits. */
#include <math.h>
#include <stdio.h>

#include "assess.h"
#include "commands.h"
#include "files.h"
#include "output.h"
#include "search/search.h"

struct search_options {
	const char *network, *profile, *dtype;
	struct opt_list limits;
	uint64_t seed;
	int evaluations;
	bool json;
};

static void tell_feasible(const struct ofa_feasible *f)
{
	for (int r = 0; r < OFA_RESOURCE_COUNT; r++)
		if (f->known[r])
			fprintf(stderr, "ofa: search: feasible %s: %.6g to %.6g\n", ofa_resource_name(r), f->min[r],
				f->max[r]);
}

static enum ofa_status print_result(const struct search_options *o, const struct cli_assessor *a,
				    const struct ofa_search_result *r, struct ofa_error *err)
{
	struct cli_figures f;
	json_t *answer;

	cli_assess(a, &r->arch, &f);
	if (!o->json) {
		cli_figures_print(&a->net->space, &r->arch, &f);
		printf("  found in            %.1f ms, %d evaluations, seed %llu\n", 1e3 * r->seconds, r->evaluations,
		       (unsigned long long)o->seed);
		return OFA_OK;
	}
	answer = cli_figures_json(&a->net->space, &r->arch, &f);
	if (!answer || json_object_set_new(answer, "evaluations", json_integer(r->evaluations)) != 0 ||
	    json_object_set_new(answer, "seconds", json_real(r->seconds)) != 0 ||
	    json_object_set_new(answer, "seed", json_integer((json_int_t)o->seed)) != 0) {
		json_decref(answer);
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	}
	return cli_print_json(answer, err);
}

/* *ret_feasible is set when the limits are infeasible. */
static enum ofa_status run_search(const struct search_options *o, const struct cli_assessor *a, json_t **ret_feasible,
				  struct ofa_error *err)
{
	struct ofa_search_options options = {.seed = o->seed, .evaluations = o->evaluations};
	struct ofa_search_problem *problem;
	struct ofa_search_result result;
	struct ofa_feasible feasible;
	enum ofa_status st = cli_gather_limits(a, &o->limits, &options.limits, err);

	if (st == OFA_OK)
		st = cli_assessor_problem(a, &problem, err);
	if (st != OFA_OK)
		return st;
	st = ofa_search_run(problem, &options, &result, &feasible, err);
	if (st == OFA_ERR_INFEASIBLE) {
		tell_feasible(&feasible);
		*ret_feasible = ofa_feasible_format(&feasible);
	}
	ofa_search_problem_free(problem);
	return st == OFA_OK ? print_result(o, a, &result, err) : st;
}

static enum ofa_status search(const struct search_options *o, json_t **ret_feasible, struct ofa_error *err)
{
	struct ofa_supernet *net = NULL;
	struct cli_assessor assessor = {0};
	enum ofa_status st = cli_assessor_open(o->network, o->profile, o->dtype, &net, &assessor, err);

	if (st == OFA_OK)
		st = run_search(o, &assessor, ret_feasible, err);
	cli_assessor_release(&assessor);
	ofa_supernet_free(net);
	return st;
}

int cmd_search(int argc, char **argv)
{
	struct search_options o = {.dtype = "float32"};
	const struct opt options[] = {
		{.name = "limit",
		 .kind = OPT_LIST,
		 .value = "NAME=VALUE",
		 .to.list = &o.limits,
		 .help = "latency_ms, macs, peak_memory_bytes or storage_bytes; repeatable"},
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
		.command = "search",
		.operands = "NET",
		.n_operands = 1,
		.about = "Finds the subnet with the best predicted accuracy that keeps every limit.  Limits that no\n"
			 "subnet keeps end at once with the feasible range of each resource.  The answer's arch goes\n"
			 "to `ofa pack`.\n",
		.examples = "  ofa search fashion.safetensors --limit macs=2000000 --json > best.json\n"
			    "  ofa search fashion.safetensors --dtype int8 --limit peak_memory_bytes=16000\n"
			    "  ofa search fashion.safetensors --profile laptop.json --limit latency_ms=0.5\n"
			    "  ofa pack fashion.safetensors --arch best.json -o best.ofa\n",
		.options = options,
		.n_options = OFA_ARRAY_LEN(options),
	};
	const char *operand[OPT_MAX_OPERANDS];
	struct ofa_error err = {0};
	json_t *feasible = NULL;
	enum ofa_status st;
	int rc;

	if (!opt_parse(&spec, argc, argv, operand, &rc))
		return rc;
	o.network = operand[0];
	st = search(&o, &feasible, &err);
	return cli_finish_feasible(spec.command, o.json, st, &err, feasible);
}
