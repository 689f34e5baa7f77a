/* int8 subnets: what they hold and compute, and how near they come to float32. */
#include <math.h>

#include "import/import.h"
#include "net/layer.h"
#include "ops/ref.h"
#include "quantise/equalise.h"
#include "quantise/kernels.h"
#include "quantise/layout.h"
#include "quantise/measure.h"
#include "quantise/rescale.h"
#include "quantise_oracle.h"
#include "random_net.h"
#include "shared.h"
#include "spaces.h"

#define IMAGES 6

/* A network and one of its subnets in both types. */
struct pair {
	struct ofa_supernet *net;
	struct ofa_plan plan;
	struct ofa_subnet *sub;
	struct ofa_quantised *q;
};

/* Takes the network over. */
static void pair_init_of(struct pair *p, struct ofa_supernet *net, bool largest,
			 const struct ofa_quantise_options *opt)
{
	const struct ofa_space *space = &net->space;
	struct ofa_error err = {0};
	struct ofa_bn_stats stats;
	struct ofa_arch arch;

	p->net = net;
	if (largest)
		ofa_arch_largest(space, &arch);
	else
		ofa_arch_smallest(space, &arch);
	ofa_plan_init(&p->net->space, &p->net->params, &arch, &p->plan);
	ASSERT_OK(ofa_calibrate_builtin(p->net, &p->plan, IMAGES, NULL, &stats, &err), &err);
	ASSERT_OK(ofa_subnet_extract(p->net, &p->plan, &stats, &p->sub, &err), &err);
	ASSERT_OK(ofa_quantise(p->net, p->sub, opt, NULL, NULL, &p->q, &err), &err);
	ofa_bn_stats_release(&stats);
}

static void pair_init(struct pair *p, const struct ofa_space *space, bool largest,
		      const struct ofa_quantise_options *opt)
{
	pair_init_of(p, random_net(space, &(struct random_net_options){.seed = 7, .calibration_images = IMAGES}),
		     largest, opt);
}

static void pair_release(struct pair *p)
{
	ofa_quantised_free(p->q);
	ofa_subnet_free(p->sub);
	ofa_supernet_free(p->net);
}

START_TEST(arrays_fill_the_storage)
{
	struct pair *p = calloc(1, sizeof(*p));
	struct ofa_quantised_tensor tensors[OFA_FMT_MAX_OP_TENSORS];
	struct ofa_space space;
	size_t at = 0;

	load_space(tiny_json, &space);
	pair_init(p, &space, true, NULL);
	for (int i = 0; i < p->plan.n_layers; i++) {
		const struct ofa_quantised_layer *ql = &p->q->layers[i];
		const int n = ofa_quantised_layer_tensors(&p->plan.layers[i], tensors);

		ck_assert_ptr_eq(ql->w, n ? p->q->storage + at : NULL);
		for (int t = 0; t < n; t++) {
			const size_t end = at + tensors[t].bytes, padded = (end + 63) / 64 * 64;

			if (tensors[t].role == OFA_FMT_LOOKUP)
				ck_assert_ptr_eq(ql->table, p->q->storage + at);
			if (tensors[t].role == OFA_FMT_SHIFT2)
				ck_assert_ptr_eq(ql->s2, p->q->storage + at);
			for (size_t b = end; b < padded; b++)
				ck_assert_int_eq(p->q->storage[b], 0);
			at = padded;
		}
	}
	ck_assert_uint_eq(at, p->q->storage_bytes);
	ck_assert_uint_eq(at, ofa_quantised_bytes(&p->plan));
	pair_release(p);
	free(p);
}
END_TEST

