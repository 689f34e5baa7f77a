/* What int8 costs in accuracy: top-1 of archs spread over the Pareto front (accuracy over MACs) and of the smallest and
 * the largest arch of each image size, in float32 and in int8, for each way to quantise that is named.
 *   bench/quantise NETWORK DATA [SPLIT [ARCHS [IMAGES [VARIANT..]]]]
 * SPLIT: test (default) or holdout, the training images that were kept from training; ARCHS: 50; IMAGES: all (0);
 * VARIANT: names of the table below, "all", or nothing for the default.  --list lists them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "quantise/measure.h"
#include "search/front.h"
#include "train/dataset.h"

#define MAX_ARCHS 200
#define MAX_VARIANTS 32

#define RULE(rule) .range = OFA_RANGE_##rule, .images = 64

static const struct variant {
	const char *name;
	struct ofa_quantise_options opt;
} variants[] = {
	{"extremes", {RULE(EXTREMES)}},
	{"cut-1e-2", {RULE(PERCENTILE), .cut = 1e-2}},
	{"cut-1e-3", {RULE(PERCENTILE), .cut = 1e-3}},
	{"cut-1e-4", {RULE(PERCENTILE), .cut = 1e-4}},
	{"cut-1e-5", {RULE(PERCENTILE), .cut = 1e-5}},
	{"mse", {RULE(MSE)}},
	{"mse-bias", {RULE(MSE), .correct_bias = true}},
	{"mse-equal", {RULE(MSE), .equalise = true}},
	{"mse-both", {RULE(MSE), .equalise = true, .correct_bias = true}},
	{"mse-8", {.range = OFA_RANGE_MSE, .images = 8}},
	{"mse-16", {.range = OFA_RANGE_MSE, .images = 16}},
	{"mse-32", {.range = OFA_RANGE_MSE, .images = 32}},
	{"mse-128", {.range = OFA_RANGE_MSE, .images = 128}},
	{"mse-512", {.range = OFA_RANGE_MSE, .images = 512}},
};

struct bench {
	struct ofa_supernet *net;
	struct ofa_pool *pool;
	struct ofa_dataset train, test, holdout;
	struct ofa_labelled_images data;
	int n_archs, n_variants;
	struct ofa_arch archs[MAX_ARCHS];
	const char *names[MAX_VARIANTS];
	struct ofa_quantise_options options[MAX_VARIANTS];
	double float32[MAX_ARCHS];
	struct ofa_int8_accuracy int8[MAX_ARCHS][MAX_VARIANTS];
};

static void add_arch(struct bench *b, const struct ofa_arch *a)
{
	for (int i = 0; i < b->n_archs; i++)
		if (ofa_arch_equal(&b->archs[i], a))
			return;
	if (b->n_archs < MAX_ARCHS)
		b->archs[b->n_archs++] = *a;
}

static void add_extremes(struct bench *b)
{
	const struct ofa_space *s = &b->net->space;
	struct ofa_arch a;

	for (int i = 0; i < s->n_resolutions; i++) {
		ofa_arch_smallest(s, &a);
		a.image_size = s->resolutions[i];
		add_arch(b, &a);
		ofa_arch_largest(s, &a);
		a.image_size = s->resolutions[i];
		add_arch(b, &a);
	}
}

static enum ofa_status add_front(struct bench *b, int archs, struct ofa_error *err)
{
	struct ofa_front_options opt = {.metric = OFA_MACS, .points = 256};
	struct ofa_predictor predictor = {0};
	struct ofa_search_problem *problem = NULL;
	struct ofa_front front = {0};
	enum ofa_status st = ofa_predictor_load(b->net, &predictor, err);
	const int left = archs - b->n_archs;

	ofa_limits_init(&opt.limits);
	if (st == OFA_OK)
		st = ofa_search_problem_new(b->net, &predictor, NULL, OFA_INT8, &problem, err);
	if (st == OFA_OK)
		st = ofa_front_run(problem, &opt, &front, err);
	for (int i = 0; i < left && st == OFA_OK; i++)
		add_arch(b, &front.points[(size_t)i * (front.n - 1) / (size_t)(left > 1 ? left - 1 : 1)].arch);
	/* where the front has fewer points than were asked for, some were taken twice */
	for (size_t i = 0; st == OFA_OK && i < front.n && b->n_archs < archs; i++)
		add_arch(b, &front.points[i].arch);
	ofa_front_release(&front);
	ofa_search_problem_free(problem);
	ofa_predictor_release(&predictor);
	return st;
}

static enum ofa_status cut_holdout(struct bench *b, struct ofa_error *err)
{
	const json_t *recipe = json_object_get(b->net->lineage, "recipe");
	const json_t *holdout = json_object_get(recipe, "holdout"), *seed = json_object_get(recipe, "seed");

