#include "assess.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "files.h"
#include "network.h"
#include "output.h"
#include "pack/pack.h"

static enum ofa_status open_predictor(struct cli_assessor *a, struct ofa_error *err)
{
	struct ofa_error why = {0};
	enum ofa_status st = ofa_predictor_load(a->net, &a->predictor, &why);

	if (st == OFA_ERR_NOT_FOUND)
		return OFA_OK;
	if (st != OFA_OK)
		return ofa_fail(err, st, why.field, "%s", why.message);
	a->has_predictor = true;
	a->workspace = malloc(ofa_predictor_workspace(&a->predictor, 1) * sizeof *a->workspace);
	return a->workspace ? OFA_OK : ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory for the predictor");
}

static enum ofa_status open_profile(struct cli_assessor *a, const char *path, struct ofa_error *err)
{
	enum ofa_status st = cli_load_profile(path, &a->profile, err);

	if (st != OFA_OK)
		return st;
	a->has_profile = true;
	if (!a->profile.has_table || a->profile.table.precision != a->precision)
		return OFA_OK;
	st = ofa_latency_model_new(&a->net->space, &a->net->params, &a->profile.table, &a->latency, err);
	if (st != OFA_OK)
		ofa_error_prefix(err, "%s", path);
	return st;
}

enum ofa_status cli_assessor_init(const struct ofa_supernet *net, const char *profile_path,
                                  enum ofa_precision precision, struct cli_assessor *ret, struct ofa_error *err)
{
	struct cli_assessor a = {.net = net, .precision = precision};
	enum ofa_status st = open_predictor(&a, err);

	if (st == OFA_OK && profile_path)
		st = open_profile(&a, profile_path, err);
	if (st == OFA_OK)
		*ret = a;
	else
		cli_assessor_release(&a);
	return st;
}

enum ofa_status cli_assessor_open(const char *network_path, const char *profile_path, const char *dtype,
                                  struct ofa_supernet **ret_net, struct cli_assessor *ret, struct ofa_error *err)
{
	struct ofa_supernet *net = NULL;
	enum ofa_precision precision;
	enum ofa_status st = cli_parse_dtype(dtype, &precision, err);

	if (st == OFA_OK)
		st = cli_open_network(network_path, &net, err);
	if (st == OFA_OK)
		st = cli_assessor_init(net, profile_path, precision, ret, err);
	if (st == OFA_OK)
		*ret_net = net;
	else
		ofa_supernet_free(net);
	return st;
}

enum ofa_status cli_assessor_problem(const struct cli_assessor *a, struct ofa_search_problem **ret,
                                     struct ofa_error *err)
{
	if (!a->has_predictor)
		return ofa_fail(err, OFA_ERR_NOT_FOUND, a->net->path,
				"holds no accuracy predictor to search with; `ofa predictor fit` makes one");
	return ofa_search_problem_new(a->net, &a->predictor, a->latency, a->precision, ret, err);
}

void cli_assessor_release(struct cli_assessor *a)
{
	free(a->workspace);
	ofa_latency_model_free(a->latency);
	if (a->has_profile)
		ofa_profile_release(&a->profile);
	if (a->has_predictor)
		ofa_predictor_release(&a->predictor);
	*a = (struct cli_assessor){0};
}

enum ofa_status cli_require_latency(const struct cli_assessor *a, const char *option, struct ofa_error *err)
{
	if (a->latency)
		return OFA_OK;
	if (a->has_profile && a->profile.has_table)
		return ofa_fail(err, OFA_ERR_INVALID, option,
		                "the latency table of profile %s is of %s packages and predicts no latency_ms of %s: "
		                "measure that with `ofa measure --dtype %s`, or ask with --dtype %s",
		                a->profile.name, ofa_precision_name(a->profile.table.precision),
		                ofa_precision_name(a->precision), ofa_precision_name(a->precision),
		                ofa_precision_name(a->profile.table.precision));
	return ofa_fail(err, OFA_ERR_INVALID, option,
			"latency_ms needs --profile with a latency table; `ofa measure %s -o FILE` makes one",
			a->net->path);
}

