/* The fast executors against a naive walk of the same plan with the oracle of every op: inference on extracted weights,
 * and the whole-batch forward with batch-statistics BN, for random archs and several thread counts. */
#include <math.h>
#include <string.h>

#include "net/batch.h"
#include "net/prepare.h"
#include "net/subnet.h"
#include "ops/kernels.h"
#include "ops/ref.h"
#include "random_net.h"
#include "runner.h"
#include "spaces.h"

#define IMAGES 5
#define ARCHS 6

static struct ofa_error err;

/* All values of one batch under the naive walk. */
struct naive {
	float *value[OFA_PLAN_MAX_LAYERS + 1];
};

static size_t map_floats(const struct ofa_value *v)
{
	return (size_t)v->h * v->w * v->c;
}

static void naive_open(struct naive *n, const struct ofa_plan *p, const float *x)
{
	for (int v = 0; v < p->n_values; v++) {
		n->value[v] = calloc(IMAGES * map_floats(&p->values[v]), sizeof(float));
		ck_assert_ptr_nonnull(n->value[v]);
	}
	memcpy(n->value[0], x, IMAGES * map_floats(&p->values[0]) * sizeof(float));
}

static void naive_close(struct naive *n, const struct ofa_plan *p)
{
	for (int v = 0; v < p->n_values; v++)
		free(n->value[v]);
}

/* Element (row, column) of a matrix in panels becomes w[row * row_step + column * column_step]; the caller frees w. */
static float *from_panels(const float *panels, int rows, int columns, int row_step, int column_step)
{
	float *w = malloc((size_t)rows * columns * sizeof *w);

	for (int i = 0; i < rows; i++)
		for (int j = 0; j < columns; j++)
			w[i * row_step + j * column_step] =
				panels[(i / OFA_WEIGHT_PANEL * columns + j) * OFA_WEIGHT_PANEL + i % OFA_WEIGHT_PANEL];
	return w;
}

/* The convolution itself of a CONV, DWCONV or LINEAR layer, weights as struct ofa_layer_weights has them. */
static void naive_product(const struct ofa_layer *l, const float *panels, const float *in, float *out)
{
	const bool depthwise = l->op == OFA_OP_DWCONV;
	const int columns = l->k * l->k * (depthwise ? 1 : l->c_in);
	float *w = from_panels(panels, l->c_out, columns, depthwise ? 1 : columns, depthwise ? l->c_out : 1);

	for (int i = 0; i < IMAGES; i++) {
		const float *x = in + (size_t)i * l->h_in * l->w_in * l->c_in;
		float *y = out + (size_t)i * l->h_out * l->w_out * l->c_out;

		if (l->op == OFA_OP_DWCONV)
			ofa_ref_depthwise(x, l->h_in, l->w_in, l->c_in, w, l->k, l->stride, y);
		else
			ofa_ref_conv(x, l->h_in, l->w_in, l->c_in, w, l->c_out, l->k, l->stride, y);
	}
	free(w);
}

static void naive_pool(const struct ofa_layer *l, const float *in, float *out)
{
	int hw = l->h_in * l->w_in;

	for (int i = 0; i < IMAGES; i++) {
		for (int c = 0; c < l->c_in; c++) {
			double sum = 0;

			for (int p = 0; p < hw; p++)
				sum += in[((size_t)i * hw + p) * l->c_in + c];
			out[(size_t)i * l->c_in + c] = (float)(sum / hw);
		}
	}
}

static void naive_window(const struct ofa_layer *l, const float *in, float *out)
{
	for (int i = 0; i < IMAGES; i++) {
		const float *x = in + (size_t)i * l->h_in * l->w_in * l->c_in;
		float *y = out + (size_t)i * l->h_out * l->w_out * l->c_out;

		if (l->op == OFA_OP_MAX_POOL)
			ofa_ref_max_pool(x, l->h_in, l->w_in, l->c_in, l->k, l->stride, l->pad, l->h_out, l->w_out, y);
		else
			ofa_ref_average_pool(x, l->h_in, l->w_in, l->c_in, l->k, l->stride, l->pad, l->h_out, l->w_out,
					     y);
	}
}

