/* What was last computed of the calibrations, for those who watch: of a bounded number of profiles, so that neither
 * memory nor the series of GET /metrics grow with them.  Thread-safe. */
#ifndef OFAD_SERVICE_CALIBRATION_GAUGES_H
#define OFAD_SERVICE_CALIBRATION_GAUGES_H

#include <pthread.h>
#include <stdint.h>
#include "cost/profile.h"

#define CALIBRATION_GAUGES_MAX 50

struct calibration_gauge {
	char profile[OFA_PROFILE_NAME_MAX];
	uint64_t revision;
	double scale, offset_ms;
	double error_before, error_after; /* mean of |predicted - measured| / measured */
	size_t points, devices, measurements;
};

struct calibration_gauges {
	pthread_mutex_t lock;
	size_t n;
	struct calibration_gauge list[CALIBRATION_GAUGES_MAX]; /* the latest first */
};

void calibration_gauges_init(struct calibration_gauges *g);
void calibration_gauges_release(struct calibration_gauges *g);
/* Replaces what is told of the profile, unless that is of a later revision.  Where there are too many, the profile that
 * was computed longest ago is not told of any more. */
void calibration_gauges_set(struct calibration_gauges *g, const struct calibration_gauge *gauge);
/* A copy of all; returns how many. */
size_t calibration_gauges_read(struct calibration_gauges *g, struct calibration_gauge ret[CALIBRATION_GAUGES_MAX]);

#endif
