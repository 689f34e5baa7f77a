#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "space/arch.h"

/* The legal values of one gene, as the JSON writes them. */
struct choices {
	int n;
	double value[OFA_MAX_CHOICES];
};

static struct choices kernel_choices(const struct ofa_stage *t)
{
	struct choices c = {.n = t->n_kernels};

	for (int i = 0; i < c.n; i++)
		c.value[i] = t->kernels[i];
	return c;
}

static struct choices expand_choices(const struct ofa_stage *t)
{
	struct choices c = {.n = t->n_expands};

	for (int i = 0; i < c.n; i++)
		c.value[i] = (double)t->expands[i];
	return c;
}

static struct choices depth_choices(const struct ofa_stage *t)
{
	struct choices c = {.n = t->n_depths};

	for (int i = 0; i < c.n; i++)
		c.value[i] = t->depths[i];
	return c;
}

static enum ofa_status find_choice(const struct choices *c, const json_t *json, const char *field, uint8_t *ret,
				   struct ofa_error *err)
{
	double x = json_number_value(json);
	char legal[160];
	int len = 0;

	for (int i = 0; json_is_number(json) && i < c->n; i++) {
		if ((float)x == (float)c->value[i]) {
			*ret = (uint8_t)i;
			return OFA_OK;
		}
	}
	for (int i = 0; i < c->n; i++)
		len += snprintf(legal + len, sizeof(legal) - (size_t)len, "%s%g", i ? ", " : "", c->value[i]);
	if (json_is_number(json))
		return ofa_fail(err, OFA_ERR_INVALID, field, "%s is %g, must be one of %s", field, x, legal);
	return ofa_fail(err, OFA_ERR_INVALID, field, "%s must be a number, one of %s", field, legal);
}

static enum ofa_status get_genes(const json_t *json, const char *key, int n, const json_t **ret, struct ofa_error *err)
{
	const json_t *list = json_object_get(json, key);
	char field[16];

	snprintf(field, sizeof(field), "/%s", key);
	if (!json_is_array(list))
		return ofa_fail(err, OFA_ERR_INVALID, field, "%s must be a list of %d numbers", field, n);
	if (json_array_size(list) != (size_t)n)
		return ofa_fail(err, OFA_ERR_INVALID, field, "%s has %zu entries, must have %d", field,
				json_array_size(list), n);
	*ret = list;
	return OFA_OK;
}

static enum ofa_status parse_blocks(const struct ofa_space *s, const json_t *json, struct ofa_arch *a,
				    struct ofa_error *err)
{
	const json_t *ks, *e;
	enum ofa_status st = get_genes(json, "ks", s->n_blocks, &ks, err);

	if (st == OFA_OK)
		st = get_genes(json, "e", s->n_blocks, &e, err);
	for (int i = 0; st == OFA_OK && i < s->n_stages; i++) {
		const struct ofa_stage *t = &s->stages[i];
		struct choices kernels = kernel_choices(t), expands = expand_choices(t);

		for (int b = t->first_block; st == OFA_OK && b < t->first_block + t->max_depth; b++) {
			char field[16];

			snprintf(field, sizeof(field), "/ks/%d", b);
			st = find_choice(&kernels, json_array_get(ks, (size_t)b), field, &a->k[b], err);
			snprintf(field, sizeof(field), "/e/%d", b);
			if (st == OFA_OK)
				st = find_choice(&expands, json_array_get(e, (size_t)b), field, &a->e[b], err);
		}
	}
	return st;
}

/* Does another stage offer this depth? */
static bool depth_elsewhere(const struct ofa_space *s, double depth)
{
	for (int i = 0; i < s->n_stages; i++)
		for (int j = 0; j < s->stages[i].n_depths; j++)
			if (s->stages[i].depths[j] == depth)
				return true;
	return false;
}

static enum ofa_status parse_depths(const struct ofa_space *s, const json_t *json, struct ofa_arch *a,
				    struct ofa_error *err)
{
	const json_t *d;
	enum ofa_status st = get_genes(json, "d", s->n_stages, &d, err);

	for (int i = 0; st == OFA_OK && i < s->n_stages; i++) {
		const json_t *value = json_array_get(d, (size_t)i);
		struct choices depths = depth_choices(&s->stages[i]);
		char field[16];

		/* The reference writes any depth for the one-block last stage of Proxyless and clips it. */
		if (depths.n == 1 && json_number_value(value) > depths.value[0] &&
		    depth_elsewhere(s, json_number_value(value)))
			continue;
		snprintf(field, sizeof(field), "/d/%d", i);
		st = find_choice(&depths, value, field, &a->d[i], err);
	}
	return st;
}

static enum ofa_status parse_size(const struct ofa_space *s, const json_t *json, struct ofa_arch *a,
				  struct ofa_error *err)
{
	const json_t *size = json_object_get(json, "image_size");
	char legal[200];
	int len = 0;

