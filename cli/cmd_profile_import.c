/* ofa profile import: published latency tables, brought into a device profile. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "commands.h"
#include "cost/coverage.h"
#include "files.h"
#include "network.h"
#include "output.h"
#include "tables.h"

struct import_options {
	const char *paths[OPT_MAX_OPERANDS];
	int n_paths;
	const char *name, *out, *unit, *dtype, *network;
	bool json;
};

static const char *const expand_meaning[OFA_TABLE_DIALECT_COUNT] = {
	[OFA_TABLE_PROFILE] = "a device profile",
	[OFA_TABLE_MBV3] = "expand = middle channels",
	[OFA_TABLE_PROXYLESS] = "expand = ratio, the pool included in Logits",
	[OFA_TABLE_MBCONV] = "expand = ratio, the pool included in final_expand_layer",
};

/* ---- against a network ---- */

static json_t *keys_json(const struct ofa_coverage_keys *keys)
{
	json_t *list = json_array();

	for (size_t i = 0; i < keys->n && i < OFA_COVERAGE_NAMED; i++)
		json_array_append_new(list, json_pack("{s:i, s:s}", "resolution", keys->first[i].resolution, "key",
		                                      keys->first[i].key));
	return json_pack("{s:I, s:o}", "count", (json_int_t)keys->n, "first", list);
}

static json_t *coverage_json(const char *network, const struct ofa_coverage *c)
{
	json_t *complete = json_array(), *incomplete = json_array(), *foreign = json_array();

	for (int i = 0; i < c->n_rows; i++) {
		const struct ofa_coverage_row *row = &c->rows[i];

		if (!row->known)
			json_array_append_new(foreign, json_integer(row->resolution));
		else if (row->missing == 0)
			json_array_append_new(complete, json_integer(row->resolution));
		else
			json_array_append_new(incomplete,
			                      json_pack("{s:i, s:I, s:I}", "resolution", row->resolution, "needed",
			                                (json_int_t)row->needed, "missing", (json_int_t)row->missing));
	}
	return json_pack("{s:s, s:o, s:o, s:o, s:i, s:o, s:o}", "network", network, "complete", complete, "incomplete",
	                 incomplete, "not_in_network", foreign, "absent", c->n_absent, "missing_keys",
	                 keys_json(&c->missing), "unused_entries", keys_json(&c->unused));
}

static void print_keys(const char *what, const struct ofa_coverage_keys *keys)
{
	printf("  %zu %s", keys->n, what);
	for (size_t i = 0; i < keys->n && i < OFA_COVERAGE_NAMED; i++)
		printf("%s%d: %s", i ? ", " : ": ", keys->first[i].resolution, keys->first[i].key);
	printf("%s\n", keys->n > OFA_COVERAGE_NAMED ? ", ..." : "");
}

static void print_coverage(const char *network, const struct ofa_coverage *c)
{
	printf("against %s: %d of the table's %d resolutions are complete, %d incomplete, %d not the network's; "
	       "%d of the network's are not in the table\n",
	       network, c->n_complete, c->n_rows, c->n_known - c->n_complete, c->n_rows - c->n_known, c->n_absent);
	for (int i = 0; i < c->n_rows; i++)
		if (c->rows[i].known && c->rows[i].missing > 0)
			printf("  %d: %zu of %zu keys missing\n", c->rows[i].resolution, c->rows[i].missing,
			       c->rows[i].needed);
	print_keys("keys missing", &c->missing);
	print_keys("entries never used", &c->unused);
}

static enum ofa_status refuse_coverage(const char *network, const struct ofa_coverage *c, struct ofa_error *err)
{
	if (c->n_known == 0)
		return ofa_fail(err, OFA_ERR_MISMATCH, "--network",
		                "the table has none of the resolutions of %s, so that nothing was written; without "
		                "--network it is",
		                network);
	return ofa_fail(err, OFA_ERR_MISMATCH, "--network",
	                "%zu keys that %s needs at the table's resolutions are missing (the first is %d: %s), so that "
	                "nothing was written; leave out the tables of the incomplete resolutions, or --network to "
	                "write it for another network",
	                c->missing.n, network, c->missing.first[0].resolution, c->missing.first[0].key);
}

/* ---- the profile ---- */

