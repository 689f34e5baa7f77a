/* Recipes as JSON, both ways from the same tables. */
#include "train/schedule.h"
#include "tensor/resize.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum kind { INTEGER, SEED, REAL, FLAG, TEXT, LINE }; /* LINE: a text without control characters */

struct field {
	const char *name;
	enum kind kind;
	size_t offset;
	double min, max; /* of numbers; of a text: its bytes */
	bool required;
};

#define IN_RECIPE(m) offsetof(struct ofa_recipe, m)
#define IN_AUGMENT(m) offsetof(struct ofa_augment, m)
#define IN_PHASE(m) offsetof(struct ofa_phase, m)

static const struct field recipe_fields[] = {
	{"name", TEXT, IN_RECIPE(name), 1, sizeof(((struct ofa_recipe *)0)->name) - 1, true},
	{"seed", SEED, IN_RECIPE(seed), 0, 9007199254740991.0, false},
	{"batch", INTEGER, IN_RECIPE(batch), 2, OFA_MAX_BATCH, true},
	{"holdout", INTEGER, IN_RECIPE(holdout), 1, 1000000, true},
	{"momentum", REAL, IN_RECIPE(momentum), 0, 0.999, false},
	{"weight_decay", REAL, IN_RECIPE(weight_decay), 0, 1, false},
	{"label_smoothing", REAL, IN_RECIPE(label_smoothing), 0, 0.9, false},
	{"calibration_images", INTEGER, IN_RECIPE(calibration_images), 2, 4096, false},
	{"license", TEXT, IN_RECIPE(license), 0, sizeof(((struct ofa_recipe *)0)->license) - 1, false},
};

static const struct field augment_fields[] = {
	{"flip", FLAG, IN_AUGMENT(flip), 0, 0, false},
	{"scale_min", REAL, IN_AUGMENT(scale_min), 0.05, OFA_RESIZE_MAX_RATIO, false},
	{"scale_max", REAL, IN_AUGMENT(scale_max), 0.05, OFA_RESIZE_MAX_RATIO, false},
	{"shift", REAL, IN_AUGMENT(shift), 0, 1, false},
	{"rotate_degrees", REAL, IN_AUGMENT(rotate_degrees), 0, 180, false},
	{"brightness", REAL, IN_AUGMENT(brightness), 0, 1, false},
	{"contrast", REAL, IN_AUGMENT(contrast), 0, 1, false},
	{"erase_probability", REAL, IN_AUGMENT(erase_probability), 0, 1, false},
	{"erase_min", REAL, IN_AUGMENT(erase_min), 0, 1, false},
	{"erase_max", REAL, IN_AUGMENT(erase_max), 0, 1, false},
};

static const struct field phase_fields[] = {
	{"name", LINE, IN_PHASE(name), 1, sizeof(((struct ofa_phase *)0)->name) - 1, true},
	{"epochs", REAL, IN_PHASE(epochs), 1e-6, 100000, true},
	{"warmup_epochs", REAL, IN_PHASE(warmup_epochs), 0, 100000, false},
	{"lr", REAL, IN_PHASE(lr), 0, 1000, true},
	{"kd", REAL, IN_PHASE(kd), 0, 100, false},
	{"subnets", INTEGER, IN_PHASE(subnets), 1, OFA_MAX_STEP_SUBNETS, false},
	{"sandwich", FLAG, IN_PHASE(sandwich), 0, 0, false},
	{"in_place", FLAG, IN_PHASE(in_place), 0, 0, false},
	{"sort", INTEGER, IN_PHASE(sort), 0, 2, false},
};

static const struct ofa_recipe recipe_defaults = {
	.seed = 1,
	.momentum = 0.9f,
	.weight_decay = 3e-5f,
	.label_smoothing = 0.1f,
	.calibration_images = 256,
	.augment = {.scale_min = 1, .scale_max = 1},
};
static const struct ofa_phase phase_defaults = {.subnets = 1};

static enum ofa_status read_number(const json_t *v, const struct field *f, const char *at, void *to,
				   struct ofa_error *err)
{
	bool whole = f->kind != REAL;
	double x = json_number_value(v);
	if (!json_is_number(v) || (whole && !json_is_integer(v)) || !(x >= f->min && x <= f->max))
		return ofa_fail(err, OFA_ERR_INVALID, at, "must be %s number from %.10g to %.10g",
				whole ? "a whole" : "a", f->min, f->max);
	if (f->kind == INTEGER)
		*(int *)to = (int)json_integer_value(v);
	else if (f->kind == SEED)
		*(uint64_t *)to = (uint64_t)json_integer_value(v);
	else
		*(float *)to = (float)x;
	return OFA_OK;
}

