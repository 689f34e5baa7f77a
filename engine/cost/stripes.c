#include "cost/stripes.h"

#include <string.h>

#include "ofa_format.h"

enum { INPUT = -1, NOTHING = -2 };

_Static_assert(OFA_STRIPES_MOST == OFA_FMT_MAX_GROUP, "a group is as long as the format has it");

/* Layers that run in turns, row by row, as doc/pack-format.md says of a group. */
struct group {
	const struct ofa_layer *l;
	int n;
	bool keeps_input; /* for a layer after the group */
	int adds[OFA_STRIPES_MOST]; /* the layer whose output is added */
};

/* What there is at one moment, and what was learnt. */
struct walk {
	const struct group *g;
	int made[OFA_STRIPES_MOST]; /* rows of each layer's output */
	int rows[OFA_STRIPES_MOST]; /* of it that are needed at a time */
	/* how far above its own start the first window, and the output, wants the input to begin */
	int64_t window_ends, out_ends;
	bool frees_added; /* once a row of the output is there, nobody reads the row of the input that it adds */
};

static int64_t row_bytes(int w, int c)
{
	return (int64_t)w * c;
}

static int64_t in_row(const struct group *g)
{
	return row_bytes(g->l->w_in, g->l->c_in);
}

static int64_t out_row(const struct ofa_layer *l)
{
	return row_bytes(l->w_out, l->c_out);
}

/* Rows of its input that a layer needs for its row y to exist. */
static int reach(const struct ofa_layer *l, int y)
{
	const int end = y * l->stride - l->pad + l->k;

	return end < l->h_in ? end : l->h_in;
}

/* The first row of a value that will still be read. */
static int first_needed(const struct walk *w, int value)
{
	const struct group *g = w->g;
	const struct ofa_layer *reader = &g->l[value + 1];
	int first;

	if (value == INPUT && g->keeps_input)
		return 0;
	first = w->made[value + 1] < reader->h_out ? w->made[value + 1] * reader->stride - reader->pad : reader->h_in;
	for (int i = 0; i < g->n; i++)
		if (g->adds[i] == value && w->made[i] < g->l[i].h_out && w->made[i] < first)
			first = w->made[i];
	return first > 0 ? first : 0;
}

/* Layer i computes its row y. */
static void see_row(struct walk *w, int i, int y)
{
	const struct group *g = w->g;
	const int input = first_needed(w, INPUT);
	const int64_t read = input * in_row(g);
	int64_t end;

	if (i < g->n - 1) {
		const int held = y + 1 - first_needed(w, i);

		if (held > w->rows[i])
			w->rows[i] = held;
	}
	if (input >= g->l->h_in)
		return;
	if (i == 0 && g->n > 1) {
		end = (w->rows[0] > 0 ? y % w->rows[0] + 1 : 0) * out_row(&g->l[0]) - read;
		if (end > w->window_ends)
			w->window_ends = end;
	}
	if (i == g->n - 1) {
		end = (y + 1) * out_row(&g->l[i]) - read;
		if (end > w->out_ends)
			w->out_ends = end;
	}
}

static void make(struct walk *w, int i, int y)
{
	while (i > 0 && w->made[i - 1] < reach(&w->g->l[i], y))
		make(w, i - 1, w->made[i - 1]);
	see_row(w, i, y);
	w->made[i] = y + 1;
	if (i == w->g->n - 1 && first_needed(w, INPUT) <= y)
		w->frees_added = false;
}

/* Goes through the group's order; a second time knows how many rows the windows have. */
static void walk(struct walk *w)
{
	memset(w->made, 0, sizeof(w->made));
	w->window_ends = w->out_ends = INT64_MIN;
	w->frees_added = w->g->n > 1; /* a single layer reads the row itself */
	for (int y = 0; y < w->g->l[w->g->n - 1].h_out; y++)
		make(w, w->g->n - 1, y);
}