/* All digits: sums of what was published come out as published. */
static enum ofa_status save(const char *path, const struct ofa_profile *profile, struct ofa_error *err)
{
	json_t *json = ofa_profile_format(profile);
	char *text = json ? json_dumps(json, JSON_INDENT(1)) : NULL;
	enum ofa_status st;

	json_decref(json);
	if (!text)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory for the profile");
	st = ofa_file_write_atomic(path, text, strlen(text), err);
	free(text);
	return st;
}

static json_t *dialects_json(const struct cli_tables *t)
{
	json_t *list = json_array();

	for (int d = 0; d < OFA_TABLE_DIALECT_COUNT; d++) {
		const struct ofa_table_report *r = &t->dialect[d].first;

		if (t->dialect[d].n_files > 0)
			json_array_append_new(list,
			                      json_pack("{s:s, s:i, s:s, s:s}", "dialect", ofa_table_dialect_name(d),
			                                "files", t->dialect[d].n_files, "unit",
			                                ofa_time_unit_name(r->unit), "unit_source", r->unit_source));
	}
	return list;
}

static json_t *resolutions_json(const struct ofa_latency_table *t)
{
	json_t *list = json_array();

	for (size_t i = 0; i < t->n; i++)
		if (i == 0 || t->entries[i].resolution != t->entries[i - 1].resolution)
			json_array_append_new(list, json_integer(t->entries[i].resolution));
	return list;
}

static void print_tables(const struct cli_tables *t)
{
	const struct ofa_latency_table *table = &t->profile.table;

	for (int d = 0; d < OFA_TABLE_DIALECT_COUNT; d++)
		if (t->dialect[d].n_files > 0)
			printf("%d file%s of dialect %s (%s), in %s %s\n", t->dialect[d].n_files,
			       t->dialect[d].n_files == 1 ? "" : "s", ofa_table_dialect_name(d), expand_meaning[d],
			       ofa_time_unit_name(t->dialect[d].first.unit), t->dialect[d].first.unit_source);
	printf("%zu rows became %zu entries, resolutions %u to %u\n", t->n_rows, table->n, table->entries[0].resolution,
	       table->entries[table->n - 1].resolution);
	if (t->n_stray > 0)
		printf("%zu rows were left out, since no row leads to their input: %s%s\n", t->n_stray, t->first_stray,
		       t->n_stray > 1 ? ", ..." : "");
}

static enum ofa_status report(const struct import_options *o, const struct cli_tables *t, const struct ofa_coverage *c,
                              struct ofa_error *err)
{
	if (o->json)
		return cli_print_json(
			json_pack("{s:s, s:s, s:i, s:I, s:I, s:o, s:o, s:I, s:o*}", "file", o->out, "name",
		                  t->profile.name, "files", t->n_files, "rows", (json_int_t)t->n_rows, "entries",
		                  (json_int_t)t->profile.table.n, "tables", dialects_json(t), "resolutions",
		                  resolutions_json(&t->profile.table), "rows_left_out", (json_int_t)t->n_stray,
		                  "coverage", c ? coverage_json(o->network, c) : NULL),
			err);
	printf("wrote %s: profile %s; `ofa search %s --profile %s --limit latency_ms=20` searches with it, "
	       "`ofa push URL %s` stores it on a server\n",
	       o->out, t->profile.name, o->network ? o->network : "NET", o->out, o->out);
	return OFA_OK;
}

static enum ofa_status write_covering(const struct import_options *o, const struct cli_tables *t, struct ofa_error *err)
{
	struct ofa_supernet *net;
	struct ofa_coverage coverage;
	enum ofa_status st = cli_open_network(o->network, &net, err);

	if (st != OFA_OK)
		return st;
	st = ofa_coverage_init(&net->space, &net->params, &t->profile.table, &coverage, err);
	ofa_supernet_free(net);
	if (st != OFA_OK)
		return st;
	if (!o->json)
		print_coverage(o->network, &coverage);
	if (ofa_coverage_serves(&coverage))
		st = save(o->out, &t->profile, err);
	else
		st = refuse_coverage(o->network, &coverage, err);
	if (st == OFA_OK)
		st = report(o, t, &coverage, err);
	ofa_coverage_release(&coverage);
	return st;
}

/* Published tables do not say it, our own profiles do. */
static enum ofa_status set_dtype(const char *name, struct ofa_latency_table *table, struct ofa_error *err)
{
	enum ofa_precision precision;
	enum ofa_status st = name ? cli_parse_dtype(name, &precision, err) : OFA_OK;

