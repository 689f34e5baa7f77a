#include <png.h>
#include <string.h>

#include "import/image.h"

enum ofa_status ofa_image_decode_png(const uint8_t *data, size_t size, int channels, struct ofa_image *ret,
				     struct ofa_error *err)
{
	static const png_color black = {0, 0, 0};
	png_image png = {.version = PNG_IMAGE_VERSION};
	struct ofa_image image = {0};
	enum ofa_status st;

	if (!png_image_begin_read_from_memory(&png, data, size))
		return ofa_fail(err, OFA_ERR_FORMAT, "image", "not a whole PNG picture: %s", png.message);
	st = ofa_image_init(png.width, png.height, channels, &image, err);
	if (st != OFA_OK) {
		png_image_free(&png);
		return st;
	}
	png.format = channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
	if (!png_image_finish_read(&png, &black, image.pixels, 0, NULL)) {
		ofa_image_release(&image);
		return ofa_fail(err, OFA_ERR_FORMAT, "image", "not a whole PNG picture: %s", png.message);
	}
	*ret = image;
	return OFA_OK;
}
