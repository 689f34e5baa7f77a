#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "space/arch.h"

#define MEMBER_SHOWN_MAX 64 /* characters of a name that is none */

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
		c.value[i] = t->depth_genes[i];
	return c;
}

/* Elastic block of the first entry of "e": a resnet's stem has no ratio. */
static int first_expand(const struct ofa_space *s)
{
	return s->family == OFA_FAMILY_RESNET ? s->stages[1].first_block : 0;
}

static bool has_kernels(const struct ofa_space *s)
{
	return s->family == OFA_FAMILY_MBCONV;
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

static enum ofa_status parse_kernels(const struct ofa_space *s, const json_t *json, struct ofa_arch *a,
				     struct ofa_error *err)
{
	const json_t *ks;
	enum ofa_status st;

	if (!has_kernels(s))
		return OFA_OK;
	st = get_genes(json, "ks", s->n_blocks, &ks, err);
	for (int i = 0; st == OFA_OK && i < s->n_stages; i++) {
		const struct ofa_stage *t = &s->stages[i];
		struct choices kernels = kernel_choices(t);

		for (int b = t->first_block; st == OFA_OK && b < t->first_block + t->max_depth; b++) {
			char field[16];

			snprintf(field, sizeof(field), "/ks/%d", b);
			st = find_choice(&kernels, json_array_get(ks, (size_t)b), field, &a->k[b], err);
		}
	}
	return st;
}

static enum ofa_status parse_expands(const struct ofa_space *s, const json_t *json, struct ofa_arch *a,
				     struct ofa_error *err)
{
	const int first = first_expand(s);
	const json_t *e;
	enum ofa_status st = get_genes(json, "e", s->n_blocks - first, &e, err);

	for (int i = 0; st == OFA_OK && i < s->n_stages; i++) {
		const struct ofa_stage *t = &s->stages[i];
		struct choices expands = expand_choices(t);

		for (int b = t->first_block; st == OFA_OK && b < t->first_block + t->max_depth; b++) {
			char field[16];

			if (b < first)
				continue;
			snprintf(field, sizeof(field), "/e/%d", b - first);
			st = find_choice(&expands, json_array_get(e, (size_t)(b - first)), field, &a->e[b], err);
		}
	}
	return st;
}

/* Indices, as the reference writes them. */
static enum ofa_status parse_widths(const struct ofa_space *s, const json_t *json, struct ofa_arch *a,
				    struct ofa_error *err)
{
	const json_t *w;
	enum ofa_status st;

	if (s->n_width_genes == 0)
		return OFA_OK;
	st = get_genes(json, "w", s->n_width_genes, &w, err);
	for (int i = 0; st == OFA_OK && i < s->n_width_genes; i++) {
		struct choices indices = {.n = s->widths[i].n};
		char field[16];

		for (int j = 0; j < indices.n; j++)
			indices.value[j] = j;
		snprintf(field, sizeof(field), "/w/%d", i);
		st = find_choice(&indices, json_array_get(w, (size_t)i), field, &a->w[i], err);
	}
	return st;
}

/* Does another stage offer this depth? */
static bool depth_elsewhere(const struct ofa_space *s, double depth)
{
	for (int i = 0; i < s->n_stages; i++)
		for (int j = 0; j < s->stages[i].n_depths; j++)
			if (s->stages[i].depth_genes[j] == depth)
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
		if (has_kernels(s) && depths.n == 1 && json_number_value(value) > depths.value[0] &&
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

/* What an arch of the family consists of. */
static const struct {
	const char *known, *names, *form;
} genes_of[OFA_FAMILY_COUNT] = {
	[OFA_FAMILY_MBCONV] = {" ks e d image_size ", "ks, e, d and image_size",
			       "{\"ks\":[..],\"e\":[..],\"d\":[..],\"image_size\":R}"},
	[OFA_FAMILY_RESNET] = {" d e w image_size ", "d, e, w and image_size",
			       "{\"d\":[..],\"e\":[..],\"w\":[..],\"image_size\":R}"},
};

/* A name that a pointer could not tell as it is, is pointed at by the arch that holds it. */
static enum ofa_status refuse_member(const struct ofa_space *s, const char *key, struct ofa_error *err)
{
	const size_t len = strlen(key);
	bool plain = len <= MEMBER_SHOWN_MAX;
	char field[MEMBER_SHOWN_MAX + 2] = "";

	for (size_t i = 0; plain && i < len; i++)
		plain = key[i] > ' ' && key[i] < 0x7f && key[i] != '~' && key[i] != '/';
	if (plain)
		snprintf(field, sizeof(field), "/%s", key);
	return ofa_fail(err, OFA_ERR_INVALID, field, "/%.*s is not a gene; there are %s", MEMBER_SHOWN_MAX, key,
			genes_of[s->family].names);
}

static enum ofa_status check_fields(const struct ofa_space *s, const json_t *json, struct ofa_error *err)
{
	const char *key;
	json_t *value;

	if (!json_is_object(json))
		return ofa_fail(err, OFA_ERR_INVALID, "", "an arch must be an object %s", genes_of[s->family].form);
	json_object_foreach((json_t *)(uintptr_t)json, key, value)
	{
		char padded[64];

		snprintf(padded, sizeof(padded), " %.60s ", key);
		if (!strchr(key, ' ') && strstr(genes_of[s->family].known, padded))
			continue;
		if (has_kernels(s) && strcmp(key, "wid") == 0 && json_is_null(value)) /* the reference's unused gene */
			continue;
		return refuse_member(s, key, err);
	}
	return OFA_OK;
}

enum ofa_status ofa_arch_parse(const struct ofa_space *s, const json_t *json, struct ofa_arch *ret,
			       struct ofa_error *err)
{
	struct ofa_arch a = {0};
	enum ofa_status st = check_fields(s, json, err);

	if (st == OFA_OK)
		st = parse_kernels(s, json, &a, err);
	if (st == OFA_OK)
		st = parse_expands(s, json, &a, err);
	if (st == OFA_OK)
		st = parse_depths(s, json, &a, err);
	if (st == OFA_OK)
		st = parse_widths(s, json, &a, err);
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

/* Appends to one list of genes; adds up failures. */
static int append_expands(const struct ofa_space *s, const struct ofa_arch *a, json_t *list)
{
	int failed = 0;

	for (int i = 0; i < s->n_stages; i++) {
		const struct ofa_stage *t = &s->stages[i];

		for (int b = t->first_block; b < t->first_block + t->max_depth; b++)
			if (b >= first_expand(s))
				failed |= json_array_append_new(list, number(t->expands[a->e[b]]));
	}
	return failed;
}

static int append_kernels(const struct ofa_space *s, const struct ofa_arch *a, json_t *list)
{
	int failed = 0;

	for (int i = 0; i < s->n_stages; i++) {
		const struct ofa_stage *t = &s->stages[i];

		for (int b = t->first_block; b < t->first_block + t->max_depth; b++)
			failed |= json_array_append_new(list, json_integer(t->kernels[a->k[b]]));
	}
	return failed;
}

static int append_depths(const struct ofa_space *s, const struct ofa_arch *a, json_t *list)
{
	int failed = 0;

	for (int i = 0; i < s->n_stages; i++)
		failed |= json_array_append_new(list, json_integer(s->stages[i].depth_genes[a->d[i]]));
	return failed;
}

static int append_widths(const struct ofa_space *s, const struct ofa_arch *a, json_t *list)
{
	int failed = 0;

	for (int i = 0; i < s->n_width_genes; i++)
		failed |= json_array_append_new(list, json_integer(a->w[i]));
	return failed;
}

json_t *ofa_arch_format(const struct ofa_space *s, const struct ofa_arch *a)
{
	json_t *ks = json_array(), *e = json_array(), *d = json_array(), *w = json_array(), *arch = NULL;
	int failed = append_kernels(s, a, ks) | append_expands(s, a, e) | append_depths(s, a, d) |
		     append_widths(s, a, w);

	if (!failed && s->family == OFA_FAMILY_RESNET)
		arch = json_pack("{s:O, s:O, s:O, s:i}", "d", d, "e", e, "w", w, "image_size", a->image_size);
	else if (!failed)
		arch = json_pack("{s:O, s:O, s:O, s:i}", "ks", ks, "e", e, "d", d, "image_size", a->image_size);
	json_decref(ks);
	json_decref(e);
	json_decref(d);
	json_decref(w);
	return arch;
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

static void put_kernels(struct line *l, const struct ofa_space *s, const struct ofa_arch *a)
{
	put(l, "\"ks\":[");
	for (int i = 0, b = 0; i < s->n_stages; i++)
		for (int j = 0; j < s->stages[i].max_depth; j++, b++)
			put(l, "%s%d", b ? "," : "", s->stages[i].kernels[a->k[b]]);
	put(l, "],");
}

static void put_expands(struct line *l, const struct ofa_space *s, const struct ofa_arch *a)
{
	const int first = first_expand(s);

	put(l, "\"e\":[");
	for (int i = 0, b = 0; i < s->n_stages; i++)
		for (int j = 0; j < s->stages[i].max_depth; j++, b++)
			if (b >= first)
				put(l, "%s%.9g", b > first ? "," : "",
				    ofa_float_decimal(s->stages[i].expands[a->e[b]]));
	put(l, "],");
}

static void put_depths(struct line *l, const struct ofa_space *s, const struct ofa_arch *a)
{
	put(l, "\"d\":[");
	for (int i = 0; i < s->n_stages; i++)
		put(l, "%s%d", i ? "," : "", s->stages[i].depth_genes[a->d[i]]);
	put(l, "],");
}

static void put_widths(struct line *l, const struct ofa_space *s, const struct ofa_arch *a)
{
	put(l, "\"w\":[");
	for (int i = 0; i < s->n_width_genes; i++)
		put(l, "%s%d", i ? "," : "", a->w[i]);
	put(l, "],");
}

size_t ofa_arch_snprint(const struct ofa_space *s, const struct ofa_arch *a, char *out, size_t cap)
{
	static void (*const lists[OFA_FAMILY_COUNT][3])(struct line *, const struct ofa_space *,
							const struct ofa_arch *) = {
		[OFA_FAMILY_MBCONV] = {put_kernels, put_expands, put_depths},
		[OFA_FAMILY_RESNET] = {put_depths, put_expands, put_widths},
	};
	struct line l = {.out = out, .cap = cap};

	put(&l, "{");
	for (int i = 0; i < 3; i++)
		lists[s->family][i](&l, s, a);
	put(&l, "\"image_size\":%d}", a->image_size);
	return l.len;
}
