#include "import/table_build.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import/table_reach.h"

/* Why YAML tables of these forms are in milliseconds. */
static const char *const unit_sources[OFA_TABLE_DIALECT_COUNT] = {
	[OFA_TABLE_MBV3] = "as the published tables of this form, once-for-all's of the Note10, are",
	[OFA_TABLE_PROXYLESS] = "as the published tables of this form, ProxylessNAS's of a phone, are",
	[OFA_TABLE_MBCONV] = "as the published table of this form, NSGANetV2's of an i7, is",
};

/* ---- what the document is ---- */

/* The one dialect whose keys they all are. */
static enum ofa_status tell_dialect(const struct ofa_table_rows *rows, enum ofa_table_dialect *ret,
				    struct ofa_error *err)
{
	const struct ofa_table_row *decisive = &rows->list[0];
	unsigned all = ~0u;

	for (size_t i = 0; i < rows->n; i++) {
		const struct ofa_table_row *row = &rows->list[i];

		if ((all & row->key.dialects) == 0)
			return ofa_fail(err, OFA_ERR_INVALID, row->pointer,
					"line %d: %.128s is of another dialect than %.128s in line %d", row->line,
					row->text, decisive->text, decisive->line);
		if ((all & row->key.dialects) != all)
			decisive = row;
		all &= row->key.dialects;
	}
	for (int d = OFA_TABLE_MBV3; d < OFA_TABLE_DIALECT_COUNT; d++) {
		if (all != OFA_TABLE_DIALECT_BIT(d))
			continue;
		*ret = d;
		return OFA_OK;
	}
	return ofa_fail(err, OFA_ERR_INVALID, NULL,
			"there is no row of a block (expanded_conv or MBConv), from which the dialect could be told");
}

static enum ofa_status settle_unit(const struct ofa_table_source *s, const struct ofa_table_rows *rows,
				   struct ofa_table_report *report, struct ofa_error *err)
{
	enum ofa_status st = ofa_time_units_agree(rows->unit, s->unit, err);

	if (st)
		return st;
	if (rows->unit) {
		report->unit = rows->unit;
		report->unit_source = "as the document states";
	} else if (s->unit) {
		report->unit = s->unit;
		report->unit_source = "as given";
	} else if (s->format == OFA_TABLE_YAML && !rows->grouped) {
		report->unit = OFA_TIME_MS;
		report->unit_source = unit_sources[report->dialect];
	} else {
		return ofa_fail(
			err, OFA_ERR_INVALID, "unit",
			"nothing says in which unit of time the table is, and no published table has this form; "
			"ms, us and s are accepted, in the document (\"unit\") or beside it");
	}
	return OFA_OK;
}

/* ---- rows become entries ---- */

struct building {
	const struct ofa_table_source *source;
	struct ofa_table_rows rows;
	struct ofa_table_report report;
	struct ofa_latency_table table;
	size_t room;                         /* of its entries */
	bool *used;                          /* by row */
	int resolutions[OFA_MAX_IMAGE_SIZE]; /* ascending */
	int n_resolutions;
};

static enum ofa_status new_entry(struct building *b, const char *key, int resolution, struct ofa_latency_entry **ret,
				 struct ofa_error *err)
{
	struct ofa_latency_table *t = &b->table;

	if (t->n == OFA_PROFILE_MAX_ENTRIES)
		return ofa_fail(err, OFA_ERR_LIMIT, NULL, "the table has more than %d entries over all its resolutions",
				OFA_PROFILE_MAX_ENTRIES);
	if (t->n == b->room) {
		size_t room = b->room ? 2 * b->room : 256;
		struct ofa_latency_entry *grown = realloc(t->entries, room * sizeof(*grown));

		if (!grown)
			return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
		t->entries = grown;
		b->room = room;
	}
	t->entries[t->n] = (struct ofa_latency_entry){.resolution = (uint16_t)resolution, .key = strdup(key)};
	if (!t->entries[t->n].key)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	*ret = &t->entries[t->n++];
	return OFA_OK;
}

static enum ofa_status add_row(struct building *b, size_t index, int resolution, int output_stride,
			       struct ofa_error *err)
{
	char key[OFA_LATENCY_KEY_MAX], pool[OFA_LATENCY_KEY_MAX];
	const struct ofa_table_row *row = &b->rows.list[index];
	double ms = ofa_time_unit_ms(b->report.unit);
	struct ofa_latency_entry *e;
	enum ofa_status st;

	ofa_table_key_translate(&row->key, b->report.dialect, output_stride, key, pool);
	st = new_entry(b, key, resolution, &e, err);
	if (st)
		return st;
	e->mean_ms = row->mean * ms;
	e->std_ms = row->std * ms;
	if (!(e->mean_ms > 0 && isfinite(e->mean_ms) && isfinite(e->std_ms)))
		return ofa_fail(err, OFA_ERR_INVALID, row->pointer,
				"line %d: the mean of %.128s is %g %s, out of range", row->line, row->text,
				row->mean, ofa_time_unit_name(b->report.unit));
	e->count = row->count;
	b->used[index] = true;
	if (!pool[0])
		return OFA_OK;
	st = new_entry(b, pool, resolution, &e, err);
	if (st)
		return st;
	e->included_in = strdup(key);
	return e->included_in ? OFA_OK : ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
}

