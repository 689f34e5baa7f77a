/* Where a batch's tensors live: sized for the largest plan, laid out anew for each. */
#include "net/batch_store.h"

#include <stdlib.h>
#include <string.h>
#include "net/prepare.h"

#define ALIGN_FLOATS 16u
#define ROTATING 4 /* three in a bottleneck that projects its input, two elsewhere */

/* Hands out parts of the storage; with no storage it only adds up. */
struct bump {
	float *base;
	size_t used;
};

static float *take(struct bump *m, size_t floats)
{
	float *p = m->base ? m->base + m->used : NULL;

	m->used += (floats + ALIGN_FLOATS - 1) / ALIGN_FLOATS * ALIGN_FLOATS;
	return p;
}

static size_t out_floats(const struct ofa_layer *l)
{
	return (size_t)l->h_out * l->w_out * l->c_out;
}

/* The projection of a bottleneck's input, which is only ever added. */
static bool is_projection(const struct ofa_plan *plan, int li)
{
	const struct ofa_layer *l = &plan->layers[li];

	return l->op == OFA_OP_CONV && l->act == OFA_ACT_NONE && plan->units[l->unit].bottleneck;
}

/* How many layers read a layer's value, adding it included; SE belongs to its reader. */
static int uses(const struct ofa_plan *plan, int li)
{
	int value = plan->layers[li].out, n = 0;

	for (int i = li + 1; i <= plan->values[value].last_layer; i++)
		if (plan->layers[i].op != OFA_OP_SE)
			n += (plan->layers[i].in == value) + (plan->layers[i].residual == value);
	return n;
}

bool ofa_batch_boundary(const struct ofa_plan *plan, int li)
{
	const struct ofa_layer *l = &plan->layers[li];

	if (l->op != OFA_OP_CONV)
		return l->op != OFA_OP_DWCONV && l->op != OFA_OP_SE && l->op != OFA_OP_LINEAR;
	if (l->bn < 0 || is_projection(plan, li))
		return false;
	return l->act == OFA_ACT_NONE || l->residual >= 0 || uses(plan, li) > 1;
}

static size_t panel_floats(int rows, size_t columns)
{
	return ((size_t)rows + OFA_WEIGHT_PANEL - 1) / OFA_WEIGHT_PANEL * OFA_WEIGHT_PANEL * columns;
}

static void weights_layout(struct ofa_batch_layer *bl, const struct ofa_layer *l, bool keep, struct bump *m)
{
	const size_t width = (size_t)l->k * l->k * l->c_in;

	if (l->op == OFA_OP_DWCONV) {
		bl->wk = take(m, (size_t)l->k * l->k * l->c_out);
	} else if (l->op == OFA_OP_CONV && (l->k > 1 || !keep)) {
		bl->wk = take(m, keep ? width * l->c_out : panel_floats(l->c_out, width));
	} else if (l->op == OFA_OP_SE && !keep) {
		bl->wk = take(m, panel_floats(l->hidden, (size_t)l->c_in));
		bl->wk2 = take(m, panel_floats(l->c_in, (size_t)l->hidden));
	}
	if (l->op == OFA_OP_CONV || l->op == OFA_OP_DWCONV || l->op == OFA_OP_ADD) {
		bl->scale = take(m, (size_t)l->c_out);
		bl->shift = take(m, (size_t)l->c_out);
		if (l->bn >= 0) {
			bl->mean = take(m, (size_t)l->c_out);
			bl->var = take(m, (size_t)l->c_out);
			bl->invstd = take(m, (size_t)l->c_out);
		}
	}
}

static void se_layout(struct ofa_batch_layer *bl, const struct ofa_layer *l, size_t n, struct bump *m)
{
	bl->squeeze = take(m, n * l->c_in);
	bl->hidden = take(m, n * l->hidden);
	bl->gate_in = take(m, n * l->c_in);
	bl->gate = take(m, n * l->c_in);
}

static void relate(struct ofa_batch *b, const struct ofa_plan *plan)
{
	for (int i = 0; i < plan->n_layers; i++)
		b->reader[i] = -1;
	for (int i = 0; i < plan->n_layers; i++) {
		int p = plan->values[plan->layers[i].in].first_layer;

		b->producer[i] = p;
		if (p >= 0 && plan->layers[i].op != OFA_OP_SE && b->reader[p] < 0)
			b->reader[p] = i;
	}
}

/* The passes between which a buffer is in use, both included. */
struct span {
	int begin, end;
};

/* The last pass that reads layer li's value to add it: an ADD layer's own, else the one that materialises the sum. */
static int last_addition(const struct ofa_batch *b, const struct ofa_plan *plan, int li)
{
	int last = -1;

	for (int i = li + 1; i <= plan->values[plan->layers[li].out].last_layer; i++)
		if (plan->layers[i].residual == plan->layers[li].out)
			last = plan->layers[i].op == OFA_OP_ADD ? i : b->reader[i];
	return last;
}

