#include <string.h>

#include "cost/memory.h"

/* Layers that run in turns, row by row: [conv] dwconv [conv], or a single layer.  Sizes in bytes; what it lacks
 * is 0. */
struct group {
	uint32_t in_row, in_rows, out_row, out_rows;
	uint32_t window; /* of the first conv's output */
	uint32_t window_rows;
	uint32_t line;   /* of the dwconv's output */
	int k, stride, pad; /* from the input, or the window, to the output */
	bool keeps_input;   /* for later layers */
	bool adds_input;    /* row r to row r of the output */
};

struct places {
	uint32_t in, window, line, out, end;
};

static uint32_t align(uint64_t bytes)
{
	return (uint32_t)((bytes + OFA_MEMORY_INT8_ALIGN - 1) / OFA_MEMORY_INT8_ALIGN * OFA_MEMORY_INT8_ALIGN);
}

/* The first row of the input that is still read after step r; in_rows when there is none. */
static uint32_t first_needed(const struct group *g, uint32_t r)
{
	const int64_t made = (int64_t)r * g->stride - g->pad + g->k, reached = (int64_t)(r + 1) * g->stride - g->pad;
	int64_t row = g->window > 0 ? made : reached;

	if (g->window == 0 && r + 1 == g->out_rows)
		row = g->in_rows;
	if (g->adds_input && row > (int64_t)r + 1)
		row = (int64_t)r + 1;
	if (row < 0)
		row = 0;
	return row < g->in_rows ? (uint32_t)row : g->in_rows;
}

/* How far above the output the input has to begin, so that no row is overwritten that is still read; negative:
 * may begin below it. */
static int64_t clearance(const struct group *g)
{
	int64_t most = INT64_MIN;

	for (uint32_t r = 0; r < g->out_rows; r++) {
		const uint32_t row = first_needed(g, r);
		const int64_t above = ((int64_t)r + 1) * g->out_row - (int64_t)row * g->in_row;

		if (row < g->in_rows && above > most)
			most = above;
	}
	return most;
}

/* The window lies lowest and may reach into input that was read when its last row is first written.  The output follows
 * it, into the place of the rows that are read first, or lies above the input: whichever ends lower. */
static struct places place(const struct group *g)
{
	const uint32_t in = g->in_row * g->in_rows, out = g->out_row * g->out_rows, window = align(g->window);
	const bool shares = !g->keeps_input && !g->adds_input && g->window >= g->in_row * g->window_rows;
	const uint32_t read = g->window_rows > 0 && shares ? (g->window_rows - 1) * g->in_row : 0;
	const uint32_t lowest = align(window > read ? window - read : 0);
	const uint32_t above = align((uint64_t)lowest + in) + out;
	struct places p = {.in = lowest, .out = align((uint64_t)lowest + in)};

	p.end = above;
	if (!g->keeps_input) {
		const int64_t clear = clearance(g) == INT64_MIN ? 0 : (int64_t)window + clearance(g);
		const uint32_t at = align((uint64_t)(clear > (int64_t)lowest ? clear : (int64_t)lowest));
		const uint32_t end = at + in > window + out ? at + in : window + out;

		if (end <= above)
			p = (struct places){.in = at, .out = window, .end = end};
	}
	p.line = align(p.end);
	p.end = g->line > 0 ? p.line + g->line : p.end;
	return p;
}

static uint32_t row_bytes(int w, int c)
{
	return (uint32_t)w * (uint32_t)c;
}

static struct group single(const struct ofa_layer *l)
{
	return (struct group){
		.in_row = row_bytes(l->w_in, l->c_in),
		.in_rows = (uint32_t)l->h_in,
		.out_row = row_bytes(l->w_out, l->c_out),
		.out_rows = (uint32_t)l->h_out,
		.k = l->k,
		.stride = l->stride,
		.pad = l->pad,
	};
}

/* From `first` to `last`, the dwconv of which is `middle`. */
static struct group join(const struct ofa_layer *first, const struct ofa_layer *middle, const struct ofa_layer *last)
{
	struct group g = single(middle);

	g.in_row = row_bytes(first->w_in, first->c_in);
	g.out_row = row_bytes(last->w_out, last->c_out);
	if (first != middle) {
		g.window_rows = (uint32_t)(middle->k < middle->h_in ? middle->k : middle->h_in);
		g.window = g.window_rows * row_bytes(middle->w_in, middle->c_in);
	}
	if (last != middle)
		g.line = row_bytes(middle->w_out, middle->c_out);
	return g;
}

