/* Calibration images for a network file, which holds U8 pixels of one size (net/supernet.h): from a tensor or from a
 * folder of photographs. */
#ifndef OFA_IMPORT_CALIBRATION_H
#define OFA_IMPORT_CALIBRATION_H

#include "net/supernet.h"

#define OFA_CALIBRATION_MAX_IMAGES 65536
#define OFA_CALIBRATION_MAX_SIDE 512
#define OFA_CALIBRATION_MAX_BYTES (1u << 30)
#define OFA_CALIBRATION_MAX_FILES (2u << 20) /* listed below a folder */

struct ofa_calibration {
	uint8_t *images; /* (n,h,w,c); owned */
	int n, h, w, c;
	/* What a float tensor lost on the way, 0 for other sources. */
	double rounding;  /* largest distance of a value to the pixel that stands for it, in pixel steps of 1/255 */
	uint64_t clipped; /* values outside 0..255, put to the nearer end */
};

struct ofa_calibration_tensor_options {
	const float *mean, *std; /* the network's, per channel of pixel/255 */
	int channels;
	bool clip; /* values that no pixel stands for are clipped and counted instead of refused */
};

/* "FILE.safetensors:TENSOR".  U8 (N,H,W,C) or (N,C,H,W): raw pixels, nothing is lost.  F32, F64, F16 or BF16 in the
 * same two layouts: normalised inputs x, whose pixel is 255 (x std + mean), rounded to a whole one.  A pixel that would
 * lie more than half a step outside 0..255 is refused (OFA_ERR_INVALID): the tensor was then not made from pixels with
 * this mean and std.  A shape that could be read either way is refused too. */
enum ofa_status ofa_calibration_from_tensor(const char *file_colon_tensor,
					    const struct ofa_calibration_tensor_options *o, struct ofa_calibration *ret,
					    struct ofa_error *err) OFA_MUST_CHECK;

struct ofa_calibration_dir_options {
	int channels;   /* 1 or 3 */
	int side;       /* pixels of the stored, square images */
	int max_images; /* of more, that many are taken at even steps through the sorted list */
	void (*progress)(void *ctx, int done, int total); /* after each image, or NULL */
	void *ctx;
};

/* Every *.jpg, *.jpeg and *.png (any case) below the folder (links to folders are not followed), sorted by path byte by
 * byte, each resized and cropped as import/image.h says.  A file that cannot be read as a picture ends it, named. */
enum ofa_status ofa_calibration_from_dir(const char *dir, const struct ofa_calibration_dir_options *o,
					 struct ofa_calibration *ret, struct ofa_error *err) OFA_MUST_CHECK;

void ofa_calibration_release(struct ofa_calibration *c);

#endif