START_TEST(threads_change_no_byte)
{
	const struct ofa_quantise_options all = {
		.range = OFA_RANGE_MSE, .images = IMAGES, .equalise = true, .correct_bias = true};
	struct pair *p = calloc(1, sizeof(*p));
	struct ofa_error err = {0};
	struct ofa_quantised *q;
	struct ofa_pool *pool;
	struct ofa_space space;
	int8_t *x, one[3 * 10], three[3 * 10];

	load_space(tiny_json, &space);
	pair_init(p, &space, true, &all);
	ASSERT_OK(ofa_pool_new(3, &pool), &err);
	ASSERT_OK(ofa_quantise(p->net, p->sub, &all, pool, NULL, &q, &err), &err);
	ck_assert_mem_eq(q->storage, p->q->storage, q->storage_bytes);
	for (int i = 0; i < p->plan.n_layers; i++) {
		ck_assert_int_eq(q->layers[i].out.zero, p->q->layers[i].out.zero);
		ck_assert(q->layers[i].out.scale == p->q->layers[i].out.scale);
	}
	x = malloc(3 * 28 * 28);
	for (int i = 0; i < 3 * 28 * 28; i++)
		x[i] = (int8_t)(i * i / 5);
	ASSERT_OK(ofa_quantised_forward(q, x, 3, NULL, one, &err), &err);
	ASSERT_OK(ofa_quantised_forward(q, x, 3, pool, three, &err), &err);
	ck_assert_mem_eq(one, three, sizeof(one));
	free(x);
	ofa_quantised_free(q);
	ofa_pool_free(pool);
	pair_release(p);
	free(p);
}
END_TEST

START_TEST(no_calibration_images_are_named)
{
	struct ofa_error err = {0};
	struct ofa_supernet *net;
	struct ofa_plan *plan = calloc(1, sizeof(*plan));
	struct ofa_subnet *sub;
	struct ofa_quantised *q = NULL;
	struct ofa_space space;
	struct ofa_arch arch;

	load_space(tiny_json, &space);
	net = random_net(&space, &(struct random_net_options){.seed = 7});
	ofa_arch_smallest(&space, &arch);
	ofa_plan_init(&net->space, &net->params, &arch, plan);
	ASSERT_OK(ofa_subnet_extract(net, plan, NULL, &sub, &err), &err);
	ASSERT_FAILS(ofa_quantise(net, sub, NULL, NULL, NULL, &q, &err), OFA_ERR_NOT_FOUND);
	ck_assert_str_eq(err.field, "ofa.calibration.images");
	ck_assert_ptr_null(q);
	ofa_subnet_free(sub);
	ofa_supernet_free(net);
	free(plan);
}
END_TEST

START_TEST(options_out_of_range_are_refused)
{
	static const struct ofa_quantise_options bad[] = {
		{.range = OFA_RANGE_MSE, .images = -1},
		{.range = OFA_RANGE_PERCENTILE, .cut = 0.75, .images = 1},
		{.range = OFA_RANGE_PERCENTILE, .cut = NAN, .images = 1},
		{.range = OFA_RANGE_RULES, .images = 1},
	};
	struct pair *p = calloc(1, sizeof(*p));
	struct ofa_quantised *q = NULL;
	struct ofa_space space;

	load_space(tiny_json, &space);
	pair_init(p, &space, false, NULL);
	for (size_t i = 0; i < OFA_ARRAY_LEN(bad); i++)
		ASSERT_FAILS(ofa_quantise(p->net, p->sub, &bad[i], NULL, NULL, &q, NULL), OFA_ERR_INVALID);
	ck_assert_ptr_null(q);
	pair_release(p);
	free(p);
}
END_TEST

/* Largest difference of a logit, in parts of the largest logit. */
static double logit_error(const struct pair *p)
{
	const int side = p->plan.arch.image_size, c = p->net->space.input_channels, classes = p->plan.classes;
	const size_t values = (size_t)IMAGES * (size_t)side * (size_t)side * (size_t)c;
	const struct ofa_affine in = ofa_quantised_input_affine(p->q), out = ofa_quantised_output_affine(p->q);
	float *x = malloc(values * sizeof(*x)), *logits = malloc((size_t)(IMAGES * classes) * sizeof(*logits));
	int8_t *qx = malloc(values), *qlogits = malloc((size_t)(IMAGES * classes));
	double error = 0, most = 0;
	struct ofa_error err = {0};

	ofa_supernet_calibration_input(p->net, 0, IMAGES, side, x);
	for (size_t i = 0; i < values; i++)
		qx[i] = (int8_t)ofa_clamp((int32_t)lroundf(x[i] / in.scale) + in.zero, -128, 127);
	ASSERT_OK(ofa_subnet_forward(p->sub, x, IMAGES, NULL, logits, &err), &err);
	ASSERT_OK(ofa_quantised_forward(p->q, qx, IMAGES, NULL, qlogits, &err), &err);
	for (int i = 0; i < IMAGES * classes; i++) {
		error = fmax(error, fabs((double)out.scale * (qlogits[i] - out.zero) - logits[i]));
		most = fmax(most, fabs(logits[i]));
	}
	free(x);
	free(logits);
	free(qx);
	free(qlogits);
	return error / most;
}

