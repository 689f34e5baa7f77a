/* Calibration images: tensors to pixels without silent loss, photographs decoded, resized and cropped, folders in
 * order. */
#include "runner.h"

#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include <jpeglib.h>
#include <png.h>

#include "base/file.h"
#include "base/rng.h"
#include "import/calibration.h"
#include "import/image.h"
#include "tensor/resize.h"

static struct ofa_error err;
static const float mean[] = {0.485f, 0.456f, 0.406f}, std[] = {0.229f, 0.224f, 0.225f};

/* A tensor saved as "x" and read as calibration images. */
static enum ofa_status from_tensor(enum ofa_dtype dtype, const int64_t shape[4], int rank, const void *data,
				   struct ofa_calibration *ret)
{
	const struct ofa_calibration_tensor_options o = {.mean = mean, .std = std, .channels = 3};
	struct ofa_tensor t = {.name = "x", .dtype = dtype, .rank = rank, .data = data};
	const char *path = temporary_path("calibration.safetensors");
	char ref[600];
	enum ofa_status st;

	memcpy(t.shape, shape, (size_t)rank * sizeof(*shape));
	t.size = (size_t)ofa_tensor_elements(&t) * ofa_dtype_size(dtype);
	ASSERT_OK(ofa_safetensors_save(path, &t, 1, NULL, &err), &err);
	snprintf(ref, sizeof(ref), "%s:x", path);
	memset(&err, 0, sizeof(err));
	st = ofa_calibration_from_tensor(ref, &o, ret, &err);
	unlink(path);
	return st;
}

/* Two images of 4 x 5 pixels, (n,h,w,c). */
enum { N = 2, H = 4, W = 5, C = 3, ELEMENTS = N * H * W * C };

static size_t first_at(size_t i)
{
	size_t k = i % C, p = i / C % (H * W), n = i / (C * H * W);

	return (n * C + k) * H * W + p;
}

static void make_pixels(uint8_t *nhwc, uint8_t *nchw, float *normalised)
{
	struct ofa_rng rng;

	ofa_rng_init(&rng, 1);
	for (size_t i = 0; i < ELEMENTS; i++) {
		nhwc[i] = (uint8_t)ofa_rng_below(&rng, 256);
		nchw[first_at(i)] = nhwc[i];
		normalised[first_at(i)] = ((float)nhwc[i] / 255 - mean[i % C]) / std[i % C];
	}
}

START_TEST(pixels_survive_every_layout)
{
	uint8_t nhwc[ELEMENTS], nchw[ELEMENTS];
	float normalised[ELEMENTS];
	struct ofa_calibration cal;
	const struct {
		enum ofa_dtype dtype;
		int64_t shape[4];
		const void *data;
	} cases[] = {
		{OFA_U8, {N, H, W, C}, nhwc},
		{OFA_U8, {N, C, H, W}, nchw},
		{OFA_F32, {N, C, H, W}, normalised},
	};

	make_pixels(nhwc, nchw, normalised);
	for (size_t i = 0; i < OFA_ARRAY_LEN(cases); i++) {
		ASSERT_OK(from_tensor(cases[i].dtype, cases[i].shape, 4, cases[i].data, &cal), &err);
		ck_assert(cal.n == N && cal.h == H && cal.w == W && cal.c == C && !cal.inputs);
		ck_assert_mem_eq(cal.images, nhwc, ELEMENTS);
		ofa_calibration_release(&cal);
	}
}
END_TEST

START_TEST(what_pixels_cannot_hold_is_kept)
{
	static const float values[] = {256.4f, 100.3f, -2};
	static const int64_t shape[] = {N, C, H, W};
	uint8_t nhwc[ELEMENTS], nchw[ELEMENTS];
	float x[ELEMENTS];
	struct ofa_calibration cal;

	for (size_t i = 0; i < OFA_ARRAY_LEN(values); i++) {
		make_pixels(nhwc, nchw, x);
		x[7] = (values[i] / 255 - mean[0]) / std[0];
		ASSERT_OK(from_tensor(OFA_F32, shape, 4, x, &cal), &err);
		ck_assert_ptr_null(cal.images);
		for (size_t at = 0; at < ELEMENTS; at++)
			ck_assert(cal.inputs[at] == x[first_at(at)]);
		ofa_calibration_release(&cal);
	}
}
END_TEST

