/* The body of POST /subnets/{id}/measurements:
 * {"latency_ms": 0..3.6e6, "p50"?: ms, "p95"?: ms, "accuracy"?: 0..1, "device"?: NAME} */
#ifndef OFAD_API_JSON_MEASUREMENT_H
#define OFAD_API_JSON_MEASUREMENT_H

#include <jansson.h>
#include "store/store.h"

#define MEASUREMENT_LATENCY_MAX_MS 3.6e6 /* an hour */
#define MEASUREMENT_DEVICE_MAX 65        /* with the NUL */

/* Fills in latency_ms, p50_ms, p95_ms, accuracy and device (borrowed from the JSON), and nothing else.  Unknown members
 * are refused.  Errors carry a JSON pointer into the body. */
enum ofa_status measurement_parse(const json_t *json, struct store_measurement *ret,
				  struct ofa_error *err) OFA_MUST_CHECK;
/* With the links of its own; a new reference, or NULL when memory is out. */
json_t *measurement_format(const struct store_measurement_entry *e);

#endif
