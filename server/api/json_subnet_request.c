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
	st = known_profile_new(value, INLINE_NAME, &r->profile, err);
	if (st != OFA_OK)
		ofa_pointer_place(err, "/profile");
	return st;
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

static enum ofa_status parse_arch(json_t *value, struct subnet_request *r, struct ofa_error *err)
{
	r->arch = value;
	return json_is_object(value)
		       ? OFA_OK
		       : ofa_fail(err, OFA_ERR_INVALID, "/arch", "arch must be an object, as answers have it");
}

/* Which bodies have a member. */
enum { OF_QUESTION = 1, OF_PLAN = 2 };

static const struct {
	const char *name;
	enum ofa_status (*parse)(json_t *value, struct subnet_request *r, struct ofa_error *err);
	unsigned bodies;
} members[] = {
	{"network", parse_network, OF_QUESTION | OF_PLAN},
	{"profile", parse_profile, OF_QUESTION | OF_PLAN},
	{"dtype", parse_dtype, OF_QUESTION | OF_PLAN},
	{"limits", parse_limits, OF_QUESTION},
	{"seed", parse_seed, OF_QUESTION},
	{"calibrated", parse_calibrated, OF_QUESTION},
	{"arch", parse_arch, OF_QUESTION | OF_PLAN},
};

/* "a, b and c" */
static void list_members(unsigned body, char *out, size_t cap)
{
	size_t n = 0, listed = 0, len = 0;

	for (size_t i = 0; i < OFA_ARRAY_LEN(members); i++)
		n += (members[i].bodies & body) != 0;
	for (size_t i = 0; i < OFA_ARRAY_LEN(members) && len < cap; i++) {
		const char *before = listed == 0 ? "" : listed == n - 1 ? " and " : ", ";

		if (!(members[i].bodies & body))
			continue;
		len += (size_t)snprintf(out + len, cap - len, "%s%s", before, members[i].name);
		listed++;
	}
}

static enum ofa_status parse_member(const char *name, json_t *value, unsigned body, struct subnet_request *r,
				    struct ofa_error *err)
{
	char field[sizeof(err->field)], accepted[128];

	for (size_t i = 0; i < OFA_ARRAY_LEN(members); i++)
		if ((members[i].bodies & body) && strcmp(members[i].name, name) == 0)
			return members[i].parse(value, r, err);
	ofa_pointer_join(field, sizeof(field), "", name);
	list_members(body, accepted, sizeof(accepted));
	return ofa_fail(err, OFA_ERR_INVALID, field, "there is no member \"%.64s\"; accepted are %s", name, accepted);
}

static enum ofa_status parse(json_t *json, unsigned body, struct subnet_request *ret, struct ofa_error *err)
{
	struct subnet_request r = {0};
	const char *name;
	json_t *value;

	if (!json_is_object(json))
		return ofa_fail(err, OFA_ERR_INVALID, "", "the body must be a JSON object");
	ofa_limits_init(&r.limits);
	json_object_foreach(json, name, value) {
		enum ofa_status st = parse_member(name, value, body, &r, err);

		if (st != OFA_OK) {
			subnet_request_release(&r);
			return st;
		}
	}
	*ret = r;
	return OFA_OK;
}

enum ofa_status subnet_request_parse(json_t *json, struct subnet_request *ret, struct ofa_error *err)
{
	enum ofa_status st = parse(json, OF_QUESTION, ret, err);

	if (st != OFA_OK || !ret->arch || !ret->has_seed)
		return st;
	subnet_request_release(ret);
	return ofa_fail(err, OFA_ERR_INVALID, "/seed",
			"seed is of a search, and where arch says which subnet there is none; leave one out");
}

enum ofa_status plan_request_parse(json_t *json, struct subnet_request *ret, struct ofa_error *err)
{
	enum ofa_status st = parse(json, OF_PLAN, ret, err);

	if (st != OFA_OK || ret->arch)
		return st;
	subnet_request_release(ret);
	return ofa_fail(err, OFA_ERR_INVALID, "/arch", "arch is missing: the subnet that is asked about");
}

enum ofa_status subnet_request_find(struct subnet_request *r, struct networks *networks, struct profiles *profiles,
				    struct network **ret_network, struct ofa_error *err)
{
	enum ofa_status st = networks_find(networks, r->network, ret_network, err);

	if (st == OFA_OK && r->profile_name && !r->profile) {
		st = profiles_get(profiles, r->profile_name, &r->profile, err);
		if (st == OFA_ERR_NOT_FOUND)
			snprintf(err->field, sizeof(err->field), "/profile");
	}
	return st;
}

enum ofa_status subnet_request_arch(const struct subnet_request *r, const struct network *network,
				    struct ofa_arch *ret, struct ofa_error *err)
{
	enum ofa_status st = ofa_arch_parse(&network->net->space, r->arch, ret, err);

	if (st != OFA_OK) {
		ofa_pointer_place(err, "/arch");
		ofa_error_prefix(err, "arch");
	}
	return st;
}

void subnet_request_release(struct subnet_request *r)
{
	known_profile_unref(r->profile);
	r->profile = NULL;
}
