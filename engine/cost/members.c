#include "cost/members.h"

#include <stdio.h>
#include <string.h>

#include "cost/pointer.h"

enum ofa_status ofa_members_parse(const json_t *json, const char *pointer, const struct ofa_member *members, size_t n,
				  void *out, struct ofa_error *err)
{
	char field[OFA_POINTER_MAX];
	const char *name;
	json_t *value;

	if (!json_is_object(json))
		return ofa_fail(err, OFA_ERR_INVALID, pointer, "must be a JSON object");
	json_object_foreach((json_t *)json, name, value)
	{
		size_t i = 0;

		while (i < n && strcmp(members[i].name, name) != 0)
			i++;
		ofa_pointer_join(field, sizeof(field), pointer, name);
		if (i == n)
			return ofa_fail(err, OFA_ERR_INVALID, field, "there is no field \"%.64s\" here", name);
		enum ofa_status st = members[i].parse(value, field, out, err);
		if (st)
			return st;
	}
	for (size_t i = 0; i < n; i++) {
		if (!members[i].required || json_object_get(json, members[i].name))
			continue;
		ofa_pointer_join(field, sizeof(field), pointer, members[i].name);
		return ofa_fail(err, OFA_ERR_INVALID, field, "the field \"%s\" is required", members[i].name);
	}
	return OFA_OK;
}

/* What comes after the last '/', for messages. */
static const char *name_of(const char *field)
{
	const char *slash = strrchr(field, '/');

	return slash ? slash + 1 : field;
}

static bool has_controls(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return true;
	return false;
}

enum ofa_status ofa_members_text(const json_t *json, const char *field, char *out, size_t cap, struct ofa_error *err)
{
	const char *text = json_string_value(json);

	if (!text || !*text || strlen(text) >= cap || has_controls(text))
		return ofa_fail(err, OFA_ERR_INVALID, field,
				"%.64s must be a string of 1 to %zu bytes without control characters", name_of(field),
				cap - 1);
	snprintf(out, cap, "%s", text);
	return OFA_OK;
}

enum ofa_status ofa_members_number(const json_t *json, const char *field, double lo, double hi, double *ret,
				   struct ofa_error *err)
{
	const double v = json_number_value(json);

	if (!json_is_number(json))
		return ofa_fail(err, OFA_ERR_INVALID, field, "%.64s must be a number from %g to %g", name_of(field), lo,
				hi);
	if (!(v >= lo && v <= hi))
		return ofa_fail(err, OFA_ERR_INVALID, field, "%.64s is %g; a number from %g to %g is accepted",
				name_of(field), v, lo, hi);
	*ret = v;
	return OFA_OK;
}

enum ofa_status ofa_members_list(const json_t *json, const char *field, size_t most, void *out, size_t size,
				 enum ofa_status (*parse)(const json_t *json, const char *field, void *out,
							  struct ofa_error *err),
				 size_t *ret_n, struct ofa_error *err)
{
	const size_t n = json_array_size(json);

	if (!json_is_array(json))
		return ofa_fail(err, OFA_ERR_INVALID, field, "must be a list of at most %zu", most);
	if (n > most)
		return ofa_fail(err, OFA_ERR_LIMIT, field, "the list has %zu entries; at most %zu are accepted", n,
				most);
	for (size_t i = 0; i < n; i++) {
		char index[24], pointer[OFA_POINTER_MAX];
		enum ofa_status st;

		snprintf(index, sizeof(index), "%zu", i);
		ofa_pointer_join(pointer, sizeof(pointer), field, index);
		st = parse(json_array_get(json, i), pointer, (char *)out + i * size, err);
		if (st)
			return st;
	}
	*ret_n = n;
	return OFA_OK;
}

enum ofa_status ofa_members_metadata(const struct ofa_supernet *net, const char *key, json_t **ret,
				     struct ofa_error *err)
{
	const char *text = ofa_safetensors_meta(&net->file, key);
	json_error_t error;
	json_t *json = NULL;

	if (text) {
		json = json_loads(text, JSON_REJECT_DUPLICATES, &error);
		if (!json)
			return ofa_fail(err, OFA_ERR_FORMAT, key, "%s: column %d: %s", key, error.column, error.text);
	}
	*ret = json;
	return OFA_OK;
}

enum ofa_status ofa_members_misfit(const char *key, const struct ofa_error *inner, struct ofa_error *err)
{
	char field[OFA_POINTER_MAX];

	if (inner->status == OFA_ERR_NOMEM)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "%s", inner->message);
	ofa_pointer_append(field, sizeof(field), key, inner->field);
	return ofa_fail(err, OFA_ERR_FORMAT, field, "%s: %s", field, inner->message);
}