static void naive_se(const struct ofa_layer *l, const struct ofa_layer_weights *w, float *x)
{
	size_t map = (size_t)l->h_in * l->w_in * l->c_in;
	float *y = malloc(map * sizeof *y);
	float *reduce = from_panels(w->w, l->hidden, l->c_in, l->c_in, 1);
	float *expand = from_panels(w->w2, l->c_in, l->hidden, l->hidden, 1);

	for (int i = 0; i < IMAGES; i++) {
		ofa_ref_se(x + i * map, l->h_in * l->w_in, l->c_in, l->hidden, reduce, w->b, expand, w->b2, y);
		memcpy(x + i * map, y, map * sizeof *y);
	}
	free(y);
	free(reduce);
	free(expand);
}

/* bias (NULL: none), residual, activation over a layer's output. */
static void naive_epilogue(struct naive *n, const struct ofa_layer *l, const float *bias, float *out)
{
	size_t total = (size_t)IMAGES * l->h_out * l->w_out * l->c_out;

	for (size_t i = 0; i < total; i++) {
		float v = out[i] + (bias ? bias[i % l->c_out] : 0);

		if (l->residual >= 0)
			v += n->value[l->residual][i];
		out[i] = ofa_ref_act(v, l->act);
	}
}

/* Layers without weights; false for the others. */
static bool naive_bare(struct naive *n, const struct ofa_layer *l)
{
	const float *in = n->value[l->in];
	float *out = n->value[l->out];

	switch (l->op) {
	case OFA_OP_POOL:
		naive_pool(l, in, out);
		return true;
	case OFA_OP_MAX_POOL:
	case OFA_OP_AVERAGE_POOL:
		naive_window(l, in, out);
		return true;
	case OFA_OP_ADD:
		for (size_t i = 0; i < (size_t)IMAGES * l->h_out * l->w_out * l->c_out; i++)
			out[i] = in[i] + n->value[l->residual][i];
		return true;
	default:
		return false;
	}
}

static void naive_subnet(struct naive *n, const struct ofa_subnet *sub)
{
	for (int i = 0; i < sub->plan.n_layers; i++) {
		const struct ofa_layer *l = &sub->plan.layers[i];
		const struct ofa_layer_weights *w = &sub->weights[i];

		if (l->op == OFA_OP_SE) {
			naive_se(l, w, n->value[l->in]);
		} else if (!naive_bare(n, l)) {
			naive_product(l, w->w, n->value[l->in], n->value[l->out]);
			naive_epilogue(n, l, w->b, n->value[l->out]);
		}
	}
}

/* Batch-statistics BN of a layer's output in place. */
static void naive_batch_norm(const struct ofa_supernet *net, const struct ofa_layer *l, float *out)
{
	int rows = IMAGES * l->h_out * l->w_out;
	float *y = malloc((size_t)rows * l->c_out * sizeof *y);

	ofa_ref_batch_norm(out, rows, l->c_out, net->data[l->bn], net->data[l->bn + 1], net->space.bn_eps, y);
	memcpy(out, y, (size_t)rows * l->c_out * sizeof *y);
	free(y);
}

/* sub: extracted with statistics that fold to nothing, so its weights are the bare slices. */
static void naive_batch(struct naive *n, const struct ofa_supernet *net, const struct ofa_subnet *sub)
{
	for (int i = 0; i < sub->plan.n_layers; i++) {
		const struct ofa_layer *l = &sub->plan.layers[i];
		const struct ofa_layer_weights *w = &sub->weights[i];
		float *out = n->value[l->out];

		if (l->op == OFA_OP_SE) {
			naive_se(l, w, n->value[l->in]);
		} else if (!naive_bare(n, l)) {
			naive_product(l, w->w, n->value[l->in], out);
			if (l->bn >= 0)
				naive_batch_norm(net, l, out);
			naive_epilogue(n, l, l->bn >= 0 ? NULL : w->b, out);
		}
	}
}

static void expect_logits(const char *what, const float *got, const float *want, int n)
{
	float largest = 1e-6f;

	for (int i = 0; i < n; i++)
		largest = fmaxf(largest, fabsf(want[i]));
	for (int i = 0; i < n; i++)
		ck_assert_msg(fabsf(got[i] - want[i]) <= 2e-4f * largest, "%s, logit %d: %g, oracle %g", what, i,
			      (double)got[i], (double)want[i]);
}

/* A BN whose running statistics fold to the identity, so that extraction returns the bare slices. */
static struct ofa_bn_stats identity_stats(const struct ofa_supernet *net, const struct ofa_plan *plan)
{
	struct ofa_bn_stats st = {0};
	size_t at = 0;

