/* The JSON of a space: what the families share. */
#include <stdio.h>
#include <string.h>

#include "space/family.h"

#define COMMON_FIELDS " family name input_channels classes bn_eps resolutions "

static const struct {
	const char *name, *known;
	enum ofa_status (*parse)(const struct ofa_fields *root, struct ofa_space *s);
	json_t *(*format)(const struct ofa_space *s);
} families[OFA_FAMILY_COUNT] = {
	[OFA_FAMILY_MBCONV] = {"mbconv", COMMON_FIELDS "stem first kernels expands depths stages head ",
			       ofa_mbconv_parse, ofa_mbconv_format},
	[OFA_FAMILY_RESNET] = {"resnet", COMMON_FIELDS "stem expands depths stages ", ofa_resnet_parse,
			       ofa_resnet_format},
};

const char *ofa_family_name(enum ofa_family family)
{
	return (unsigned)family < OFA_FAMILY_COUNT ? families[family].name : "unknown";
}

enum ofa_status ofa_space_add_stage(const struct ofa_fields *root, struct ofa_space *s)
{
	struct ofa_stage *t = &s->stages[s->n_stages];

	t->first_block = s->n_blocks;
	t->max_depth = t->depths[t->n_depths - 1];
	if (s->n_blocks + t->max_depth > OFA_MAX_BLOCKS)
		return ofa_fields_refuse_range(root, "stages", "stages whose blocks add up to a number", 1,
					       OFA_MAX_BLOCKS);
	s->n_blocks += t->max_depth;
	s->n_stages++;
	return OFA_OK;
}

static enum ofa_status parse_family(const struct ofa_fields *o, struct ofa_space *s)
{
	const char *name = json_string_value(json_object_get(o->json, "family"));

	for (int i = 0; name && i < OFA_FAMILY_COUNT; i++) {
		if (strcmp(families[i].name, name) == 0) {
			s->family = (enum ofa_family)i;
			return OFA_OK;
		}
	}
	return ofa_fields_refuse(o, "family", "must be \"mbconv\" or \"resnet\"");
}

static enum ofa_status parse_resolutions(const struct ofa_fields *o, struct ofa_space *s)
{
	static const struct ofa_list_rule rule = {
		.max_n = OFA_MAX_RESOLUTIONS, .lo = 1, .hi = OFA_MAX_IMAGE_SIZE, .integers = true, .kind = "integers"};
	double x[OFA_MAX_RESOLUTIONS];
	enum ofa_status st = ofa_fields_list(o, "resolutions", &rule, x, &s->n_resolutions);

	for (int i = 0; st == OFA_OK && i < s->n_resolutions; i++)
		s->resolutions[i] = (uint16_t)x[i];
	return st;
}

static enum ofa_status parse_name(const struct ofa_fields *o, struct ofa_space *s)
{
	const char *name = json_string_value(json_object_get(o->json, "name"));

	if (!name || !*name || strlen(name) >= sizeof(s->name))
		return ofa_fields_refuse(o, "name", "must be a string of 1 to 63 bytes");
	memcpy(s->name, name, strlen(name) + 1);
	return OFA_OK;
}

static enum ofa_status parse_scalars(const struct ofa_fields *o, struct ofa_space *s)
{
	const json_t *eps = json_object_get(o->json, "bn_eps");
	enum ofa_status st = parse_name(o, s);

	if (st == OFA_OK)
		st = ofa_fields_int(o, "input_channels", 1, OFA_MAX_INPUT_CHANNELS, &s->input_channels);
	if (st == OFA_OK)
		st = ofa_fields_int(o, "classes", 1, OFA_MAX_CLASSES, &s->classes);
	if (st == OFA_OK && !(json_number_value(eps) >= 1e-12 && json_number_value(eps) <= 1))
		return ofa_fields_refuse_range(o, "bn_eps", "a number", 1e-12, 1);
	s->bn_eps = (float)json_number_value(eps);
	return st;
}

enum ofa_status ofa_space_parse(const json_t *json, struct ofa_space *ret_space, struct ofa_error *err)
{
	struct ofa_fields root = {.json = json, .err = err};
	struct ofa_space s = {0};
	enum ofa_status st;

	if (!json_is_object(json))
		return ofa_fail(err, OFA_ERR_INVALID, "", "the space must be an object");
	st = parse_family(&root, &s);
	if (st == OFA_OK)
		st = ofa_fields_only(&root, families[s.family].known);
	if (st == OFA_OK)
		st = parse_scalars(&root, &s);
	if (st == OFA_OK)
		st = parse_resolutions(&root, &s);
	if (st == OFA_OK)
		st = families[s.family].parse(&root, &s);
	if (st == OFA_OK)
		*ret_space = s;
	return st;
}

json_t *ofa_space_format(const struct ofa_space *s)
{
	json_t *own = families[s->family].format(s);
	json_t *json = json_pack("{s:s, s:s, s:i, s:i, s:o, s:o}", "family", families[s->family].name, "name", s->name,
				 "input_channels", s->input_channels, "classes", s->classes, "bn_eps",
				 ofa_fields_format_float(s->bn_eps), "resolutions", ofa_fields_format_resolutions(s));
	bool failed = !own || !json || json_object_update(json, own) < 0;

	json_decref(own);
	if (!failed)
		return json;
	json_decref(json);
	return NULL;
}