static int last_reading(const struct ofa_plan *plan, int li)
{
	int last = -1;

	for (int i = li + 1; i <= plan->values[plan->layers[li].out].last_layer; i++)
		if (plan->layers[i].in == plan->layers[li].out)
			last = i;
	return last;
}

static struct span z_span(const struct ofa_batch *b, const struct ofa_plan *plan, int li)
{
	int last = is_projection(plan, li) ? last_addition(b, plan, li) : last_reading(plan, li);

	return (struct span){li, ofa_batch_boundary(plan, li) ? b->reader[li] : last};
}

static struct span y_span(const struct ofa_batch *b, const struct ofa_plan *plan, int li)
{
	int read = last_reading(plan, li), addition = last_addition(b, plan, li);

	int begin = plan->layers[li].op == OFA_OP_CONV ? b->reader[li] : li;

	return (struct span){begin, read > addition ? read : addition};
}

/* Buffers that values take turns in. */
struct rotation {
	float *buffer[ROTATING];
	int n;
	int slot[OFA_PLAN_MAX_LAYERS]; /* by layer, -1: none */
	struct span span[OFA_PLAN_MAX_LAYERS];
};

static void take_turn(struct rotation *r, int li, struct span s)
{
	int slot = 0;

	for (int i = 0; i < li; i++) {
		if (r->slot[i] == slot && s.begin <= r->span[i].end && r->span[i].begin <= s.end) {
			slot++;
			i = -1;
		}
	}
	r->slot[li] = slot;
	r->span[li] = s;
	r->n = slot + 1 > r->n ? slot + 1 : r->n;
}

static bool has_z(const struct ofa_layer *l)
{
	return l->op == OFA_OP_CONV || l->op == OFA_OP_DWCONV || l->op == OFA_OP_LINEAR;
}

/* Who takes which turn, and the buffers, each as large as the largest map. */
static void rotate(struct ofa_batch *b, const struct ofa_plan *plan, int n, struct bump *m, struct rotation *z,
		   struct rotation *y)
{
	size_t z_max = 0, y_max = 0;

	z->n = y->n = 0;
	for (int i = 0; i < plan->n_layers; i++) {
		size_t f = (size_t)n * out_floats(&plan->layers[i]);

		z->slot[i] = y->slot[i] = -1;
		if (has_z(&plan->layers[i])) {
			take_turn(z, i, z_span(b, plan, i));
			z_max = f > z_max ? f : z_max;
		}
		if (ofa_batch_boundary(plan, i)) {
			take_turn(y, i, y_span(b, plan, i));
			y_max = f > y_max ? f : y_max;
		}
	}
	for (int i = 0; i < z->n; i++)
		z->buffer[i] = take(m, z_max);
	for (int i = 0; i < y->n; i++)
		y->buffer[i] = take(m, y_max);
}

/* keep: every z and y has a place of its own.  Else they take turns in a few buffers. */
static void layout(struct ofa_batch *b, const struct ofa_plan *plan, int n, struct bump *m)
{
	struct rotation z, y;

	memset(b->layers, 0, sizeof b->layers);
	relate(b, plan);
	if (!b->keep)
		rotate(b, plan, n, m, &z, &y);
	for (int i = 0; i < plan->n_layers; i++) {
		const struct ofa_layer *l = &plan->layers[i];
		struct ofa_batch_layer *bl = &b->layers[i];
		size_t f = (size_t)n * out_floats(l);

		weights_layout(bl, l, b->keep, m);
		if (l->op == OFA_OP_SE)
			se_layout(bl, l, (size_t)n, m);
		if (has_z(l))
			bl->z = b->keep ? take(m, f) : z.buffer[z.slot[i]];
		if (ofa_batch_boundary(plan, i))
			bl->y = b->keep ? take(m, f) : y.buffer[y.slot[i]];
	}
}

static size_t padded_floats(int h, int w, int c, int pad)
{
	return (size_t)(h + 2 * pad) * (w + 2 * pad) * c;
}

static size_t patch_floats(const struct ofa_layer *l)
{
	return (size_t)l->h_out * l->w_out * l->k * l->k * l->c_in;
}

size_t ofa_batch_forward_floats(const struct ofa_layer *l)
{
	if (l->op == OFA_OP_DWCONV)
		return padded_floats(l->h_in, l->w_in, l->c_in, l->pad);
	return padded_floats(l->h_in, l->w_in, l->c_in, 0);
}

size_t ofa_batch_backward_floats(const struct ofa_layer *l)
{
	size_t in = padded_floats(l->h_in, l->w_in, l->c_in, 0), gates = 4 * (size_t)l->c_in;

	if (l->op == OFA_OP_DWCONV)
		return out_floats(l) + padded_floats(l->h_out, l->w_out, l->c_out, l->pad) +
		       padded_floats(l->h_in, l->w_in, l->c_in, l->pad) + in;
	if (l->k > 1)
		return out_floats(l) + patch_floats(l);
	/* The hidden units of one or two channels outnumber them (make divisible). */
	if (gates < 2 * (size_t)l->c_in + ofa_se_channels(l->c_in))
		gates = 2 * (size_t)l->c_in + ofa_se_channels(l->c_in);
	return out_floats(l) + 3 * in + gates;
}