	st.storage = calloc(1 << 20, sizeof *st.storage);
	for (int i = 0; i < plan->n_layers; i++) {
		const struct ofa_layer *l = &plan->layers[i];

		if (l->bn < 0)
			continue;
		st.mean[i] = st.storage + at;
		st.var[i] = st.mean[i] + l->c_out;
		at += 2 * (size_t)l->c_out;
		ck_assert_uint_lt(at, 1 << 20);
		for (int c = 0; c < l->c_out; c++) {
			float gamma = net->data[l->bn][c];

			st.var[i][c] = gamma * gamma - net->space.bn_eps;
		}
	}
	return st;
}

static void check_arch(const struct ofa_supernet *net, const struct ofa_arch *arch, struct ofa_rng *rng,
		       unsigned threads)
{
	struct ofa_plan plan;
	struct ofa_subnet *sub;
	struct ofa_bn_stats bare;
	struct ofa_batch batch;
	struct ofa_pool *pool;
	struct naive n;
	size_t pixels;
	float *x, *logits;

	ofa_plan_init(&net->space, &net->params, arch, &plan);
	pixels = IMAGES * map_floats(&plan.values[0]);
	x = malloc(pixels * sizeof *x);
	logits = malloc((size_t)IMAGES * plan.classes * sizeof *logits);
	for (size_t i = 0; i < pixels; i++)
		x[i] = ofa_rng_normal(rng);
	ASSERT_OK(ofa_pool_new(threads, &pool), &err);

	ASSERT_OK(ofa_subnet_extract(net, &plan, NULL, &sub, &err), &err);
	naive_open(&n, &plan, x);
	naive_subnet(&n, sub);
	ASSERT_OK(ofa_subnet_forward(sub, x, IMAGES, pool, logits, &err), &err);
	expect_logits("extracted subnet", logits, n.value[plan.n_values - 1], IMAGES * plan.classes);
	naive_close(&n, &plan);
	ofa_subnet_free(sub);

	bare = identity_stats(net, &plan);
	ASSERT_OK(ofa_subnet_extract(net, &plan, &bare, &sub, &err), &err);
	naive_open(&n, &plan, x);
	naive_batch(&n, net, sub);
	for (int keep = 0; keep < 2; keep++) {
		ASSERT_OK(ofa_batch_init_plan(&batch, &net->space, &net->params, IMAGES, &plan, keep, pool, &err),
			  &err);
		ofa_batch_forward(&batch, net->data, &plan, x, IMAGES, logits);
		expect_logits(keep ? "batch, kept" : "batch, rotating", logits, n.value[plan.n_values - 1],
			      IMAGES * plan.classes);
		ofa_batch_release(&batch);
	}
	naive_close(&n, &plan);
	ofa_subnet_free(sub);
	ofa_bn_stats_release(&bare);
	ofa_pool_free(pool);
	free(x);
	free(logits);
}

static void check_space(const struct ofa_space *space, int image_size)
{
	struct random_net_options opt = {.seed = 3};
	struct ofa_supernet *net = random_net(space, &opt);
	struct ofa_rng rng;
	struct ofa_arch arch;

	ofa_rng_init(&rng, 11);
	for (unsigned i = 0; i < ARCHS; i++) {
		if (i == 0)
			ofa_arch_largest(space, &arch);
		else
			ofa_arch_sample(space, &rng, &arch);
		if (image_size)
			arch.image_size = (uint16_t)image_size;
		check_arch(net, &arch, &rng, 1 + i % 3);
	}
	ofa_supernet_free(net);
}

START_TEST(odd_space_matches_the_oracles)
{
	struct ofa_space space;

	load_space(tiny_json, &space);
	check_space(&space, 0);
}
END_TEST

START_TEST(proxyless_matches_the_oracles)
{
	struct ofa_space space;

	preset_space("proxyless", 0.25, 10, &space);
	check_space(&space, 32);
}
END_TEST

START_TEST(resnets_match_the_oracles)
{
	struct ofa_space space;

	load_space(tiny_resnet_json, &space);
	check_space(&space, 0);
	load_space(small_resnet_json, &space);
	check_space(&space, 33);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {odd_space_matches_the_oracles, proxyless_matches_the_oracles,
				      resnets_match_the_oracles};

	return run_tests("forward", tests, OFA_ARRAY_LEN(tests));
}
