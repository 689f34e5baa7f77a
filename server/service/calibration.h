/* How what a latency table predicts relates to what devices measure, fitted so that a few wrong measurements change
 * little.
 *
 * There is one point for each package: x is what the table predicts, y the median over devices of the median of what
 * each device measured.  Then
 *   line   with 5 points or more, of which the largest x is at least 1.5 times the smallest: the scale is the median of
 *          the slopes of all pairs of points, the offset the median of y - scale x (H. Theil 1950; P. K. Sen, JASA 63,
 *          1968: 29 % of the points may be anything).  Only if the scale is from 1/10 to 10 and the median of
 *          |residuals| is smaller than without an offset;
 *   scale  else: the scale is the median of y / x, brought within 1/10 to 10, the offset 0;
 *   none   without points: scale 1, offset 0.
 * Both are rounded to 4 digits, so that one more measurement does not make another question of each request.
 *
 * A latency is never calibrated to less than a tenth of what the table says. */
#ifndef OFAD_SERVICE_CALIBRATION_H
#define OFAD_SERVICE_CALIBRATION_H

#include <stddef.h>
#include "base/status.h"

enum calibration_fit { CALIBRATION_NONE, CALIBRATION_SCALE, CALIBRATION_LINE };
const char *calibration_fit_name(enum calibration_fit f); /* "none", ... */

struct calibration {
	enum calibration_fit fit;
	double scale, offset_ms;
};

#define CALIBRATION_POINTS_MAX 100
#define CALIBRATION_SUBNET_MAX 65 /* hex SHA-256 and a NUL */

struct calibration_point {
	char subnet[CALIBRATION_SUBNET_MAX];
	double predicted_ms, measured_ms; /* above 0 */
	unsigned devices, measurements;
};

/* n is at most CALIBRATION_POINTS_MAX. */
enum ofa_status calibration_from(const struct calibration_point *points, size_t n, struct calibration *ret,
				 struct ofa_error *err) OFA_MUST_CHECK;

/* max(scale x + offset, x / 10) */
double calibration_apply(const struct calibration *c, double predicted_ms);
/* The largest prediction that is within the limit when it is calibrated; 0 when there is none above 0. */
double calibration_limit(const struct calibration *c, double limit_ms);

/* How far predictions are from measurements. */
struct calibration_error {
	double mape;          /* mean of |residual| / measured */
	double median_abs_ms; /* median of |residual| */
};
/* With c NULL: of the predictions as they are.  n > 0. */
void calibration_judge(const struct calibration_point *points, size_t n, const struct calibration *c,
		       struct calibration_error *ret);
/* Pearson's r of predictions and measurements; NAN for fewer than 3 points or when either does not vary. */
double calibration_correlation(const struct calibration_point *points, size_t n);
/* Of n > 0 values, which it sorts; of an even number the mean of the middle two. */
double calibration_median(double *v, size_t n);

#endif
