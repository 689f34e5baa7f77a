#include <math.h>
#include <stdio.h>
#include <string.h>
#include "api/json_measurement.h"
#include "cost/pointer.h"

#define DEVICE_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-"

static enum ofa_status parse_number(const json_t *value, const char *name, double max, double *ret,
				    struct ofa_error *err)
{
	double v = json_number_value(value);
	char field[32];

	/* an accuracy may be 0, a time may not */
	if (json_is_number(value) && v <= max && (v > 0 || (v == 0 && max == 1))) {
		*ret = v;
		return OFA_OK;
	}
	snprintf(field, sizeof(field), "/%s", name);
	return ofa_fail(err, OFA_ERR_INVALID, field, "%s must be a number%s %g", name,
			max == 1 ? " from 0 to" : " above 0, of at most", max);
}

static enum ofa_status parse_latency(const json_t *value, struct store_measurement *m, struct ofa_error *err)
{
	return parse_number(value, "latency_ms", MEASUREMENT_LATENCY_MAX_MS, &m->latency_ms, err);
}

static enum ofa_status parse_p50(const json_t *value, struct store_measurement *m, struct ofa_error *err)
{
	return parse_number(value, "p50", MEASUREMENT_LATENCY_MAX_MS, &m->p50_ms, err);
}

static enum ofa_status parse_p95(const json_t *value, struct store_measurement *m, struct ofa_error *err)
{
	return parse_number(value, "p95", MEASUREMENT_LATENCY_MAX_MS, &m->p95_ms, err);
}

static enum ofa_status parse_accuracy(const json_t *value, struct store_measurement *m, struct ofa_error *err)
{
	return parse_number(value, "accuracy", 1, &m->accuracy, err);
}

static enum ofa_status parse_device(const json_t *value, struct store_measurement *m, struct ofa_error *err)
{
	const char *device = json_string_value(value);
	size_t n = device ? strspn(device, DEVICE_CHARS) : 0;

	if (n == 0 || n >= MEASUREMENT_DEVICE_MAX || device[n] != '\0')
		return ofa_fail(err, OFA_ERR_INVALID, "/device", "device must be 1 to %d of A-Z a-z 0-9 . _ : -",
				MEASUREMENT_DEVICE_MAX - 1);
	m->device = device;
	return OFA_OK;
}

static const struct {
	const char *name;
	enum ofa_status (*parse)(const json_t *value, struct store_measurement *m, struct ofa_error *err);
} members[] = {
	{"latency_ms", parse_latency}, {"p50", parse_p50},	 {"p95", parse_p95},
	{"accuracy", parse_accuracy},  {"device", parse_device},
};

static enum ofa_status parse_member(const char *name, const json_t *value, struct store_measurement *m,
				    struct ofa_error *err)
{
	char field[sizeof(err->field)];

	for (size_t i = 0; i < OFA_ARRAY_LEN(members); i++)
		if (strcmp(members[i].name, name) == 0)
			return members[i].parse(value, m, err);
	ofa_pointer_join(field, sizeof(field), "", name);
	return ofa_fail(err, OFA_ERR_INVALID, field,
			"there is no member \"%.64s\"; accepted are latency_ms, p50, p95, accuracy and device", name);
}

enum ofa_status measurement_parse(const json_t *json, struct store_measurement *ret, struct ofa_error *err)
{
	struct store_measurement m = {.device = "", .latency_ms = NAN, .p50_ms = NAN, .p95_ms = NAN, .accuracy = NAN};
	const char *name;
	json_t *value;

	/* jansson's iterators take no const, and change nothing */
	json_object_foreach((json_t *)(uintptr_t)json, name, value) {
		enum ofa_status st = parse_member(name, value, &m, err);

		if (st != OFA_OK)
			return st;
	}
	if (isnan(m.latency_ms))
		return ofa_fail(err, OFA_ERR_INVALID, "/latency_ms", "latency_ms is missing");
	if (m.p50_ms > m.p95_ms)
		return ofa_fail(err, OFA_ERR_INVALID, "/p95", "p95 is %g, below p50, which is %g", m.p95_ms, m.p50_ms);
	ret->device = m.device;
	ret->latency_ms = m.latency_ms;
	ret->p50_ms = m.p50_ms;
	ret->p95_ms = m.p95_ms;
	ret->accuracy = m.accuracy;
	return OFA_OK;
}

static json_t *known_or_null(double v)
{
	return isnan(v) ? json_null() : json_real(v);
}

json_t *measurement_format(const struct store_measurement_entry *e)
{
	const struct store_measurement *m = &e->measured;

	return json_pack("{s:I, s:s, s:s?, s:f, s:o, s:o, s:o, s:o, s:o, s:s, s:{s:o, s:o}}", "number",
			 (json_int_t)e->number, "subnet", m->subnet, "device", *m->device ? m->device : NULL,
			 "latency_ms", m->latency_ms, "p50", known_or_null(m->p50_ms), "p95", known_or_null(m->p95_ms),
			 "accuracy", known_or_null(m->accuracy), "profile_revision",
			 e->profile ? json_sprintf("%s@%llu", e->profile, (unsigned long long)e->profile_revision)
				    : json_null(),
			 "predicted_ms", known_or_null(e->predicted_ms), "created_at", e->created_at, "links", "self",
			 json_sprintf("/subnets/%s/measurements/%llu", m->subnet, (unsigned long long)e->number),
			 "subnet", json_sprintf("/subnets/%s", m->subnet));
}
