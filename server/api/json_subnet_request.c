#include <stdio.h>
#include <string.h>
#include "api/json_subnet_request.h"
#include "cost/pointer.h"
#include "service/question.h"

#define INLINE_NAME "inline"

static enum ofa_status parse_network(json_t *value, struct subnet_request *r, struct ofa_error *err)
{
	r->network = json_string_value(value);
	return r->network
		       ? OFA_OK
		       : ofa_fail(err, OFA_ERR_INVALID, "/network", "network must be a string: the name of a network");
}

static enum ofa_status parse_profile(json_t *value, struct subnet_request *r, struct ofa_error *err)
{
	struct ofa_error inner = {0};
	char field[sizeof(inner.field)];
	enum ofa_status st;

	r->profile_name = json_string_value(value);
	if (r->profile_name && !profile_reference_ok(r->profile_name))
		return ofa_fail(err, OFA_ERR_INVALID, "/profile",
				"\"%.64s\" cannot be the name of a profile: " PROFILE_REFERENCE_FORM, r->profile_name);
	if (r->profile_name)
		return OFA_OK;
	if (!json_is_object(value))
		return ofa_fail(err, OFA_ERR_INVALID, "/profile",
				"profile must be the name of a stored profile or a profile object");
	st = known_profile_new(value, INLINE_NAME, &r->profile, &inner);
	if (st == OFA_OK)
		return OFA_OK;
	/* pointers of the profile's parser start at the profile */
	ofa_pointer_append(field, sizeof(field), "/profile", inner.field);
	return ofa_fail(err, st, field, "%s", inner.message);
}

static enum ofa_status parse_limits(json_t *value, struct subnet_request *r, struct ofa_error *err)
{
	return ofa_limits_parse(value, "/limits", &r->limits, err);
}

static enum ofa_status parse_seed(json_t *value, struct subnet_request *r, struct ofa_error *err)
{
	json_int_t seed = json_integer_value(value);

	if (!json_is_integer(value) || seed < 0 || (uint64_t)seed > QUESTION_SEED_MAX)
		return ofa_fail(err, OFA_ERR_INVALID, "/seed", "seed must be a whole number from 0 to %llu",
				(unsigned long long)QUESTION_SEED_MAX);
	r->seed = (uint64_t)seed;
	r->has_seed = true;
	return OFA_OK;
}

static enum ofa_status parse_calibrated(json_t *value, struct subnet_request *r, struct ofa_error *err)
{
	r->calibrated = json_is_true(value);
	return json_is_boolean(value)
		       ? OFA_OK
		       : ofa_fail(err, OFA_ERR_INVALID, "/calibrated", "calibrated must be true or false");
}

static enum ofa_status parse_dtype(json_t *value, struct subnet_request *r, struct ofa_error *err)
{
	const char *name = json_string_value(value);

	if (!name)
		return ofa_fail(err, OFA_ERR_INVALID, "/dtype", "dtype must be a string: " OFA_PRECISION_CHOICES);
	if (!ofa_precision_find(name, &r->precision))
		return ofa_fail(err, OFA_ERR_INVALID, "/dtype",
				"there is no dtype \"%.64s\"; accepted is " OFA_PRECISION_CHOICES, name);
	return OFA_OK;
}

static const struct {
	const char *name;
	enum ofa_status (*parse)(json_t *value, struct subnet_request *r, struct ofa_error *err);
} members[] = {
	{"network", parse_network},
	{"profile", parse_profile},
	{"dtype", parse_dtype},
	{"limits", parse_limits},
	{"seed", parse_seed},
	{"calibrated", parse_calibrated},
};

static enum ofa_status parse_member(const char *name, json_t *value, struct subnet_request *r, struct ofa_error *err)
{
	char field[sizeof(err->field)];

	for (size_t i = 0; i < OFA_ARRAY_LEN(members); i++)
		if (strcmp(members[i].name, name) == 0)
			return members[i].parse(value, r, err);
	ofa_pointer_join(field, sizeof(field), "", name);
	return ofa_fail(err, OFA_ERR_INVALID, field,
			"there is no member \"%.64s\"; accepted are network, profile, dtype, limits, seed and "
			"calibrated",
			name);
}

enum ofa_status subnet_request_parse(json_t *json, struct subnet_request *ret, struct ofa_error *err)
{
	struct subnet_request r = {0};
	const char *name;
	json_t *value;

	if (!json_is_object(json))
		return ofa_fail(err, OFA_ERR_INVALID, "", "the body must be a JSON object");
	ofa_limits_init(&r.limits);
	json_object_foreach(json, name, value) {
		enum ofa_status st = parse_member(name, value, &r, err);

		if (st != OFA_OK) {
			subnet_request_release(&r);
			return st;
		}
	}
	*ret = r;
	return OFA_OK;
}

void subnet_request_release(struct subnet_request *r)
{
	known_profile_unref(r->profile);
	r->profile = NULL;
}
