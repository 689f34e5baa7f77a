#include "net/plan.h"

#include <assert.h>

const char *ofa_op_name(enum ofa_op op)
{
	static const char *const names[OFA_OP_COUNT] = {
		[OFA_OP_CONV] = "conv", [OFA_OP_DWCONV] = "dwconv", [OFA_OP_SE] = "se",
		[OFA_OP_POOL] = "pool", [OFA_OP_LINEAR] = "linear",
	};

	return (unsigned)op < OFA_OP_COUNT ? names[op] : "unknown";
}

static struct ofa_value *current(struct ofa_plan *p)
{
	return &p->values[p->n_values - 1];
}

static void use_value(struct ofa_plan *p, int value)
{
	p->values[value].last_layer = p->n_layers;
}

static int add_value(struct ofa_plan *p, int h, int w, int c)
{
	p->values[p->n_values] =
		(struct ofa_value){.h = h, .w = w, .c = c, .first_layer = p->n_layers, .last_layer = p->n_layers};
	return p->n_values++;
}

/* Starts a unit on the current value; the layers appended until the next one belong to it. */
static struct ofa_unit *begin_unit(struct ofa_plan *p, enum ofa_unit_kind kind)
{
	const struct ofa_value *v = current(p);
	struct ofa_unit *u = &p->units[p->n_units++];

	*u = (struct ofa_unit){
		.kind = kind, .block = -1, .first_layer = p->n_layers, .h_in = v->h, .w_in = v->w, .c_in = v->c};
	return u;
}

/* A layer on the current value; fields that follow from it are filled in here. */
static void append(struct ofa_plan *p, struct ofa_layer l)
{
	const struct ofa_value *v = current(p);
	struct ofa_unit *u = &p->units[p->n_units - 1];

	assert(p->n_layers < OFA_PLAN_MAX_LAYERS);
	l.unit = p->n_units - 1;
	l.in = p->n_values - 1;
	l.h_in = v->h;
	l.w_in = v->w;
	l.c_in = v->c;
	if (l.op != OFA_OP_POOL) {
		l.h_out = (l.h_in - 1) / l.stride + 1;
		l.w_out = (l.w_in - 1) / l.stride + 1;
	}
	use_value(p, l.in);
	if (l.residual >= 0)
		use_value(p, l.residual);
	l.out = l.op == OFA_OP_SE ? l.in : add_value(p, l.h_out, l.w_out, l.c_out);
	p->layers[p->n_layers++] = l;
	u->n_layers++;
	u->h_out = l.h_out;
	u->w_out = l.w_out;
	u->c_out = l.c_out;
}

/* A layer of this kind without parameters. */
static struct ofa_layer layer(enum ofa_op op, enum ofa_act act, int c_out)
{
	return (struct ofa_layer){
		.op = op,
		.act = act,
		.c_out = c_out,
		.residual = -1,
		.k = 1,
		.stride = 1,
		.weight = -1,
		.bias = -1,
		.weight2 = -1,
		.bias2 = -1,
		.bn = -1,
		.t75 = -1,
		.t53 = -1,
	};
}

static struct ofa_layer pointwise(enum ofa_act act, int c_out, int weight, int bn)
{
	struct ofa_layer l = layer(OFA_OP_CONV, act, c_out);

	l.weight = weight;
	l.bn = bn;
	return l;
}

/* What one MBConv block is built from. */
struct block {
	const struct ofa_block_params *params;
	int mid, c_out, k, k_stored, stride;
	enum ofa_act act;
	bool residual, se;
};

static struct ofa_layer depthwise(const struct block *b)
{
	struct ofa_layer l = layer(OFA_OP_DWCONV, b->act, b->mid);

	l.k = b->k;
	l.stride = b->stride;
	l.pad = b->k / 2;
	l.weight = b->params->depthwise;
	l.bn = b->params->depthwise_bn;
	l.k_stored = b->k_stored;
	if (b->k_stored == 7 && b->k < 7)
		l.t75 = b->params->t75;
	if (b->k_stored > 3 && b->k == 3)
		l.t53 = b->params->t53;
	return l;
}

static struct ofa_layer squeeze_excite(const struct block *b)
{
	struct ofa_layer l = layer(OFA_OP_SE, OFA_ACT_HSIGMOID, b->mid);

	l.hidden = ofa_se_channels(b->mid);
	l.weight = b->params->se_reduce;
	l.bias = b->params->se_reduce_bias;
	l.weight2 = b->params->se_expand;
	l.bias2 = b->params->se_expand_bias;
	return l;
}

