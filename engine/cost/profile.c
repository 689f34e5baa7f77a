#include "cost/profile.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cost/members.h"
#include "cost/pointer.h"

bool ofa_profile_name_ok(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len >= OFA_PROFILE_NAME_MAX || name[0] == '/' || name[len - 1] == '/')
		return false;
	for (const char *part = name; part; part = strchr(part, '/') ? strchr(part, '/') + 1 : NULL) {
		size_t n = strcspn(part, "/");
		size_t legal = strspn(part, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

		/* "." and ".." would be folded away by URL resolvers. */
		if (n == 0 || legal < n || strspn(part, ".") >= n)
			return false;
	}
	return true;
}

static enum ofa_status parse_mean(const json_t *json, const char *field, void *out, struct ofa_error *err)
{
	struct ofa_latency_entry *e = out;
	double v = json_number_value(json);

	if (!json_is_number(json))
		return ofa_fail(err, OFA_ERR_INVALID, field, "mean must be a number");
	if (!isfinite(v) || v <= 0)
		return ofa_fail(err, OFA_ERR_INVALID, field,
				"mean is %g; a finite number of milliseconds greater than 0 is accepted", v);
	e->mean_ms = v;
	return OFA_OK;
}

static enum ofa_status parse_std(const json_t *json, const char *field, void *out, struct ofa_error *err)
{
	struct ofa_latency_entry *e = out;
	double v = json_number_value(json);

	if (!json_is_number(json))
		return ofa_fail(err, OFA_ERR_INVALID, field, "std must be a number");
	if (!isfinite(v) || v < 0)
		return ofa_fail(err, OFA_ERR_INVALID, field,
				"std is %g; a finite number of milliseconds, 0 or more, is accepted", v);
	e->std_ms = v;
	return OFA_OK;
}

static enum ofa_status parse_count(const json_t *json, const char *field, void *out, struct ofa_error *err)
{
	struct ofa_latency_entry *e = out;
	json_int_t v = json_integer_value(json);

	if (!json_is_integer(json) || v < 0 || v > UINT32_MAX)
		return ofa_fail(err, OFA_ERR_INVALID, field, "count must be a whole number from 0 to 4294967295");
	e->count = (uint32_t)v;
	return OFA_OK;
}

static enum ofa_status parse_included_in(const json_t *json, const char *field, void *out, struct ofa_error *err)
{
	struct ofa_latency_entry *e = out;
	const char *key = json_string_value(json);

	if (!key || !ofa_latency_key_ok(key))
		return ofa_fail(err, OFA_ERR_INVALID, field, "included_in must be a latency key");
	e->included_in = strdup(key);
	return e->included_in ? OFA_OK : ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
}

static const struct ofa_member included_members[] = {
	{"included_in", true, parse_included_in},
};

static const struct ofa_member entry_members[] = {
	{"mean", true, parse_mean},
	{"std", false, parse_std},
	{"count", false, parse_count},
};

/* Resolution of an object name; only the plain decimal form, so that no two names mean one size. */
static int parse_resolution(const char *name)
{
	char plain[16];
	long v = strlen(name) < 8 ? strtol(name, NULL, 10) : 0;

	if (v < 1 || v > OFA_MAX_IMAGE_SIZE)
		return -1;
	snprintf(plain, sizeof(plain), "%ld", v);
	return strcmp(plain, name) == 0 ? (int)v : -1;
}

static enum ofa_status parse_entry(const json_t *json, const char *field, const char *key,
				   struct ofa_latency_entry *e, struct ofa_error *err)
{
	enum ofa_status st;

	if (json_object_get(json, "included_in"))
		st = ofa_members_parse(json, field, included_members, OFA_ARRAY_LEN(included_members), e, err);
	else
		st = ofa_members_parse(json, field, entry_members, OFA_ARRAY_LEN(entry_members), e, err);
	if (st)
		return st;
	e->key = strdup(key);
	return e->key ? OFA_OK : ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
}

