#include "net/plan.h"

#include <assert.h>

const char *ofa_op_name(enum ofa_op op)
{
	static const char *const names[OFA_OP_COUNT] = {
		[OFA_OP_CONV] = "conv", [OFA_OP_DWCONV] = "dwconv", [OFA_OP_SE] = "se",
		[OFA_OP_POOL] = "pool", [OFA_OP_LINEAR] = "linear", [OFA_OP_MAX_POOL] = "max_pool",
		[OFA_OP_AVERAGE_POOL] = "average_pool", [OFA_OP_ADD] = "add",
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
		.kind = kind,
		.block = -1,
		.first_layer = p->n_layers,
		.h_in = v->h,
		.w_in = v->w,
		.c_in = v->c,
		.gene_in = -1,
		.gene_out = -1,
	};
	return u;
}

/* A layer on a value; fields that follow from it are filled in here. */
static void append_on(struct ofa_plan *p, int in, struct ofa_layer l)
{
	const struct ofa_value *v = &p->values[in];
	struct ofa_unit *u = &p->units[p->n_units - 1];

	assert(p->n_layers < OFA_PLAN_MAX_LAYERS);
	l.unit = p->n_units - 1;
	l.in = in;
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

/* A layer on the value that was made last. */
static void append(struct ofa_plan *p, struct ofa_layer l)
{
	append_on(p, p->n_values - 1, l);
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

static struct ofa_layer conv3x3(int stride, int c_out, int weight, int bn)
{
	struct ofa_layer l = pointwise(OFA_ACT_RELU, c_out, weight, bn);

	l.k = 3;
	l.pad = 1;
	l.stride = stride;
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
	struct ofa_layer l = conv3x3(s->stem.stride, s->stem.width, params->stem, params->stem_bn);

	l.act = s->stem.act;
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

static void append_classifier(struct ofa_plan *p, const struct ofa_space *s, const struct ofa_params *params, int gene)
{
	struct ofa_layer linear = layer(OFA_OP_LINEAR, OFA_ACT_NONE, s->classes);

	begin_unit(p, OFA_UNIT_CLASSIFIER)->gene_in = gene;
	linear.weight = params->classifier;
	linear.bias = params->classifier_bias;
	append(p, linear);
}

static void append_pool(struct ofa_plan *p, int gene)
{
	struct ofa_unit *u = begin_unit(p, OFA_UNIT_POOL);
	struct ofa_layer pool = layer(OFA_OP_POOL, OFA_ACT_NONE, u->c_in);

	u->gene_in = u->gene_out = gene;
	pool.h_out = pool.w_out = 1;
	append(p, pool);
}

static void append_head(struct ofa_plan *p, const struct ofa_space *s, const struct ofa_params *params)
{
	begin_unit(p, OFA_UNIT_HEAD_EXPAND)->act = s->head.expand_act;
	append(p, pointwise(s->head.expand_act, s->head.expand_width, params->head_expand, params->head_expand_bn));
	append_pool(p, -1);
	if (s->head.mix_width) {
		begin_unit(p, OFA_UNIT_MIX)->act = s->head.mix_act;
		append(p, pointwise(s->head.mix_act, s->head.mix_width, params->mix, -1));
	}
	append_classifier(p, s, params, -1);
}

static struct ofa_unit *begin_relu_unit(struct ofa_plan *p, enum ofa_unit_kind kind, int gene_in, int gene_out)
{
	struct ofa_unit *u = begin_unit(p, kind);

	u->act = OFA_ACT_RELU;
	u->gene_in = gene_in;
	u->gene_out = gene_out;
	return u;
}

static void append_resnet_stem(struct ofa_plan *p, const struct ofa_space *s, const struct ofa_params *params)
{
	struct ofa_layer pool = layer(OFA_OP_MAX_POOL, OFA_ACT_NONE, ofa_arch_width(s, &p->arch, 1));
	int mid = ofa_arch_width(s, &p->arch, 0);

	begin_relu_unit(p, OFA_UNIT_STEM, -1, 0);
	append(p, conv3x3(s->stem.stride, mid, params->stem, params->stem_bn));
	if (ofa_arch_depth(s, &p->arch, 0)) {
		struct ofa_unit *u = begin_relu_unit(p, OFA_UNIT_BLOCK, 0, 0);
		struct ofa_layer add = layer(OFA_OP_ADD, OFA_ACT_NONE, mid);

		u->block = 1;
		u->k = 3;
		u->stride = 1;
		u->expand = 1;
		u->residual = true;
		add.residual = p->n_values - 1;
		append(p, conv3x3(1, mid, params->blocks[0].conv, params->blocks[0].conv_bn));
		append(p, add);
	}
	begin_relu_unit(p, OFA_UNIT_STEM_OUT, 0, 1);
	append(p, conv3x3(1, pool.c_out, params->stem_out, params->stem_out_bn));
	begin_relu_unit(p, OFA_UNIT_MAX_POOL, 1, 1)->act = OFA_ACT_NONE;
	pool.k = 3;
	pool.stride = 2;
	pool.pad = 1;
	append(p, pool);
}

/* Returns the value that the projection yields. */
static int append_shortcut(struct ofa_plan *p, const struct block *b, int input)
{
	struct ofa_layer pool = layer(OFA_OP_AVERAGE_POOL, OFA_ACT_NONE, p->values[input].c);

	if (b->stride > 1) {
		pool.k = pool.stride = b->stride;
		append_on(p, input, pool);
		input = p->n_values - 1;
	}
	append_on(p, input, pointwise(OFA_ACT_NONE, b->c_out, b->params->shortcut, b->params->shortcut_bn));
	return p->n_values - 1;
}

static void append_bottleneck(struct ofa_plan *p, const struct block *b)
{
	int input = p->n_values - 1, shortcut = input, v;
	struct ofa_layer last = pointwise(OFA_ACT_RELU, b->c_out, b->params->project, b->params->project_bn);

	append(p, pointwise(OFA_ACT_RELU, b->mid, b->params->expand, b->params->expand_bn));
	v = p->n_values - 1;
	if (!b->residual && b->stride > 1)
		shortcut = append_shortcut(p, b, input);
	append_on(p, v, conv3x3(b->stride, b->mid, b->params->conv, b->params->conv_bn));
	v = p->n_values - 1;
	if (!b->residual && b->stride == 1)
		shortcut = append_shortcut(p, b, input);
	last.residual = shortcut;
	append_on(p, v, last);
}

static void append_bottlenecks(struct ofa_plan *p, const struct ofa_space *s, const struct ofa_params *params,
			       int stage)
{
	const struct ofa_stage *t = &s->stages[stage];
	int c_out = ofa_arch_width(s, &p->arch, stage + 1), depth = ofa_arch_depth(s, &p->arch, stage);

	for (int j = 0; j < depth; j++) {
		int index = t->first_block + j;
		float expand = t->expands[p->arch.e[index]];
		struct block b = {
			.params = &params->blocks[index],
			.mid = ofa_mid_channels(c_out, expand),
			.c_out = c_out,
			.k = 3,
			.stride = j ? 1 : t->stride,
			.act = OFA_ACT_RELU,
			.residual = j > 0,
		};
		struct ofa_unit *u = begin_relu_unit(p, OFA_UNIT_BLOCK, j ? stage + 1 : stage, stage + 1);

		describe_block(u, &b, index + 1, expand);
		u->bottleneck = true;
		append_bottleneck(p, &b);
	}
}

static void append_resnet(struct ofa_plan *p, const struct ofa_space *s, const struct ofa_params *params)
{
	append_resnet_stem(p, s, params);
	for (int i = 1; i < s->n_stages; i++)
		append_bottlenecks(p, s, params, i);
	append_pool(p, s->n_width_genes - 1);
	append_classifier(p, s, params, s->n_width_genes - 1);
}

static void append_mbconv(struct ofa_plan *p, const struct ofa_space *s, const struct ofa_params *params)
{
	append_stem(p, s, params);
	if (s->first.width)
		append_first(p, s, params);
	for (int i = 0; i < s->n_stages; i++)
		append_stage(p, &s->stages[i], params, ofa_arch_depth(s, &p->arch, i));
	append_head(p, s, params);
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
	if (s->family == OFA_FAMILY_RESNET)
		append_resnet(ret, s, p);
	else
		append_mbconv(ret, s, p);
}
