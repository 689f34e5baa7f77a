#include "import/calibration.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "import/import.h"

#define PIXEL_TOLERANCE 0.01 /* steps of 1/255 that rounding may leave between an input and its pixel */

/* How the tensor's dimensions are read. */
struct layout {
	size_t n, h, w, c;
	bool channels_first;
};

static enum ofa_status read_layout(const struct ofa_tensor *t, int channels, struct layout *ret, struct ofa_error *err)
{
	const int64_t *s = t->shape;
	bool first = t->rank == 4 && s[1] == channels, last = t->rank == 4 && s[3] == channels;
	char shape[OFA_IMPORT_SHAPE_MAX];
	bool fits = true;
	struct layout l;

	if (first == last)
		return ofa_fail(
			err, OFA_ERR_INVALID, t->name,
			"tensor \"%.100s\" has shape %s; (images, height, width, %d) or (images, %d, height, width) "
			"is accepted, where it is clear which",
			t->name, ofa_import_shape(t, shape), channels, channels);
	for (int i = 0; i < 4; i++)
		fits = fits && s[i] >= 1 && s[i] <= (i ? OFA_CALIBRATION_MAX_SIDE : OFA_CALIBRATION_MAX_IMAGES);
	if (!fits || ofa_tensor_elements(t) > OFA_CALIBRATION_MAX_BYTES)
		return ofa_fail(
			err, OFA_ERR_LIMIT, t->name,
			"tensor \"%.100s\" has shape %s; 1 to %d images, sides of 1 to %d and %u values in all are "
			"accepted",
			t->name, ofa_import_shape(t, shape), OFA_CALIBRATION_MAX_IMAGES, OFA_CALIBRATION_MAX_SIDE,
			OFA_CALIBRATION_MAX_BYTES);
	l = (struct layout){.n = (size_t)s[0], .channels_first = first, .c = (size_t)channels};
	l.h = (size_t)s[first ? 2 : 1];
	l.w = (size_t)s[first ? 3 : 2];
	*ret = l;
	return OFA_OK;
}

/* Where the value of output element (i, p, k) lies. */
static size_t source_of(const struct layout *l, size_t i, size_t p, size_t k)
{
	size_t plane = l->h * l->w;

	return l->channels_first ? (i * l->c + k) * plane + p : (i * plane + p) * l->c + k;
}

static void copy_pixels(const struct layout *l, const uint8_t *x, uint8_t *out)
{
	for (size_t i = 0; i < l->n; i++)
		for (size_t p = 0; p < l->h * l->w; p++)
			for (size_t k = 0; k < l->c; k++)
				*out++ = x[source_of(l, i, p, k)];
}

/* Inputs in the order of pixels; *ret_pixels: does each stand for one? */
static enum ofa_status order_inputs(const struct layout *l, const float *x, const char *name,
				    const struct ofa_calibration_tensor_options *o, float *out, bool *ret_pixels,
				    struct ofa_error *err)
{
	bool pixels = true;

	for (size_t i = 0; i < l->n; i++) {
		for (size_t p = 0; p < l->h * l->w; p++) {
			for (size_t k = 0; k < l->c; k++) {
				float value = x[source_of(l, i, p, k)];
				double pixel = 255 * ((double)value * (double)o->std[k] + (double)o->mean[k]);
				double whole = fmin(fmax(nearbyint(pixel), 0), 255);

				if (!isfinite(value))
					return ofa_fail(err, OFA_ERR_INVALID, name,
							"tensor \"%.100s\" has the value %g", name, (double)value);
				pixels = pixels && fabs(pixel - whole) <= PIXEL_TOLERANCE;
				*out++ = value;
			}
		}
	}
	*ret_pixels = pixels;
	return OFA_OK;
}

static enum ofa_status take_inputs(const struct layout *l, const struct ofa_tensor *t,
				   const struct ofa_calibration_tensor_options *o, struct ofa_calibration *cal,
				   struct ofa_error *err)
{
	const size_t n = l->n * l->h * l->w * l->c;
	float *x = malloc(n * sizeof(*x));
	bool pixels = false;
	enum ofa_status st;

	cal->inputs = malloc(n * sizeof(*cal->inputs));
	if (!x || !cal->inputs)
		st = ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	else if (!ofa_import_floats(t, x))
		st = ofa_fail(err, OFA_ERR_INVALID, t->name,
			      "tensor \"%.100s\" holds %s; U8 pixels or F32, F64, F16 or BF16 inputs are accepted",
			      t->name, ofa_dtype_name(t->dtype));
	else
		st = order_inputs(l, x, t->name, o, cal->inputs, &pixels, err);
	free(x);
	if (st != OFA_OK || !pixels)
		return st;
	for (size_t i = 0; i < n; i++)
		cal->images[i] = (uint8_t)nearbyint(255 * ((double)cal->inputs[i] * (double)o->std[i % l->c] +
							   (double)o->mean[i % l->c]));
	free(cal->inputs);
	cal->inputs = NULL;
	return OFA_OK;
}

static enum ofa_status convert(const struct ofa_tensor *t, const struct ofa_calibration_tensor_options *o,
			       struct ofa_calibration *ret, struct ofa_error *err)
{
	struct ofa_calibration cal = {0};
	struct layout l = {0};
	enum ofa_status st = read_layout(t, o->channels, &l, err);

	if (st != OFA_OK)
		return st;
	cal = (struct ofa_calibration){.n = (int)l.n, .h = (int)l.h, .w = (int)l.w, .c = (int)l.c};
	cal.images = malloc(l.n * l.h * l.w * l.c);
	if (!cal.images)
		st = ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	else if (t->dtype == OFA_U8)
		copy_pixels(&l, t->data, cal.images);
	else
		st = take_inputs(&l, t, o, &cal, err);
	if (cal.inputs) {
		free(cal.images);
		cal.images = NULL;
	}
	if (st == OFA_OK)
		*ret = cal;
	else
		ofa_calibration_release(&cal);
	return st;
}

enum ofa_status ofa_calibration_from_tensor(const char *file_colon_tensor,
					    const struct ofa_calibration_tensor_options *o, struct ofa_calibration *ret,
					    struct ofa_error *err)
{
	struct ofa_safetensors file;
	const struct ofa_tensor *t;
	enum ofa_status st = ofa_safetensors_open_tensor(file_colon_tensor, &file, &t, err);

	if (st != OFA_OK)
		return st;
	st = convert(t, o, ret, err);
	ofa_safetensors_close(&file);
	return st;
}

void ofa_calibration_release(struct ofa_calibration *c)
{
	free(c->images);
	free(c->inputs);
	*c = (struct ofa_calibration){0};
}
