/* Photographs: JPEG (libjpeg-turbo) and PNG (libpng) files to bytes, and the reference's evaluation crop. */
#ifndef OFA_IMPORT_IMAGE_H
#define OFA_IMPORT_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define OFA_IMAGE_MAX_FILE (64u << 20) /* bytes */
#define OFA_IMAGE_MAX_SIDE 16384       /* pixels */
#define OFA_IMAGE_MAX_PIXELS (64u << 20)
#define OFA_IMAGE_MAX_SCANS 100 /* of a progressive JPEG: each may take as long as a whole picture */

struct ofa_image {
	int w, h, c;     /* c: 1 grey, 3 RGB */
	uint8_t *pixels; /* (h,w,c); owned */
};

/* The kind is told by the first bytes, not by the name.  Colours become grey and the reverse as `channels` (1 or 3)
 * asks; transparency lies on black; CMYK becomes RGB; EXIF rotation is not applied, as the reference's loader does not.
 * Errors name the file: OFA_ERR_FORMAT damaged or truncated, OFA_ERR_LIMIT too large, OFA_ERR_UNSUPPORTED another kind
 * of file. */
enum ofa_status ofa_image_load(const char *path, int channels, struct ofa_image *ret,
			       struct ofa_error *err) OFA_MUST_CHECK;
void ofa_image_release(struct ofa_image *image);

/* Resizes the shorter side to ceil(side/0.875) pixels with the triangle filter of Pillow's antialiased bilinear, and
 * takes the middle side x side of it (spec 4.1).  out: (side,side,c) bytes. */
enum ofa_status ofa_image_crop(const struct ofa_image *image, int side, uint8_t *out,
			       struct ofa_error *err) OFA_MUST_CHECK;

/* The decoders behind ofa_image_load(), over a whole file in memory. */
enum ofa_status ofa_image_decode_jpeg(const uint8_t *data, size_t size, int channels, struct ofa_image *ret,
				      struct ofa_error *err) OFA_MUST_CHECK;
enum ofa_status ofa_image_decode_png(const uint8_t *data, size_t size, int channels, struct ofa_image *ret,
				     struct ofa_error *err) OFA_MUST_CHECK;
/* Memory for w x h pixels, bounded by the maxima above. */
enum ofa_status ofa_image_init(uint64_t w, uint64_t h, int c, struct ofa_image *ret,
			       struct ofa_error *err) OFA_MUST_CHECK;

#endif
