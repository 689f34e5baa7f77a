#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "service/calibration.h"

#define SCALE_MIN 0.1
#define SCALE_MAX 10.0
#define LINE_POINTS_MIN 5
#define LINE_SPREAD_MIN 1.5

const char *calibration_fit_name(enum calibration_fit f)
{
	static const char *const names[] = {
		[CALIBRATION_NONE] = "none",
		[CALIBRATION_SCALE] = "scale",
		[CALIBRATION_LINE] = "line",
	};

	return names[f];
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

double calibration_median(double *v, size_t n)
{
	qsort(v, n, sizeof(*v), ascending);
	return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

static double rounded(double v)
{
	char text[32];

	snprintf(text, sizeof(text), "%.4g", v);
	return strtod(text, NULL);
}

/* ---- using one ---- */

double calibration_apply(const struct calibration *c, double predicted_ms)
{
	return fmax(c->scale * predicted_ms + c->offset_ms, SCALE_MIN * predicted_ms);
}

double calibration_limit(const struct calibration *c, double limit_ms)
{
	double x = fmin((limit_ms - c->offset_ms) / c->scale, limit_ms / SCALE_MIN);

	/* what the division rounded up would be above the limit again */
	while (x > 0 && calibration_apply(c, x) > limit_ms)
		x = nextafter(x, 0);
	return fmax(x, 0);
}

/* ---- judging one ---- */

void calibration_judge(const struct calibration_point *points, size_t n, const struct calibration *c,
		       struct calibration_error *ret)
{
	double residual[CALIBRATION_POINTS_MAX], sum = 0;

	for (size_t i = 0; i < n; i++) {
		double x = points[i].predicted_ms, y = points[i].measured_ms;

		residual[i] = fabs((c ? calibration_apply(c, x) : x) - y);
		sum += residual[i] / y;
	}
	ret->mape = sum / (double)n;
	ret->median_abs_ms = calibration_median(residual, n);
}

double calibration_correlation(const struct calibration_point *points, size_t n)
{
	double mx = 0, my = 0, xx = 0, yy = 0, xy = 0;

	for (size_t i = 0; i < n; i++) {
		mx += points[i].predicted_ms / (double)n;
		my += points[i].measured_ms / (double)n;
	}
	for (size_t i = 0; i < n; i++) {
		double dx = points[i].predicted_ms - mx, dy = points[i].measured_ms - my;

		xx += dx * dx;
		yy += dy * dy;
		xy += dx * dy;
	}
	return n >= 3 && xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : NAN;
}

/* ---- fitting one ---- */

static struct calibration scale_alone(const struct calibration_point *points, size_t n)
{
	double ratio[CALIBRATION_POINTS_MAX];
	struct calibration c = {.fit = CALIBRATION_SCALE};

	for (size_t i = 0; i < n; i++)
		ratio[i] = points[i].measured_ms / points[i].predicted_ms;
	c.scale = rounded(fmin(fmax(calibration_median(ratio, n), SCALE_MIN), SCALE_MAX));
	return c;
}

static bool spread(const struct calibration_point *points, size_t n)
{
	double min = INFINITY, max = 0;

	for (size_t i = 0; i < n; i++) {
		min = fmin(min, points[i].predicted_ms);
		max = fmax(max, points[i].predicted_ms);
	}
	return n >= LINE_POINTS_MIN && max >= LINE_SPREAD_MIN * min;
}

/* `slopes` has room for all pairs. */
static struct calibration line(const struct calibration_point *points, size_t n, double *slopes)
{
	struct calibration c = {.fit = CALIBRATION_LINE};
	double rest[CALIBRATION_POINTS_MAX];
	size_t pairs = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++) {
			double dx = points[i].predicted_ms - points[j].predicted_ms;

			if (dx != 0)
				slopes[pairs++] = (points[i].measured_ms - points[j].measured_ms) / dx;
		}
	c.scale = rounded(calibration_median(slopes, pairs)); /* the points are spread: there are pairs */
	for (size_t i = 0; i < n; i++)
		rest[i] = points[i].measured_ms - c.scale * points[i].predicted_ms;
	c.offset_ms = rounded(calibration_median(rest, n));
	return c;
}

static bool better(const struct calibration_point *points, size_t n, const struct calibration *a,
		   const struct calibration *b)
{
	struct calibration_error of_a, of_b;

	calibration_judge(points, n, a, &of_a);
	calibration_judge(points, n, b, &of_b);
	return of_a.median_abs_ms < of_b.median_abs_ms;
}

enum ofa_status calibration_from(const struct calibration_point *points, size_t n, struct calibration *ret,
				 struct ofa_error *err)
{
	struct calibration c = {.fit = CALIBRATION_NONE, .scale = 1}, with_offset;
	double *slopes;

	if (n > 0)
		c = scale_alone(points, n);
	if (spread(points, n)) {
		slopes = malloc(n * (n - 1) / 2 * sizeof(*slopes));
		if (!slopes)
			return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
		with_offset = line(points, n, slopes);
		free(slopes);
		if (with_offset.scale >= SCALE_MIN && with_offset.scale <= SCALE_MAX &&
		    better(points, n, &with_offset, &c))
			c = with_offset;
	}
	*ret = c;
	return OFA_OK;
}