static void append_block(struct ofa_plan *p, const struct block *b)
{
	int input = p->n_values - 1;
	struct ofa_layer project = pointwise(OFA_ACT_NONE, b->c_out, b->params->project, b->params->project_bn);

	if (b->params->expand >= 0)
		append(p, pointwise(b->act, b->mid, b->params->expand, b->params->expand_bn));
	append(p, depthwise(b));
	if (b->se)
		append(p, squeeze_excite(b));
	if (b->residual)
		project.residual = input;
	append(p, project);
}

static void describe_block(struct ofa_unit *u, const struct block *b, int index, float expand)
{
	u->block = index;
	u->mid = b->mid;
	u->k = b->k;
	u->stride = b->stride;
	u->expand = expand;
	u->residual = b->residual;
	u->se = b->se;
	u->act = b->act;
}

static void append_stem(struct ofa_plan *p, const struct ofa_space *s, const struct ofa_params *params)
{
	struct ofa_layer l = pointwise(s->stem.act, s->stem.width, params->stem, params->stem_bn);

	l.k = 3;
	l.pad = 1;
	l.stride = s->stem.stride;
	begin_unit(p, OFA_UNIT_STEM)->act = s->stem.act;
	append(p, l);
}

static void append_first(struct ofa_plan *p, const struct ofa_space *s, const struct ofa_params *params)
{
	struct block b = {
		.params = &params->first,
		.mid = s->stem.width,
		.c_out = s->first.width,
		.k = s->first.kernel,
		.k_stored = s->first.kernel,
		.stride = 1,
		.act = s->first.act,
		.residual = s->first.residual,
		.se = s->first.se,
	};

	describe_block(begin_unit(p, OFA_UNIT_BLOCK), &b, 0, 1.0f);
	append_block(p, &b);
}

static void append_stage(struct ofa_plan *p, const struct ofa_stage *t, const struct ofa_params *params, int depth)
{
	for (int j = 0; j < depth; j++) {
		int index = t->first_block + j, c_in = current(p)->c;
		float expand = t->expands[p->arch.e[index]];
		struct block b = {
			.params = &params->blocks[index],
			.mid = ofa_mid_channels(c_in, expand),
			.c_out = t->width,
			.k = t->kernels[p->arch.k[index]],
			.k_stored = t->kernels[t->n_kernels - 1],
			.stride = j ? 1 : t->stride,
			.act = t->act,
			.se = t->se,
		};

		b.residual = b.stride == 1 && c_in == b.c_out;
		describe_block(begin_unit(p, OFA_UNIT_BLOCK), &b, index + 1, expand);
		append_block(p, &b);
	}
}

static void append_head(struct ofa_plan *p, const struct ofa_space *s, const struct ofa_params *params)
{
	struct ofa_layer pool, linear = layer(OFA_OP_LINEAR, OFA_ACT_NONE, s->classes);

	begin_unit(p, OFA_UNIT_HEAD_EXPAND)->act = s->head.expand_act;
	append(p, pointwise(s->head.expand_act, s->head.expand_width, params->head_expand, params->head_expand_bn));
	begin_unit(p, OFA_UNIT_POOL);
	pool = layer(OFA_OP_POOL, OFA_ACT_NONE, s->head.expand_width);
	pool.h_out = pool.w_out = 1;
	append(p, pool);
	if (s->head.mix_width) {
		begin_unit(p, OFA_UNIT_MIX)->act = s->head.mix_act;
		append(p, pointwise(s->head.mix_act, s->head.mix_width, params->mix, -1));
	}
	begin_unit(p, OFA_UNIT_CLASSIFIER);
	linear.weight = params->classifier;
	linear.bias = params->classifier_bias;
	append(p, linear);
}

void ofa_plan_init(const struct ofa_space *s, const struct ofa_params *p, const struct ofa_arch *a,
		   struct ofa_plan *ret)
{
	ret->arch = *a;
	ofa_arch_canonical(s, &ret->arch);
	ret->classes = s->classes;
	ret->n_layers = ret->n_values = ret->n_units = 0;
	add_value(ret, a->image_size, a->image_size, s->input_channels);
	ret->values[0].first_layer = -1;
	append_stem(ret, s, p);
	if (s->first.width)
		append_first(ret, s, p);
	for (int i = 0; i < s->n_stages; i++)
		append_stage(ret, &s->stages[i], p, ofa_arch_depth(s, a, i));
	append_head(ret, s, p);
}
