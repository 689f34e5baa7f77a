#include "cost/profile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cost/uniform.h"

static const char *const unit_types[] = {
	[OFA_UNIT_STEM] = "Conv",      [OFA_UNIT_BLOCK] = "expanded_conv", [OFA_UNIT_HEAD_EXPAND] = "Conv_1",
	[OFA_UNIT_POOL] = "AvgPool2D", [OFA_UNIT_MIX] = "Conv_2",          [OFA_UNIT_CLASSIFIER] = "Logits",
	[OFA_UNIT_STEM_OUT] = "Conv_out", [OFA_UNIT_MAX_POOL] = "MaxPool2D",
};

static const char *unit_type(const struct ofa_unit *u)
{
	if (u->kind != OFA_UNIT_BLOCK)
		return unit_types[u->kind];
	return u->bottleneck ? "Bottleneck" : u->mid ? unit_types[u->kind] : "Conv_skip";
}

size_t ofa_unit_key(const struct ofa_unit *u, const struct ofa_plan *p, char out[OFA_LATENCY_KEY_MAX])
{
	return ofa_unit_key_of(u, p->classes, out);
}

size_t ofa_unit_key_of(const struct ofa_unit *u, int classes, char out[OFA_LATENCY_KEY_MAX])
{
	const size_t cap = OFA_LATENCY_KEY_MAX;
	int n = snprintf(out, cap, "%s-input:%dx%dx%d-output:", unit_type(u), u->h_in, u->w_in, u->c_in);

	if (u->kind == OFA_UNIT_CLASSIFIER)
		n += snprintf(out + n, cap - (size_t)n, "%d", classes);
	else
		n += snprintf(out + n, cap - (size_t)n, "%dx%dx%d", u->h_out, u->w_out, u->c_out);
	if (u->kind == OFA_UNIT_BLOCK && u->mid)
		n += snprintf(out + n, cap - (size_t)n, "-expand:%d-kernel:%d-stride:%d-idskip:%d", u->mid, u->k,
			      u->stride, u->residual);
	if (u->kind == OFA_UNIT_BLOCK && u->mid && !u->bottleneck)
		n += snprintf(out + n, cap - (size_t)n, "-se:%d-hs:%d", u->se, u->act == OFA_ACT_HSWISH);
	return (size_t)n;
}

/* A decimal number without leading zeros, at most 7 digits; NULL if there is none at s. */
static const char *skip_number(const char *s)
{
	size_t n = strspn(s, "0123456789");

	return n < 1 || n > 7 || (s[0] == '0' && n > 1) ? NULL : s + n;
}

/* Numbers with 'x' between; how many through ret_n. */
static const char *skip_shape(const char *s, int *ret_n)
{
	*ret_n = 0;
	while ((s = skip_number(s))) {
		++*ret_n;
		if (*s != 'x')
			return s;
		s++;
	}
	return NULL;
}

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

bool ofa_latency_key_ok(const char *key)
{
	const char *s = key + strspn(key, LETTERS "0123456789_");
	int n;

	if (strlen(key) >= OFA_LATENCY_KEY_MAX || s == key || strncmp(s, "-input:", 7) != 0)
		return false;
	s = skip_shape(s + 7, &n);
	if (!s || n != 3 || strncmp(s, "-output:", 8) != 0)
		return false;
	s = skip_shape(s + 8, &n);
	if (!s || (n != 3 && n != 1))
		return false;
	while (*s) {
		size_t name = *s == '-' ? strspn(s + 1, LETTERS "_") : 0;

		if (name == 0 || s[1 + name] != ':')
			return false;
		s = skip_number(s + 2 + name);
		if (!s)
			return false;
	}
	return true;
}

static int compare_keys(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorts and drops repeats. */
static void sort_unique(struct ofa_key_list *l)
{
	size_t kept = 0;

	qsort(l->keys, l->n, sizeof(*l->keys), compare_keys);
	for (size_t i = 0; i < l->n; i++) {
		if (kept && strcmp(l->keys[kept - 1], l->keys[i]) == 0)
			free(l->keys[i]);
		else
			l->keys[kept++] = l->keys[i];
	}
	l->n = kept;
}

static enum ofa_status add_plan(struct ofa_key_list *l, const struct ofa_plan *plan)
{
	for (int u = 0; u < plan->n_units; u++) {
		char key[OFA_LATENCY_KEY_MAX];

		ofa_unit_key(&plan->units[u], plan, key);
		l->keys[l->n] = strdup(key);
		if (!l->keys[l->n])
			return OFA_ERR_NOMEM;
		l->n++;
	}
	return OFA_OK;
}

enum ofa_status ofa_latency_keys(const struct ofa_space *s, const struct ofa_params *p, int resolution,
				 struct ofa_key_list *ret, struct ofa_error *err)
{
	const int archs = ofa_uniform_count(s);
	struct ofa_key_list l = {0, calloc((size_t)archs * OFA_PLAN_MAX_UNITS, sizeof(char *))};
	struct ofa_plan *plan = malloc(sizeof(*plan));
	enum ofa_status st = l.keys && plan ? OFA_OK : OFA_ERR_NOMEM;

	for (int i = 0; !st && i < archs; i++) {
		struct ofa_arch a;

		ofa_arch_uniform(s, resolution, i, &a);
		ofa_plan_init(s, p, &a, plan);
		st = add_plan(&l, plan);
	}
	free(plan);
	if (st) {
		ofa_key_list_release(&l);
		return ofa_fail(err, st, NULL, "out of memory");
	}
	sort_unique(&l);
	*ret = l;
	return OFA_OK;
}

void ofa_key_list_release(struct ofa_key_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->keys[i]);
	free(l->keys);
	*l = (struct ofa_key_list){0};
}
