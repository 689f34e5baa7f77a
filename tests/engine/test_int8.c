/* The 8-bit layers against their naive oracle for each instruction set of this machine, and the scores made of them
 * against the predictor. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/ref.h"
#include "predict/scorer.h"
#include "released.h"
#include "runner.h"
#include "shared.h"

static const char *const sets[] = {"amx", "avx512vnni", "avxvnni"};

/* Widths with and without an odd tile, and row counts around every tile height. */
static const int widths[][2] = {{64, 32}, {128, 64}, {448, 416}, {192, 96}};
static const int counts[] = {1, 5, 6, 12, 13, 16, 17, 31, 33, 48, 96, 97};

static void *aligned(size_t bytes)
{
	void *p = aligned_alloc(64, (bytes + 63) / 64 * 64);

	ck_assert_ptr_nonnull(p);
	memset(p, 0, (bytes + 63) / 64 * 64);
	return p;
}

/* Without weights for the last inputs. */
static struct ofa_int8_dense random_layer(struct ofa_rng *rng, int in, int out)
{
	const int used = in - 20;

	int8_t *weights = aligned((size_t)in * out);
	float *scale = aligned((size_t)out * sizeof(float)), *bias = aligned((size_t)out * sizeof(float));

	for (int i = 0; i < in * out; i++)
		if (i / (4 * OFA_INT8_PANEL) % (in / 4) < used / 4)
			weights[i] = (int8_t)(i % 97 ? (int)ofa_rng_below(rng, 255) - 127 : i % 2 ? 127 : -127);
	for (int j = 0; j < out; j++) {
		scale[j] = 0.0001f + 0.0004f * ofa_rng_float(rng);
		bias[j] = 40 * ofa_rng_normal(rng);
	}
	return (struct ofa_int8_dense){
		.in = in, .out = out, .used = used, .weights = weights, .scale = scale, .bias = bias};
}

static void check_dense(const struct ofa_int8_kernels *kn, const struct ofa_int8_dense *d, int n, struct ofa_rng *rng)
{
	const size_t room = OFA_INT8_ROOM(n), pitch = (size_t)d->out + 64;
	uint8_t *x = aligned(room * (size_t)d->in), *y = aligned(room * pitch);
	float *want = aligned((size_t)d->out * sizeof(float)), *last = aligned((size_t)d->out * sizeof(float));
	float *partial = aligned(room * OFA_INT8_PANEL * sizeof(float)), *dot = aligned(room * sizeof(float));

	for (size_t i = 0; i < (size_t)n * (size_t)d->in; i++)
		x[i] = (uint8_t)(ofa_rng_below(rng, 3) ? ofa_rng_below(rng, 256) : i % 2 * 255);
	for (int j = 0; j < d->out; j++)
		last[j] = ofa_rng_normal(rng);
	kn->dense(d, x, n, y, (int)pitch);
	kn->dense_dot(d, x, n, last, 0.5f, partial, dot);
	for (int i = 0; i < n; i++) {
		double sum = 0.5, size = 1;

		ofa_ref_int8_dense(d, x + (size_t)i * (size_t)d->in, want);
		for (int j = 0; j < d->out; j++) {
			float rounded = fminf(want[j], 255);

			/* Exactly, but for what lies between two integers. */
			ck_assert_msg(fabsf((float)y[(size_t)i * pitch + (size_t)j] - rounded) <= 0.5001f,
				      "%s %dx%d, row %d of %d, output %d: %d, oracle %g", kn->isa, d->in, d->out, i, n,
				      j, y[(size_t)i * pitch + (size_t)j], (double)rounded);
			sum += (double)want[j] * (double)last[j];
			size += fabs((double)want[j] * (double)last[j]);
		}
		ck_assert_msg(fabs(dot[i] - sum) <= 1e-5 * size, "%s %dx%d, row %d of %d: %g, oracle %g", kn->isa,
			      d->in, d->out, i, n, (double)dot[i], sum);
	}
	free(x);
	free(y);
	free(want);
	free(last);
	free(partial);
	free(dot);
}

static void check_sum_rows(const struct ofa_int8_kernels *kn, int c, int n, struct ofa_rng *rng)
{
	const int16_t *rows[24];
	int16_t *sum = aligned((size_t)c * sizeof(*sum)), *want_sum = aligned((size_t)c * sizeof(*sum));
	uint8_t *y = aligned((size_t)c), *want = aligned((size_t)c);

	for (int i = 0; i < n; i++) {
		int16_t *row = aligned((size_t)c * sizeof(*row));

		for (int j = 0; j < c; j++)
			row[j] = (int16_t)((int)ofa_rng_below(rng, 2600) - 1300);
		rows[i] = row;
	}
	for (int shift = 0; shift <= 6; shift += 3) {
		int less = n / 3;

		kn->sum_rows(rows, n - less, rows + n - less, less, c, shift, sum, y);
		ofa_ref_int8_sum_rows(rows, n - less, rows + n - less, less, c, shift, want_sum, want);
		ck_assert_mem_eq(y, want, (size_t)c);
		ck_assert_mem_eq(sum, want_sum, (size_t)c * sizeof(*sum));
		kn->sum_rows(rows, n - less, rows + n - less, less, c, shift, NULL, y);
		ck_assert_mem_eq(y, want, (size_t)c);
	}
	for (int i = 0; i < n; i++)
		free((void *)(uintptr_t)rows[i]);
	free(y);
	free(want);
	free(sum);
	free(want_sum);
}

