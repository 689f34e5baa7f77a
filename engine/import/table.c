#include "import/table.h"

#include <stdlib.h>
#include <string.h>

#include "import/table_build.h"
#include "import/yaml.h"

static const char *const dialect_names[OFA_TABLE_DIALECT_COUNT] = {
	[OFA_TABLE_PROFILE] = "profile",
	[OFA_TABLE_MBV3] = "mbv3",
	[OFA_TABLE_PROXYLESS] = "proxyless",
	[OFA_TABLE_MBCONV] = "mbconv",
};

static const struct {
	const char *name;
	double ms;
} units[OFA_TIME_COUNT] = {
	[OFA_TIME_MS] = {"ms", 1},
	[OFA_TIME_US] = {"us", 1e-3},
	[OFA_TIME_S] = {"s", 1e3},
};

const char *ofa_table_dialect_name(enum ofa_table_dialect d)
{
	return dialect_names[d];
}

const char *ofa_time_unit_name(enum ofa_time_unit u)
{
	return units[u].name;
}

enum ofa_time_unit ofa_time_unit_find(const char *name)
{
	for (int u = OFA_TIME_MS; u < OFA_TIME_COUNT; u++)
		if (strcmp(units[u].name, name) == 0)
			return u;
	return OFA_TIME_UNSTATED;
}

int ofa_table_name_resolution(const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	size_t digits = strspn(name, "0123456789");
	long v = digits > 0 && digits < 6 && name[0] != '0' ? strtol(name, NULL, 10) : 0;

	return (name[digits] == '_' || name[digits] == '.') && v <= OFA_MAX_IMAGE_SIZE ? (int)v : 0;
}

double ofa_time_unit_ms(enum ofa_time_unit u)
{
	return units[u].ms;
}

enum ofa_status ofa_time_units_agree(enum ofa_time_unit stated, enum ofa_time_unit given, struct ofa_error *err)
{
	if (stated && given && stated != given)
		return ofa_fail(err, OFA_ERR_INVALID, "unit", "the unit is %s in the document and %s beside it",
				units[stated].name, units[given].name);
	return OFA_OK;
}

/* ---- merging ---- */

static int compare_entries(const void *a, const void *b)
{
	const struct ofa_latency_entry *x = a, *y = b;

	return x->resolution != y->resolution ? (int)x->resolution - (int)y->resolution : strcmp(x->key, y->key);
}

/* Two rows may include the same other, as when a table has classifiers of several sizes: once said is enough. */
static enum ofa_status check_repeats(const struct ofa_latency_entry *list, size_t n, struct ofa_error *err)
{
	for (size_t i = 1; i < n; i++) {
		const struct ofa_latency_entry *e = &list[i];

		if (compare_entries(e - 1, e) == 0 && !(e[-1].included_in && e->included_in))
			return ofa_fail(err, OFA_ERR_INVALID, e->key, "%.128s at resolution %u is there already",
					e->key, e->resolution);
	}
	return OFA_OK;
}

static size_t drop_repeats(struct ofa_latency_entry *list, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (kept > 0 && compare_entries(&list[kept - 1], &list[i]) == 0) {
			free(list[i].key);
			free(list[i].included_in);
		} else {
			list[kept++] = list[i];
		}
	}
	return kept;
}

/* Moves the entries of `from` into `into`, sorted.  On failure both are as before. */
static enum ofa_status merge(struct ofa_latency_table *into, struct ofa_latency_table *from, struct ofa_error *err)
{
	size_t n = into->n + from->n;
	struct ofa_latency_entry *list;
	enum ofa_status st;

	if (n > OFA_PROFILE_MAX_ENTRIES)
		return ofa_fail(err, OFA_ERR_LIMIT, NULL, "the table would have %zu entries; at most %d are accepted",
				n, OFA_PROFILE_MAX_ENTRIES);
	list = malloc(n * sizeof(*list));
	if (!list)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	if (into->n)
		memcpy(list, into->entries, into->n * sizeof(*list));
	memcpy(list + into->n, from->entries, from->n * sizeof(*list));
	qsort(list, n, sizeof(*list), compare_entries);
	st = check_repeats(list, n, err);
	if (st) {
		free(list);
		return st;
	}
	free(into->entries);
	free(from->entries);
	from->entries = NULL;
	from->n = 0;
	into->entries = list;
	into->n = drop_repeats(list, n);
	return OFA_OK;
}

static void count_resolutions(const struct ofa_latency_table *sorted, struct ofa_table_report *report)
{
	for (size_t i = 0; i < sorted->n; i++)
		report->n_resolutions += i == 0 || sorted->entries[i].resolution != sorted->entries[i - 1].resolution;
	report->lowest = sorted->entries[0].resolution;
	report->highest = sorted->entries[sorted->n - 1].resolution;
}

