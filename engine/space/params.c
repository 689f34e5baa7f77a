#include "space/params.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PER_BLOCK 21
#define MAX_OTHERS 16 /* stem and head */
#define MAX_PARAMS ((OFA_MAX_BLOCKS + 1) * MAX_PER_BLOCK + MAX_OTHERS)

static struct ofa_param *append(struct ofa_params *p, enum ofa_param_role role, const char *prefix, const char *suffix)
{
	struct ofa_param *q = &p->list[p->n++];

	q->role = role;
	snprintf(q->name, sizeof(q->name), "%.70s.%.24s", prefix, suffix);
	return q;
}

static void set_shape(struct ofa_params *p, struct ofa_param *q, int rank, const int *shape)
{
	q->rank = rank;
	q->elements = 1;
	for (int i = 0; i < rank; i++) {
		q->shape[i] = shape[i];
		q->elements *= (size_t)shape[i];
	}
	if (q->elements > p->max_elements)
		p->max_elements = q->elements;
}

/* Each add_ function returns the new parameter's id. */
static int add_conv(struct ofa_params *p, const char *prefix, int out, int in, int k)
{
	set_shape(p, append(p, OFA_PARAM_CONV, prefix, "weight"), 4, (const int[]){out, in, k, k});
	return p->n - 1;
}

static int add_bn(struct ofa_params *p, const char *prefix, int c)
{
	static const struct {
		enum ofa_param_role role;
		const char *suffix;
	} parts[] = {
		{OFA_PARAM_BN_GAMMA, "weight"},
		{OFA_PARAM_BN_BETA, "bias"},
		{OFA_PARAM_BN_MEAN, "running_mean"},
		{OFA_PARAM_BN_VAR, "running_var"},
	};

	for (size_t i = 0; i < OFA_ARRAY_LEN(parts); i++)
		set_shape(p, append(p, parts[i].role, prefix, parts[i].suffix), 1, &c);
	return p->n - (int)OFA_ARRAY_LEN(parts);
}

static int add_bias(struct ofa_params *p, const char *prefix, int c)
{
	set_shape(p, append(p, OFA_PARAM_BIAS, prefix, "bias"), 1, &c);
	return p->n - 1;
}

static int add_transform(struct ofa_params *p, const char *prefix, int from, int to)
{
	char suffix[24];

	snprintf(suffix, sizeof(suffix), "%dto%d_matrix", from, to);
	set_shape(p, append(p, OFA_PARAM_TRANSFORM, prefix, suffix), 2, (const int[]){to * to, to * to});
	return p->n - 1;
}

static const char *format_name(char *out, size_t cap, const char *fmt, ...) OFA_PRINTF(3, 4);
static const char *format_name(char *out, size_t cap, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(out, cap, fmt, ap);
	va_end(ap);
	return out;
}

static void add_se(struct ofa_params *p, int index, int mid, struct ofa_block_params *b)
{
	int hidden = ofa_se_channels(mid);
	char name[72];

	format_name(name, sizeof(name), "blocks.%d.conv.depth_conv.se.fc.reduce", index);
	b->se_reduce = add_conv(p, name, hidden, mid, 1);
	b->se_reduce_bias = add_bias(p, name, hidden);
	format_name(name, sizeof(name), "blocks.%d.conv.depth_conv.se.fc.expand", index);
	b->se_expand = add_conv(p, name, mid, hidden, 1);
	b->se_expand_bias = add_bias(p, name, mid);
}

static const struct ofa_block_params no_block = {
	.expand = -1,
	.expand_bn = -1,
	.t53 = -1,
	.t75 = -1,
	.depthwise = -1,
	.depthwise_bn = -1,
	.se_reduce = -1,
	.se_reduce_bias = -1,
	.se_expand = -1,
	.se_expand_bias = -1,
	.project = -1,
	.project_bn = -1,
	.conv = -1,
	.conv_bn = -1,
	.shortcut = -1,
	.shortcut_bn = -1,
};