START_TEST(what_are_no_images_is_refused)
{
	static const int64_t shape[] = {N, C, H, W}, unclear[] = {1, 3, 5, 3}, none[] = {N, 4, H, W};
	static const int64_t large[] = {1, 3, 513, 1};
	static float zeros[3 * 513];
	uint8_t nhwc[ELEMENTS], nchw[ELEMENTS];
	float x[ELEMENTS];
	struct ofa_calibration cal;

	make_pixels(nhwc, nchw, x);
	x[7] = NAN;
	ck_assert_int_eq(from_tensor(OFA_F32, shape, 4, x, &cal), OFA_ERR_INVALID);
	ck_assert_int_eq(from_tensor(OFA_I32, shape, 4, x, &cal), OFA_ERR_INVALID);
	ck_assert_int_eq(from_tensor(OFA_F32, shape, 3, x, &cal), OFA_ERR_INVALID);
	ck_assert_int_eq(from_tensor(OFA_F32, unclear, 4, zeros, &cal), OFA_ERR_INVALID);
	ck_assert_msg(strstr(err.message, "where it is clear which"), "%s", err.message);
	ck_assert_int_eq(from_tensor(OFA_F32, none, 4, zeros, &cal), OFA_ERR_INVALID);
	ck_assert_int_eq(from_tensor(OFA_F32, large, 4, zeros, &cal), OFA_ERR_LIMIT);
}
END_TEST

/* A smooth picture, so that JPEG keeps it nearly as it is. */
static void make_picture(int w, int h, int c, uint8_t *out)
{
	for (int y = 0; y < h; y++)
		for (int x = 0; x < w; x++)
			for (int k = 0; k < c; k++)
				*out++ = (uint8_t)(20 + 200 * (k == 1 ? y : x) / (k == 1 ? h : w) + 10 * k);
}

static size_t write_png(const uint8_t *pixels, int w, int h, int c, uint8_t *out, size_t cap)
{
	png_image png = {.version = PNG_IMAGE_VERSION,
			 .width = (png_uint_32)w,
			 .height = (png_uint_32)h,
			 .format = c == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY};
	png_alloc_size_t size = cap;

	ck_assert(png_image_write_to_memory(&png, out, &size, 0, pixels, 0, NULL));
	return size;
}

static size_t write_jpeg(uint8_t *pixels, int w, int h, int c, bool progressive, uint8_t *out, size_t cap)
{
	struct jpeg_compress_struct jpeg;
	struct jpeg_error_mgr errors;
	unsigned char *data = out;
	unsigned long size = cap;

	jpeg.err = jpeg_std_error(&errors);
	jpeg_create_compress(&jpeg);
	jpeg_mem_dest(&jpeg, &data, &size);
	jpeg.image_width = (JDIMENSION)w;
	jpeg.image_height = (JDIMENSION)h;
	jpeg.input_components = c;
	jpeg.in_color_space = c == 4 ? JCS_CMYK : c == 3 ? JCS_RGB : JCS_GRAYSCALE;
	jpeg_set_defaults(&jpeg);
	jpeg_set_quality(&jpeg, 95, TRUE);
	if (progressive)
		jpeg_simple_progression(&jpeg);
	jpeg_start_compress(&jpeg, TRUE);
	for (int y = 0; y < h; y++) {
		JSAMPROW row = pixels + (size_t)y * (size_t)w * (size_t)c;
		jpeg_write_scanlines(&jpeg, &row, 1);
	}
	jpeg_finish_compress(&jpeg);
	jpeg_destroy_compress(&jpeg);
	ck_assert_ptr_eq(data, out);
	return size;
}

