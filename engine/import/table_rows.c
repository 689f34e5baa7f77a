#include "import/table_rows.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cost/pointer.h"
#include "import/yaml.h"

/* What the parser of one document has in hand; the event is big, so there is one. */
struct reading {
	struct ofa_yaml *yaml;
	struct ofa_yaml_event event;
	int depth;              /* of mappings, after the event */
	bool broken;            /* the text itself, behind which nothing can be read */
	enum ofa_status faulty; /* of a row that did not end the reading */
	struct ofa_table_rows rows;
};

static enum ofa_status next(struct reading *r, struct ofa_error *err)
{
	enum ofa_status st = ofa_yaml_next(r->yaml, &r->event, err);

	r->broken = st != OFA_OK;
	if (!st)
		r->depth += (r->event.kind == OFA_YAML_MAP) - (r->event.kind == OFA_YAML_MAP_END);
	return st;
}

/* To the end of the value that belongs to a name at this depth; `taken`: its first event has been. */
static enum ofa_status skip_value(struct reading *r, int depth, bool taken, struct ofa_error *err)
{
	enum ofa_status st = taken ? OFA_OK : next(r, err);

	while (!st && r->depth > depth)
		st = next(r, err);
	return st;
}

/* ---- one row ---- */

enum row_field { MEAN, STD, VAR, COUNT, ROW_FIELDS };
static const char *const row_fields[ROW_FIELDS] = {"mean", "std", "var", "count"};

static enum ofa_status parse_value(const struct ofa_table_row *row, enum row_field f, const char *text, double *ret,
				   struct ofa_error *err)
{
	/* Of what strtod() takes, names of infinities and hexadecimals are no measurements. */
	bool plain = text[strspn(text, "0123456789+-.eE")] == '\0';
	char *end;
	double v = strtod(text, &end);

	if (end == text || *end || !plain || !isfinite(v) || (f == MEAN ? v <= 0 : v < 0))
		return ofa_fail(err, OFA_ERR_INVALID, row->pointer,
				"line %d: the %s of %.128s is \"%.32s\"; a finite number %s is accepted", row->line,
				row_fields[f], row->text, text, f == MEAN ? "greater than 0" : "of 0 or more");
	if (f == COUNT && (v != floor(v) || v > UINT32_MAX))
		return ofa_fail(
			err, OFA_ERR_INVALID, row->pointer,
			"line %d: the count of %.128s is \"%.32s\"; a whole number up to 4294967295 is accepted",
			row->line, row->text, text);
	*ret = v;
	return OFA_OK;
}

/* The pair at hand: its name is the current event. */
static enum ofa_status read_value(struct reading *r, const struct ofa_table_row *row, double v[ROW_FIELDS],
				  struct ofa_error *err)
{
	int f = 0, line = r->event.line;
	enum ofa_status st;

	while (f < ROW_FIELDS && (r->event.kind != OFA_YAML_SCALAR || strcmp(row_fields[f], r->event.text) != 0))
		f++;
	if (f == ROW_FIELDS)
		return ofa_fail(err, OFA_ERR_INVALID, row->pointer,
				"line %d: %.128s has a field \"%.32s\"; mean, std, var and count are accepted", line,
				row->text, r->event.text);
	if (v[f] >= 0)
		return ofa_fail(err, OFA_ERR_INVALID, row->pointer, "line %d: %.128s has %s twice", line, row->text,
				row_fields[f]);
	st = next(r, err);
	if (st)
		return st;
	if (r->event.kind != OFA_YAML_SCALAR)
		return ofa_fail(err, OFA_ERR_INVALID, row->pointer, "line %d: the %s of %.128s is not a number", line,
				row_fields[f], row->text);
	return parse_value(row, f, r->event.text, &v[f], err);
}

/* What belongs to a key, whose event has been taken. */
static enum ofa_status read_row(struct reading *r, struct ofa_table_row *row, struct ofa_error *err)
{
	double v[ROW_FIELDS] = {-1, -1, -1, -1};
	enum ofa_status st = next(r, err);

	if (!st && r->event.kind != OFA_YAML_MAP)
		return ofa_fail(err, OFA_ERR_INVALID, row->pointer,
				"line %d: %.128s has no fields; a mapping with its mean is accepted", row->line,
				row->text);
	while (!st) {
		st = next(r, err);
		if (st || r->event.kind == OFA_YAML_MAP_END)
			break;
		st = read_value(r, row, v, err);
	}
	if (st)
		return st;
	if (v[MEAN] < 0)
		return ofa_fail(err, OFA_ERR_INVALID, row->pointer, "line %d: %.128s has no mean", row->line,
				row->text);
	if (v[STD] >= 0 && v[VAR] >= 0)
		return ofa_fail(err, OFA_ERR_INVALID, row->pointer, "line %d: %.128s has both std and var", row->line,
				row->text);
	row->mean = v[MEAN];
	row->std = v[STD] >= 0 ? v[STD] : v[VAR] >= 0 ? sqrt(v[VAR]) : 0;
	row->count = v[COUNT] > 0 ? (uint32_t)v[COUNT] : 0;
	return OFA_OK;
}

