#include "cost/profile.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cost/uniform.h"

/* One resolution. */
struct model_row {
	int image_size;
	double *stem_ms;  /* (width in, width out) */
	double *head_ms;  /* (width in) */
	double *block_ms; /* (block, width in, width out, kernel, expand) */
};

struct ofa_latency_model {
	const struct ofa_space *space;
	struct ofa_choices choices; /* the strides of the rows */
	int n_rows;
	struct model_row *rows; /* ascending image_size */
	double *storage;
};

struct wanted {
	int resolution;
	const char *key;
};

static int compare_key(const void *wanted, const void *entry)
{
	const struct wanted *w = wanted;
	const struct ofa_latency_entry *e = entry;

	return w->resolution != e->resolution ? w->resolution - e->resolution : strcmp(w->key, e->key);
}

const struct ofa_latency_entry *ofa_latency_find(const struct ofa_latency_table *t, int resolution, const char *key)
{
	const struct wanted wanted = {.resolution = resolution, .key = key};

	return t->n ? bsearch(&wanted, t->entries, t->n, sizeof(*t->entries), compare_key) : NULL;
}

/* What a table lacks, gathered over all its resolutions before it is refused. */
struct missing {
	size_t n, needed;
	char first[320];
};

static void note_missing(struct missing *m, int resolution, const char *key)
{
	size_t used = strlen(m->first);

	if (m->n++ < 3)
		snprintf(m->first + used, sizeof(m->first) - used, "%s%d: %s", used ? ", " : "", resolution, key);
}

static enum ofa_status check_keys(const struct ofa_space *s, const struct ofa_params *p,
				  const struct ofa_latency_table *t, int resolution, struct missing *m,
				  struct ofa_error *err)
{
	struct ofa_key_list keys;
	enum ofa_status st = ofa_latency_keys(s, p, resolution, &keys, err);

	if (st)
		return st;
	m->needed += keys.n;
	for (size_t i = 0; i < keys.n; i++)
		if (!ofa_latency_find(t, resolution, keys.keys[i]))
			note_missing(m, resolution, keys.keys[i]);
	ofa_key_list_release(&keys);
	return OFA_OK;
}

static bool table_lists(const struct ofa_latency_table *t, int resolution)
{
	size_t low = 0, high = t->n;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (t->entries[mid].resolution < resolution)
			low = mid + 1;
		else
			high = mid;
	}
	return low < t->n && t->entries[low].resolution == resolution;
}

/* The space's resolutions that the table lists; all of them must be complete. */
static enum ofa_status usable_resolutions(const struct ofa_space *s, const struct ofa_params *p,
					  const struct ofa_latency_table *t, int *ret_list, int *ret_n,
					  struct ofa_error *err)
{
	static const char field[] = "/latency_table/entries";
	struct missing m = {0};
	int n = 0;

	for (int i = 0; i < s->n_resolutions; i++) {
		enum ofa_status st;

		if (!table_lists(t, s->resolutions[i]))
			continue;
		ret_list[n++] = s->resolutions[i];
		st = check_keys(s, p, t, s->resolutions[i], &m, err);
		if (st)
			return st;
	}
	if (m.n)
		return ofa_fail(
			err, OFA_ERR_MISMATCH, field,
			"%zu of the %zu keys that the network needs at the table's resolutions are missing: %s%s", m.n,
			m.needed, m.first, m.n > 3 ? ", ..." : "");
	if (n == 0)
		return ofa_fail(err, OFA_ERR_MISMATCH, field,
				"the table has none of the network's resolutions, which are %u to %u",
				s->resolutions[0], s->resolutions[s->n_resolutions - 1]);
	*ret_n = n;
	return OFA_OK;
}

static double *block_cell(const struct ofa_latency_model *m, const struct model_row *row, int block, int w_in,
			  int w_out, int k, int e)
{
	const struct ofa_choices *c = &m->choices;

	return &row->block_ms[(((block * c->widths + w_in) * c->widths + w_out) * c->kernels + k) * c->expands + e];
}

static double *stem_cell(const struct ofa_latency_model *m, const struct model_row *row, int w_in, int w_out)
{
	return &row->stem_ms[w_in * m->choices.widths + w_out];
}

/* Reads the units of one uniform arch into a row. */
static void read_plan(const struct ofa_latency_model *m, const struct ofa_latency_table *t, const struct ofa_plan *plan,
		      struct model_row *row)
{
	const struct ofa_arch *a = &plan->arch;
	int last = m->space->n_width_genes - 1;
	double *stem = stem_cell(m, row, a->w[0], a->w[1]), *head = &row->head_ms[last < 0 ? 0 : a->w[last]];
	double *fixed = stem;