/* The reference's static MBConv: plain names, no expansion. */
static void add_first(struct ofa_params *p, const struct ofa_space *s)
{
	struct ofa_block_params *b = &p->first;
	int c = s->stem.width;

	b->depthwise = add_conv(p, "blocks.0.conv.depth_conv.conv", c, 1, s->first.kernel);
	b->depthwise_bn = add_bn(p, "blocks.0.conv.depth_conv.bn", c);
	if (s->first.se)
		add_se(p, 0, c, b);
	b->project = add_conv(p, "blocks.0.conv.point_linear.conv", s->first.width, c, 1);
	b->project_bn = add_bn(p, "blocks.0.conv.point_linear.bn", s->first.width);
}

/* The reference's DynamicMBConv: layers nested one deeper, transforms beside the largest kernel. */
static void add_elastic(struct ofa_params *p, const struct ofa_stage *t, int index, int c_in,
			struct ofa_block_params *b)
{
	int mid = ofa_mid_channels(c_in, t->expands[t->n_expands - 1]);
	int k_min = t->kernels[0], k_max = t->kernels[t->n_kernels - 1];
	char name[72];

	b->expand = add_conv(p, format_name(name, sizeof(name), "blocks.%d.conv.inverted_bottleneck.conv.conv", index),
			     mid, c_in, 1);
	b->expand_bn =
		add_bn(p, format_name(name, sizeof(name), "blocks.%d.conv.inverted_bottleneck.bn.bn", index), mid);
	format_name(name, sizeof(name), "blocks.%d.conv.depth_conv.conv", index);
	if (k_min == 3 && k_max > 3)
		b->t53 = add_transform(p, name, 5, 3);
	if (k_min < 7 && k_max == 7)
		b->t75 = add_transform(p, name, 7, 5);
	b->depthwise = add_conv(p, format_name(name, sizeof(name), "blocks.%d.conv.depth_conv.conv.conv", index), mid,
				1, k_max);
	b->depthwise_bn = add_bn(p, format_name(name, sizeof(name), "blocks.%d.conv.depth_conv.bn.bn", index), mid);
	if (t->se)
		add_se(p, index, mid, b);
	b->project = add_conv(p, format_name(name, sizeof(name), "blocks.%d.conv.point_linear.conv.conv", index),
			      t->width, mid, 1);
	b->project_bn =
		add_bn(p, format_name(name, sizeof(name), "blocks.%d.conv.point_linear.bn.bn", index), t->width);
}

static void add_classifier(struct ofa_params *p, const struct ofa_space *s, const char *name, int c_in)
{
	set_shape(p, append(p, OFA_PARAM_LINEAR, name, "weight"), 2, (const int[]){s->classes, c_in});
	p->classifier = p->n - 1;
	p->classifier_bias = add_bias(p, name, s->classes);
}

static void add_head(struct ofa_params *p, const struct ofa_space *s)
{
	bool mixed = s->head.mix_width > 0;
	int c_in = s->stages[s->n_stages - 1].width, c = s->head.expand_width;

	/* Without a mix layer the reference (Proxyless) gives its name to the conv before the pool. */
	p->head_expand = add_conv(p, mixed ? "final_expand_layer.conv" : "feature_mix_layer.conv", c, c_in, 1);
	p->head_expand_bn = add_bn(p, mixed ? "final_expand_layer.bn" : "feature_mix_layer.bn", c);
	if (mixed) {
		p->mix = add_conv(p, "feature_mix_layer.conv", s->head.mix_width, c, 1);
		c = s->head.mix_width;
	}
	add_classifier(p, s, "classifier.linear", c);
}

static void add_mbconv(struct ofa_params *p, const struct ofa_space *s)
{
	int index = s->first.width ? 1 : 0;
	int c = s->first.width ? s->first.width : s->stem.width;

	p->stem = add_conv(p, "first_conv.conv", s->stem.width, s->input_channels, 3);
	p->stem_bn = add_bn(p, "first_conv.bn", s->stem.width);
	if (s->first.width)
		add_first(p, s);
	for (int i = 0; i < s->n_stages; i++) {
		const struct ofa_stage *t = &s->stages[i];

		for (int j = 0; j < t->max_depth; j++) {
			add_elastic(p, t, index++, c, &p->blocks[t->first_block + j]);
			c = t->width;
		}
	}
	add_head(p, s);
}