/* ---- the document ---- */

static enum ofa_status new_row(struct ofa_table_rows *rows, struct ofa_table_row **ret, struct ofa_error *err)
{
	if (rows->n == OFA_PROFILE_MAX_ENTRIES)
		return ofa_fail(err, OFA_ERR_LIMIT, NULL,
				"the table has more than %d rows, which is the most that is accepted",
				OFA_PROFILE_MAX_ENTRIES);
	if (rows->n == rows->room) {
		size_t room = rows->room ? 2 * rows->room : 128;
		struct ofa_table_row *grown = realloc(rows->list, room * sizeof(*grown));

		if (!grown)
			return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
		rows->list = grown;
		rows->room = room;
	}
	*ret = &rows->list[rows->n];
	**ret = (struct ofa_table_row){0};
	return OFA_OK;
}

#define GROUP_POINTER_MAX 16

/* Of a resolution's own table; "" of the document for none. */
static void group_pointer(int resolution, char out[GROUP_POINTER_MAX])
{
	out[0] = '\0';
	if (resolution)
		snprintf(out, GROUP_POINTER_MAX, "/%d", resolution);
}

static char *new_row_pointer(int resolution, const char *key)
{
	char group[GROUP_POINTER_MAX], pointer[OFA_POINTER_MAX];

	group_pointer(resolution, group);
	ofa_pointer_join(pointer, sizeof(pointer), group, key);
	return strdup(pointer);
}

/* A pair of a table: the event at hand is its name.  *ret_taken: that was not the last one taken. */
static enum ofa_status read_pair(struct reading *r, int resolution, bool *ret_taken, struct ofa_error *err)
{
	struct ofa_error why = {0};
	struct ofa_table_row *row = NULL;
	enum ofa_status st = new_row(&r->rows, &row, err);

	if (st)
		return st;
	row->line = r->event.line;
	row->resolution = resolution;
	row->text = strdup(r->event.text);
	row->pointer = new_row_pointer(resolution, r->event.text);
	if (!row->text || !row->pointer)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	r->rows.n++;
	st = r->event.kind == OFA_YAML_SCALAR ? ofa_table_key_parse(row->text, &row->key, &why)
					      : ofa_fail(&why, OFA_ERR_INVALID, NULL, "a mapping is no key");
	if (st)
		return ofa_fail(err, st, row->pointer, "line %d: \"%.128s\" is no latency key: %s", row->line,
				row->text, why.message);
	*ret_taken = true;
	return read_row(r, row, err);
}

/* A pair, and what follows it if it is wrong and further errors are wanted. */
static enum ofa_status judge_pair(struct reading *r, int resolution, struct ofa_error *err)
{
	const bool scalar = r->event.kind == OFA_YAML_SCALAR;
	bool taken = false;
	struct ofa_error wrong = {0};
	int depth = r->depth;
	enum ofa_status st = read_pair(r, resolution, &taken, &wrong);

	if (!st || !ofa_error_go_on(err, &wrong) || r->broken || !scalar)
		return st;
	r->faulty = st;
	return skip_value(r, depth, taken, err);
}

/* A resolution's own table, its name taken. */
static enum ofa_status read_group(struct reading *r, int resolution, struct ofa_error *err)
{
	int line = r->event.line;
	char pointer[GROUP_POINTER_MAX];
	enum ofa_status st = next(r, err);

	group_pointer(resolution, pointer);
	if (!st && r->event.kind != OFA_YAML_MAP)
		return ofa_fail(err, OFA_ERR_INVALID, pointer, "line %d: resolution %d has no table", line, resolution);
	while (!st) {
		st = next(r, err);
		if (st || r->event.kind == OFA_YAML_MAP_END)
			break;
		st = judge_pair(r, resolution, err);
	}
	r->rows.grouped = true;
	return st;
}

static enum ofa_status read_unit(struct reading *r, struct ofa_error *err)
{
	enum ofa_status st = next(r, err);

	if (st)
		return st;
	if (r->rows.unit)
		return ofa_fail(err, OFA_ERR_INVALID, "/unit", "line %d: the unit is stated twice", r->event.line);
	r->rows.unit = r->event.kind == OFA_YAML_SCALAR ? ofa_time_unit_find(r->event.text) : OFA_TIME_UNSTATED;
	if (!r->rows.unit)
		return ofa_fail(err, OFA_ERR_INVALID, "/unit",
				"line %d: the unit is \"%.32s\"; ms, us and s are accepted", r->event.line,
				r->event.text);
	return OFA_OK;
}