static uint32_t align(int64_t bytes)
{
	return bytes <= 0 ? 0
			  : (uint32_t)((bytes + OFA_MEMORY_INT8_ALIGN - 1) / OFA_MEMORY_INT8_ALIGN *
				       OFA_MEMORY_INT8_ALIGN);
}

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

struct places {
	uint32_t window[OFA_STRIPES_MOST]; /* of each layer but the last */
	uint32_t in, out, end;
};

/* From below: windows, the first layer's last; then the output, over the rows of the input that are read first. */
static void place(const struct walk *w, struct places *ret)
{
	const struct group *g = w->g;
	const int last = g->n - 1;
	const int64_t in = in_row(g) * g->l->h_in, out = out_row(&g->l[last]) * g->l[last].h_out;
	int64_t windows = 0, first = 0, lowest, above;

	for (int i = last - 1; i >= 0; i--) {
		first = windows;
		windows = align(windows + w->rows[i] * out_row(&g->l[i]));
	}
	lowest = g->keeps_input ? windows : align(first + w->window_ends);
	above = align(lowest + in) + out;
	*ret = (struct places){.in = (uint32_t)lowest, .out = align(lowest + in), .end = (uint32_t)above};
	for (int i = last - 1, at = 0; i >= 0; i--) {
		ret->window[i] = (uint32_t)at;
		at = (int)align(at + w->rows[i] * out_row(&g->l[i]));
	}
	if (g->keeps_input)
		return;
	if (g->adds[last] == INPUT && out_row(&g->l[last]) == in_row(g) && w->frees_added) {
		/* each row takes the place of the one that it adds; no window may reach into it */
		ret->in = ret->out = (uint32_t)windows;
		ret->end = (uint32_t)(windows + in);
		return;
	}
	lowest = align(larger(lowest, windows + w->out_ends));
	if (larger(lowest + in, windows + out) <= above) {
		ret->in = (uint32_t)lowest;
		ret->out = (uint32_t)windows;
		ret->end = (uint32_t)larger(lowest + in, windows + out);
	}
}

/* The first layer of a group may add nothing but its input. */
static struct group group_of(const struct ofa_layer *l, int n, bool keeps_input)
{
	struct group g = {.l = l, .n = n, .keeps_input = keeps_input};

	for (int i = 0; i < n; i++) {
		g.adds[i] = NOTHING;
		if (l[i].residual == l->in)
			g.adds[i] = INPUT;
		for (int j = 0; j < i; j++)
			if (l[i].residual == l[j].out)
				g.adds[i] = j;
	}
	return g;
}

static struct ofa_placement placement(uint32_t in, uint32_t out)
{
	return (struct ofa_placement){
		.in = in, .out = out, .residual = OFA_NOWHERE, .scratch = OFA_NOWHERE, .origin = in};
}

static void place_group(const struct group *g, struct places *ret_places, struct ofa_placement *ret)
{
	struct walk w = {.g = g};
	uint32_t at;

	walk(&w);
	walk(&w);
	place(&w, ret_places);
	at = ret_places->in;
	for (int i = 0; i < g->n; i++) {
		const bool last = i == g->n - 1;

		ret[i] = placement(at, last ? ret_places->out : ret_places->window[i]);
		ret[i].rows = last ? 0 : (uint32_t)w.rows[i];
		if (g->adds[i] != NOTHING)
			ret[i].residual = g->adds[i] == INPUT ? ret_places->in : ret_places->window[g->adds[i]];
		at = ret[i].out;
	}
}

/* A group, SE, conv: SE needs the whole of what it scales.  The conv's output takes the place of what it adds, or lies
 * over what it reads. */