static enum ofa_status parse_row(const json_t *json, const char *field, const char *key, int resolution,
				 struct ofa_latency_table *t, struct ofa_error *err)
{
	struct ofa_latency_entry *e = &t->entries[t->n];

	if (!ofa_latency_key_ok(key))
		return ofa_fail(err, OFA_ERR_INVALID, field,
				"\"%.100s\" is not a latency key; accepted is TYPE-input:HxWxC-output:HxWxC with "
				"-name:number fields after it, at most %d characters",
				key, OFA_LATENCY_KEY_MAX - 1);
	*e = (struct ofa_latency_entry){.resolution = (uint16_t)resolution};
	t->n++; /* from here on it is the table's to release */
	return parse_entry(json, field, key, e, err);
}

/* Adds the rows of one resolution to the table, which has room for them.  Each is judged for itself: an error does not
 * end it while further ones are wanted. */
static enum ofa_status parse_rows(const json_t *json, const char *pointer, int resolution, struct ofa_latency_table *t,
				  enum ofa_status *ret_faulty, struct ofa_error *err)
{
	struct ofa_error wrong = {0};
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)json, key, value)
	{
		char field[OFA_POINTER_MAX];
		enum ofa_status st;

		ofa_pointer_join(field, sizeof(field), pointer, key);
		st = parse_row(value, field, key, resolution, t, &wrong);
		if (!st)
			continue;
		if (!ofa_error_go_on(err, &wrong))
			return st;
		*ret_faulty = st;
		wrong = (struct ofa_error){0};
	}
	return OFA_OK;
}

static int compare_entries(const void *a, const void *b)
{
	const struct ofa_latency_entry *x = a, *y = b;

	return x->resolution != y->resolution ? (int)x->resolution - (int)y->resolution : strcmp(x->key, y->key);
}

/* In a sorted table, every row that others are included in is there and has a mean. */
static enum ofa_status check_included(const struct ofa_latency_table *t, const char *pointer, struct ofa_error *err)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct ofa_latency_entry *e = &t->entries[i], *other;
		struct ofa_latency_entry wanted = {.resolution = e->resolution, .key = e->included_in};

		if (!e->included_in)
			continue;
		other = bsearch(&wanted, t->entries, t->n, sizeof(*t->entries), compare_entries);
		if (!other || other->included_in) {
			char rows[OFA_POINTER_MAX], field[OFA_POINTER_MAX];

			snprintf(rows, sizeof(rows), "%s/%u", pointer, e->resolution);
			ofa_pointer_join(field, sizeof(field), rows, e->key);
			return ofa_fail(err, OFA_ERR_INVALID, field,
					"%.128s at %u is included in %.128s, which has no mean there", e->key,
					e->resolution, e->included_in);
		}
	}
	return OFA_OK;
}

/* How many rows there are, checking the shape of the two outer objects. */
static enum ofa_status count_rows(const json_t *json, const char *pointer, size_t *ret_n, struct ofa_error *err)
{
	const char *name;
	json_t *rows;
	size_t n = 0;

	if (!json_is_object(json) || json_object_size(json) == 0)
		return ofa_fail(err, OFA_ERR_INVALID, pointer,
				"entries must be an object with one member per resolution, such as {\"160\": {...}}");
	json_object_foreach((json_t *)json, name, rows)
	{
		char field[OFA_POINTER_MAX];

		ofa_pointer_join(field, sizeof(field), pointer, name);
		if (parse_resolution(name) < 0)
			return ofa_fail(
				err, OFA_ERR_INVALID, field,
				"\"%.32s\" is not a resolution; a plain decimal number from 1 to %d is accepted", name,
				OFA_MAX_IMAGE_SIZE);
		if (!json_is_object(rows) || json_object_size(rows) == 0)
			return ofa_fail(err, OFA_ERR_INVALID, field, "must be an object with at least one latency key");
		n += json_object_size(rows);
	}
	if (n > OFA_PROFILE_MAX_ENTRIES)
		return ofa_fail(err, OFA_ERR_LIMIT, pointer, "the table has %zu entries; at most %d are accepted", n,
				OFA_PROFILE_MAX_ENTRIES);
	*ret_n = n;
	return OFA_OK;
}

