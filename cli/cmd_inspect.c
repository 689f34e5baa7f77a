/* ofa inspect: what a network or a package file holds. */
#include <stdio.h>
#include <stdlib.h>

#include "assess.h"
#include "base/sha256.h"
#include "card.h"
#include "commands.h"
#include "device_model.h"
#include "network.h"
#include "output.h"
#include "pack/pack.h"
#include "search/search.h"

#define COUNT_DIGITS 512

struct inspect_options {
	const char *file, *profile;
	bool json;
};

/* JSON text stored under a metadata key, or null. */
static json_t *metadata_object(const struct ofa_supernet *net, const char *key)
{
	const char *text = ofa_safetensors_meta(&net->file, key);
	json_t *value = text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;

	return value ? value : json_null();
}

static json_t *metadata_text(const struct ofa_supernet *net, const char *key)
{
	const char *text = ofa_safetensors_meta(&net->file, key);

	return text ? json_string(text) : json_null();
}

static json_t *class_names(const struct ofa_supernet *net)
{
	json_t *names;

	if (!net->classes)
		return json_null();
	names = json_array();
	for (int i = 0; i < net->space.classes; i++)
		if (json_array_append_new(names, json_string(net->classes[i])) != 0)
			break;
	return names;
}

static json_t *figures_of(const struct cli_assessor *a, void (*pick)(const struct ofa_space *, struct ofa_arch *))
{
	struct ofa_arch arch;
	struct cli_figures f;

	pick(&a->net->space, &arch);
	cli_assess(a, &arch, &f);
	return cli_figures_json(&a->net->space, &arch, &f);
}

/* The range of each resource over all searchable subnets, or null without a predictor. */
static json_t *feasible_ranges(const struct cli_assessor *a)
{
	struct ofa_search_problem *problem;
	struct ofa_feasible feasible;

	if (!a->has_predictor ||
	    ofa_search_problem_new(a->net, &a->predictor, a->latency, OFA_FLOAT32, &problem, NULL) != OFA_OK)
		return json_null();
	ofa_search_feasible(problem, &feasible);
	ofa_search_problem_free(problem);
	return ofa_feasible_format(&feasible);
}

static json_t *network_json(const struct cli_assessor *a, const struct cli_card *card, const char *count,
                            const char *sha256)
{
	const struct ofa_supernet *net = a->net;
	size_t parameters = 0;

	for (int i = 0; i < net->params.n; i++)
		parameters += net->params.list[i].elements;
	return json_pack("{s:s,s:s,s:I,s:s,s:o,s:s,s:I,s:o,s:i,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "kind", "network",
	                 "name", net->name, "size_bytes", (json_int_t)net->file.map.size, "sha256", sha256, "space",
	                 ofa_space_format(&net->space), "subnets_per_resolution", count, "parameters",
	                 (json_int_t)parameters, "classes", class_names(net), "calibration_images", net->calibration.n,
	                 "smallest", figures_of(a, ofa_arch_smallest), "largest", figures_of(a, ofa_arch_largest),
	                 "feasible", feasible_ranges(a), "predictor", metadata_object(net, "ofa.predictor"), "lineage",
	                 metadata_object(net, "ofa.lineage"), "license", metadata_text(net, "ofa.license"), "history",
	                 cli_card_history(card), "references", cli_card_references(card));
}

static void print_network(const struct cli_assessor *a, const struct cli_card *card, const char *count)
{
	const struct ofa_supernet *net = a->net;
	struct ofa_arch arch;
	struct cli_figures f;

	printf("network %s: %d classes, %d channels, %s subnets at each of %d resolutions (", net->name,
	       net->space.classes, net->space.input_channels, count, net->space.n_resolutions);
	for (int i = 0; i < net->space.n_resolutions; i++)
		printf("%s%d", i ? " " : "", net->space.resolutions[i]);
	printf(")\n%d calibration images, %s accuracy predictor\n", net->calibration.n,
	       a->has_predictor ? "an" : "no");
	cli_card_summarise(card);
	printf("smallest:\n");
	ofa_arch_smallest(&net->space, &arch);
	cli_assess(a, &arch, &f);
	cli_figures_print(&net->space, &arch, &f);
	printf("largest:\n");
	ofa_arch_largest(&net->space, &arch);
	cli_assess(a, &arch, &f);
	cli_figures_print(&net->space, &arch, &f);
}

static enum ofa_status inspect_network(const struct inspect_options *o, struct ofa_error *err)
{
	char count[COUNT_DIGITS], hex[2 * OFA_SHA256_BYTES + 1];
	struct cli_assessor assessor = {0};
	struct ofa_supernet *net = NULL;
	struct cli_card card = {0};
	enum ofa_status st = cli_open_network(o->file, &net, err);