static uint32_t place_excited(const struct ofa_layer *l, int n, struct ofa_placement *ret)
{
	const struct ofa_layer *se = &l[n - 2], *last = &l[n - 1];
	const bool residual = last->residual >= 0;
	const struct group before = group_of(l, n - 2, residual), after = group_of(last, 1, false);
	const int64_t scratch = (int64_t)se->c_in + se->hidden;
	struct ofa_placement unused;
	struct places p, q;
	int64_t below, end, shift;

	place_group(&before, &p, ret);
	end = p.end;
	ret[n - 2] = placement(p.out, p.out);
	below = residual && p.in < p.out ? p.in : p.out;
	ret[n - 2].scratch = scratch <= below ? 0 : align(p.end);
	if (scratch > below)
		end = align(p.end) + scratch;
	if (residual) {
		ret[n - 1] = placement(p.out, p.in);
		ret[n - 1].residual = p.in;
		return (uint32_t)end;
	}
	place_group(&after, &q, &unused);
	shift = (int64_t)p.out - q.in;
	if (shift + q.out < 0) { /* does not fit below */
		ret[n - 1] = placement(p.out, align((int64_t)p.out + in_row(&after) * last->h_in));
		return (uint32_t)larger(end, ret[n - 1].out + out_row(last) * last->h_out);
	}
	ret[n - 1] = placement(p.out, (uint32_t)(shift + q.out));
	return (uint32_t)larger(end, shift + q.end);
}

/* A pool over everything, or a matrix: nothing may overlap. */
static uint32_t place_apart(const struct ofa_layer *l, struct ofa_placement *ret)
{
	const struct group g = group_of(l, 1, false);

	ret[0] = placement(0, align(in_row(&g) * l->h_in));
	return (uint32_t)(ret[0].out + out_row(l) * l->h_out);
}

static bool has_se(const struct ofa_plan *p, const struct ofa_unit *u)
{
	return u->n_layers >= 3 && p->layers[u->first_layer + u->n_layers - 2].op == OFA_OP_SE;
}

/* Where a stem keeps the size of its image, its output and the first block's are the largest maps that are not
 * expanded: both run in turns with the first elastic block, which halves the size.  (It does so in every arch of a
 * space, or the units before it would cost what depends on it.) */
static bool begins_together(const struct ofa_plan *p)
{
	const struct ofa_unit *u = p->units;

	return p->n_units > 3 && u[0].kind == OFA_UNIT_STEM && u[0].n_layers == 1 && u[1].kind == OFA_UNIT_BLOCK &&
	       u[2].kind == OFA_UNIT_BLOCK && !has_se(p, &u[1]) && u[2].stride == 2 &&
	       u[2].first_layer + u[2].n_layers <= OFA_STRIPES_MOST;
}

uint32_t ofa_stripes_place(const struct ofa_plan *p, int unit, struct ofa_placement *ret)
{
	const struct ofa_unit *u = &p->units[unit];
	const bool together = begins_together(p) && unit <= 2;
	const int first = together ? 0 : u->first_layer, n = u->first_layer + u->n_layers - first;
	const struct ofa_layer *l = &p->layers[first];
	struct places places;
	struct group g;

	if (together && unit < 2)
		return 0;
	if (l->op == OFA_OP_POOL || l->op == OFA_OP_LINEAR)
		return align(place_apart(l, &ret[first]));
	if (u->kind == OFA_UNIT_BLOCK && has_se(p, u))
		return align(place_excited(l, n, &ret[first]));
	g = group_of(l, n, false);
	place_group(&g, &places, &ret[first]);
	return align(places.end);
}

int ofa_stripes_first_layer(const struct ofa_plan *p, int unit)
{
	return begins_together(p) && unit <= 2 ? 0 : p->units[unit].first_layer;
}

bool ofa_stripes_apply(const struct ofa_plan *p)
{
	for (int i = 0; i < p->n_units; i++) {
		const struct ofa_unit *u = &p->units[i];
		const struct ofa_layer *l = &p->layers[u->first_layer];

		if (u->bottleneck || u->n_layers > OFA_STRIPES_MOST ||
		    (u->kind != OFA_UNIT_BLOCK && (u->n_layers != 1 || l->residual >= 0)))
			return false;
	}
	return true;
}