enum ofa_status cli_gather_limits(const struct cli_assessor *a, const struct opt_list *items, struct ofa_limits *ret,
                                  struct ofa_error *err)
{
	enum ofa_status st = cli_parse_limits(items, ret, err);

	if (st != OFA_OK)
		return st;
	if (a->has_profile)
		ofa_limits_merge(ret, &a->profile.limits);
	return isfinite(ret->max[OFA_LATENCY_MS]) ? cli_require_latency(a, "--limit", err) : OFA_OK;
}

void cli_assess(const struct cli_assessor *a, const struct ofa_arch *arch, struct cli_figures *ret)
{
	const struct ofa_supernet *net = a->net;
	struct ofa_memory_plan memory;
	struct ofa_plan plan;
	float accuracy = NAN;

	ofa_plan_init(&net->space, &net->params, arch, &plan);
	ofa_memory_plan_init(&plan, a->precision, &memory);
	if (a->has_predictor && ofa_predictor_has_resolution(&a->predictor, arch->image_size))
		ofa_predictor_predict(&net->space, &a->predictor, arch, 1, a->workspace, &accuracy);
	*ret = (struct cli_figures){
		.precision = a->precision,
		.accuracy = ofa_predictor_promise(&a->predictor, a->precision, (double)accuracy),
		.latency_ms = a->latency ? ofa_latency_ms(a->latency, arch) : NAN,
		.costs = {.macs = ofa_plan_macs(&plan),
		          .params = ofa_plan_params(&plan),
		          .storage_bytes = ofa_pack_size(net, &plan, a->precision),
		          .peak_memory_bytes = memory.arena_bytes,
		          .peak_activation_int8_bytes = ofa_plan_peak_activation_int8(&plan)},
	};
}

json_t *cli_figures_json(const struct ofa_space *s, const struct ofa_arch *arch, const struct cli_figures *f)
{
	const struct ofa_costs *c = &f->costs;

	return json_pack("{s:o,s:s,s:o,s:I,s:I,s:I,s:I,s:I,s:o}", "arch", ofa_arch_format(s, arch), "dtype",
	                 ofa_precision_name(f->precision), "predicted_accuracy", cli_number(f->accuracy), "macs",
	                 (json_int_t)c->macs, "params", (json_int_t)c->params, "storage_bytes",
	                 (json_int_t)c->storage_bytes, "peak_memory_bytes", (json_int_t)c->peak_memory_bytes,
	                 "peak_activation_int8_bytes", (json_int_t)c->peak_activation_int8_bytes, "latency_ms",
	                 cli_number(f->latency_ms));
}

void cli_figures_print(const struct ofa_space *s, const struct ofa_arch *arch, const struct cli_figures *f)
{
	char text[1024], macs[CLI_SHORT_MAX], params[CLI_SHORT_MAX], storage[CLI_SHORT_MAX], memory[CLI_SHORT_MAX];

	ofa_arch_snprint(s, arch, text, sizeof text);
	printf("  arch                %s\n", text);
	if (isfinite(f->accuracy))
		printf("  predicted accuracy  %.2f %%\n", 100 * f->accuracy);
	else if (f->precision != OFA_FLOAT32)
		printf("  predicted accuracy  unknown; `ofa predictor fit --dtype %s` measures it\n",
		       ofa_precision_name(f->precision));
	printf("  MACs                %s\n", cli_short_count((double)f->costs.macs, macs));
	printf("  parameters          %s\n", cli_short_count((double)f->costs.params, params));
	printf("  package             %sB\n", cli_short_count((double)f->costs.storage_bytes, storage));
	printf("  peak memory         %sB\n", cli_short_count((double)f->costs.peak_memory_bytes, memory));
	if (isfinite(f->latency_ms))
		printf("  latency             %.3f ms\n", f->latency_ms);
}
