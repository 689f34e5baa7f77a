#include "predict/predictor.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

double ofa_rmse(const float *a, const float *b, int n)
{
	double sum = 0;

	for (int i = 0; i < n; i++)
		sum += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
	return n > 0 ? sqrt(sum / n) : 0;
}

struct pair {
	float a, b;
};

static int compare_a_then_b(const void *x, const void *y)
{
	const struct pair *p = x, *q = y;

	if (p->a != q->a)
		return p->a < q->a ? -1 : 1;
	return (p->b > q->b) - (p->b < q->b);
}

/* Sorts by b (merge sort) and returns how many pairs were out of order. */
static uint64_t count_inversions(struct pair *p, struct pair *scratch, int n)
{
	uint64_t inversions = 0;
	int half = n / 2, i = 0, j = half, k = 0;

	if (n < 2)
		return 0;
	inversions = count_inversions(p, scratch, half) + count_inversions(p + half, scratch, n - half);
	while (i < half && j < n) {
		if (p[j].b < p[i].b) {
			inversions += (uint64_t)(half - i);
			scratch[k++] = p[j++];
		} else {
			scratch[k++] = p[i++];
		}
	}
	while (i < half)
		scratch[k++] = p[i++];
	for (i = 0; i < k; i++)
		p[i] = scratch[i];
	return inversions;
}

enum tie { TIE_A, TIE_B, TIE_BOTH };

static bool tied(const struct pair *x, const struct pair *y, enum tie kind)
{
	return (kind == TIE_B || x->a == y->a) && (kind == TIE_A || x->b == y->b);
}

/* Pairs of equal elements in a list where equal ones stand together. */
static uint64_t count_ties(const struct pair *p, int n, enum tie kind)
{
	uint64_t ties = 0, run = 0;

	for (int i = 1; i < n; i++) {
		run = tied(&p[i - 1], &p[i], kind) ? run + 1 : 0;
		ties += run;
	}
	return ties;
}

double ofa_kendall_tau(const float *a, const float *b, int n)
{
	struct pair *p = n > 1 ? malloc(2 * (size_t)n * sizeof(*p)) : NULL;
	uint64_t all = (uint64_t)n * (uint64_t)(n - 1) / 2, ties_a, ties_b, ties_both, swaps;
	double scale;

	if (!p)
		return NAN;
	for (int i = 0; i < n; i++)
		p[i] = (struct pair){a[i], b[i]};
	qsort(p, (size_t)n, sizeof(*p), compare_a_then_b);
	ties_a = count_ties(p, n, TIE_A);
	ties_both = count_ties(p, n, TIE_BOTH);
	swaps = count_inversions(p, p + n, n);
	ties_b = count_ties(p, n, TIE_B);
	free(p);
	scale = sqrt((double)(all - ties_a)) * sqrt((double)(all - ties_b));
	return scale > 0 ? ((double)all - (double)ties_a - (double)ties_b + (double)ties_both - 2.0 * (double)swaps) /
				   scale
			 : NAN;
}