START_TEST(layers_match_the_oracle)
{
	for (size_t s = 0; s < OFA_ARRAY_LEN(sets); s++) {
		const struct ofa_int8_kernels *kn = ofa_int8_kernels_named(sets[s]);
		struct ofa_rng rng;

		if (!kn) {
			printf("SKIP %s: this processor lacks it\n", sets[s]);
			continue;
		}
		ofa_rng_init(&rng, 3);
		for (size_t w = 0; w < OFA_ARRAY_LEN(widths); w++) {
			struct ofa_int8_dense d = random_layer(&rng, widths[w][0], widths[w][1]);

			for (size_t i = 0; i < OFA_ARRAY_LEN(counts); i++)
				check_dense(kn, &d, counts[i], &rng);
			free((void *)(uintptr_t)d.weights);
			free((void *)(uintptr_t)d.scale);
			free((void *)(uintptr_t)d.bias);
			for (int n = 1; n <= 21; n += 4)
				check_sum_rows(kn, widths[w][1], n, &rng);
		}
	}
	ck_assert_ptr_null(ofa_int8_kernels_named("no such set"));
}
END_TEST

static void sample(const struct ofa_space *s, const struct ofa_predictor *p, struct ofa_rng *rng, struct ofa_arch *ret)
{
	do
		ofa_arch_sample(s, rng, ret);
	while (!ofa_predictor_has_resolution(p, ret->image_size));
}

/* Every set: near the predictor, and the same score alone as in company. */
START_TEST(scores_are_near_the_predictor)
{
	enum { N = 300 };
	static struct ofa_arch archs[N];
	static float exact[N], score[N];
	static uint8_t slots[N];
	struct ofa_predictor predictor;
	struct ofa_error err = {0};
	struct ofa_supernet net;
	struct ofa_rng rng;

	if (!shared_available())
		return;
	ASSERT_OK(released_network(&net, &err), &err);
	ASSERT_OK(released_predictor(&net.space, &predictor, &err), &err);
	ofa_rng_init(&rng, 12);
	for (int i = 0; i < N; i++)
		sample(&net.space, &predictor, &rng, &archs[i]);
	/* Archs near others of their slot, in any order, beside archs far from all. */
	for (int i = 0; i < N; i++) {
		slots[i] = (uint8_t)(i % 7 ? i % 5 : (int)ofa_rng_below(&rng, OFA_SCORER_SLOTS));
		if (i % 3 && i >= 5) {
			archs[i] = archs[i - 5];
			ofa_arch_mutate(&net.space, &rng, 0.03, 0, &archs[i]);
		}
	}
	for (size_t s = 0; s <= OFA_ARRAY_LEN(sets); s++) {
		const char *set = s ? sets[s - 1] : OFA_SCORER_FLOAT;
		struct ofa_scorer *scorer;
		double error = 0;
		void *scratch;

		if (s && !ofa_int8_kernels_named(set))
			continue;
		ASSERT_OK(ofa_scorer_new(&net.space, &predictor, set, &scorer, &err), &err);
		ck_assert_str_eq(ofa_scorer_set(scorer), set);
		ck_assert(ofa_scorer_exact(scorer) == (s == 0));
		scratch = ofa_scorer_scratch(scorer);
		ofa_scorer_score(scorer, archs, slots, N, scratch, s ? score : exact);
		for (int i = 0; s && i < N; i++) {
			float alone;

			error += ((double)score[i] - (double)exact[i]) * ((double)score[i] - (double)exact[i]) / N;
			ofa_scorer_score(scorer, &archs[i], NULL, 1, scratch, &alone);
			ck_assert(alone == score[i]);
		}
		printf("%s: standard deviation %.6f\n", set, sqrt(error));
		ck_assert_double_le(sqrt(error), 0.00015);
		free(scratch);
		ofa_scorer_free(scorer);
	}
	ofa_predictor_release(&predictor);
	released_network_free(&net);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {layers_match_the_oracle, scores_are_near_the_predictor};

	return run_tests("int8", tests, OFA_ARRAY_LEN(tests));
}