START_TEST(logits_are_near_those_of_float32)
{
	struct pair *p = calloc(1, sizeof(*p));
	struct ofa_space space;

	load_space(tiny_json, &space);
	for (int largest = 0; largest < 2; largest++) {
		double error;

		pair_init(p, &space, largest, NULL);
		error = logit_error(p);
		ck_assert_msg(error < 0.1, "a logit is off by %.3f of the largest", error);
		pair_release(p);
	}
	free(p);
}
END_TEST

static size_t map_size(const struct ofa_value *v)
{
	return (size_t)v->h * (size_t)v->w * (size_t)v->c;
}

static float to_real(int q, struct ofa_affine a)
{
	return a.scale * (float)(q - a.zero);
}

static float hold(float x, struct ofa_affine a)
{
	return fminf(fmaxf(x, to_real(-128, a)), to_real(127, a));
}

/* What float32 makes of a layer's int8 inputs, with inner values and outputs held in what int8 can say. */
static void real_layer(const struct pair *p, int i, const int8_t *in, const int8_t *added, float *out)
{
	const struct ofa_quantised_layer *q = &p->q->layers[i];
	struct ofa_layer bare = p->plan.layers[i];
	const enum ofa_act act = bare.act;
	const size_t n_in = map_size(&p->plan.values[bare.in]), n_out = map_size(&p->plan.values[bare.out]);
	const bool in_place = bare.op == OFA_OP_SE, sums = bare.op == OFA_OP_ADD;
	float *x = malloc(n_in * sizeof(*x)), *residual = calloc(n_out, sizeof(*residual));
	float *scratch = malloc((ofa_layer_scratch(&bare, 1) + (size_t)bare.c_out) * sizeof(*scratch));

	bare.act = OFA_ACT_NONE;
	for (size_t v = 0; v < n_in; v++)
		(in_place ? out : x)[v] = to_real(in[v], q->in);
	for (size_t v = 0; added && v < n_out; v++)
		residual[v] = to_real(added[v], q->added);
	ofa_layer_run(&(struct ofa_layer_run){
		.kernels = ofa_kernels(),
		.layer = &bare,
		.weights = &p->sub->weights[i],
		.in = x,
		.residual = sums ? residual : NULL,
		.out = out,
		.count = 1,
		.scratch = scratch + bare.c_out,
		.sums = scratch,
	});
	for (size_t v = 0; v < n_out && !in_place; v++) {
		const float inner = q->inner.scale > 0 ? hold(out[v], q->inner) : out[v];

		out[v] = ofa_ref_act(inner + (sums ? 0 : residual[v]), act);
	}
	for (size_t v = 0; v < n_out; v++)
		out[v] = hold(out[v], q->out);
	free(x);
	free(residual);
	free(scratch);
}

/* The most that rounding the weights can change output v by: half a step of each, times its input. */
static double weight_slack(const struct pair *p, int i, const int8_t *in, size_t v)
{
	const struct ofa_layer *l = &p->plan.layers[i];
	const struct ofa_quantised_layer *q = &p->q->layers[i];
	const int o = (int)(v % (size_t)l->c_out), x = (int)(v / (size_t)l->c_out) % l->w_out;
	const int y = (int)(v / (size_t)l->c_out) / l->w_out, first = l->op == OFA_OP_DWCONV ? o : 0;
	const int end = l->op == OFA_OP_DWCONV ? o + 1 : l->c_in;
	double sum = 0;

	if (!q->m || l->op == OFA_OP_SE)
		return 0;
	for (int iy = y * l->stride - l->pad; iy < y * l->stride - l->pad + l->k; iy++)
		for (int ix = x * l->stride - l->pad; ix < x * l->stride - l->pad + l->k; ix++)
			for (int c = first; c < end && iy >= 0 && iy < l->h_in && ix >= 0 && ix < l->w_in; c++)
				sum += abs(in[(iy * l->w_in + ix) * l->c_in + c] - q->in.zero);
	/* times the scale of input and weight, which is the multiplier's times that of the sum */
	return sum / 2 * ofa_rescale_factor((struct ofa_rescale){q->m[o], q->s[o]}) *
	       (q->inner.scale > 0 ? q->inner.scale : q->out.scale);
}