static enum ofa_status load(const uint8_t *data, size_t size, int channels, struct ofa_image *ret)
{
	const char *path = temporary_path("picture");
	enum ofa_status st;

	ASSERT_OK(ofa_file_write_atomic(path, data, size, &err), &err);
	memset(&err, 0, sizeof(err));
	st = ofa_image_load(path, channels, ret, &err);
	unlink(path);
	return st;
}

#define CAP 65536

START_TEST(pictures_are_decoded)
{
	static uint8_t pixels[40 * 30 * 4], file[CAP];
	struct ofa_image image;

	for (int kind = 0; kind < 4; kind++) {
		int c = kind == 3 ? 1 : 3;
		size_t size;

		make_picture(40, 30, c, pixels);
		size = kind == 0 ? write_png(pixels, 40, 30, c, file, CAP)
				 : write_jpeg(pixels, 40, 30, c, kind == 2, file, CAP);
		ASSERT_OK(load(file, size, c, &image), &err);
		ck_assert(image.w == 40 && image.h == 30 && image.c == c);
		for (int i = 0; i < 40 * 30 * c; i++)
			ck_assert_msg(abs(image.pixels[i] - pixels[i]) <= (kind ? 12 : 0), "kind %d, %d: %d, wrote %d",
				      kind, i, image.pixels[i], pixels[i]);
		ofa_image_release(&image);
	}
	/* Grey as RGB and RGB as grey. */
	make_picture(40, 30, 1, pixels);
	ASSERT_OK(load(file, write_jpeg(pixels, 40, 30, 1, false, file, CAP), 3, &image), &err);
	ck_assert(image.c == 3 && image.pixels[0] == image.pixels[1] && image.pixels[1] == image.pixels[2]);
	ofa_image_release(&image);
	make_picture(40, 30, 3, pixels);
	ASSERT_OK(load(file, write_png(pixels, 40, 30, 3, file, CAP), 1, &image), &err);
	ck_assert_int_eq(image.c, 1);
	ofa_image_release(&image);
	/* CMYK as Adobe stores it, inverted: white is all 255, K = 0 is black. */
	memset(pixels, 255, sizeof(pixels));
	for (int i = 20 * 40; i < 30 * 40; i++)
		pixels[4 * i + 3] = 0;
	ASSERT_OK(load(file, write_jpeg(pixels, 40, 30, 4, false, file, CAP), 3, &image), &err);
	ck_assert(image.pixels[0] > 250 && image.pixels[29 * 40 * 3] < 5);
	ofa_image_release(&image);
}
END_TEST

START_TEST(damaged_pictures_are_named)
{
	static uint8_t pixels[40 * 30 * 3], file[CAP];
	struct ofa_image image;

	make_picture(40, 30, 3, pixels);
	for (int kind = 0; kind < 3; kind++) {
		size_t size = kind == 0 ? write_png(pixels, 40, 30, 3, file, CAP)
					: write_jpeg(pixels, 40, 30, 3, kind == 2, file, CAP);

		/* The very last bytes may be missing without a pixel missing. */
		for (size_t n = 0; n + 16 < size; n += 7) {
			ck_assert_msg(load(file, n, 3, &image) != OFA_OK, "kind %d cut to %zu of %zu", kind, n, size);
			ck_assert_msg(strstr(err.message, "picture") != NULL, "%s", err.message);
		}
		for (size_t i = 0; i < size; i += 3) {
			file[i] ^= 0x55;
			if (load(file, size, 3, &image) == OFA_OK)
				ofa_image_release(&image);
			file[i] ^= 0x55;
		}
	}
	ck_assert_int_eq(load((const uint8_t *)"GIF89a", 6, 3, &image), OFA_ERR_UNSUPPORTED);
	ck_assert_int_eq(load(file, 0, 3, &image), OFA_ERR_UNSUPPORTED);
	/* A PNG of 16385 x 16385, as its header says: refused before memory is taken. */
	static const uint8_t huge[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n', 0,    0,    0,
				       13,   'I', 'H', 'D', 'R',  0,    0,    0x40, 1,    0,    0,
				       0x40, 1,   8,   2,   0,    0,    0,    0xb4, 0x1b, 0xc5, 0x3d};
	ck_assert_int_ne(load(huge, sizeof(huge), 3, &image), OFA_OK);
	ck_assert_int_eq(ofa_image_init(16385, 2, 3, &image, NULL), OFA_ERR_LIMIT);
	ck_assert_int_eq(ofa_image_init(16384, 16384, 3, &image, NULL), OFA_ERR_LIMIT);
	ck_assert_int_eq(ofa_image_init(0, 3, 3, &image, NULL), OFA_ERR_LIMIT);
}
END_TEST