/* One dynamic layer of the reference's ResNet: "NAME.conv.conv" with "NAME.bn.bn"; returns the weight's id, to which
 * gamma's is next. */
static int add_dynamic(struct ofa_params *p, const char *prefix, int out, int in, int k)
{
	char name[72];
	int id = add_conv(p, format_name(name, sizeof(name), "%.60s.conv.conv", prefix), out, in, k);

	add_bn(p, format_name(name, sizeof(name), "%.60s.bn.bn", prefix), out);
	return id;
}

static void add_bottleneck(struct ofa_params *p, const struct ofa_stage *t, int index, int c_in, bool first)
{
	struct ofa_block_params *b = &p->blocks[t->first_block + index];
	int mid = ofa_mid_channels(t->width, t->expands[t->n_expands - 1]);
	/* The stem's optional layer is no block to the reference. */
	int number = t->first_block + index - 1;
	char name[72];

	b->expand = add_dynamic(p, format_name(name, sizeof(name), "blocks.%d.conv1", number), mid, c_in, 1);
	b->conv = add_dynamic(p, format_name(name, sizeof(name), "blocks.%d.conv2", number), mid, mid, 3);
	b->project = add_dynamic(p, format_name(name, sizeof(name), "blocks.%d.conv3", number), t->width, mid, 1);
	b->expand_bn = b->expand + 1;
	b->conv_bn = b->conv + 1;
	b->project_bn = b->project + 1;
	if (!first)
		return;
	format_name(name, sizeof(name), "blocks.%d.downsample", number);
	b->shortcut = add_dynamic(p, name, t->width, c_in, 1);
	b->shortcut_bn = b->shortcut + 1;
}

static void add_resnet(struct ofa_params *p, const struct ofa_space *s)
{
	int mid = s->stem.width, c = s->widths[1].channels[s->widths[1].n - 1];

	p->stem = add_dynamic(p, "input_stem.0", mid, s->input_channels, 3);
	p->blocks[0].conv = add_dynamic(p, "input_stem.1.conv", mid, mid, 3);
	p->stem_out = add_dynamic(p, "input_stem.2", c, mid, 3);
	p->stem_bn = p->stem + 1;
	p->blocks[0].conv_bn = p->blocks[0].conv + 1;
	p->stem_out_bn = p->stem_out + 1;
	for (int i = 1; i < s->n_stages; i++) {
		for (int j = 0; j < s->stages[i].max_depth; j++) {
			add_bottleneck(p, &s->stages[i], j, c, j == 0);
			c = s->stages[i].width;
		}
	}
	add_classifier(p, s, "classifier.linear.linear", c);
}

enum ofa_status ofa_params_init(const struct ofa_space *s, struct ofa_params *ret, struct ofa_error *err)
{
	struct ofa_params p = {
		.first = no_block,
		.stem_out = -1,
		.stem_out_bn = -1,
		.head_expand = -1,
		.head_expand_bn = -1,
		.mix = -1,
	};

	p.list = calloc(MAX_PARAMS, sizeof(*p.list));
	if (!p.list)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	for (int b = 0; b < OFA_MAX_BLOCKS; b++)
		p.blocks[b] = no_block;
	if (s->family == OFA_FAMILY_RESNET)
		add_resnet(&p, s);
	else
		add_mbconv(&p, s);
	*ret = p;
	return OFA_OK;
}

void ofa_params_release(struct ofa_params *p)
{
	free(p->list);
	*p = (struct ofa_params){0};
}

int ofa_params_find(const struct ofa_params *p, const char *name)
{
	for (int i = 0; i < p->n; i++)
		if (strcmp(p->list[i].name, name) == 0)
			return i;
	return -1;
}

bool ofa_param_trained(const struct ofa_param *p)
{
	return p->role != OFA_PARAM_BN_MEAN && p->role != OFA_PARAM_BN_VAR;
}

bool ofa_param_decayed(const struct ofa_param *p)
{
	return !strstr(p->name, "bn") && !strstr(p->name, "bias");
}
