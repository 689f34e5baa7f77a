#include "search/knapsack.h"

#include <math.h>
#include <string.h>

#include "ops/kernels.h"

static void add_item(const struct ofa_kernels *kernels, const float *from, const struct ofa_knapsack_item *item,
		     int index, float *best, int32_t *choice)
{
	const int weight = item->weight;

	kernels->take_better(from, OFA_BINS - weight, item->gain, index, best + weight, choice + weight);
}

static void fill(float *row, float value)
{
	for (int c = 0; c < OFA_BINS; c++)
		row[c] = value;
}

/* total (in and out): the best gains up to the stage; each depth that is a choice competes for the new ones. */
static void solve_stage(const struct ofa_kernels *kernels, const struct ofa_stage *st, struct ofa_knapsack *k,
			int stage)
{
	float rows[2][OFA_BINS], *from = rows[0], *to = rows[1];
	int d = 0;

	memcpy(from, k->total, sizeof(rows[0]));
	fill(k->total, -INFINITY);
	if (st->depths[0] == 0) {
		struct ofa_knapsack_item none = { .gain = k->depth_gain[stage][0] };

		add_item(kernels, from, &none, d++, k->total, k->depth_choice[stage]);
	}
	for (int j = 0; j < st->max_depth; j++) {
		const int block = st->first_block + j;
		struct ofa_knapsack_item ended = { .gain = k->depth_gain[stage][d] };
		float *swap = from;

		fill(to, -INFINITY);
		for (int i = 0; i < k->n_items[block]; i++)
			add_item(kernels, from, &k->items[block][i], i, to, k->item_choice[block]);
		from = to;
		to = swap;
		if (j + 1 == st->depths[d])
			add_item(kernels, from, &ended, d++, k->total, k->depth_choice[stage]);
	}
}

void ofa_knapsack_solve(const struct ofa_space *s, struct ofa_knapsack *k)
{
	const struct ofa_kernels *kernels = ofa_kernels();

	fill(k->total, 0);
	for (int i = 0; i < s->n_stages; i++)
		solve_stage(kernels, &s->stages[i], k, i);
}

bool ofa_knapsack_read(const struct ofa_space *s, const struct ofa_knapsack *k, int capacity, struct ofa_arch *ret)
{
	struct ofa_arch a = { .image_size = ret->image_size };

	if (k->total[capacity] == -INFINITY)
		return false;
	for (int i = s->n_stages - 1; i >= 0; i--) {
		const struct ofa_stage *st = &s->stages[i];

		a.d[i] = (uint8_t)k->depth_choice[i][capacity];
		for (int b = st->first_block + st->depths[a.d[i]] - 1; b >= st->first_block; b--) {
			const struct ofa_knapsack_item *item = &k->items[b][k->item_choice[b][capacity]];

			a.k[b] = item->k;
			a.e[b] = item->e;
			capacity -= item->weight;
		}
	}
	*ret = a;
	return true;
}
