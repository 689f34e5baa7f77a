/* The calibration of each revision of a profile, from what devices reported. */
#ifndef OFAD_SERVICE_CALIBRATIONS_H
#define OFAD_SERVICE_CALIBRATIONS_H

#include "jobs/workers.h"
#include "service/calibration.h"
#include "service/calibration_gauges.h"
#include "store/store.h"

/* How many of the newest measurements of a revision are looked at. */
#define CALIBRATION_MEASUREMENTS_MAX 2000

/* What is known, and what follows from it. */
struct calibration_report {
	struct calibration calibration;
	size_t n, devices, measurements; /* points; devices that differ by author or name; what they said */
	struct calibration_point points[CALIBRATION_POINTS_MAX]; /* by subnet */
	struct calibration_error before, after;                  /* with n > 0 */
	double correlation;
};

struct calibrations;

/* From measurements in `store`; what was computed is cached in at most cache_bytes.  Both are borrowed; the workers are
 * stopped before the calibrations are freed. */
enum ofa_status calibrations_new(struct store *store, struct workers *workers, size_t cache_bytes,
				 struct calibrations **ret, struct ofa_error *err) OFA_MUST_CHECK;
void calibrations_free(struct calibrations *s); /* NULL is allowed */
/* Those that were computed, for the metrics; lives as long as s. */
struct calibration_gauges *calibrations_gauges(struct calibrations *s);

/* From all that was reported up to now. */
enum ofa_status calibrations_read(struct calibrations *s, const char *profile, uint64_t revision,
				  struct calibration_report *ret, struct ofa_error *err) OFA_MUST_CHECK;
/* For answering, on any thread: what was computed last; false when nothing is remembered.  When that was longer ago
 * than CALIBRATION_AGE_MS and something was reported since, a worker computes it anew, for those who ask later; so a
 * fleet that reports while it asks costs some milliseconds a second. */
#define CALIBRATION_AGE_MS 1000.0
bool calibrations_peek(struct calibrations *s, const char *profile, uint64_t revision, struct calibration *ret);
/* The same; what is not remembered is computed at once: not on a thread that may not wait for the store. */
enum ofa_status calibrations_get(struct calibrations *s, const char *profile, uint64_t revision,
				 struct calibration *ret, struct ofa_error *err) OFA_MUST_CHECK;
/* A measurement was stored: what was computed before is out of date. */
void calibrations_touch(struct calibrations *s);

#endif