	if (!name || st != OFA_OK)
		return st;
	if (table->precision != OFA_FLOAT32 && table->precision != precision)
		return ofa_fail(err, OFA_ERR_INVALID, "--dtype", "'%s', but the profile says that it is of %s packages",
		                name, ofa_precision_name(table->precision));
	table->precision = precision;
	return OFA_OK;
}

static enum ofa_status write_profile(const struct import_options *o, const struct cli_tables *t, struct ofa_error *err)
{
	enum ofa_status st;

	if (o->network)
		return write_covering(o, t, err);
	st = save(o->out, &t->profile, err);
	return st == OFA_OK ? report(o, t, NULL, err) : st;
}

static enum ofa_status profile_import(const struct import_options *o, struct ofa_error *err)
{
	enum ofa_time_unit unit = o->unit ? ofa_time_unit_find(o->unit) : OFA_TIME_UNSTATED;
	struct cli_tables tables;
	enum ofa_status st;

	if (!ofa_profile_name_ok(o->name))
		return ofa_fail(err, OFA_ERR_INVALID, "--name",
		                "'%s': 1 to %d letters, digits, '.', '_' or '-', with '/' between parts", o->name,
		                OFA_PROFILE_NAME_MAX - 1);
	if (o->unit && !unit)
		return ofa_fail(err, OFA_ERR_INVALID, "--unit", "'%s': ms, us and s are accepted", o->unit);
	st = cli_tables_load(o->paths, o->n_paths, unit, &tables, err);
	if (st != OFA_OK)
		return st;
	snprintf(tables.profile.name, sizeof tables.profile.name, "%s", o->name);
	st = set_dtype(o->dtype, &tables.profile.table, err);
	if (st == OFA_OK && !o->json)
		print_tables(&tables);
	if (st == OFA_OK)
		st = write_profile(o, &tables, err);
	cli_tables_release(&tables);
	return st;
}

int cmd_profile_import(int argc, char **argv)
{
	struct import_options o = {0};
	const struct opt options[] = {
		{.name = "name", .kind = OPT_TEXT, .required = true, .value = "NAME", .to.text = &o.name,
		 .help = "name of the profile"},
		{.name = "out", .letter = 'o', .kind = OPT_TEXT, .required = true, .value = "PROFILE",
		 .to.text = &o.out, .help = "the profile file"},
		{.name = "unit", .kind = OPT_TEXT, .value = "U", .to.text = &o.unit,
		 .help = "unit of time of the tables: ms, us or s"},
		{.name = "dtype", .kind = OPT_TEXT, .value = "TYPE", .to.text = &o.dtype,
		 .help = OFA_PRECISION_CHOICES ": of the packages that were timed (default float32)"},
		{.name = "network", .kind = OPT_TEXT, .value = "NET", .to.text = &o.network,
		 .help = "tell what the table covers of this network"},
		{.name = "json", .kind = OPT_FLAG, .to.flag = &o.json, .help = "answer a JSON object"},
	};
	const struct opt_spec spec = {
		.command = "profile import", .operands = "FILE|DIR..", .n_operands = 1,
		.max_operands = OPT_MAX_OPERANDS,
		.about = "Reads published latency tables, YAML or JSON, and writes a device profile.  The dialect is\n"
		         "told from the keys: once-for-all's MobileNetV3 and ProxylessNAS tables, NSGANetV2's and our\n"
		         "own profiles.  The resolution is that of the file's name (160_lookup_table.yaml) or of\n"
		         "the stem's row.  YAML tables of published form are in ms; others need \"unit\" in the file\n"
		         "or --unit.  With --network it tells what the table covers, and writes nothing when a\n"
		         "resolution of both is incomplete.\n",
		.examples = "  ofa profile import note10/ --name note10 -o note10.json --network mbv3.safetensors\n"
		            "  ofa profile import table.json --unit us --name cam -o cam.json\n"
		            "  ofa search mbv3.safetensors --profile note10.json --limit latency_ms=20\n",
		.options = options, .n_options = OFA_ARRAY_LEN(options),
	};
	struct ofa_error err = {0};
	int rc;

	if (!opt_parse(&spec, argc, argv, o.paths, &rc))
		return rc;
	while (o.n_paths < OPT_MAX_OPERANDS && o.paths[o.n_paths])
		o.n_paths++;
	return cli_finish(spec.command, o.json, profile_import(&o, &err), &err);
}
