/* The int8 arena: every byte says which row of which value it holds while a plan is executed as doc/pack-format.md
 * has it, and no row is read that is not there. */
#include <string.h>

#include "base/rng.h"
#include "cost/stripes.h"
#include "ofa_format.h"
#include "spaces.h"

struct machine {
	const struct ofa_plan *p;
	const struct ofa_memory_plan *m;
	uint32_t *tag; /* by byte of the arena */
	uint32_t highest;
	int made[OFA_PLAN_MAX_LAYERS];
};

static uint32_t tag_of(int value, int row)
{
	return (uint32_t)value << 16 | (uint32_t)(row + 1);
}

static void set(struct machine *x, uint32_t at, uint32_t n, uint32_t tag)
{
	ck_assert_uint_le(at, x->m->arena_bytes);
	ck_assert_uint_le(n, x->m->arena_bytes - at);
	for (uint32_t i = 0; i < n; i++)
		x->tag[at + i] = tag;
	if (at + n > x->highest)
		x->highest = at + n;
}

static void expect(const struct machine *x, int layer, uint32_t at, uint32_t n, int value, int row)
{
	for (uint32_t i = 0; i < n; i++)
		if (x->tag[at + i] != tag_of(value, row))
			ck_abort_msg("layer %d reads row %d of value %d at %u, where row %u of %u is", layer, row,
				     value, at, (x->tag[at + i] & 0xffff) - 1, x->tag[at + i] >> 16);
}

static uint32_t row_bytes(const struct ofa_value *v)
{
	return (uint32_t)(v->w * v->c);
}

static uint32_t row_at(uint32_t place, uint32_t rows, int row, uint32_t bytes)
{
	return place + (rows > 0 ? (uint32_t)row % rows : (uint32_t)row) * bytes;
}

/* How many rows of a layer's input, or of what it adds, exist at a time. */
static uint32_t window_of(const struct machine *x, int value)
{
	for (int l = 0; l < x->p->n_layers; l++)
		if (x->p->layers[l].out == value && x->p->layers[l].op != OFA_OP_SE)
			return x->m->layers[l].rows;
	return 0;
}

static void compute(struct machine *x, int layer, int y)
{
	const struct ofa_layer *l = &x->p->layers[layer];
	const struct ofa_placement *at = &x->m->layers[layer];
	const bool all = l->op == OFA_OP_POOL || l->op == OFA_OP_SE || l->op == OFA_OP_LINEAR;
	const struct ofa_value *in = &x->p->values[l->in], *out = &x->p->values[l->out];
	const uint32_t rows = window_of(x, l->in);
	const int first = all ? 0 : y * l->stride - l->pad, end = all ? l->h_in : first + l->k;

	for (int r = first > 0 ? first : 0; r < end && r < l->h_in; r++)
		expect(x, layer, row_at(at->in, rows, r, row_bytes(in)), row_bytes(in), l->in, r);
	if (l->residual >= 0)
		expect(x, layer, row_at(at->residual, window_of(x, l->residual), y, row_bytes(out)), row_bytes(out),
		       l->residual, y);
	if (l->op == OFA_OP_SE) /* scratch first: it must not lie over what is scaled */
		set(x, at->scratch, (uint32_t)(l->c_in + l->hidden), UINT32_MAX);
	else
		set(x, row_at(at->out, at->rows, y, row_bytes(out)), row_bytes(out), tag_of(l->out, y));
	if (l->op == OFA_OP_SE)
		for (int r = 0; r < l->h_in; r++)
			expect(x, layer, at->in + (uint32_t)r * row_bytes(in), row_bytes(in), l->in, r);
	/* and nothing that it reads for this row may be where it writes it, save what it adds */
	for (int r = first > 0 ? first : 0; r < end && r < l->h_in && l->op != OFA_OP_SE; r++)
		expect(x, layer, row_at(at->in, rows, r, row_bytes(in)), row_bytes(in), l->in, r);
	x->made[layer] = y + 1;
}

static void make(struct machine *x, int first, int layer, int y)
{
	const struct ofa_layer *l = &x->p->layers[layer];
	int need = y * l->stride - l->pad + l->k;

	need = need < l->h_in ? need : l->h_in;
	while (layer > first && x->made[layer - 1] < need)
		make(x, first, layer - 1, x->made[layer - 1]);
	compute(x, layer, y);
}

/* One group from its first layer on; returns the layer after it. */
static int run_group(struct machine *x, int first)
{
	const struct ofa_layer *l = &x->p->layers[first];
	const struct ofa_placement *at = &x->m->layers[first];
	const struct ofa_value *in = &x->p->values[l->in];
	int last = first;

	while (x->m->layers[last].rows > 0)
		last++;
	ck_assert_int_le(last - first + 1, OFA_FMT_MAX_GROUP);
	if (at->origin != at->in) {
		for (int r = 0; r < in->h; r++)
			expect(x, first, at->origin + (uint32_t)r * row_bytes(in), row_bytes(in), l->in, r);
		for (int r = 0; r < in->h; r++)
			set(x, at->in + (uint32_t)r * row_bytes(in), row_bytes(in), tag_of(l->in, r));
	}
	for (int y = 0; y < (l[last - first].op == OFA_OP_SE ? 1 : l[last - first].h_out); y++)
		make(x, first, last, y);
	return last + 1;
}