static enum ofa_status parse_entries(const json_t *json, const char *pointer, void *out, struct ofa_error *err)
{
	struct ofa_latency_table *t = out;
	const char *name;
	json_t *rows;
	size_t n = 0;
	enum ofa_status faulty = OFA_OK, st = count_rows(json, pointer, &n, err);

	if (st)
		return st;
	t->entries = calloc(n, sizeof(*t->entries));
	if (!t->entries)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	json_object_foreach((json_t *)json, name, rows)
	{
		char field[OFA_POINTER_MAX];

		ofa_pointer_join(field, sizeof(field), pointer, name);
		st = parse_rows(rows, field, parse_resolution(name), t, &faulty, err);
		if (st)
			return st;
	}
	if (faulty)
		return faulty;
	qsort(t->entries, t->n, sizeof(*t->entries), compare_entries);
	return check_included(t, pointer, err);
}

static enum ofa_status parse_unit(const json_t *json, const char *field, void *out, struct ofa_error *err)
{
	const char *unit = json_string_value(json);

	(void)out;
	if (!unit || strcmp(unit, "ms") != 0)
		return ofa_fail(err, OFA_ERR_INVALID, field, "the unit is \"%.32s\"; \"ms\" is accepted",
				unit ? unit : "not a string");
	return OFA_OK;
}

static enum ofa_status parse_runtime(const json_t *json, const char *field, void *out, struct ofa_error *err)
{
	struct ofa_latency_table *t = out;
	const char *runtime = json_string_value(json);

	if (!runtime || strlen(runtime) >= sizeof(t->runtime))
		return ofa_fail(err, OFA_ERR_INVALID, field, "runtime must be a string of at most %zu bytes",
				sizeof(t->runtime) - 1);
	snprintf(t->runtime, sizeof(t->runtime), "%s", runtime);
	return OFA_OK;
}

static enum ofa_status parse_dtype(const json_t *json, const char *field, void *out, struct ofa_error *err)
{
	struct ofa_latency_table *t = out;
	const char *name = json_string_value(json);

	if (!name || !ofa_precision_find(name, &t->precision))
		return ofa_fail(err, OFA_ERR_INVALID, field,
				"the dtype is \"%.32s\"; " OFA_PRECISION_CHOICES " is accepted",
				name ? name : "not a string");
	return OFA_OK;
}

static const struct ofa_member table_members[] = {
	{"unit", true, parse_unit},
	{"dtype", false, parse_dtype},
	{"runtime", false, parse_runtime},
	{"entries", true, parse_entries},
};

static enum ofa_status parse_name(const json_t *json, const char *field, void *out, struct ofa_error *err)
{
	struct ofa_profile *p = out;
	const char *name = json_string_value(json);

	if (!name || !ofa_profile_name_ok(name))
		return ofa_fail(
			err, OFA_ERR_INVALID, field,
			"the name is \"%.64s\"; 1 to %d of A-Z a-z 0-9 . _ - are accepted, with '/' between parts",
			name ? name : "not a string", OFA_PROFILE_NAME_MAX - 1);
	snprintf(p->name, sizeof(p->name), "%s", name);
	return OFA_OK;
}

static enum ofa_status parse_description(const json_t *json, const char *field, void *out, struct ofa_error *err)
{
	struct ofa_profile *p = out;
	const char *text = json_string_value(json);

	if (!text || strlen(text) > OFA_PROFILE_MAX_DESCRIPTION)
		return ofa_fail(err, OFA_ERR_INVALID, field, "description must be a string of at most %d bytes",
				OFA_PROFILE_MAX_DESCRIPTION);
	p->description = strdup(text);
	return p->description ? OFA_OK : ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
}

