/* Bodies of POST /subnets/{id}/measurements: any bytes as JSON, then through the parser; what is accepted is within the
 * bounds that calibration relies on.
 *
 * Without libFuzzer, tests/fuzz/replay.c runs the corpus and simple mutations of it; with it, link this
 * file with clang -fsanitize=fuzzer,address,undefined and run ./fuzz_measurement tests/fuzz/corpus/measurement. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/json_measurement.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool time_ok(double ms)
{
	return ms > 0 && ms <= MEASUREMENT_LATENCY_MAX_MS;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *json = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
	struct store_measurement m;
	struct ofa_error err = {0};

	if (json_is_object(json) && measurement_parse(json, &m, &err) == OFA_OK) {
		size_t n = strlen(m.device);

		if (!time_ok(m.latency_ms) || n >= MEASUREMENT_DEVICE_MAX || strpbrk(m.device, " \n\"/%"))
			abort();
		if ((!isnan(m.p50_ms) && !time_ok(m.p50_ms)) || (!isnan(m.p95_ms) && !time_ok(m.p95_ms)))
			abort();
		if (!isnan(m.accuracy) && !(m.accuracy >= 0 && m.accuracy <= 1))
			abort();
	} else if (json_is_object(json) && (err.status != OFA_ERR_INVALID || (err.field[0] && err.field[0] != '/'))) {
		abort(); /* a pointer to a member, or to the whole where its name cannot be shown */
	}
	json_decref(json);
	return 0;
}