/* Adds one document's table, which is sorted and counted on the way. */
static enum ofa_status add_table(struct ofa_profile *profile, struct ofa_latency_table *table,
				 struct ofa_table_report *report, struct ofa_error *err)
{
	struct ofa_latency_table sorted = {.n = 0};
	enum ofa_status st;

	if (profile->has_table && profile->table.precision != table->precision)
		return ofa_fail(err, OFA_ERR_INVALID, "/latency_table/dtype",
				"the rows are of %s packages, those read before of %s: one table is of one type",
				ofa_precision_name(table->precision), ofa_precision_name(profile->table.precision));
	st = merge(&sorted, table, err);
	if (st)
		return st;
	report->n_entries = sorted.n;
	count_resolutions(&sorted, report);
	st = merge(&profile->table, &sorted, err);
	ofa_latency_table_release(&sorted);
	if (!st) {
		profile->has_table = true;
		profile->table.precision = table->precision;
	}
	return st;
}

/* ---- device profiles ---- */

bool ofa_table_json_is_profile(const json_t *json)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)json, name, value)
	{
		if (strstr(name, "-input:") || (*name && name[strspn(name, "0123456789")] == '\0'))
			return false;
	}
	return true;
}

static enum ofa_status check_profile(const struct ofa_table_source *s, const struct ofa_profile *p,
				     struct ofa_error *err)
{
	enum ofa_status st = ofa_time_units_agree(OFA_TIME_MS, s->unit, err);

	if (st)
		return st;
	if (!p->has_table)
		return ofa_fail(err, OFA_ERR_INVALID, "/latency_table", "the profile has no latency table");
	for (size_t i = 0; i < p->table.n && s->resolution; i++)
		if (p->table.entries[i].resolution != s->resolution)
			return ofa_fail(err, OFA_ERR_INVALID, "/latency_table/entries",
					"the profile has resolution %u where the file's name says %d",
					p->table.entries[i].resolution, s->resolution);
	return OFA_OK;
}

static void take_over(struct ofa_profile *profile, struct ofa_profile *from)
{
	ofa_limits_merge(&profile->limits, &from->limits);
	if (!profile->description) {
		profile->description = from->description;
		from->description = NULL;
	}
	if (!profile->table.runtime[0])
		memcpy(profile->table.runtime, from->table.runtime, sizeof(profile->table.runtime));
}

static enum ofa_status read_profile(const struct ofa_table_source *s, const json_t *json, struct ofa_profile *profile,
				    struct ofa_table_report *report, struct ofa_error *err)
{
	struct ofa_profile read;
	enum ofa_status st = ofa_profile_parse(json, &read, err);

	if (st)
		return st;
	report->unit = OFA_TIME_MS;
	report->unit_source = "as the document states";
	report->n_rows = read.table.n;
	st = check_profile(s, &read, err);
	if (!st)
		st = add_table(profile, &read.table, report, err);
	if (!st)
		take_over(profile, &read);
	ofa_profile_release(&read);
	return st;
}

/* ---- documents ---- */

static enum ofa_status read_table(const struct ofa_table_source *s, struct ofa_profile *profile,
				  struct ofa_table_report *report, struct ofa_error *err)
{
	struct ofa_latency_table table;
	enum ofa_status st = ofa_table_build(s, &table, report, err);

	if (st)
		return st;
	st = add_table(profile, &table, report, err);
	ofa_latency_table_release(&table);
	return st;
}

/* The YAML reader also takes what is not quite JSON, so that a JSON text is read as JSON first. */
static enum ofa_status read_json(const struct ofa_table_source *s, struct ofa_profile *profile,
				 struct ofa_table_report *report, struct ofa_error *err)
{
	json_error_t where;
	enum ofa_status st;
	json_t *json;

	if (s->size > OFA_YAML_MAX_BYTES)
		return ofa_fail(err, OFA_ERR_LIMIT, NULL, "the text has %zu bytes; at most %zu are accepted", s->size,
				OFA_YAML_MAX_BYTES);
	json = json_loadb(s->text, s->size, JSON_REJECT_DUPLICATES, &where);
	if (!json)
		return ofa_fail(err, OFA_ERR_FORMAT, NULL, "line %d, column %d: not JSON: %s", where.line, where.column,
				where.text);
	if (ofa_table_json_is_profile(json))
		st = read_profile(s, json, profile, report, err);
	else
		st = read_table(s, profile, report, err);
	json_decref(json);
	return st;
}

enum ofa_status ofa_table_read(const struct ofa_table_source *s, struct ofa_profile *profile,
			       struct ofa_table_report *ret, struct ofa_error *err)
{
	struct ofa_table_report report = {.dialect = OFA_TABLE_PROFILE};
	enum ofa_status st = s->format == OFA_TABLE_JSON ? read_json(s, profile, &report, err)
							 : read_table(s, profile, &report, err);

	if (!st)
		*ret = report;
	return st;
}