/* A layer against float32 on the same inputs.  Root mean squares over the output: the difference stays below one step
 * of output or inner value, whichever is coarser, and half of what rounding the weights can do at most. */
static void check_layer(const struct pair *p, int i, const int8_t *in, const int8_t *added, const int8_t *out)
{
	const struct ofa_layer *l = &p->plan.layers[i];
	const struct ofa_quantised_layer *q = &p->q->layers[i];
	const size_t n = map_size(&p->plan.values[l->out]);
	const double step = fmax(q->out.scale, l->op == OFA_OP_SE ? 0 : q->inner.scale);
	float *real = malloc(n * sizeof(*real));
	double sum = 0, slack = 0, bound;

	real_layer(p, i, in, added, real);
	for (size_t v = 0; v < n; v++) {
		const double error = to_real(out[v], q->out) - real[v];
		const double most = weight_slack(p, i, in, v);

		sum += error * error;
		slack += most * most;
	}
	bound = step + sqrt(slack / (double)n) / 2;
	sum = sqrt(sum / (double)n);
	ck_assert_msg(sum < bound, "layer %d (%s) is off by %g, not %g at most", i, ofa_op_name(l->op), sum, bound);
	free(real);
}

/* One image through all layers, each by the oracle and against float32; ret: the logits. */
static void walk(const struct pair *p, const int8_t *x, int8_t *ret)
{
	const struct ofa_plan *plan = &p->plan;
	int8_t *value[OFA_PLAN_MAX_LAYERS + 1];

	for (int v = 0; v < plan->n_values; v++)
		value[v] = malloc(map_size(&plan->values[v]));
	memcpy(value[0], x, map_size(&plan->values[0]));
	for (int i = 0; i < plan->n_layers; i++) {
		const struct ofa_layer *l = &plan->layers[i];
		const int8_t *added = l->residual < 0 ? NULL : value[l->residual];
		const size_t n = map_size(&plan->values[l->out]);
		int8_t *out = malloc(n);

		oracle_layer(l, &p->q->layers[i], value[l->in], added, out);
		check_layer(p, i, value[l->in], added, out);
		memcpy(value[l->out], out, n);
		free(out);
	}
	memcpy(ret, value[plan->layers[plan->n_layers - 1].out], (size_t)plan->classes);
	for (int v = 0; v < plan->n_values; v++)
		free(value[v]);
}

/* Takes the network over. */
static void check_layers(struct ofa_supernet *net, bool largest)
{
	static const char *const sets[] = {"generic", "avx2", "avx512vnni"};
	struct pair *p = calloc(1, sizeof(*p));
	struct ofa_error err = {0};
	int8_t *x, *expected, *logits;
	struct ofa_affine in;
	size_t values;
	float *real;

	pair_init_of(p, net, largest, NULL);
	values = map_size(&p->plan.values[0]);
	x = malloc(values);
	real = malloc(values * sizeof(*real));
	expected = malloc((size_t)p->plan.classes);
	logits = malloc((size_t)p->plan.classes);
	in = ofa_quantised_input_affine(p->q);
	ofa_supernet_calibration_input(p->net, 1, 1, p->plan.arch.image_size, real);
	for (size_t i = 0; i < values; i++)
		x[i] = (int8_t)ofa_clamp((int32_t)lroundf(real[i] / in.scale) + in.zero, -128, 127);
	walk(p, x, expected);
	for (size_t i = 0; i < OFA_ARRAY_LEN(sets); i++) {
		const struct ofa_quantised_kernels *kernels = ofa_quantised_kernels_named(sets[i]);

		if (!kernels)
			continue;
		ASSERT_OK(ofa_quantised_forward_by(kernels, p->q, x, 1, NULL, logits, &err), &err);
		ck_assert_msg(memcmp(logits, expected, (size_t)p->plan.classes) == 0, "%s by %s", net->space.name,
			      sets[i]);
	}
	pair_release(p);
	free(x);
	free(real);
	free(expected);
	free(logits);
	free(p);
}