/* The resolution that a name of the outer mapping is, 0 when it is no number. */
static enum ofa_status group_resolution(const struct ofa_yaml_event *e, int *ret, struct ofa_error *err)
{
	size_t digits = strspn(e->text, "0123456789");
	char pointer[OFA_POINTER_MAX];
	long v = 0;

	*ret = 0;
	if (e->kind != OFA_YAML_SCALAR || digits == 0 || e->text[digits])
		return OFA_OK;
	v = digits < 6 && e->text[0] != '0' ? strtol(e->text, NULL, 10) : 0;
	if (v < 1 || v > OFA_MAX_IMAGE_SIZE) {
		ofa_pointer_join(pointer, sizeof(pointer), "", e->text);
		return ofa_fail(err, OFA_ERR_INVALID, pointer,
				"line %d: \"%.32s\" is not a resolution; 1 to %d are accepted", e->line, e->text,
				OFA_MAX_IMAGE_SIZE);
	}
	*ret = (int)v;
	return OFA_OK;
}

static enum ofa_status read_outer(struct reading *r, struct ofa_error *err)
{
	enum ofa_status st = next(r, err);
	int resolution;

	/* the reader lets nothing but a mapping through here */
	while (!st && r->event.kind != OFA_YAML_END) {
		st = next(r, err);
		if (st || r->event.kind == OFA_YAML_MAP_END)
			break;
		st = group_resolution(&r->event, &resolution, err);
		if (st)
			break;
		if (resolution)
			st = read_group(r, resolution, err);
		else if (strcmp(r->event.text, "unit") == 0)
			st = read_unit(r, err);
		else
			st = judge_pair(r, 0, err);
	}
	/* what follows the mapping must be nothing */
	return st ? st : next(r, err);
}

static int compare_rows(const void *a, const void *b)
{
	const struct ofa_table_row *x = *(struct ofa_table_row *const *)a, *y = *(struct ofa_table_row *const *)b;
	int order = strcmp(x->text, y->text);

	if (order)
		return order;
	return x->resolution != y->resolution ? x->resolution - y->resolution : x->line - y->line;
}

static enum ofa_status refuse_repeats(const struct ofa_table_rows *rows, struct ofa_error *err)
{
	const struct ofa_table_row **sorted = malloc(rows->n * sizeof(*sorted));
	enum ofa_status st = OFA_OK;

	if (!sorted)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	for (size_t i = 0; i < rows->n; i++)
		sorted[i] = &rows->list[i];
	qsort(sorted, rows->n, sizeof(*sorted), compare_rows);
	for (size_t i = 1; i < rows->n && !st; i++)
		if (strcmp(sorted[i - 1]->text, sorted[i]->text) == 0 &&
		    sorted[i - 1]->resolution == sorted[i]->resolution)
			st = ofa_fail(err, OFA_ERR_INVALID, sorted[i]->pointer,
				      "line %d: %.128s is there already, in line %d", sorted[i]->line, sorted[i]->text,
				      sorted[i - 1]->line);
	free(sorted);
	return st;
}

static enum ofa_status check_rows(const struct ofa_table_rows *rows, struct ofa_error *err)
{
	if (rows->n == 0)
		return ofa_fail(err, OFA_ERR_INVALID, NULL, "the table has no rows");
	if (rows->grouped)
		for (size_t i = 0; i < rows->n; i++)
			if (rows->list[i].resolution == 0)
				return ofa_fail(err, OFA_ERR_INVALID, rows->list[i].pointer,
						"line %d: %.128s belongs to no resolution, others do",
						rows->list[i].line, rows->list[i].text);
	return refuse_repeats(rows, err);
}

enum ofa_status ofa_table_rows_read(const char *text, size_t size, struct ofa_table_rows *ret, struct ofa_error *err)
{
	static const struct ofa_yaml_dialect dialect = {.rule = "a latency table is one plain mapping"};
	struct reading *r = calloc(1, sizeof(*r));
	enum ofa_status st;

	if (!r)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	st = ofa_yaml_open(text, size, &dialect, &r->yaml, err);
	if (!st)
		st = read_outer(r, err);
	if (r->faulty)
		st = r->faulty;
	if (!st)
		st = check_rows(&r->rows, err);
	ofa_yaml_close(r->yaml);
	if (st)
		ofa_table_rows_release(&r->rows);
	else
		*ret = r->rows;
	free(r);
	return st;
}

void ofa_table_rows_release(struct ofa_table_rows *rows)
{
	for (size_t i = 0; i < rows->n; i++) {
		free(rows->list[i].text);
		free(rows->list[i].pointer);
	}
	free(rows->list);
	*rows = (struct ofa_table_rows){0};
}