static uint32_t layers_bytes(const struct ofa_plan *p)
{
	uint32_t most = 0;

	for (int i = 0; i < p->n_units; i++) {
		const uint32_t bytes = ofa_unit_layers_bytes(p, i, OFA_INT8);

		most = bytes > most ? bytes : most;
	}
	return most;
}

/* Returns how many times less memory it takes than layer by layer. */
static double check_plan(const struct ofa_plan *p)
{
	struct ofa_memory_plan m;
	struct machine x = {.p = p, .m = &m};
	const struct ofa_value *in = &p->values[0];
	uint32_t units = 0;

	ofa_memory_plan_init(p, OFA_INT8, &m);
	x.tag = calloc(m.arena_bytes, sizeof(*x.tag));
	for (int r = 0; r < in->h; r++)
		set(&x, m.input + (uint32_t)r * row_bytes(in), row_bytes(in), tag_of(0, r));
	for (int l = 0; l < p->n_layers;)
		l = run_group(&x, l);
	ck_assert_uint_le(x.highest, m.arena_bytes);
	ck_assert_uint_gt(x.highest + OFA_MEMORY_INT8_ALIGN, m.arena_bytes);
	for (int i = 0; i < p->n_units; i++) {
		const uint32_t bytes = ofa_unit_arena_bytes(p, i, OFA_INT8);

		units = bytes > units ? bytes : units;
	}
	ck_assert_uint_eq(units, m.arena_bytes);
	free(x.tag);
	return (double)layers_bytes(p) / m.arena_bytes;
}

static void check_space(const struct ofa_space *s, int n)
{
	struct ofa_params params;
	struct ofa_error err = {0};
	struct ofa_plan p;
	struct ofa_rng rng;
	struct ofa_arch a;

	ASSERT_OK(ofa_params_init(s, &params, &err), &err);
	ofa_rng_init(&rng, 3);
	for (int i = 0; i < n; i++) {
		if (i == 0)
			ofa_arch_largest(s, &a);
		else
			ofa_arch_sample(s, &rng, &a);
		ofa_plan_init(s, &params, &a, &p);
		check_plan(&p);
	}
	ofa_params_release(&params);
}

static void check_json(const json_t *json)
{
	char *text = json_dumps(json, 0);
	struct ofa_space s;

	load_space(text, &s);
	check_space(&s, 300);
	free(text);
}

START_TEST(no_row_is_lost)
{
	static const char *const families[] = {"mbv3", "proxyless"};
	struct ofa_space s;
	json_t *json = json_loads(tiny_json, 0, NULL);

	check_json(json);
	/* its first layer is depthwise: it still needs the row that the last one adds */
	json_object_set_new(json_object_get(json, "first"), "se", json_false());
	check_json(json);
	json_object_set_new(json, "first", json_null());
	check_json(json);
	json_decref(json);
	for (size_t i = 0; i < OFA_ARRAY_LEN(families); i++) {
		preset_space(families[i], 0.25, 10, &s);
		check_space(&s, 20);
	}
}
END_TEST

/* Layer by layer, as before, in bytes. */
START_TEST(resnets_run_by_layers)
{
	struct ofa_space s;

	load_space(small_resnet_json, &s);
	check_space(&s, 100);
	load_space(tiny_resnet_json, &s);
	check_space(&s, 100);
}
END_TEST

/* Accurate subnets of the shipped network, at 10.0, 6.1 and 3.2 million multiplications. */
START_TEST(the_front_takes_little)
{
	static const char *const archs[] = {
		"{\"ks\":[5,5,7,7,7,7,3,7,7,5,7,3,7,7,7,3,7,7,3,5],\"e\":[2,4,4,2,3,4,4,3,4,4,4,2,3,4,2,2,3,2,3,4],"
		"\"d\":[4,4,4,4,4],\"image_size\":28}",
		"{\"ks\":[5,5,7,7,7,7,3,7,7,5,7,3,7,7,7,3,7,7,3,5],\"e\":[2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2],"
		"\"d\":[2,2,2,2,2],\"image_size\":28}",
		"{\"ks\":[7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7],\"e\":[4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4],"
		"\"d\":[4,4,4,4,4],\"image_size\":28}",
	};
	const char *src = getenv("OFA_SRCDIR");
	char path[4096];
	json_t *recipe;
	struct ofa_error err = {0};
	struct ofa_params params;
	struct ofa_space s;
	struct ofa_plan p;
	struct ofa_arch a;

	snprintf(path, sizeof(path), "%s/models/fashion/recipe.json", src ? src : ".");
	recipe = json_load_file(path, 0, NULL);
	ck_assert_ptr_nonnull(recipe);
	ASSERT_OK(ofa_space_parse(json_object_get(recipe, "space"), &s, &err), &err);
	ASSERT_OK(ofa_params_init(&s, &params, &err), &err);
	for (size_t i = 0; i < OFA_ARRAY_LEN(archs); i++) {
		json_t *json = json_loads(archs[i], 0, NULL);

		ASSERT_OK(ofa_arch_parse(&s, json, &a, &err), &err);
		ofa_plan_init(&s, &params, &a, &p);
		ck_assert_double_gt(check_plan(&p), 2.5);
		json_decref(json);
	}
	ofa_params_release(&params);
	json_decref(recipe);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {no_row_is_lost, resnets_run_by_layers, the_front_takes_little};

	return run_tests("stripes", tests, OFA_ARRAY_LEN(tests));
}
