#include "import/image.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

#define CROP_SHARE 0.875 /* of the resized shorter side */

enum ofa_status ofa_image_init(uint64_t w, uint64_t h, int c, struct ofa_image *ret, struct ofa_error *err)
{
	struct ofa_image image = {.w = (int)w, .h = (int)h, .c = c};

	if (w < 1 || h < 1 || w > OFA_IMAGE_MAX_SIDE || h > OFA_IMAGE_MAX_SIDE || w * h > OFA_IMAGE_MAX_PIXELS)
		return ofa_fail(err, OFA_ERR_LIMIT, "image",
				"%llu x %llu pixels; sides of 1 to %d and %u pixels in all are accepted",
				(unsigned long long)w, (unsigned long long)h, OFA_IMAGE_MAX_SIDE, OFA_IMAGE_MAX_PIXELS);
	image.pixels = malloc((size_t)w * (size_t)h * (size_t)c);
	if (!image.pixels)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	*ret = image;
	return OFA_OK;
}

void ofa_image_release(struct ofa_image *image)
{
	free(image->pixels);
	*image = (struct ofa_image){0};
}

static enum ofa_status decode(const uint8_t *data, size_t size, int channels, struct ofa_image *ret,
			      struct ofa_error *err)
{
	static const uint8_t jpeg[] = {0xff, 0xd8, 0xff}, png[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

	if (size >= sizeof(jpeg) && memcmp(data, jpeg, sizeof(jpeg)) == 0)
		return ofa_image_decode_jpeg(data, size, channels, ret, err);
	if (size >= sizeof(png) && memcmp(data, png, sizeof(png)) == 0)
		return ofa_image_decode_png(data, size, channels, ret, err);
	return ofa_fail(err, OFA_ERR_UNSUPPORTED, "image", "neither a JPEG nor a PNG file");
}

enum ofa_status ofa_image_load(const char *path, int channels, struct ofa_image *ret, struct ofa_error *err)
{
	uint8_t *data;
	size_t size;
	enum ofa_status st = ofa_file_read(path, OFA_IMAGE_MAX_FILE, &data, &size, err);

	if (st != OFA_OK)
		return st;
	st = decode(data, size, channels, ret, err);
	free(data);
	if (st != OFA_OK)
		ofa_error_prefix(err, "%s", path);
	return st;
}

/* One axis of the crop: output i is the sum over t < count[i] of weight[i * taps + t] * in[start[i] + t]. */
struct axis {
	int n, taps;
	int *start, *count;
	float *weight;
};

static void axis_release(struct axis *a)
{
	free(a->start);
	free(a->count);
	free(a->weight);
}

/* n_in pixels resized to `resized`, of which the middle `side` are computed. */
static enum ofa_status axis_init(struct axis *a, int n_in, int resized, int side, struct ofa_error *err)
{
	double scale = (double)n_in / resized, support = scale > 1 ? scale : 1;
	int first = (int)nearbyint((resized - side) / 2.0);

	*a = (struct axis){.n = side, .taps = (int)ceil(2 * support) + 2};
	a->start = calloc((size_t)side, sizeof(*a->start));
	a->count = calloc((size_t)side, sizeof(*a->count));
	a->weight = calloc((size_t)side * (size_t)a->taps, sizeof(*a->weight));
	if (!a->start || !a->count || !a->weight)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	for (int i = 0; i < side; i++) {
		double centre = (first + i + 0.5) * scale, sum = 0;
		int lo = (int)(centre - support + 0.5), hi = (int)(centre + support + 0.5);
		float *w = a->weight + (size_t)i * (size_t)a->taps;

		lo = lo > 0 ? lo : 0;
		hi = hi < n_in ? hi : n_in;
		a->start[i] = lo;
		a->count[i] = hi - lo;
		for (int t = 0; t < a->count[i]; t++) {
			double at = fabs((lo + t + 0.5 - centre) / support);

			w[t] = at < 1 ? (float)(1 - at) : 0;
			sum += (double)w[t];
		}
		for (int t = 0; t < a->count[i]; t++)
			w[t] = (float)((double)w[t] / sum);
	}
	return OFA_OK;
}

/* Row y of the image, resampled to cols->n pixels. */
static void resample_row(const struct ofa_image *image, int y, const struct axis *cols, float *out)
{
	const uint8_t *row = image->pixels + (size_t)y * (size_t)image->w * (size_t)image->c;
	int c = image->c;

	for (int i = 0; i < cols->n; i++) {
		const float *w = cols->weight + (size_t)i * (size_t)cols->taps;

		for (int k = 0; k < c; k++) {
			const uint8_t *p = row + (size_t)cols->start[i] * (size_t)c + k;
			float sum = 0;

			for (int t = 0; t < cols->count[i]; t++)
				sum += w[t] * p[(size_t)t * (size_t)c];
			out[i * c + k] = sum;
		}
	}
}

static void crop(const struct ofa_image *image, const struct axis *rows, const struct axis *cols, float *sums,
		 float *resampled, uint8_t *out)
{
	size_t width = (size_t)cols->n * (size_t)image->c;
	int first = rows->start[0], last = rows->start[rows->n - 1] + rows->count[rows->n - 1];

	for (int y = first; y < last; y++)
		resample_row(image, y, cols, resampled + (size_t)(y - first) * width);
	for (int i = 0; i < rows->n; i++) {
		memset(sums, 0, width * sizeof(*sums));
		for (int t = 0; t < rows->count[i]; t++) {
			const float *from = resampled + (size_t)(rows->start[i] + t - first) * width;
			float w = rows->weight[(size_t)i * (size_t)rows->taps + (size_t)t];

			for (size_t k = 0; k < width; k++)
				sums[k] += w * from[k];
		}
		for (size_t k = 0; k < width; k++)
			*out++ = (uint8_t)fminf(fmaxf(nearbyintf(sums[k]), 0), 255);
	}
}

enum ofa_status ofa_image_crop(const struct ofa_image *image, int side, uint8_t *out, struct ofa_error *err)
{
	int shorter = image->w < image->h ? image->w : image->h;
	double resized = ceil(side / CROP_SHARE);
	struct axis rows = {0}, cols = {0};
	size_t width = (size_t)side * (size_t)image->c;
	float *resampled = NULL, *sums = NULL;
	enum ofa_status st = axis_init(&rows, image->h, (int)(resized * image->h / shorter), side, err);

	if (st == OFA_OK)
		st = axis_init(&cols, image->w, (int)(resized * image->w / shorter), side, err);
	if (st == OFA_OK) {
		resampled = malloc(width * (size_t)image->h * sizeof(*resampled));
		sums = malloc(width * sizeof(*sums));
		if (resampled && sums)
			crop(image, &rows, &cols, sums, resampled, out);
		else
			st = ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	}
	free(resampled);
	free(sums);
	axis_release(&rows);
	axis_release(&cols);
	return st;
}
