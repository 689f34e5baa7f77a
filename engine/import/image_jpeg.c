#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include "import/image.h"

#include <jpeglib.h>
#include <jerror.h>

/* Everything that libjpeg's callbacks reach.  Errors leave through the jump, which is why all state lives here. */
struct decoder {
	struct jpeg_decompress_struct jpeg;
	struct jpeg_error_mgr errors;
	struct jpeg_progress_mgr progress;
	jmp_buf leave;
	char why[JMSG_LENGTH_MAX];
	struct ofa_image image;
	uint8_t *row; /* of a CMYK picture */
};

static void fail(j_common_ptr common)
{
	struct decoder *d = common->client_data;

	common->err->format_message(common, d->why);
	longjmp(d->leave, 1);
}

/* Of the things libjpeg only warns about, data that end early leave a part of the picture grey. */
static void message(j_common_ptr common, int level)
{
	int code = common->err->msg_code;

	if (level < 0 && (code == JWRN_JPEG_EOF || code == JWRN_HIT_MARKER))
		fail(common);
}

static void watch(j_common_ptr common)
{
	struct decoder *d = common->client_data;

	if (d->jpeg.input_scan_number > OFA_IMAGE_MAX_SCANS) {
		snprintf(d->why, sizeof(d->why), "more than %d scans", OFA_IMAGE_MAX_SCANS);
		longjmp(d->leave, 1);
	}
}

/* Adobe's CMYK is stored inverted, and nothing else is met in the wild. */
static void cmyk_to(const uint8_t *row, int w, int channels, uint8_t *out)
{
	for (int x = 0; x < w; x++, row += 4) {
		unsigned r = row[0] * row[3] / 255u, g = row[1] * row[3] / 255u, b = row[2] * row[3] / 255u;

		if (channels == 3) {
			*out++ = (uint8_t)r;
			*out++ = (uint8_t)g;
			*out++ = (uint8_t)b;
		} else {
			*out++ = (uint8_t)((299 * r + 587 * g + 114 * b + 500) / 1000);
		}
	}
}

static void read_rows(struct decoder *d)
{
	size_t pitch = (size_t)d->image.w * (size_t)d->image.c;

	while (d->jpeg.output_scanline < d->jpeg.output_height) {
		uint8_t *to = d->image.pixels + (size_t)d->jpeg.output_scanline * pitch;
		uint8_t *row = d->row ? d->row : to;

		jpeg_read_scanlines(&d->jpeg, &row, 1);
		if (d->row)
			cmyk_to(d->row, d->image.w, d->image.c, to);
	}
}

static enum ofa_status start(struct decoder *d, int channels, struct ofa_error *err)
{
	bool cmyk = d->jpeg.jpeg_color_space == JCS_CMYK || d->jpeg.jpeg_color_space == JCS_YCCK;
	enum ofa_status st = ofa_image_init(d->jpeg.image_width, d->jpeg.image_height, channels, &d->image, err);

	if (st != OFA_OK)
		return st;
	d->jpeg.out_color_space = cmyk ? JCS_CMYK : channels == 3 ? JCS_RGB : JCS_GRAYSCALE;
	if (cmyk) {
		d->row = malloc((size_t)d->image.w * 4);
		if (!d->row)
			return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	}
	jpeg_start_decompress(&d->jpeg);
	return OFA_OK;
}

static enum ofa_status run(struct decoder *d, const uint8_t *data, size_t size, int channels, struct ofa_error *err)
{
	enum ofa_status st;

	if (setjmp(d->leave))
		return ofa_fail(err, OFA_ERR_FORMAT, "image", "not a whole JPEG picture: %s", d->why);
	jpeg_create_decompress(&d->jpeg);
	d->jpeg.progress = &d->progress;
	jpeg_mem_src(&d->jpeg, data, size);
	jpeg_read_header(&d->jpeg, TRUE);
	st = start(d, channels, err);
	if (st != OFA_OK)
		return st;
	read_rows(d);
	jpeg_finish_decompress(&d->jpeg);
	return OFA_OK;
}

enum ofa_status ofa_image_decode_jpeg(const uint8_t *data, size_t size, int channels, struct ofa_image *ret,
				      struct ofa_error *err)
{
	struct decoder *d = calloc(1, sizeof(*d));
	enum ofa_status st;

	if (!d)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	d->jpeg.err = jpeg_std_error(&d->errors);
	d->jpeg.client_data = d;
	d->errors.error_exit = fail;
	d->errors.emit_message = message;
	d->progress.progress_monitor = watch;
	st = run(d, data, size, channels, err);
	jpeg_destroy_decompress(&d->jpeg);
	if (st == OFA_OK)
		*ret = d->image;
	else
		ofa_image_release(&d->image);
	free(d->row);
	free(d);
	return st;
}