	if (!json_is_integer(holdout) || !json_is_integer(seed))
		return ofa_fail(err, OFA_ERR_NOT_FOUND, "holdout", "the network does not say which images it kept");
	return ofa_dataset_split(&b->train, (int)json_integer_value(holdout), (uint64_t)json_integer_value(seed),
				 &b->holdout, err);
}

static enum ofa_status load(struct bench *b, int argc, char **argv, struct ofa_error *err)
{
	const bool holdout = argc > 3 && strcmp(argv[3], "holdout") == 0;
	const struct ofa_dataset *d = holdout ? &b->holdout : &b->test;
	const int archs = argc > 4 ? atoi(argv[4]) : 50, images = argc > 5 ? atoi(argv[5]) : 0;
	enum ofa_status st = ofa_supernet_load(argv[1], &b->net, err);

	if (st == OFA_OK)
		st = ofa_pool_new(ofa_cpu_count(), &b->pool);
	if (st == OFA_OK)
		st = ofa_dataset_load(argv[2], &b->train, &b->test, err);
	if (st == OFA_OK && holdout)
		st = cut_holdout(b, err);
	if (st != OFA_OK)
		return st;
	b->data = (struct ofa_labelled_images){d->images, d->labels, images > 0 && images < d->n ? images : d->n,
					       d->h, d->w, d->c};
	add_extremes(b);
	return archs > b->n_archs ? add_front(b, archs, err) : OFA_OK;
}

static void choose(struct bench *b, int argc, char **argv)
{
	if (argc <= 6) {
		b->names[b->n_variants] = "default";
		b->options[b->n_variants++] = ofa_quantise_default;
	}
	for (int i = 6; i < argc; i++)
		for (size_t v = 0; v < OFA_ARRAY_LEN(variants) && b->n_variants < MAX_VARIANTS; v++)
			if (strcmp(argv[i], "all") == 0 || strcmp(argv[i], variants[v].name) == 0) {
				b->names[b->n_variants] = variants[v].name;
				b->options[b->n_variants++] = variants[v].opt;
			}
}

static double loss(const struct bench *b, int arch, int variant)
{
	return 100 * (b->float32[arch] - b->int8[arch][variant].top1);
}

static void print_arch(const struct bench *b, int i)
{
	struct ofa_plan *plan = malloc(sizeof(*plan));

	if (!plan)
		return;
	ofa_plan_init(&b->net->space, &b->net->params, &b->archs[i], plan);
	printf("%3d  %2d px  %2d layers  %6.2f %% in float32, int8 loses", i, b->archs[i].image_size, plan->n_layers,
	       100 * b->float32[i]);
	for (int v = 0; v < b->n_variants; v++)
		printf(" %5.2f", loss(b, i, v));
	printf("\n");
	fflush(stdout);
	free(plan);
}

static void print_totals(const struct bench *b)
{
	printf("%d archs, %d images; points of top-1 that int8 loses, and images that it classifies otherwise\n"
	       "%-14s %8s %8s %8s %12s\n",
	       b->n_archs, b->data.n, "", "mean", "worst", "rms", "changed %");
	for (int v = 0; v < b->n_variants; v++) {
		double sum = 0, square = 0, worst = -100, changed = 0;

		for (int i = 0; i < b->n_archs; i++) {
			sum += loss(b, i, v);
			square += loss(b, i, v) * loss(b, i, v);
			worst = fmax(worst, loss(b, i, v));
			changed += 100 * b->int8[i][v].changed;
		}
		printf("%-14s %8.3f %8.2f %8.3f %12.3f\n", b->names[v], sum / b->n_archs, worst,
		       sqrt(square / b->n_archs), changed / b->n_archs);
	}
}

int main(int argc, char **argv)
{
	struct bench *b = calloc(1, sizeof(*b));
	struct ofa_error err = {0};
	enum ofa_status st;

	if (!b || argc < 3) {
		for (size_t v = 0; v < OFA_ARRAY_LEN(variants); v++)
			fprintf(stderr, "%s\n", variants[v].name);
		fprintf(stderr, "usage: bench/quantise NETWORK DATA [SPLIT [ARCHS [IMAGES [VARIANT..]]]]\n");
		free(b);
		return 2;
	}
	st = load(b, argc, argv, &err);
	choose(b, argc, argv);
	for (int i = 0; st == OFA_OK && i < b->n_archs; i++) {
		st = ofa_quantise_compare(b->net, &b->archs[i], &b->data, b->options, b->n_variants, b->pool,
					  &b->float32[i], b->int8[i], &err);
		if (st == OFA_OK)
			print_arch(b, i);
	}
	if (st == OFA_OK)
		print_totals(b);
	else
		fprintf(stderr, "bench/quantise: %s\n", err.message);
	ofa_dataset_release(&b->train);
	ofa_dataset_release(&b->test);
	ofa_dataset_release(&b->holdout);
	ofa_pool_free(b->pool);
	ofa_supernet_free(b->net);
	free(b);
	return st != OFA_OK;
}
