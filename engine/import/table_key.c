#include "import/table_key.h"

#include <stdlib.h>
#include <string.h>

#define MBV3 OFA_TABLE_DIALECT_BIT(OFA_TABLE_MBV3)
#define PROXYLESS OFA_TABLE_DIALECT_BIT(OFA_TABLE_PROXYLESS)
#define MBCONV OFA_TABLE_DIALECT_BIT(OFA_TABLE_MBCONV)

#define MAX_NUMBER 999999
#define MAX_RATIO 64
#define MAX_STRIDE 4
#define HSWISH_STRIDE 16 /* of OFA-MobileNetV3, spec 4.2 */

static const struct row_type {
	const char *name;
	enum ofa_unit_kind kind;
	unsigned dialects;
} types[] = {
	{"Conv", OFA_UNIT_STEM, MBV3 | PROXYLESS},
	{"expanded_conv", OFA_UNIT_BLOCK, MBV3 | PROXYLESS},
	{"Conv_1", OFA_UNIT_HEAD_EXPAND, MBV3 | PROXYLESS},
	{"AvgPool2D", OFA_UNIT_POOL, MBV3},
	{"Conv_2", OFA_UNIT_MIX, MBV3},
	{"Logits", OFA_UNIT_CLASSIFIER, MBV3 | PROXYLESS},
	{"first_conv", OFA_UNIT_STEM, MBCONV},
	{"MBConv", OFA_UNIT_BLOCK, MBCONV},
	{"final_expand_layer", OFA_UNIT_HEAD_EXPAND, MBCONV},
	{"feature_mix_layer", OFA_UNIT_MIX, MBCONV},
	{"classifier", OFA_UNIT_CLASSIFIER, MBCONV},
};

/* What follows the shapes of a block. */
enum block_field { EXPAND, KERNEL, STRIDE, IDSKIP, SE, HS, BLOCK_FIELDS };
static const struct {
	const char *name;
	int max;
} block_fields[BLOCK_FIELDS] = {
	[EXPAND] = {"expand", MAX_NUMBER}, [KERNEL] = {"kernel", 31}, [STRIDE] = {"stride", MAX_STRIDE},
	[IDSKIP] = {"idskip", 1},          [SE] = {"se", 1},          [HS] = {"hs", 1},
};

static enum ofa_status wrong(struct ofa_error *err, const char *what)
{
	return ofa_fail(err, OFA_ERR_INVALID, NULL, "%s", what);
}

/* A plain decimal number up to MAX_NUMBER at *s, which moves behind it; -1: there is none. */
static int take_number(const char **s)
{
	size_t n = strspn(*s, "0123456789");
	int v = 0;

	if (n < 1 || n > 6 || ((*s)[0] == '0' && n > 1))
		return -1;
	for (size_t i = 0; i < n; i++)
		v = 10 * v + ((*s)[i] - '0');
	*s += n;
	return v;
}

/* "-NAME:" at *s, which moves behind it. */
static bool take_label(const char **s, const char *name)
{
	size_t n = strlen(name);

	if (**s != '-' || strncmp(*s + 1, name, n) != 0 || (*s)[1 + n] != ':')
		return false;
	*s += n + 2;
	return true;
}

/* HxWxC, or C alone, which stands for 1x1xC. */
static enum ofa_status take_shape(const char **s, int *ret_h, int *ret_w, int *ret_c, struct ofa_error *err)
{
	int v[3] = {0}, n = 0;

	while (n < 3) {
		v[n] = take_number(s);
		if (v[n++] < 1)
			return wrong(err, "shapes are HxWxC, plain numbers of 1 or more");
		if (**s != 'x')
			break;
		++*s;
	}
	if (n == 2 || v[n - 1] > OFA_MAX_CLASSES || (n == 3 && (v[0] != v[1] || v[0] > OFA_MAX_IMAGE_SIZE)))
		return ofa_fail(err, OFA_ERR_INVALID, NULL,
				"shapes are HxWxC of square maps up to %d, or C alone; C is at most %d",
				OFA_MAX_IMAGE_SIZE, OFA_MAX_CLASSES);
	*ret_h = n == 3 ? v[0] : 1;
	*ret_w = *ret_h;
	*ret_c = v[n - 1];
	return OFA_OK;
}

static enum ofa_status take_shapes(const char **s, struct ofa_table_key *k, struct ofa_error *err)
{
	struct ofa_unit *u = &k->unit;
	enum ofa_status st;

	if (!take_label(s, "input"))
		return wrong(err, "a key begins with TYPE-input:");
	st = take_shape(s, &u->h_in, &u->w_in, &u->c_in, err);
	if (st)
		return st;
	if (!take_label(s, "output"))
		return wrong(err, "after the input's shape comes -output:");
	st = take_shape(s, &u->h_out, &u->w_out, &u->c_out, err);
	if (st)
		return st;
	if (u->h_out > u->h_in)
		return wrong(err, "the output is larger than the input");
	return OFA_OK;
}

static enum ofa_status take_type(const char **s, struct ofa_table_key *k, struct ofa_error *err)
{
	size_t n = strcspn(*s, "-");

