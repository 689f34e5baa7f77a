#include "cost/coverage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void name_key(struct ofa_coverage_keys *keys, int resolution, const char *key)
{
	size_t i = keys->n++;

	if (i >= OFA_COVERAGE_NAMED)
		return;
	keys->first[i].resolution = resolution;
	snprintf(keys->first[i].key, sizeof(keys->first[i].key), "%s", key);
}

/* Two sorted lists side by side. */
static void compare_keys(const struct ofa_latency_entry *entries, const struct ofa_key_list *needed,
			 struct ofa_coverage_row *row, struct ofa_coverage *c)
{
	size_t e = 0, k = 0;

	while (e < row->entries || k < needed->n) {
		int order = e == row->entries ? 1 : k == needed->n ? -1 : strcmp(entries[e].key, needed->keys[k]);

		if (order > 0) {
			row->missing++;
			name_key(&c->missing, row->resolution, needed->keys[k]);
		} else if (order < 0) {
			row->unused++;
			name_key(&c->unused, row->resolution, entries[e].key);
		}
		e += order <= 0;
		k += order >= 0;
	}
	row->needed = needed->n;
}

static bool space_has(const struct ofa_space *s, int resolution)
{
	for (int i = 0; i < s->n_resolutions; i++)
		if (s->resolutions[i] == resolution)
			return true;
	return false;
}

static enum ofa_status fill_row(const struct ofa_space *s, const struct ofa_params *p,
				const struct ofa_latency_entry *entries, struct ofa_coverage_row *row,
				struct ofa_coverage *c, struct ofa_error *err)
{
	struct ofa_key_list needed = {0};
	enum ofa_status st;

	row->known = space_has(s, row->resolution);
	st = row->known ? ofa_latency_keys(s, p, row->resolution, &needed, err) : OFA_OK;
	if (st)
		return st;
	compare_keys(entries, &needed, row, c);
	c->n_known += row->known;
	c->n_complete += row->known && row->missing == 0;
	ofa_key_list_release(&needed);
	return OFA_OK;
}

static int count_resolutions(const struct ofa_latency_table *t)
{
	int n = 0;

	for (size_t i = 0; i < t->n; i++)
		n += i == 0 || t->entries[i].resolution != t->entries[i - 1].resolution;
	return n;
}

enum ofa_status ofa_coverage_init(const struct ofa_space *s, const struct ofa_params *p,
				  const struct ofa_latency_table *t, struct ofa_coverage *ret, struct ofa_error *err)
{
	int n = count_resolutions(t);
	struct ofa_coverage c = {.rows = calloc((size_t)n + 1, sizeof(*c.rows))};
	enum ofa_status st = OFA_OK;

	if (!c.rows)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	for (size_t first = 0, end; first < t->n && !st; first = end) {
		struct ofa_coverage_row *row = &c.rows[c.n_rows++];

		end = first;
		while (end < t->n && t->entries[end].resolution == t->entries[first].resolution)
			end++;
		row->resolution = t->entries[first].resolution;
		row->entries = end - first;
		st = fill_row(s, p, &t->entries[first], row, &c, err);
	}
	c.n_absent = s->n_resolutions - c.n_known;
	if (st)
		ofa_coverage_release(&c);
	else
		*ret = c;
	return st;
}

void ofa_coverage_release(struct ofa_coverage *c)
{
	free(c->rows);
	*c = (struct ofa_coverage){0};
}

bool ofa_coverage_serves(const struct ofa_coverage *c)
{
	return c->n_complete > 0 && c->n_complete == c->n_known;
}