static void check_random_net(const struct ofa_space *space, bool largest)
{
	check_layers(random_net(space, &(struct random_net_options){.seed = 7, .calibration_images = IMAGES}), largest);
}

START_TEST(each_layer_is_the_formats_and_near_float32)
{
	struct ofa_space space;

	load_space(tiny_json, &space);
	check_random_net(&space, false);
	check_random_net(&space, true);
	load_space(tiny_resnet_json, &space);
	check_random_net(&space, false);
	check_random_net(&space, true);
	load_space(small_resnet_json, &space);
	check_random_net(&space, true);
	preset_space("proxyless", 0.25, 10, &space);
	space.n_resolutions = 1; /* 32 pixels */
	check_random_net(&space, true);
}
END_TEST

/* The reference's network, with its calibration images. */
static struct ofa_supernet *golden_net(const char *file)
{
	const char *path = temporary_path("golden.safetensors");
	struct ofa_supernet_parts parts;
	struct ofa_error err = {0};
	struct ofa_safetensors inputs;
	const struct ofa_tensor *t;
	struct ofa_supernet *net;
	struct ofa_import im;
	float *images;

	ASSERT_OK(ofa_safetensors_open(shared_path("golden/inputs.safetensors"), &inputs, &err), &err);
	t = ofa_safetensors_find(&inputs, "calibration");
	ck_assert_ptr_nonnull(t);
	images = malloc(t->size);
	ofa_nchw_to_nhwc(t->data, (int)t->shape[0], 3, (int)t->shape[2], (int)t->shape[3], images);
	ASSERT_OK(ofa_import_open(shared_path(file), "test", &im, &err), &err);
	ofa_import_parts(&im, &parts);
	parts.calibration_inputs = images;
	parts.n_calibration = (int)t->shape[0];
	parts.calibration_h = (int)t->shape[2];
	parts.calibration_w = (int)t->shape[3];
	ASSERT_OK(ofa_supernet_save(path, &parts, &err), &err);
	ofa_import_close(&im);
	ofa_safetensors_close(&inputs);
	free(images);
	ASSERT_OK(ofa_supernet_load(path, &net, &err), &err);
	unlink(path);
	net->space.n_resolutions = 1; /* the images as they are */
	net->space.resolutions[0] = 64;
	return net;
}

START_TEST(layers_of_golden_networks)
{
	static const char *const files[] = {"golden/mbv3_w0.25.zip.pth", "golden/proxyless_w0.25.zip.pth",
					    "golden/resnet50_small.zip.pth"};

	if (!shared_available())
		return;
	for (size_t i = 0; i < OFA_ARRAY_LEN(files); i++)
		check_layers(golden_net(files[i]), true);
}
END_TEST

/* A subnet's scores on the network's own images. */
static float *logits_of(const struct pair *p, const struct ofa_subnet *sub)
{
	const int side = p->plan.arch.image_size, c = p->net->space.input_channels;
	float *x = malloc((size_t)(IMAGES * side * side * c) * sizeof(*x));
	float *logits = malloc((size_t)(IMAGES * p->plan.classes) * sizeof(*logits));
	struct ofa_error err = {0};

	ofa_supernet_calibration_input(p->net, 0, IMAGES, side, x);
	ASSERT_OK(ofa_subnet_forward(sub, x, IMAGES, NULL, logits, &err), &err);
	free(x);
	return logits;
}

