/* Calibration images for a network file, which holds pixels or normalised inputs of one size (net/supernet.h): from a
 * tensor or from a folder of photographs. */
#ifndef OFA_IMPORT_CALIBRATION_H
#define OFA_IMPORT_CALIBRATION_H

#include "net/supernet.h"

#define OFA_CALIBRATION_MAX_IMAGES 65536
#define OFA_CALIBRATION_MAX_SIDE 512
#define OFA_CALIBRATION_MAX_BYTES (1u << 30)
#define OFA_CALIBRATION_MAX_FILES (2u << 20) /* listed below a folder */

struct ofa_calibration {
	uint8_t *images; /* pixels (n,h,w,c), or NULL; owned */
	float *inputs;   /* or normalised inputs (n,h,w,c); owned */
	int n, h, w, c;
};

struct ofa_calibration_tensor_options {
	const float *mean, *std; /* the network's, per channel of pixel/255 */
	int channels;
};

/* "FILE.safetensors:TENSOR".  U8 (N,H,W,C) or (N,C,H,W): raw pixels.  F32, F64, F16 or BF16 in the same two layouts:
 * normalised inputs x.  Where all of them stand for pixels 255 (x std + mean), they are kept as such, in a quarter of
 * the bytes; else as they are.  Values that are not finite and a shape that could be read either way are refused. */
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