static struct ofa_placement placement(uint32_t in, uint32_t out)
{
	return (struct ofa_placement){
		.in = in, .out = out, .residual = OFA_NOWHERE, .scratch = OFA_NOWHERE, .origin = in};
}

/* Layers n of a unit in one group; returns where its output is. */
static struct places place_group(const struct group *g, const struct ofa_layer *l, int n, struct ofa_placement *ret)
{
	const struct places p = place(g);
	uint32_t at = p.in;

	for (int i = 0; i < n; i++) {
		const bool last = i == n - 1, window = !last && l[i].op == OFA_OP_CONV;

		ret[i] = placement(at, last ? p.out : window ? p.window : p.line);
		ret[i].rows = last ? 0 : window ? g->window_rows : 1;
		at = ret[i].out;
	}
	if (g->adds_input)
		ret[n - 1].residual = p.in;
	return p;
}

static uint32_t larger(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/* [conv] dwconv, SE, conv: SE needs the whole of what it scales. */
static uint32_t place_excited(const struct ofa_layer *l, int n, bool residual, struct ofa_placement *ret)
{
	const struct ofa_layer *se = &l[n - 2], *last = &l[n - 1];
	struct group g = join(&l[0], &l[n - 3], &l[n - 3]), project = single(last);
	const uint32_t scratch = (uint32_t)(se->c_in + se->hidden);
	struct places p, q;
	uint32_t free_bytes, end;

	g.keeps_input = residual;
	p = place_group(&g, l, n - 2, ret);
	end = p.end;
	ret[n - 2] = placement(p.out, p.out);
	free_bytes = residual && p.in < p.out ? p.in : p.out;
	ret[n - 2].scratch = scratch <= free_bytes ? 0 : align(p.end);
	if (scratch > free_bytes)
		end = align(p.end) + scratch;
	if (residual) { /* takes the place of what it adds */
		ret[n - 1] = placement(p.out, p.in);
		ret[n - 1].residual = p.in;
		return end;
	}
	q = place(&project);
	if (q.in <= p.out) { /* and so fits below */
		ret[n - 1] = placement(p.out, p.out - q.in + q.out);
		return larger(end, p.out - q.in + q.end);
	}
	ret[n - 1] = placement(p.out, align(p.out + g.out_row * g.out_rows));
	return larger(end, ret[n - 1].out + project.out_row * project.out_rows);
}

/* A pool over everything, or a matrix: nothing may overlap. */
static uint32_t place_apart(const struct ofa_layer *l, struct ofa_placement *ret)
{
	const struct group g = single(l);

	ret[0] = placement(0, align(g.in_row * g.in_rows));
	return ret[0].out + g.out_row * g.out_rows;
}

uint32_t ofa_stripes_place(const struct ofa_plan *p, int unit, struct ofa_placement *ret)
{
	const struct ofa_unit *u = &p->units[unit];
	const struct ofa_layer *l = &p->layers[u->first_layer], *last = &l[u->n_layers - 1];
	const bool residual = last->residual >= 0;
	struct group g;

	if (u->kind != OFA_UNIT_BLOCK) {
		if (l->op == OFA_OP_POOL || l->op == OFA_OP_LINEAR)
			return align(place_apart(l, ret));
		g = single(l);
		return align(place_group(&g, l, 1, ret).end);
	}
	if (u->n_layers >= 3 && last[-1].op == OFA_OP_SE)
		return align(place_excited(l, u->n_layers, residual, ret));
	g = join(l, &last[-1], last);
	g.adds_input = residual;
	return align(place_group(&g, l, u->n_layers, ret).end);
}

bool ofa_stripes_apply(const struct ofa_plan *p)
{
	for (int i = 0; i < p->n_units; i++) {
		const struct ofa_unit *u = &p->units[i];
		const struct ofa_layer *l = &p->layers[u->first_layer];

		if (u->bottleneck || u->n_layers > OFA_STRIPES_MAX_LAYERS ||
		    (u->kind != OFA_UNIT_BLOCK && (u->n_layers != 1 || l->residual >= 0)))
			return false;
	}
	return true;
}