START_TEST(an_equalised_subnet_computes_the_same)
{
	struct pair *p = calloc(1, sizeof(*p));
	struct ofa_observation seen;
	struct ofa_error err = {0};
	struct ofa_subnet *equal;
	struct ofa_space space;
	float *before, *after;

	load_space(tiny_json, &space); /* ReLU with SE, h-swish and ReLU6 */
	pair_init(p, &space, true, &(struct ofa_quantise_options){.images = IMAGES, .equalise = true});
	ASSERT_OK(ofa_observe(p->net, p->sub, IMAGES, NULL, &seen, &err), &err);
	ASSERT_OK(ofa_equalise(p->sub, &seen, &equal, &err), &err);
	ck_assert(memcmp(equal->storage, p->sub->storage, equal->storage_floats * sizeof(float)) != 0);
	before = logits_of(p, p->sub);
	after = logits_of(p, equal);
	for (int i = 0; i < IMAGES * p->plan.classes; i++)
		ck_assert_float_eq_tol(before[i], after[i], 1e-3f);
	free(before);
	free(after);
	ofa_subnet_free(equal);
	ofa_observation_release(&seen);
	pair_release(p);
	free(p);
}
END_TEST

static int largest(const float *logits, int n)
{
	int best = 0;

	for (int i = 1; i < n; i++)
		best = logits[i] > logits[best] ? i : best;
	return best;
}

START_TEST(accuracies_are_those_of_the_logits)
{
	struct pair *p = calloc(1, sizeof(*p));
	struct ofa_int8_accuracy got;
	struct ofa_error err = {0};
	struct ofa_space space;
	uint8_t labels[IMAGES];
	struct ofa_labelled_images data = {.labels = labels, .n = IMAGES, .h = 20, .w = 20, .c = 1};
	const struct ofa_arch *arch = &p->plan.arch;
	double float32, again;
	float *logits;

	load_space(tiny_json, &space);
	space.n_resolutions = 1;
	space.resolutions[0] = 20; /* the images as they are */
	pair_init(p, &space, true, NULL);
	logits = logits_of(p, p->sub);
	for (int i = 0; i < IMAGES; i++)
		labels[i] = (uint8_t)((largest(logits + i * 10, 10) + (i == 2)) % 10); /* all but one are right */
	data.images = p->net->calibration.images;
	ASSERT_OK(ofa_quantise_compare(p->net, arch, &data, NULL, 1, NULL, &float32, &got, &err), &err);
	ck_assert_double_eq_tol(float32, (IMAGES - 1.0) / IMAGES, 1e-12);
	ck_assert_double_le(fabs(got.top1 - float32), got.changed + 1e-12);
	ASSERT_OK(ofa_quantise_measure(p->net, arch, &data, NULL, 1, NULL, NULL, &again, &err), &err);
	ck_assert_double_eq(again, got.top1);
	data.c = 3;
	ASSERT_FAILS(ofa_quantise_measure(p->net, arch, &data, NULL, 1, NULL, NULL, &again, &err), OFA_ERR_MISMATCH);
	free(logits);
	pair_release(p);
	free(p);
}
END_TEST

/* What a device computes of a pixel is the nearest that the input can say. */
START_TEST(pixels_become_the_nearest_input)
{
	struct pair *p = calloc(1, sizeof(*p));
	struct ofa_space space;
	struct ofa_affine in;
	uint8_t pixels[28 * 28 * 3] = {0};
	int8_t x[sizeof(pixels)];

	load_space(small_resnet_json, &space);
	space.n_resolutions = 1;
	space.resolutions[0] = 28;
	pair_init(p, &space, false, NULL);
	for (size_t i = 0; i < sizeof(pixels); i++)
		pixels[i] = (uint8_t)(i / 3);
	ofa_quantised_input(p->q, pixels, 1, x);
	in = ofa_quantised_input_affine(p->q);
	for (size_t i = 0; i < 3 * 256; i++) {
		const size_t c = i % 3;
		const float real = ((float)pixels[i] / 255.0f - p->net->mean[c]) / p->net->std[c];

		ck_assert_float_le(fabsf(to_real(x[i], in) - real), 0.502f * in.scale);
	}
	ck_assert(to_real(in.zero, in) == 0);
	pair_release(p);
	free(p);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {arrays_fill_the_storage,
				      threads_change_no_byte,
				      no_calibration_images_are_named,
				      logits_are_near_those_of_float32,
				      each_layer_is_the_formats_and_near_float32,
				      layers_of_golden_networks,
				      options_out_of_range_are_refused,
				      an_equalised_subnet_computes_the_same,
				      accuracies_are_those_of_the_logits,
				      pixels_become_the_nearest_input};

	return run_tests("quantise", tests, OFA_ARRAY_LEN(tests));
}