static enum ofa_status read_text(const json_t *v, size_t min, size_t max, const char *at, char *to,
				 struct ofa_error *err)
{
	const char *text = json_string_value(v);
	size_t len = text ? json_string_length(v) : 0;
	if (!text || len < min || len > max || strlen(text) != len)
		return ofa_fail(err, OFA_ERR_INVALID, at, "must be a string of %zu to %zu bytes", min, max);
	memcpy(to, text, len + 1);
	return OFA_OK;
}

static enum ofa_status read_line(const json_t *v, size_t min, size_t max, const char *at, char *to,
				 struct ofa_error *err)
{
	enum ofa_status status = read_text(v, min, max, at, to, err);
	for (const char *c = to; !status && *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			status = ofa_fail(err, OFA_ERR_INVALID, at, "must have no control characters");
	return status;
}

static enum ofa_status read_field(const json_t *v, const struct field *f, const char *at, void *base,
				  struct ofa_error *err)
{
	char *to = (char *)base + f->offset;
	switch (f->kind) {
	case INTEGER:
	case SEED:
	case REAL:
		return read_number(v, f, at, to, err);
	case FLAG:
		if (!json_is_boolean(v))
			return ofa_fail(err, OFA_ERR_INVALID, at, "must be true or false");
		*(bool *)to = json_is_true(v);
		return OFA_OK;
	case TEXT:
		return read_text(v, (size_t)f->min, (size_t)f->max, at, to, err);
	case LINE:
		return read_line(v, (size_t)f->min, (size_t)f->max, at, to, err);
	}
	return OFA_OK;
}

/* Members of `object` by the table; the rest must be among `others` (NULL-terminated). */
static enum ofa_status read_fields(const json_t *object, const struct field *fields, size_t n,
				   const char *const *others, const char *at, void *base, struct ofa_error *err)
{
	char pointer[128];
	const char *key;
	json_t *value;
	if (!json_is_object(object))
		return ofa_fail(err, OFA_ERR_INVALID, at, "must be an object");
	for (size_t i = 0; i < n; i++) {
		snprintf(pointer, sizeof(pointer), "%s/%s", at, fields[i].name);
		const json_t *v = json_object_get(object, fields[i].name);
		if (!v && fields[i].required)
			return ofa_fail(err, OFA_ERR_INVALID, pointer, "is missing");
		enum ofa_status status = v ? read_field(v, &fields[i], pointer, base, err) : OFA_OK;
		if (status)
			return status;
	}
	json_object_foreach((json_t *)object, key, value) {
		bool known = false;
		for (size_t i = 0; i < n && !known; i++)
			known = !strcmp(key, fields[i].name);
		for (size_t i = 0; others[i] && !known; i++)
			known = !strcmp(key, others[i]);
		snprintf(pointer, sizeof(pointer), "%s/%.64s", at, key);
		if (!known)
			return ofa_fail(err, OFA_ERR_INVALID, pointer, "is not a field of a recipe");
	}
	return OFA_OK;
}

/* An optional array of at most OFA_MAX_CHOICES numbers, ascending, from min to max, integers when `whole`. */
static enum ofa_status read_choices(const json_t *phase, const char *name, bool whole, double min, double max,
				    const char *at, double *ret, int *ret_n, struct ofa_error *err)
{
	char pointer[128];
	const json_t *array = json_object_get(phase, name);
	snprintf(pointer, sizeof(pointer), "%s/%s", at, name);
	if (array && (!json_is_array(array) || json_array_size(array) > OFA_MAX_CHOICES))
		return ofa_fail(err, OFA_ERR_INVALID, pointer, "must be an array of at most %d numbers",
				OFA_MAX_CHOICES);
	int n = (int)json_array_size(array);
	for (int i = 0; i < n; i++) {
		const json_t *v = json_array_get(array, (size_t)i);
		double x = json_number_value(v);
		snprintf(pointer, sizeof(pointer), "%s/%s/%d", at, name, i);
		if (!(whole ? json_is_integer(v) : json_is_number(v)) || !(x >= min && x <= max) ||
		    (i && x <= ret[i - 1]))
			return ofa_fail(err, OFA_ERR_INVALID, pointer,
					"must be %s number from %g to %g, above the one before",
					whole ? "a whole" : "a", min, max);
		ret[i] = x;
	}
	*ret_n = n;
	return OFA_OK;
}

static enum ofa_status check_listed(const char *at, const char *name, int i, double v, bool found,
				    struct ofa_error *err)
{
	char pointer[128];
	snprintf(pointer, sizeof(pointer), "%s/%s/%d", at, name, i);
	return found ? OFA_OK : ofa_fail(err, OFA_ERR_INVALID, pointer, "%g is a choice of no stage of the space", v);
}

/* Sizes of the space, in any order and as often as they are to come. */
static enum ofa_status parse_phase_resolutions(const json_t *array, const struct ofa_space *s, const char *at,
					       struct ofa_phase *p, struct ofa_error *err)
{
	char pointer[64];
	snprintf(pointer, sizeof(pointer), "%s/resolutions", at);
	if (array && (!json_array_size(array) || json_array_size(array) > OFA_MAX_CHOICES))
		return ofa_fail(err, OFA_ERR_INVALID, pointer, "must be an array of 1 to %d image sizes",
				OFA_MAX_CHOICES);
	p->n_resolutions = (int)json_array_size(array);
	for (int i = 0; i < p->n_resolutions; i++) {
		const json_t *v = json_array_get(array, (size_t)i);
		int found = 0;
		while (found < s->n_resolutions && s->resolutions[found] != json_integer_value(v))
			found++;
		snprintf(pointer, sizeof(pointer), "%s/resolutions/%d", at, i);
		if (found == s->n_resolutions)
			return ofa_fail(err, OFA_ERR_INVALID, pointer,
					"is no image size of the space, which has %d from %d to %d", s->n_resolutions,
					s->resolutions[0], s->resolutions[s->n_resolutions - 1]);
		p->resolutions[i] = s->resolutions[found];
	}
	return OFA_OK;
}

/* Every listed value must be a choice somewhere: a misspelt one would open nothing, silently. */
static enum ofa_status check_choices(const struct ofa_space *s, const struct ofa_phase *p, const char *at,
				     struct ofa_error *err)
{
	enum ofa_status status = OFA_OK;
	for (int i = 0; i < OFA_MAX_CHOICES && !status; i++) {
		bool kernel = i >= p->n_kernels, expand = i >= p->n_expands, depth = i >= p->n_depths;
		for (int j = 0; j < s->n_stages; j++) {
			const struct ofa_stage *st = &s->stages[j];
			for (int c = 0; c < OFA_MAX_CHOICES; c++) {
				kernel |= c < st->n_kernels && st->kernels[c] == p->kernels[i];
				expand |= c < st->n_expands && fabsf(st->expands[c] - p->expands[i]) < 1e-6f;
				depth |= c < st->n_depths && st->depths[c] == p->depths[i];
			}
		}
		status = check_listed(at, "kernels", i, p->kernels[i], kernel, err);
		if (!status)
			status = check_listed(at, "expands", i, p->expands[i], expand, err);
		if (!status)
			status = check_listed(at, "depths", i, p->depths[i], depth, err);
	}
	return status;
}

/* What a missing field means stays as it is in *a. */
static enum ofa_status parse_augment(const json_t *json, const char *at, struct ofa_augment *a, struct ofa_error *err)
{
	static const char *const others[] = {NULL};
	char pointer[64];
	enum ofa_status status =
		json ? read_fields(json, augment_fields, OFA_ARRAY_LEN(augment_fields), others, at, a, err) : OFA_OK;
	if (!status && a->scale_min > a->scale_max) {
		snprintf(pointer, sizeof(pointer), "%s/scale_min", at);
		return ofa_fail(err, OFA_ERR_INVALID, pointer, "%g is above scale_max %g", (double)a->scale_min,
				(double)a->scale_max);
	}
	if (!status && a->erase_min > a->erase_max) {
		snprintf(pointer, sizeof(pointer), "%s/erase_min", at);
		return ofa_fail(err, OFA_ERR_INVALID, pointer, "%g is above erase_max %g", (double)a->erase_min,
				(double)a->erase_max);
	}
	return status;
}

/* A phase's own augmentation replaces all of the recipe's. */
static enum ofa_status parse_phase_augment(const json_t *json, const char *at, struct ofa_phase *p,
					   struct ofa_error *err)
{
	char pointer[48];
	p->own_augment = json != NULL;
	snprintf(pointer, sizeof(pointer), "%s/augment", at);
	if (json)
		p->augment = recipe_defaults.augment;
	return parse_augment(json, pointer, &p->augment, err);
}

static enum ofa_status parse_phase(const json_t *json, int index, const struct ofa_space *s, struct ofa_phase *p,
				   struct ofa_error *err)
{
	static const char *const others[] = {"kernels", "expands", "depths", "augment",
					     "resolutions", NULL};
	char at[32], pointer[64];
	double v[3][OFA_MAX_CHOICES];
	*p = phase_defaults;
	snprintf(at, sizeof(at), "/phases/%d", index);
	enum ofa_status status = read_fields(json, phase_fields, OFA_ARRAY_LEN(phase_fields), others, at, p, err);
	if (!status)
		status = parse_phase_augment(json_object_get(json, "augment"), at, p, err);
	if (!status)
		status = parse_phase_resolutions(json_object_get(json, "resolutions"), s, at, p, err);
	if (!status)
		status = read_choices(json, "kernels", true, 3, 7, at, v[0], &p->n_kernels, err);
	if (!status)
		status = read_choices(json, "expands", false, 0.1, 32, at, v[1], &p->n_expands, err);
	if (!status)
		status = read_choices(json, "depths", true, 1, OFA_MAX_BLOCKS, at, v[2], &p->n_depths, err);
	if (status)
		return status;
	for (int i = 0; i < OFA_MAX_CHOICES; i++) {
		p->kernels[i] = i < p->n_kernels ? (uint8_t)v[0][i] : 0;
		p->expands[i] = i < p->n_expands ? (float)v[1][i] : 0;
		p->depths[i] = i < p->n_depths ? (uint8_t)v[2][i] : 0;
	}
	if (p->warmup_epochs > p->epochs) {
		snprintf(pointer, sizeof(pointer), "%s/warmup_epochs", at);
		return ofa_fail(err, OFA_ERR_INVALID, pointer, "%g epochs of warm-up do not fit into %g epochs",
				(double)p->warmup_epochs, (double)p->epochs);
	}
	if (!index && p->kd > 0)
		return ofa_fail(err, OFA_ERR_INVALID, "/phases/0/kd",
				"the first phase trains the teacher and has none");
	if (p->in_place && !(p->sandwich && p->subnets > 1 && p->kd > 0)) {
		snprintf(pointer, sizeof(pointer), "%s/in_place", at);
		return ofa_fail(err, OFA_ERR_INVALID, pointer,
				"the largest subnet of a step teaches the others: that needs \"sandwich\": true, "
				"\"subnets\" of at least 2 and \"kd\" above 0");
	}
	return check_choices(s, p, at, err);
}

static enum ofa_status parse_phases(const json_t *array, struct ofa_recipe *r, struct ofa_error *err)
{
	if (!json_is_array(array) || !json_array_size(array) || json_array_size(array) > OFA_MAX_PHASES)
		return ofa_fail(err, OFA_ERR_INVALID, "/phases", "must be an array of 1 to %d phases", OFA_MAX_PHASES);
	enum ofa_status status = OFA_OK;
	r->n_phases = (int)json_array_size(array);
	for (int i = 0; i < r->n_phases && !status; i++)
		status = parse_phase(json_array_get(array, (size_t)i), i, &r->space, &r->phases[i], err);
	return status;
}

static enum ofa_status parse_space(const json_t *json, struct ofa_space *ret, struct ofa_error *err)
{
	struct ofa_error why = {0};
	if (!json)
		return ofa_fail(err, OFA_ERR_INVALID, "/space", "is missing");
	enum ofa_status status = ofa_space_parse(json, ret, &why);
	if (!status && ret->family != OFA_FAMILY_MBCONV)
		return ofa_fail(err, OFA_ERR_UNSUPPORTED, "/space/family",
				"networks of family \"%s\" are not trained, only \"mbconv\" is",
				ofa_family_name(ret->family));
	if (!status)
		return OFA_OK;
	char pointer[sizeof(why.field)];
	snprintf(pointer, sizeof(pointer), "/space%.*s", (int)sizeof(pointer) - 8, why.field);
	return ofa_fail(err, status, pointer, "%s", why.message);
}

static enum ofa_status parse_classes(const json_t *array, struct ofa_recipe *r, struct ofa_error *err)
{
	if (!array)
		return OFA_OK;
	int n = (int)json_array_size(array);
	if (!json_is_array(array) || n != r->space.classes || n > (int)OFA_ARRAY_LEN(r->class_names))
		return ofa_fail(err, OFA_ERR_INVALID, "/classes",
				"must be an array of the space's %d class names (at most %zu)", r->space.classes,
				OFA_ARRAY_LEN(r->class_names));
	enum ofa_status status = OFA_OK;
	for (int i = 0; i < n && !status; i++) {
		char pointer[32];
		snprintf(pointer, sizeof(pointer), "/classes/%d", i);
		status = read_text(json_array_get(array, (size_t)i), 1, sizeof(r->class_names[i]) - 1, pointer,
				   r->class_names[i], err);
	}
	r->n_class_names = n;
	return status;
}

enum ofa_status ofa_recipe_parse(const json_t *json, struct ofa_recipe *ret, struct ofa_error *err)
{
	static const char *const others[] = {"augment", "space", "classes", "phases", NULL};
	struct ofa_recipe r = recipe_defaults;
	enum ofa_status status = read_fields(json, recipe_fields, OFA_ARRAY_LEN(recipe_fields), others, "", &r, err);
	if (!status)
		status = parse_augment(json_object_get(json, "augment"), "/augment", &r.augment, err);
	if (!status)
		status = parse_space(json_object_get(json, "space"), &r.space, err);
	if (!status)
		status = parse_classes(json_object_get(json, "classes"), &r, err);
	if (!status)
		status = parse_phases(json_object_get(json, "phases"), &r, err);
	if (!status)
		*ret = r;
	return status;
}

static int format_fields(json_t *object, const struct field *fields, size_t n, const void *base)
{
	int failed = 0;
	for (size_t i = 0; i < n; i++) {
		const char *from = (const char *)base + fields[i].offset;
		json_t *v = NULL;
		switch (fields[i].kind) {
		case INTEGER:
			v = json_integer(*(const int *)from);
			break;
		case SEED:
			v = json_integer((json_int_t) * (const uint64_t *)from);
			break;
		case REAL:
			v = json_real(ofa_float_decimal(*(const float *)from));
			break;
		case FLAG:
			v = json_boolean(*(const bool *)from);
			break;
		case TEXT:
		case LINE:
			v = json_string(from);
			break;
		}
		failed |= json_object_set_new(object, fields[i].name, v);
	}
	return failed;
}

static json_t *format_augment(const struct ofa_augment *a)
{
	json_t *o = json_object();
	if (!format_fields(o, augment_fields, OFA_ARRAY_LEN(augment_fields), a))
		return o;
	json_decref(o);
	return NULL;
}

static json_t *format_resolutions(const struct ofa_phase *p)
{
	json_t *a = json_array();
	int failed = 0;
	for (int i = 0; i < p->n_resolutions; i++)
		failed |= json_array_append_new(a, json_integer(p->resolutions[i]));
	if (!failed)
		return a;
	json_decref(a);
	return NULL;
}

static json_t *format_phase(const struct ofa_phase *p)
{
	json_t *o = json_object(), *kernels = json_array(), *expands = json_array(), *depths = json_array();
	int failed = format_fields(o, phase_fields, OFA_ARRAY_LEN(phase_fields), p);
	for (int i = 0; i < p->n_kernels; i++)
		failed |= json_array_append_new(kernels, json_integer(p->kernels[i]));
	for (int i = 0; i < p->n_expands; i++)
		failed |= json_array_append_new(expands, json_real(ofa_float_decimal(p->expands[i])));
	for (int i = 0; i < p->n_depths; i++)
		failed |= json_array_append_new(depths, json_integer(p->depths[i]));
	failed |= json_object_set_new(o, "kernels", kernels);
	failed |= json_object_set_new(o, "expands", expands);
	failed |= json_object_set_new(o, "depths", depths);
	failed |= p->own_augment ? json_object_set_new(o, "augment", format_augment(&p->augment)) : 0;
	failed |= p->n_resolutions ? json_object_set_new(o, "resolutions", format_resolutions(p)) : 0;
	if (!failed)
		return o;
	json_decref(o);
	return NULL;
}

json_t *ofa_recipe_format(const struct ofa_recipe *r)
{
	json_t *o = json_object(), *classes = json_array(), *phases = json_array();
	int failed = format_fields(o, recipe_fields, OFA_ARRAY_LEN(recipe_fields), r);
	for (int i = 0; i < r->n_class_names; i++)
		failed |= json_array_append_new(classes, json_string(r->class_names[i]));
	for (int i = 0; i < r->n_phases; i++)
		failed |= json_array_append_new(phases, format_phase(&r->phases[i]));
	failed |= json_object_set_new(o, "augment", format_augment(&r->augment));
	failed |= r->n_class_names ? json_object_set(o, "classes", classes) : 0;
	failed |= json_object_set_new(o, "space", ofa_space_format(&r->space));
	failed |= json_object_set_new(o, "phases", phases);
	json_decref(classes);
	if (!failed)
		return o;
	json_decref(o);
	return NULL;
}
