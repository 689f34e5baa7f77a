/* ofa predict: accuracy, costs and latency of given archs, without building them. */
#include <math.h>
#include <stdio.h>

#include "assess.h"
#include "commands.h"
#include "files.h"
#include "output.h"

struct predict_options {
	const char *network, *archs, *profile, *dtype;
	bool json;
};

static enum ofa_status print_json(const struct cli_assessor *a, const struct cli_archs *archs, struct ofa_error *err)
{
	json_t *answer = json_array();

	for (int i = 0; i < archs->n; i++) {
		struct cli_figures f;
		cli_assess(a, &archs->list[i], &f);
		if (json_array_append_new(answer, cli_figures_json(&a->net->space, &archs->list[i], &f)) != 0) {
			json_decref(answer);
			return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory after %d archs", i);
		}
	}
	return cli_print_json(answer, err);
}

static void print_table(const struct cli_assessor *a, const struct cli_archs *archs)
{
	printf("%5s %5s %10s %10s %10s %10s %10s %11s\n", "arch", "size", "accuracy %", "MACs", "params", "package B",
	       "memory B", "latency ms");
	for (int i = 0; i < archs->n; i++) {
		char macs[CLI_SHORT_MAX], params[CLI_SHORT_MAX], storage[CLI_SHORT_MAX], memory[CLI_SHORT_MAX];
		struct cli_figures f;
		cli_assess(a, &archs->list[i], &f);
		printf("%5d %5d %10.2f %10s %10s %10s %10s %11.4f\n", i, archs->list[i].image_size, 100 * f.accuracy,
		       cli_short_count((double)f.costs.macs, macs), cli_short_count((double)f.costs.params, params),
		       cli_short_count((double)f.costs.storage_bytes, storage),
		       cli_short_count((double)f.costs.peak_memory_bytes, memory), f.latency_ms);
	}
	if (!a->has_predictor)
		printf("accuracy unknown: the network holds no predictor; `ofa predictor fit` makes one\n");
	else if (a->precision != OFA_FLOAT32 && !a->predictor.promises[a->precision].model)
		printf("accuracy unknown: nothing was measured of %s; `ofa predictor fit --dtype %s` does\n",
		       ofa_precision_name(a->precision), ofa_precision_name(a->precision));
	if (!a->latency)
		printf("latency unknown: no latency table of %s packages; `ofa measure` makes one for this machine\n",
		       ofa_precision_name(a->precision));
}

static enum ofa_status predict(const struct predict_options *o, struct ofa_error *err)
{
	struct ofa_supernet *net = NULL;
	struct cli_assessor assessor = {0};
	struct cli_archs archs = {0};
	enum ofa_status st = cli_assessor_open(o->network, o->profile, o->dtype, &net, &assessor, err);

	if (st == OFA_OK)
		st = cli_load_archs(&net->space, o->archs, &archs, err);
	if (st == OFA_OK && o->json)
		st = print_json(&assessor, &archs, err);
	else if (st == OFA_OK)
		print_table(&assessor, &archs);
	cli_archs_release(&archs);
	cli_assessor_release(&assessor);
	ofa_supernet_free(net);
	return st;
}

int cmd_predict(int argc, char **argv)
{
	struct predict_options o = {.dtype = "float32"};
	const struct opt options[] = {
		{.name = "archs", .kind = OPT_TEXT, .required = true, .value = "FILE", .to.text = &o.archs,
		 .help = "a JSON arch or an array of them"},
		{.name = "profile", .kind = OPT_TEXT, .value = "FILE", .to.text = &o.profile,
		 .help = "device profile with a latency table"},
		{.name = "dtype", .kind = OPT_TEXT, .value = "TYPE", .to.text = &o.dtype,
		 .help = OFA_PRECISION_CHOICES ": of the packages (default float32)"},
		{.name = "json", .kind = OPT_FLAG, .to.flag = &o.json, .help = "answer a JSON array"},
	};
	const struct opt_spec spec = {
		.command = "predict", .operands = "NET", .n_operands = 1,
		.about = "Tells the accuracy that the network's predictor promises for each arch, its MACs,\n"
		         "parameters, package size and memory, and with a profile its latency on that device, all of\n"
		         "a package of the given type.  Builds nothing.\n",
		.examples = "  echo '{\"ks\":[..],\"e\":[..],\"d\":[..],\"image_size\":28}' > arch.json\n"
		            "  ofa predict fashion.safetensors --archs arch.json\n"
		            "  ofa predict fashion.safetensors --archs arch.json --profile laptop.json --json\n",
		.options = options, .n_options = OFA_ARRAY_LEN(options),
	};
	const char *operand[OPT_MAX_OPERANDS];
	struct ofa_error err = {0};
	int rc;

	if (!opt_parse(&spec, argc, argv, operand, &rc))
		return rc;
	o.network = operand[0];
	return cli_finish(spec.command, o.json, predict(&o, &err), &err);
}