	for (int i = 0; i < s->n_resolutions; i++) {
		if (json_is_integer(size) && json_integer_value(size) == s->resolutions[i]) {
			a->image_size = s->resolutions[i];
			return OFA_OK;
		}
	}
	for (int i = 0; i < s->n_resolutions && len < (int)sizeof(legal) - 16; i++)
		len += snprintf(legal + len, sizeof(legal) - (size_t)len, "%s%d", i ? ", " : "", s->resolutions[i]);
	if (len >= (int)sizeof(legal) - 16)
		snprintf(legal + len, sizeof(legal) - (size_t)len, ", .. %d", s->resolutions[s->n_resolutions - 1]);
	if (json_is_integer(size))
		return ofa_fail(err, OFA_ERR_INVALID, "/image_size", "/image_size is %lld, must be one of %s",
				(long long)json_integer_value(size), legal);
	return ofa_fail(err, OFA_ERR_INVALID, "/image_size", "/image_size must be an integer, one of %s", legal);
}

static enum ofa_status check_fields(const json_t *json, struct ofa_error *err)
{
	const char *key;
	json_t *value;

	if (!json_is_object(json))
		return ofa_fail(err, OFA_ERR_INVALID, "",
				"an arch must be an object {\"ks\":[..],\"e\":[..],\"d\":[..],\"image_size\":R}");
	json_object_foreach((json_t *)(uintptr_t)json, key, value)
	{
		char field[128];

		if (strcmp(key, "ks") == 0 || strcmp(key, "e") == 0 || strcmp(key, "d") == 0 ||
		    strcmp(key, "image_size") == 0)
			continue;
		if (strcmp(key, "wid") == 0 && json_is_null(value)) /* the reference's unused width gene */
			continue;
		snprintf(field, sizeof(field), "/%.100s", key);
		return ofa_fail(err, OFA_ERR_INVALID, field, "%s is not a gene; there are ks, e, d and image_size",
				field);
	}
	return OFA_OK;
}

enum ofa_status ofa_arch_parse(const struct ofa_space *s, const json_t *json, struct ofa_arch *ret,
			       struct ofa_error *err)
{
	struct ofa_arch a = {0};
	enum ofa_status st = check_fields(json, err);

	if (st == OFA_OK)
		st = parse_blocks(s, json, &a, err);
	if (st == OFA_OK)
		st = parse_depths(s, json, &a, err);
	if (st == OFA_OK)
		st = parse_size(s, json, &a, err);
	if (st != OFA_OK)
		return st;
	ofa_arch_canonical(s, &a);
	*ret = a;
	return OFA_OK;
}

/* Whole ratios are written as integers. */
static json_t *number(float x)
{
	double d = ofa_float_decimal(x);

	return (double)(json_int_t)d == d ? json_integer((json_int_t)d) : json_real(d);
}

json_t *ofa_arch_format(const struct ofa_space *s, const struct ofa_arch *a)
{
	json_t *ks = json_array(), *e = json_array(), *d = json_array();
	int failed = 0;

	for (int i = 0; i < s->n_stages; i++) {
		const struct ofa_stage *t = &s->stages[i];

		for (int b = t->first_block; b < t->first_block + t->max_depth; b++) {
			failed |= json_array_append_new(ks, json_integer(t->kernels[a->k[b]]));
			failed |= json_array_append_new(e, number(t->expands[a->e[b]]));
		}
		failed |= json_array_append_new(d, json_integer(ofa_arch_depth(s, a, i)));
	}
	if (failed) {
		json_decref(ks);
		json_decref(e);
		json_decref(d);
		return NULL;
	}
	return json_pack("{s:o, s:o, s:o, s:i}", "ks", ks, "e", e, "d", d, "image_size", a->image_size);
}

/* Text that may not fit: counts on, as snprintf does. */
struct line {
	char *out;
	size_t cap, len;
};

static void put(struct line *l, const char *fmt, ...) OFA_PRINTF(2, 3);
static void put(struct line *l, const char *fmt, ...)
{
	size_t room = l->len < l->cap ? l->cap - l->len : 0;
	va_list ap;

	va_start(ap, fmt);
	l->len += (size_t)vsnprintf(room ? l->out + l->len : NULL, room, fmt, ap);
	va_end(ap);
}

size_t ofa_arch_snprint(const struct ofa_space *s, const struct ofa_arch *a, char *out, size_t cap)
{
	struct line l = {.out = out, .cap = cap};
	int i, b;

	put(&l, "{\"ks\":[");
	for (i = 0, b = 0; i < s->n_stages; i++)
		for (int j = 0; j < s->stages[i].max_depth; j++, b++)
			put(&l, "%s%d", b ? "," : "", s->stages[i].kernels[a->k[b]]);
	put(&l, "],\"e\":[");
	for (i = 0, b = 0; i < s->n_stages; i++)
		for (int j = 0; j < s->stages[i].max_depth; j++, b++)
			put(&l, "%s%.9g", b ? "," : "", ofa_float_decimal(s->stages[i].expands[a->e[b]]));
	put(&l, "],\"d\":[");
	for (i = 0; i < s->n_stages; i++)
		put(&l, "%s%d", i ? "," : "", ofa_arch_depth(s, a, i));
	put(&l, "],\"image_size\":%d}", a->image_size);
	return l.len;
}