/* A pass takes either one image or as many as stay within OFA_BATCH_CHUNK_FLOATS. */
static size_t scratch_need(const struct ofa_plan *plan, bool backward)
{
	size_t need = OFA_BATCH_CHUNK_FLOATS, tile = 0;

	for (int i = 0; i < plan->n_layers; i++) {
		const struct ofa_layer *l = &plan->layers[i];
		size_t prep = l->op == OFA_OP_DWCONV ? ofa_depthwise_scratch(l) : 0;
		size_t one = ofa_batch_forward_floats(l);

		if (backward && ofa_batch_backward_floats(l) > one)
			one = ofa_batch_backward_floats(l);
		need = one > need ? one : need;
		need = prep > need ? prep : need;
		if (l->op == OFA_OP_CONV && l->k > 1) {
			struct ofa_conv c = ofa_layer_conv(l);

			tile = ofa_conv_floats(&c) > tile ? ofa_conv_floats(&c) : tile;
		}
	}
	need += tile;
	return (need + ALIGN_FLOATS - 1) / ALIGN_FLOATS * ALIGN_FLOATS;
}

static size_t max_channels(const struct ofa_plan *plan)
{
	int c = 0;

	for (int i = 0; i < plan->n_layers; i++) {
		c = plan->layers[i].c_out > c ? plan->layers[i].c_out : c;
		c = plan->layers[i].c_in > c ? plan->layers[i].c_in : c;
		c = plan->layers[i].hidden > c ? plan->layers[i].hidden : c;
	}
	return ((size_t)c + ALIGN_FLOATS - 1) / ALIGN_FLOATS * ALIGN_FLOATS;
}

static float *alloc_floats(size_t n)
{
	void *p = NULL;

	if (n > SIZE_MAX / sizeof(float) / 2 || posix_memalign(&p, 64, n * sizeof(float)) != 0)
		return NULL;
	return p;
}

enum ofa_status ofa_batch_init_plan(struct ofa_batch *b, const struct ofa_space *s, const struct ofa_params *p,
				    int max_batch, const struct ofa_plan *plan, bool keep, struct ofa_pool *pool,
				    struct ofa_error *err)
{
	struct bump m = {0};
	unsigned threads = ofa_pool_size(pool);
	float *per_thread;

	memset(b, 0, sizeof *b);
	b->space = s;
	b->params = p;
	b->kernels = ofa_kernels();
	b->pool = pool;
	b->keep = keep;
	b->max_batch = max_batch;
	layout(b, plan, max_batch, &m);
	b->storage_floats = m.used;
	b->scratch_floats = scratch_need(plan, keep);
	b->max_channels = max_channels(plan);
	b->storage = alloc_floats(b->storage_floats);
	per_thread = alloc_floats(threads * (b->scratch_floats + 3 * b->max_channels) + b->max_channels);
	b->scratch[0] = per_thread;
	b->sums = malloc((2 * b->max_channels + 1) * sizeof *b->sums);
	if (!b->storage || !per_thread || !b->sums) {
		ofa_batch_release(b);
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory for a batch of %d images (%zu MB)", max_batch,
				b->storage_floats * sizeof(float) >> 20);
	}
	for (unsigned t = 0; t < threads; t++) {
		b->scratch[t] = per_thread + t * (b->scratch_floats + 3 * b->max_channels);
		b->stat_sum[t] = b->scratch[t] + b->scratch_floats;
		b->stat_square[t] = b->stat_sum[t] + b->max_channels;
		b->stat_origin[t] = b->stat_square[t] + b->max_channels;
	}
	b->zeros = per_thread + threads * (b->scratch_floats + 3 * b->max_channels);
	memset(b->zeros, 0, b->max_channels * sizeof(*b->zeros));
	return OFA_OK;
}

enum ofa_status ofa_batch_init(struct ofa_batch *b, const struct ofa_space *s, const struct ofa_params *p,
			       int max_batch, int max_size, bool keep, struct ofa_pool *pool, struct ofa_error *err)
{
	struct ofa_arch a;
	struct ofa_plan *plan = malloc(sizeof *plan);
	enum ofa_status st;

	memset(b, 0, sizeof *b);
	if (!plan)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory for a plan");
	ofa_arch_largest(s, &a);
	a.image_size = (uint16_t)max_size;
	ofa_plan_init(s, p, &a, plan);
	st = ofa_batch_init_plan(b, s, p, max_batch, plan, keep, pool, err);
	free(plan);
	return st;
}

void ofa_batch_release(struct ofa_batch *b)
{
	free(b->storage);
	free(b->scratch[0]);
	free(b->sums);
	b->storage = NULL;
	b->scratch[0] = NULL;
	b->sums = NULL;
}

void ofa_batch_place(struct ofa_batch *b, int n)
{
	struct bump m = {.base = b->storage};

	layout(b, &b->plan, n, &m);
}