	*stem = *head = 0;
	for (int i = 0; i < plan->n_units; i++) {
		const struct ofa_unit *u = &plan->units[i];
		char key[OFA_LATENCY_KEY_MAX];
		double ms;

		ofa_unit_key(u, plan, key);
		ms = ofa_latency_find(t, row->image_size, key)->mean_ms;
		if (u->kind == OFA_UNIT_HEAD_EXPAND || u->kind == OFA_UNIT_POOL)
			fixed = head;
		if (u->kind == OFA_UNIT_BLOCK && u->block > 0)
			*block_cell(m, row, u->block - 1, ofa_unit_width_in(u, a), ofa_unit_width_out(u, a),
				    a->k[u->block - 1], a->e[u->block - 1]) = ms;
		else
			*fixed += ms;
	}
}

static void fill_row(const struct ofa_latency_model *m, const struct ofa_params *p, const struct ofa_latency_table *t,
		     struct ofa_plan *plan, struct model_row *row)
{
	for (int i = 0; i < ofa_uniform_count(m->space); i++) {
		struct ofa_arch a;

		ofa_arch_uniform(m->space, row->image_size, i, &a);
		ofa_plan_init(m->space, p, &a, plan);
		read_plan(m, t, plan, row);
	}
}

/* Storage for the rows of the resolutions given. */
static enum ofa_status alloc_rows(struct ofa_latency_model *m, const int *resolutions, int n, struct ofa_error *err)
{
	const struct ofa_choices *c = &m->choices;
	size_t head = (size_t)c->widths, stem = head * head;
	size_t cells = stem + head + (size_t)m->space->n_blocks * stem * (size_t)(c->kernels * c->expands);

	m->n_rows = n;
	m->rows = calloc((size_t)n, sizeof(*m->rows));
	m->storage = calloc((size_t)n * cells, sizeof(double));
	if (!m->rows || !m->storage)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	for (int i = 0; i < n; i++) {
		m->rows[i].image_size = resolutions[i];
		m->rows[i].stem_ms = m->storage + (size_t)i * cells;
		m->rows[i].head_ms = m->rows[i].stem_ms + stem;
		m->rows[i].block_ms = m->rows[i].head_ms + head;
	}
	return OFA_OK;
}

enum ofa_status ofa_latency_model_new(const struct ofa_space *s, const struct ofa_params *p,
				      const struct ofa_latency_table *t, struct ofa_latency_model **ret,
				      struct ofa_error *err)
{
	int resolutions[OFA_MAX_RESOLUTIONS], n = 0;
	struct ofa_latency_model *m;
	struct ofa_plan *plan;
	enum ofa_status st = usable_resolutions(s, p, t, resolutions, &n, err);

	if (st)
		return st;
	m = calloc(1, sizeof(*m));
	plan = malloc(sizeof(*plan));
	if (!m || !plan) {
		st = ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
		goto out;
	}
	m->space = s;
	ofa_space_choices(s, &m->choices);
	st = alloc_rows(m, resolutions, n, err);
	for (int i = 0; !st && i < n; i++)
		fill_row(m, p, t, plan, &m->rows[i]);
out:
	free(plan);
	if (st)
		ofa_latency_model_free(m);
	else
		*ret = m;
	return st;
}

void ofa_latency_model_free(struct ofa_latency_model *m)
{
	if (!m)
		return;
	free(m->rows);
	free(m->storage);
	free(m);
}

static const struct model_row *find_row(const struct ofa_latency_model *m, int image_size)
{
	for (int i = 0; i < m->n_rows; i++)
		if (m->rows[i].image_size == image_size)
			return &m->rows[i];
	return NULL;
}

bool ofa_latency_has(const struct ofa_latency_model *m, int image_size)
{
	return find_row(m, image_size) != NULL;
}

double ofa_latency_stem_ms(const struct ofa_latency_model *m, int image_size, int w_in, int w_out)
{
	const struct model_row *row = find_row(m, image_size);

	return row ? *stem_cell(m, row, w_in, w_out) : NAN;
}

double ofa_latency_head_ms(const struct ofa_latency_model *m, int image_size, int w_in)
{
	const struct model_row *row = find_row(m, image_size);

	return row ? row->head_ms[w_in] : NAN;
}

double ofa_latency_block_ms(const struct ofa_latency_model *m, int image_size, int block, int w_in, int w_out, int k,
			    int e)
{
	const struct model_row *row = find_row(m, image_size);

	return row ? *block_cell(m, row, block, w_in, w_out, k, e) : NAN;
}

double ofa_latency_ms(const struct ofa_latency_model *m, const struct ofa_arch *a)
{
	const struct model_row *row = find_row(m, a->image_size);
	const struct ofa_space *s = m->space;
	double sum;

	if (!row)
		return NAN;
	sum = *stem_cell(m, row, a->w[0], a->w[1]) + row->head_ms[s->n_width_genes ? a->w[s->n_width_genes - 1] : 0];
	for (int i = 0; i < s->n_stages; i++) {
		int first = s->stages[i].first_block, end = first + ofa_arch_depth(s, a, i);

		for (int b = first; b < end; b++) {
			int in = ofa_block_gene_in(s, b), out = ofa_block_gene_out(s, b);

			sum += *block_cell(m, row, b, in < 0 ? 0 : a->w[in], out < 0 ? 0 : a->w[out], a->k[b], a->e[b]);
		}
	}
	return sum;
}