START_TEST(the_middle_is_cropped)
{
	uint8_t pixels[8 * 10 * 3], out[7 * 7 * 3];
	struct ofa_image image = {.w = 10, .h = 8, .c = 3, .pixels = pixels};

	/* ceil(7/0.875) = 8: nothing is resized. */
	make_picture(10, 8, 3, pixels);
	ASSERT_OK(ofa_image_crop(&image, 7, out, &err), &err);
	for (int y = 0; y < 7; y++)
		for (int x = 0; x < 7; x++)
			ck_assert_mem_eq(out + (y * 7 + x) * 3, pixels + (y * 10 + x + 2) * 3, 3);
}
END_TEST

/* The resampler of the data sets, which is confined to small images, is the oracle. */
START_TEST(resizing_agrees_with_the_data_sets)
{
	static const struct {
		int w, h, side;
	} cases[] = {{50, 30, 16}, {30, 50, 16}, {333, 500, 64}, {20, 20, 32}, {511, 64, 56}};
	static struct ofa_resize_axis rows, cols;
	static uint8_t pixels[512 * 512 * 3], out[64 * 64 * 3];
	static float want[64 * 64 * 3];
	const float gain[] = {1, 1, 1}, bias[] = {0, 0, 0};
	struct ofa_rng rng;

	ofa_rng_init(&rng, 1);
	for (size_t i = 0; i < sizeof(pixels); i++)
		pixels[i] = (uint8_t)ofa_rng_below(&rng, 256);
	for (size_t i = 0; i < OFA_ARRAY_LEN(cases); i++) {
		int w = cases[i].w, h = cases[i].h, side = cases[i].side, shorter = w < h ? w : h;
		double resized = ceil(side / 0.875);
		int rw = (int)(resized * w / shorter), rh = (int)(resized * h / shorter);
		float sx = (float)w / (float)rw, sy = (float)h / (float)rh;
		float left = nearbyintf((float)(rw - side) / 2), top = nearbyintf((float)(rh - side) / 2);
		struct ofa_image image = {.w = w, .h = h, .c = 3, .pixels = pixels};

		ofa_resize_axis_init(&rows, h, top * sy, (float)side * sy, side, false);
		ofa_resize_axis_init(&cols, w, left * sx, (float)side * sx, side, false);
		ofa_resize_image(&rows, &cols, pixels, w, 3, gain, bias, want);
		ASSERT_OK(ofa_image_crop(&image, side, out, &err), &err);
		for (int j = 0; j < side * side * 3; j++)
			ck_assert_msg(fabsf((float)out[j] - want[j]) <= 0.51f, "case %zu, %d: %d, expected %g", i, j,
				      out[j], (double)want[j]);
	}
}
END_TEST

/* A folder with one-coloured pictures of the given names. */
static void write_folder(const char *dir, const char *const *names, size_t n)
{
	static uint8_t pixels[16 * 16 * 3], file[CAP];
	char path[600];

	mkdir(dir, 0777);
	snprintf(path, sizeof(path), "%s/b", dir);
	mkdir(path, 0777);
	for (size_t i = 0; i < n; i++) {
		memset(pixels, (int)(10 * (i + 1)), sizeof(pixels));
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		ASSERT_OK(ofa_file_write_atomic(path, file, write_png(pixels, 16, 16, 3, file, CAP), &err), &err);
	}
}