	if (st == OFA_OK)
		st = cli_card_load(net, &card, err);
	if (st == OFA_OK)
		st = cli_assessor_init(net, o->profile, OFA_FLOAT32, &assessor, err);
	if (st == OFA_OK) {
		ofa_space_count(&net->space, count, sizeof count);
		ofa_hex(net->sha256, sizeof net->sha256, hex);
		if (o->json)
			st = cli_print_json(network_json(&assessor, &card, count, hex), err);
		else
			print_network(&assessor, &card, count);
	}
	cli_assessor_release(&assessor);
	cli_card_release(&card);
	ofa_supernet_free(net);
	return st;
}

/* How many times less memory the package needs than its operations one after another would, if it says so. */
static enum ofa_status add_factor(json_t *answer)
{
	const json_t *layers = json_object_get(answer, "layers_memory_bytes");
	const double peak = json_number_value(json_object_get(answer, "peak_memory_bytes"));

	if (!json_is_integer(layers) || peak <= 0)
		return OFA_OK;
	return json_object_set_new(answer, "layers_memory_factor", json_real(json_number_value(layers) / peak)) == 0
	               ? OFA_OK
	               : OFA_ERR_NOMEM;
}

/* The package's own metadata with the figures that its header holds put over it. */
static json_t *package_json(const struct ofa_package_summary *s)
{
	char hex[2 * OFA_SHA256_BYTES + 1];
	json_t *answer = json_deep_copy(s->meta), *facts;

	ofa_hex(s->sha256, sizeof s->sha256, hex);
	facts = json_pack("{s:s,s:s,s:I,s:I,s:I,s:I,s:i,s:i,s:s}", "kind", "package", "dtype", s->dtype, "macs",
	                  (json_int_t)s->macs, "params", (json_int_t)s->params, "storage_bytes",
	                  (json_int_t)s->size_bytes, "peak_memory_bytes", (json_int_t)s->arena_bytes, "image_size",
	                  s->image_size, "channels", s->channels, "sha256", hex);
	if (!answer || !facts || json_object_update(answer, facts) != 0 || add_factor(answer) != OFA_OK) {
		json_decref(answer);
		answer = NULL;
	}
	json_decref(facts);
	return answer;
}

static enum ofa_status print_package(const struct ofa_package_summary *s, struct ofa_error *err)
{
	json_t *answer = package_json(s), *value;
	const char *key;

	if (!answer)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	json_object_foreach (answer, key, value) {
		char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(6));
		printf("  %-20s %s\n", key, text ? text : "");
		free(text);
	}
	json_decref(answer);
	return OFA_OK;
}

static enum ofa_status self_test(const struct ofa_map *map, struct ofa_error *err)
{
	struct cli_device_model d;
	enum ofa_status st = cli_device_load(map->data, map->size, &d, err);

	if (st == OFA_OK)
		cli_device_close(&d);
	return st;
}

static enum ofa_status inspect_package(const struct inspect_options *o, struct ofa_error *err)
{
	struct ofa_package_summary summary = {0};
	struct ofa_map map;
	enum ofa_status st = ofa_map_open(o->file, &map, err);

	if (st != OFA_OK)
		return st;
	st = ofa_package_read(map.data, map.size, &summary, err);
	if (st == OFA_OK)
		st = self_test(&map, err);
	if (st != OFA_OK)
		ofa_error_prefix(err, "%s", o->file);
	else
		st = o->json ? cli_print_json(package_json(&summary), err) : print_package(&summary, err);
	ofa_package_summary_release(&summary);
	ofa_map_close(&map);
	return st;
}

static enum ofa_status inspect(const struct inspect_options *o, struct ofa_error *err)
{
	bool is_package;
	enum ofa_status st = cli_is_package(o->file, &is_package, err);

	if (st != OFA_OK)
		return st;
	return is_package ? inspect_package(o, err) : inspect_network(o, err);
}

int cmd_inspect(int argc, char **argv)
{
	struct inspect_options o = {0};
	const struct opt options[] = {
		{.name = "profile", .kind = OPT_TEXT, .value = "FILE", .to.text = &o.profile,
		 .help = "of a network: latencies and their range on this device too"},
		{.name = "json", .kind = OPT_FLAG, .to.flag = &o.json, .help = "answer a JSON object"},
	};
	const struct opt_spec spec = {
		.command = "inspect", .operands = "FILE", .n_operands = 1,
		.about = "Tells what a network file (space, subnets, predictor, lineage) or a package file (arch,\n"
		         "sizes, predictions) holds.  A package is checked in full: structure, hashes, self-test.\n"
		         "Of an int8 package layers_memory_bytes is what it would need if no operations ran in turns,\n"
		         "row by row, and layers_memory_factor how many times less its peak_memory_bytes is.\n",
		.examples = "  ofa inspect models/fashion/fashion.safetensors\n"
		            "  ofa inspect fashion.safetensors --profile laptop.json --json\n"
		            "  ofa inspect best.ofa --json\n",
		.options = options, .n_options = OFA_ARRAY_LEN(options),
	};
	const char *operand[OPT_MAX_OPERANDS];
	struct ofa_error err = {0};
	int rc;

	if (!opt_parse(&spec, argc, argv, operand, &rc))
		return rc;
	o.file = operand[0];
	return cli_finish(spec.command, o.json, inspect(&o, &err), &err);
}