static enum ofa_status parse_limits(const json_t *json, const char *field, void *out, struct ofa_error *err)
{
	struct ofa_profile *p = out;

	return ofa_limits_parse(json, field, &p->limits, err);
}

static enum ofa_status parse_table(const json_t *json, const char *field, void *out, struct ofa_error *err)
{
	struct ofa_profile *p = out;

	p->has_table = true;
	return ofa_members_parse(json, field, table_members, OFA_ARRAY_LEN(table_members), &p->table, err);
}

static const struct ofa_member profile_members[] = {
	{"name", true, parse_name},
	{"description", false, parse_description},
	{"limits", false, parse_limits},
	{"latency_table", false, parse_table},
};

enum ofa_status ofa_profile_parse(const json_t *json, struct ofa_profile *ret, struct ofa_error *err)
{
	struct ofa_profile p = {0};
	enum ofa_status st;

	ofa_limits_init(&p.limits);
	st = ofa_members_parse(json, "", profile_members, OFA_ARRAY_LEN(profile_members), &p, err);
	if (st) {
		ofa_profile_release(&p);
		return st;
	}
	*ret = p;
	return OFA_OK;
}

static json_t *format_entry(const struct ofa_latency_entry *e)
{
	json_t *json = e->included_in ? json_pack("{s:s}", "included_in", e->included_in)
				      : json_pack("{s:f}", "mean", e->mean_ms);

	if (json && e->std_ms > 0 && json_object_set_new(json, "std", json_real(e->std_ms)))
		goto fail;
	if (json && e->count && json_object_set_new(json, "count", json_integer(e->count)))
		goto fail;
	return json;
fail:
	json_decref(json);
	return NULL;
}

static json_t *format_entries(const struct ofa_latency_table *t)
{
	json_t *entries = json_object();

	for (size_t i = 0; entries && i < t->n; i++) {
		char resolution[8];
		json_t *rows;

		snprintf(resolution, sizeof(resolution), "%u", t->entries[i].resolution);
		rows = json_object_get(entries, resolution);
		if (!rows) {
			json_object_set_new(entries, resolution, json_object());
			rows = json_object_get(entries, resolution);
		}
		if (!rows || json_object_set_new(rows, t->entries[i].key, format_entry(&t->entries[i]))) {
			json_decref(entries);
			return NULL;
		}
	}
	return entries;
}

json_t *ofa_profile_format(const struct ofa_profile *p)
{
	json_t *limits = ofa_limits_format(&p->limits), *table = NULL, *json;
	/* what is the default is left out, so that profiles from before there was a choice keep their digest */
	const char *dtype = p->table.precision ? ofa_precision_name(p->table.precision) : NULL;

	if (p->has_table)
		table = json_pack("{s:s, s:s*, s:s*, s:o}", "unit", "ms", "dtype", dtype, "runtime",
				  p->table.runtime[0] ? p->table.runtime : NULL, "entries", format_entries(&p->table));
	if (limits && json_object_size(limits) == 0) {
		json_decref(limits);
		limits = NULL;
	}
	json = json_pack("{s:s, s:s*, s:o*, s:o*}", "name", p->name, "description", p->description, "limits", limits,
			 "latency_table", table);
	if (json && p->has_table && !json_object_get(json, "latency_table")) {
		json_decref(json);
		return NULL;
	}
	return json;
}

void ofa_latency_table_release(struct ofa_latency_table *t)
{
	for (size_t i = 0; i < t->n; i++) {
		free(t->entries[i].key);
		free(t->entries[i].included_in);
	}
	free(t->entries);
	memset(t, 0, sizeof(*t));
}

void ofa_profile_release(struct ofa_profile *p)
{
	ofa_latency_table_release(&p->table);
	free(p->description);
	memset(p, 0, sizeof(*p));
}