/* What the groups are named, else what the stems take. */
static void gather_resolutions(struct building *b)
{
	bool seen[OFA_MAX_IMAGE_SIZE + 1] = {false};

	for (size_t i = 0; i < b->rows.n; i++) {
		const struct ofa_table_row *row = &b->rows.list[i];

		if (row->resolution)
			seen[row->resolution] = true;
		else if (row->key.unit.kind == OFA_UNIT_STEM)
			seen[row->key.unit.h_in] = true;
	}
	for (int r = 1; r <= OFA_MAX_IMAGE_SIZE; r++)
		if (seen[r])
			b->resolutions[b->n_resolutions++] = r;
}

static enum ofa_status settle_resolutions(struct building *b, struct ofa_error *err)
{
	int named = b->source->resolution;

	for (size_t i = 0; i < b->rows.n; i++) {
		const struct ofa_table_row *row = &b->rows.list[i];
		int said = row->resolution ? row->resolution : named;

		if (row->key.unit.kind == OFA_UNIT_STEM && said && row->key.unit.h_in != said)
			return ofa_fail(err, OFA_ERR_INVALID, row->pointer,
					"line %d: %.128s takes images of %d where %s resolution %d", row->line,
					row->text, row->key.unit.h_in,
					row->resolution ? "the table is of" : "the file's name says", said);
		if (named && row->resolution && row->resolution != named)
			return ofa_fail(err, OFA_ERR_INVALID, NULL,
					"the document has resolution %d where the file's name says %d", row->resolution,
					named);
	}
	gather_resolutions(b);
	if (b->n_resolutions == 0 && named)
		b->resolutions[b->n_resolutions++] = named;
	if (b->n_resolutions == 0)
		return ofa_fail(err, OFA_ERR_INVALID, NULL,
				"nothing says for which resolution the table is: it has no row of the stem (%s)",
				b->report.dialect == OFA_TABLE_MBCONV ? "first_conv" : "Conv");
	return OFA_OK;
}

/* Where rows say nothing of the resolution, or of the activation, what leads to them does. */
static enum ofa_status add_reached(struct building *b, struct ofa_error *err)
{
	struct ofa_table_reach reach;
	enum ofa_status st = ofa_table_reach_init(&reach, &b->rows, b->report.dialect, err);

	if (st)
		return st;
	for (int i = 0; i < b->n_resolutions && !st; i++) {
		ofa_table_reach_from(&reach, b->resolutions[i]);
		for (size_t k = 0; k < reach.n && !st; k++)
			st = add_row(b, reach.steps[k].row, b->resolutions[i], reach.steps[k].output_stride, err);
	}
	ofa_table_reach_release(&reach);
	if (!st && b->table.n == 0)
		st = ofa_fail(err, OFA_ERR_INVALID, NULL,
			      "no row of a stem (%s) of resolution %d is there, from which the others could be reached",
			      b->report.dialect == OFA_TABLE_MBCONV ? "first_conv" : "Conv", b->resolutions[0]);
	return st;
}

static enum ofa_status add_all(struct building *b, struct ofa_error *err)
{
	enum ofa_status st = OFA_OK;

	if (b->report.dialect == OFA_TABLE_MBCONV || (!b->rows.grouped && b->n_resolutions > 1))
		return add_reached(b, err);
	for (size_t i = 0; i < b->rows.n && !st; i++)
		st = add_row(b, i, b->rows.grouped ? b->rows.list[i].resolution : b->resolutions[0], 1, err);
	return st;
}

static void count_strays(struct building *b)
{
	struct ofa_table_report *r = &b->report;

	for (size_t i = 0; i < b->rows.n; i++) {
		if (b->used[i])
			continue;
		if (r->n_stray++ == 0)
			snprintf(r->first_stray, sizeof(r->first_stray), "%s", b->rows.list[i].text);
	}
}

static enum ofa_status build(struct building *b, struct ofa_error *err)
{
	enum ofa_status st = ofa_table_rows_read(b->source->text, b->source->size, &b->rows, err);

	if (!st)
		st = tell_dialect(&b->rows, &b->report.dialect, err);
	if (!st)
		st = settle_unit(b->source, &b->rows, &b->report, err);
	if (!st)
		st = settle_resolutions(b, err);
	if (st)
		return st;
	b->used = calloc(b->rows.n, sizeof(*b->used));
	if (!b->used)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	st = add_all(b, err);
	if (st)
		return st;
	b->report.n_rows = b->rows.n;
	count_strays(b);
	return OFA_OK;
}

static void release(struct building *b)
{
	ofa_table_rows_release(&b->rows);
	ofa_latency_table_release(&b->table);
	free(b->used);
	free(b);
}

enum ofa_status ofa_table_build(const struct ofa_table_source *s, struct ofa_latency_table *ret_table,
				struct ofa_table_report *ret_report, struct ofa_error *err)
{
	struct building *b = calloc(1, sizeof(*b));
	enum ofa_status st;

	if (!b)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	b->source = s;
	st = build(b, err);
	if (!st) {
		*ret_report = b->report;
		*ret_table = b->table;
		b->table = (struct ofa_latency_table){0};
	}
	release(b);
	return st;
}