static void remove_folder(const char *dir, const char *const *names, size_t n)
{
	char path[600];

	for (size_t i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s/b", dir);
	rmdir(path);
	rmdir(dir);
}

static void count_call(void *ctx, int done, int total)
{
	int *calls = ctx;

	(*calls)++;
	ck_assert_int_eq(done, *calls);
	ck_assert_int_eq(total, 2);
}

START_TEST(folders_are_read_in_order)
{
	static const char *const names[] = {"a.png", "b/c.PNG", "b/d.jpeg", "e.jpg", "notes.txt"};
	struct ofa_calibration_dir_options o = {.channels = 3, .side = 8, .max_images = 100};
	struct ofa_calibration cal;
	char dir[512], path[600];
	int calls = 0;

	snprintf(dir, sizeof(dir), "%s", temporary_path("photos"));
	write_folder(dir, names, OFA_ARRAY_LEN(names));
	ASSERT_OK(ofa_calibration_from_dir(dir, &o, &cal, &err), &err);
	ck_assert_int_eq(cal.n, 4);
	for (int i = 0; i < 4; i++)
		ck_assert_uint_eq(cal.images[i * 8 * 8 * 3], 10 * (i + 1));
	ofa_calibration_release(&cal);

	/* A link back up is not followed, one to a picture is. */
	snprintf(path, sizeof(path), "%s/b/up", dir);
	ck_assert_int_eq(symlink("..", path), 0);
	ASSERT_OK(ofa_calibration_from_dir(dir, &o, &cal, &err), &err);
	ck_assert_int_eq(cal.n, 4);
	ofa_calibration_release(&cal);
	unlink(path);
	snprintf(path, sizeof(path), "%s/b/up.png", dir);
	ck_assert_int_eq(symlink("c.PNG", path), 0);
	ASSERT_OK(ofa_calibration_from_dir(dir, &o, &cal, &err), &err);
	ck_assert_int_eq(cal.n, 5);
	ofa_calibration_release(&cal);
	unlink(path);

	o.max_images = 2;
	o.progress = count_call;
	o.ctx = &calls;
	ASSERT_OK(ofa_calibration_from_dir(dir, &o, &cal, &err), &err);
	ck_assert_int_eq(calls, 2);
	ck_assert(cal.n == 2 && cal.images[0] == 10 && cal.images[8 * 8 * 3] == 30);
	ofa_calibration_release(&cal);

	snprintf(path, sizeof(path), "%s/b/c.PNG", dir);
	ASSERT_OK(ofa_file_write_atomic(path, "no picture", 10, &err), &err);
	o.max_images = 100;
	o.progress = NULL;
	ck_assert_int_eq(ofa_calibration_from_dir(dir, &o, &cal, &err), OFA_ERR_UNSUPPORTED);
	ck_assert_msg(strstr(err.message, "/b/c.PNG") != NULL, "%s", err.message);
	remove_folder(dir, names, OFA_ARRAY_LEN(names));
	ck_assert_int_eq(ofa_calibration_from_dir(dir, &o, &cal, NULL), OFA_ERR_IO);
	mkdir(dir, 0777);
	ck_assert_int_eq(ofa_calibration_from_dir(dir, &o, &cal, NULL), OFA_ERR_NOT_FOUND);
	rmdir(dir);
	o.channels = 2;
	ck_assert_int_eq(ofa_calibration_from_dir(dir, &o, &cal, NULL), OFA_ERR_UNSUPPORTED);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		pixels_survive_every_layout, what_pixels_cannot_hold_is_kept, what_are_no_images_is_refused,
		pictures_are_decoded,        damaged_pictures_are_named,
		the_middle_is_cropped,       resizing_agrees_with_the_data_sets,
		folders_are_read_in_order,
	};

	return run_tests("calibration", tests, OFA_ARRAY_LEN(tests));
}