	for (size_t i = 0; i < OFA_ARRAY_LEN(types); i++) {
		if (strlen(types[i].name) != n || memcmp(types[i].name, *s, n) != 0)
			continue;
		k->unit.kind = types[i].kind;
		k->dialects = types[i].dialects;
		*s += n;
		return OFA_OK;
	}
	return ofa_fail(
		err, OFA_ERR_INVALID, NULL,
		"no row is of type \"%.*s\"; there are Conv, expanded_conv, Conv_1, AvgPool2D, Conv_2, Logits and "
		"first_conv, MBConv, final_expand_layer, feature_mix_layer, classifier",
		(int)(n < 32 ? n : 32), *s);
}

static enum ofa_status take_block_field(const char **s, int v[BLOCK_FIELDS], struct ofa_error *err)
{
	int f = 0;

	while (f < BLOCK_FIELDS && !take_label(s, block_fields[f].name))
		f++;
	if (f == BLOCK_FIELDS)
		return wrong(err,
			     "after the shapes come -expand:, -kernel:, -stride:, -idskip: and perhaps -se:, -hs:");
	if (v[f] >= 0)
		return ofa_fail(err, OFA_ERR_INVALID, NULL, "-%s: is there twice", block_fields[f].name);
	v[f] = take_number(s);
	if (v[f] < 0 || v[f] > block_fields[f].max)
		return ofa_fail(err, OFA_ERR_INVALID, NULL, "-%s: takes a whole number up to %d", block_fields[f].name,
				block_fields[f].max);
	return OFA_OK;
}

static enum ofa_status take_block(const char **s, struct ofa_table_key *k, struct ofa_error *err)
{
	int v[BLOCK_FIELDS] = {-1, -1, -1, -1, -1, -1};

	while (**s) {
		enum ofa_status st = take_block_field(s, v, err);

		if (st)
			return st;
	}
	if (v[EXPAND] < 1 || v[KERNEL] < 1 || v[STRIDE] < 1 || v[IDSKIP] < 0)
		return wrong(err, "a block needs -expand:, -kernel:, -stride: (1 or more each) and -idskip:");
	if (k->dialects == MBCONV ? v[SE] < 0 || v[HS] >= 0 : (v[SE] < 0) != (v[HS] < 0))
		return wrong(err, "an expanded_conv has -se: and -hs: or neither, an MBConv -se: alone");
	if (k->dialects != MBCONV)
		k->dialects = v[SE] >= 0 ? MBV3 : PROXYLESS;
	if (k->dialects != MBV3 && v[EXPAND] > MAX_RATIO)
		return ofa_fail(err, OFA_ERR_INVALID, NULL, "-expand: is %d; here it is a ratio, 1 to %d", v[EXPAND],
				MAX_RATIO);
	k->expand = v[EXPAND];
	k->unit.k = v[KERNEL];
	k->unit.stride = v[STRIDE];
	k->unit.residual = v[IDSKIP] == 1;
	k->unit.se = v[SE] == 1;
	k->hs = v[HS] == 1;
	return OFA_OK;
}

enum ofa_status ofa_table_key_parse(const char *text, struct ofa_table_key *ret, struct ofa_error *err)
{
	struct ofa_table_key k = {0};
	const char *s = text;
	enum ofa_status st = take_type(&s, &k, err);

	if (!st)
		st = take_shapes(&s, &k, err);
	if (!st && k.unit.kind == OFA_UNIT_BLOCK)
		st = take_block(&s, &k, err);
	else if (!st && *s)
		st = wrong(err, "only blocks have fields after their shapes");
	if (st)
		return st;
	if (k.unit.kind == OFA_UNIT_CLASSIFIER) {
		if (k.unit.h_out != 1)
			return wrong(err, "the output of a classifier is a number of classes");
		k.classes = k.unit.c_out;
	}
	*ret = k;
	return OFA_OK;
}

void ofa_table_key_translate(const struct ofa_table_key *key, enum ofa_table_dialect dialect, int output_stride,
			     char out[OFA_LATENCY_KEY_MAX], char pool[OFA_LATENCY_KEY_MAX])
{
	struct ofa_unit u = key->unit, p = {.kind = OFA_UNIT_POOL};
	bool pools = false;

	if (u.kind == OFA_UNIT_BLOCK) {
		bool hs = dialect == OFA_TABLE_MBCONV ? output_stride >= HSWISH_STRIDE : key->hs;

		u.act = hs ? OFA_ACT_HSWISH : OFA_ACT_NONE;
		u.mid = dialect == OFA_TABLE_MBV3 ? key->expand : key->expand * u.c_in;
	} else if (u.kind == OFA_UNIT_HEAD_EXPAND && dialect == OFA_TABLE_MBCONV) {
		pools = true;
		p.h_in = u.h_out;
		p.w_in = u.w_out;
		p.c_in = u.c_out;
	} else if (u.kind == OFA_UNIT_CLASSIFIER && dialect == OFA_TABLE_PROXYLESS) {
		pools = true;
		p.h_in = u.h_in;
		p.w_in = u.w_in;
		p.c_in = u.c_in;
		u.h_in = 1;
		u.w_in = 1;
	}
	ofa_unit_key_of(&u, key->classes, out);
	pool[0] = '\0';
	if (!pools)
		return;
	p.h_out = 1;
	p.w_out = 1;
	p.c_out = p.c_in;
	ofa_unit_key_of(&p, key->classes, pool);
}
