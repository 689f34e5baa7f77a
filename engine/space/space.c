#include "space/space.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"

const char *ofa_act_name(enum ofa_act act)
{
	static const char *const names[OFA_ACT_COUNT] = {
		[OFA_ACT_NONE] = "none",      [OFA_ACT_RELU] = "relu",          [OFA_ACT_RELU6] = "relu6",
		[OFA_ACT_HSWISH] = "h_swish", [OFA_ACT_HSIGMOID] = "h_sigmoid",
	};

	return (unsigned)act < OFA_ACT_COUNT ? names[act] : "unknown";
}

double ofa_float_decimal(float x)
{
	char text[32];

	for (int digits = 6; digits <= 9; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, (double)x);
		if (strtof(text, NULL) == x)
			break;
	}
	return strtod(text, NULL);
}

int ofa_make_divisible(double v)
{
	int n = (int)floor((v + 4) / 8) * 8;

	if (n < 8)
		n = 8;
	return n < 0.9 * v ? n + 8 : n;
}

int ofa_mid_channels(int c, float expand)
{
	/* nearbyint rounds halves to even, as the reference's round() does. */
	return ofa_make_divisible(nearbyint((double)c * (double)expand));
}

int ofa_se_channels(int mid)
{
	return ofa_make_divisible(mid / 4);
}

void ofa_space_hash(const struct ofa_space *s, uint8_t out[32])
{
	json_t *json = ofa_space_format(s);
	char *text = json ? json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(9)) : NULL;

	json_decref(json);
	/* A hash that is not the space's would pass for another space's: stop instead. */
	if (!text)
		abort();
	ofa_sha256(text, strlen(text), out);
	free(text);
}

/* Decimal number of up to 9 * LIMBS digits, least significant limb first.  The largest space,
 * OFA_MAX_BLOCKS blocks of OFA_MAX_CHOICES^2 kinds and as many widths, has fewer than 80 digits. */
#define LIMBS 12
#define LIMB_BASE 1000000000u

struct decimal {
	uint32_t limb[LIMBS];
};

/* a = a * m + b */
static void multiply_add(struct decimal *a, uint32_t m, const struct decimal *b)
{
	uint64_t carry = 0;

	for (int i = 0; i < LIMBS; i++) {
		carry += (uint64_t)a->limb[i] * m + b->limb[i];
		a->limb[i] = (uint32_t)(carry % LIMB_BASE);
		carry /= LIMB_BASE;
	}
}

static bool has_depth(const struct ofa_stage *st, int depth)
{
	for (int i = 0; i < st->n_depths; i++)
		if (st->depths[i] == depth)
			return true;
	return false;
}

void ofa_space_count(const struct ofa_space *s, char *ret_decimal, size_t cap)
{
	struct decimal total = {{1}};
	const struct decimal zero = {{0}};
	char text[9 * LIMBS + 1];
	int n, top = LIMBS - 1;

	/* Per stage the sum over depths of (kernels * expands)^depth, by Horner's rule, with the product
	 * of the stages before it in the place of one. */
	for (int i = 0; i < s->n_stages; i++) {
		const struct ofa_stage *st = &s->stages[i];
		uint32_t kinds = (uint32_t)(st->n_kernels * st->n_expands);
		struct decimal sum = zero;

		for (int d = st->max_depth; d >= 0; d--)
			multiply_add(&sum, kinds, has_depth(st, d) ? &total : &zero);
		total = sum;
	}
	for (int i = 0; i < s->n_width_genes; i++)
		multiply_add(&total, (uint32_t)s->widths[i].n, &zero);
	while (top > 0 && total.limb[top] == 0)
		top--;
	n = snprintf(text, sizeof(text), "%u", total.limb[top]);
	while (top-- > 0)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "%09u", total.limb[top]);
	snprintf(ret_decimal, cap, "%s", text);
}
