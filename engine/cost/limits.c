#include "cost/profile.h"

#include <math.h>
#include <string.h>

#include "cost/pointer.h"

static const char *const resource_names[OFA_RESOURCE_COUNT] = {
	[OFA_LATENCY_MS] = "latency_ms",
	[OFA_MACS] = "macs",
	[OFA_PEAK_MEMORY_BYTES] = "peak_memory_bytes",
	[OFA_STORAGE_BYTES] = "storage_bytes",
};

const char *ofa_resource_name(enum ofa_resource r)
{
	return (unsigned)r < OFA_RESOURCE_COUNT ? resource_names[r] : "unknown";
}

int ofa_resource_find(const char *name)
{
	for (int r = 0; r < OFA_RESOURCE_COUNT; r++)
		if (strcmp(name, resource_names[r]) == 0)
			return r;
	return -1;
}

void ofa_limits_init(struct ofa_limits *l)
{
	for (int r = 0; r < OFA_RESOURCE_COUNT; r++)
		l->max[r] = INFINITY;
}

enum ofa_status ofa_limits_parse(const json_t *json, const char *pointer, struct ofa_limits *ret, struct ofa_error *err)
{
	struct ofa_limits limits;
	const char *name;
	json_t *value;

	if (!json_is_object(json))
		return ofa_fail(err, OFA_ERR_INVALID, pointer, "limits must be an object such as {\"latency_ms\": 20}");
	ofa_limits_init(&limits);
	json_object_foreach((json_t *)json, name, value)
	{
		char field[OFA_POINTER_MAX];
		int r = ofa_resource_find(name);
		double max = json_number_value(value);

		ofa_pointer_join(field, sizeof(field), pointer, name);
		if (r < 0)
			return ofa_fail(err, OFA_ERR_INVALID, field,
					"there is no limit named \"%.64s\"; accepted are latency_ms, macs, "
					"peak_memory_bytes and storage_bytes",
					name);
		if (!json_is_number(value))
			return ofa_fail(err, OFA_ERR_INVALID, field, "%s must be a number greater than 0", name);
		if (!isfinite(max) || max <= 0)
			return ofa_fail(err, OFA_ERR_INVALID, field,
					"%s is %g; a finite number greater than 0 is accepted", name, max);
		limits.max[r] = max;
	}
	*ret = limits;
	return OFA_OK;
}

json_t *ofa_limits_format(const struct ofa_limits *l)
{
	json_t *json = json_object();

	for (int r = 0; json && r < OFA_RESOURCE_COUNT; r++) {
		if (isinf(l->max[r]))
			continue;
		if (json_object_set_new(json, resource_names[r], json_real(l->max[r]))) {
			json_decref(json);
			return NULL;
		}
	}
	return json;
}

void ofa_limits_merge(struct ofa_limits *l, const struct ofa_limits *other)
{
	for (int r = 0; r < OFA_RESOURCE_COUNT; r++)
		if (other->max[r] < l->max[r])
			l->max[r] = other->max[r];
}
