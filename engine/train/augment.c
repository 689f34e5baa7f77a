/* Augmentation and resizing of training images.  Crop, flip and resize are one separable resampling;
 * brightness and contrast are one affine map with the normalisation; only rotation needs a pass more. */
#include "train/dataset_files.h"
#include "tensor/resize.h"
#include <math.h>

/* What the image's own stream decided. */
struct draw {
	float row, col, scale; /* centre's shift in whole pixels, side relative to the image */
	float angle;           /* radians */
	bool flip;
	float brightness, contrast; /* factors, 1 = unchanged */
	bool erase;
	float erase_area, erase_aspect, erase_row, erase_col;
};

static float uniform(struct ofa_rng *rng, float lo, float hi)
{
	return lo + (hi - lo) * ofa_rng_float(rng);
}

/* Every draw is made whether or not it is used: switching one effect leaves the others as they were. */
static void draw_image(const struct ofa_augment *a, int h, int w, struct ofa_rng *rng, struct draw *d)
{
	bool crop = a->scale_max > 0;
	d->scale = uniform(rng, crop ? a->scale_min : 1, crop ? a->scale_max : 1);
	/* Part of a pixel would blur the image, and the network would never see one as sharp as those to come. */
	d->row = roundf(uniform(rng, -a->shift, a->shift) * (float)h);
	d->col = roundf(uniform(rng, -a->shift, a->shift) * (float)w);
	d->angle = uniform(rng, -a->rotate_degrees, a->rotate_degrees) * (float)(M_PI / 180);
	d->flip = ofa_rng_float(rng) < 0.5f && a->flip;
	d->brightness = uniform(rng, 1 - a->brightness, 1 + a->brightness);
	d->contrast = uniform(rng, 1 - a->contrast, 1 + a->contrast);
	d->erase = ofa_rng_float(rng) < a->erase_probability;
	d->erase_area = uniform(rng, a->erase_min, a->erase_max);
	d->erase_aspect = uniform(rng, -1, 1);
	d->erase_row = ofa_rng_float(rng);
	d->erase_col = ofa_rng_float(rng);
}

/* Bilinear rotation about the image's centre; outside is black.  y must not alias x. */
static void rotate(const uint8_t *x, int h, int w, int c, float angle, uint8_t *y)
{
	float cs = cosf(angle), sn = sinf(angle), mid_row = 0.5f * (float)(h - 1), mid_col = 0.5f * (float)(w - 1);
	for (int i = 0; i < h; i++) {
		for (int j = 0; j < w; j++) {
			float dr = (float)i - mid_row, dc = (float)j - mid_col;
			float row = mid_row + cs * dr - sn * dc, col = mid_col + sn * dr + cs * dc;
			int r0 = (int)floorf(row), c0 = (int)floorf(col);
			float fr = row - (float)r0, fc = col - (float)c0;
			for (int ch = 0; ch < c; ch++) {
				float sum = 0.5f;
				for (int t = 0; t < 4; t++) {
					int rr = r0 + (t >> 1), cc = c0 + (t & 1);
					if (rr >= 0 && rr < h && cc >= 0 && cc < w)
						sum += (t >> 1 ? fr : 1 - fr) * (t & 1 ? fc : 1 - fc) *
						       (float)x[(rr * w + cc) * c + ch];
				}
				*y++ = (uint8_t)sum;
			}
		}
	}
}

static float mean_pixel(const uint8_t *x, int n)
{
	uint32_t sum = 0;
	for (int i = 0; i < n; i++)
		sum += x[i];
	return (float)sum / (float)n;
}

/* Random erasing (Zhong et al., arXiv:1708.04896): a rectangle of uniform noise, aspect 1/3..3. */
static void erase(const struct draw *d, struct ofa_rng *rng, int r, int c, const float *mean, const float *std,
		  float *x)
{
	float aspect = expf(d->erase_aspect * logf(3.0f)), side = sqrtf(d->erase_area) * (float)r;
	int h = (int)lroundf(side * sqrtf(aspect)), w = (int)lroundf(side / sqrtf(aspect));
	h = h < 1 ? 1 : h > r ? r : h;
	w = w < 1 ? 1 : w > r ? r : w;
	int row = (int)(d->erase_row * (float)(r - h + 1)), col = (int)(d->erase_col * (float)(r - w + 1));
	for (int i = row; i < row + h; i++)
		for (int j = col; j < col + w; j++)
			for (int ch = 0; ch < c; ch++)
				x[(i * r + j) * c + ch] = (ofa_rng_float(rng) - mean[ch]) / std[ch];
}

static void augment_image(const struct ofa_dataset *d, const uint8_t *image, const struct ofa_augment *a,
			  struct ofa_rng *rng, int r, const float *mean, const float *std, float *x)
{
	uint8_t turned[OFA_DATASET_MAX_SIDE * OFA_DATASET_MAX_SIDE * 4];
	struct ofa_resize_axis rows, cols;
	struct draw draw;
	float gain[4], bias[4];
	int h = d->h, w = d->w, c = d->c;
	draw_image(a, h, w, rng, &draw);
	if (a->rotate_degrees > 0) {
		rotate(image, h, w, c, draw.angle, turned);
		image = turned;
	}
	/* v -> brightness * (m + contrast * (v - m)), then (v/255 - mean) / std */
	float m = a->contrast > 0 ? mean_pixel(image, h * w * c) : 0;
	for (int i = 0; i < c; i++) {
		gain[i] = draw.brightness * draw.contrast / (255 * std[i]);
		bias[i] = (draw.brightness * (1 - draw.contrast) * m / 255 - mean[i]) / std[i];
	}
	float side_h = draw.scale * (float)h, side_w = draw.scale * (float)w;
	ofa_resize_axis_init(&rows, h, 0.5f * ((float)h - side_h) + draw.row, side_h, r, false);
	ofa_resize_axis_init(&cols, w, 0.5f * ((float)w - side_w) + draw.col, side_w, r, draw.flip);
	ofa_resize_image(&rows, &cols, image, w, c, gain, bias, x);
	if (draw.erase)
		erase(&draw, rng, r, c, mean, std, x);
}

void ofa_dataset_batch(const struct ofa_dataset *d, const uint32_t *index, int count, int r, const float *mean,
		       const float *std, const struct ofa_augment *a, uint64_t seed, uint64_t epoch, float *x,
		       uint8_t *labels)
{
	size_t bytes = (size_t)d->h * (size_t)d->w * (size_t)d->c, out = (size_t)r * (size_t)r * (size_t)d->c;
	for (int i = 0; i < count; i++) {
		const uint8_t *image = d->images + index[i] * bytes;
		float *y = x + (size_t)i * out;
		if (a) {
			struct ofa_rng rng;
			ofa_rng_init3(&rng, seed, epoch, index[i]);
			augment_image(d, image, a, &rng, r, mean, std, y);
		} else {
			ofa_resize_normalise(image, 1, d->h, d->w, d->c, r, mean, std, y);
		}
		if (labels)
			labels[i] = d->labels[index[i]];
	}
}
