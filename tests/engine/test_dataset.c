/* Data sets: hostile files, splitting, resampling against the naive form, what augmentation does. */
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "runner.h"
#include "tensor/resize.h"
#include "train/dataset_files.h"

static void put32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

/* An IDX image file on the heap, exactly as long as it should be, so that sanitizers see an overrun. */
static uint8_t *idx_images(uint32_t n, uint32_t h, uint32_t w, size_t payload, size_t *ret_size)
{
	uint8_t *p = calloc(1, 16 + payload);

	ck_assert_ptr_nonnull(p);
	put32(p, 0x803);
	put32(p + 4, n);
	put32(p + 8, h);
	put32(p + 12, w);
	for (size_t i = 0; i < payload; i++)
		p[16 + i] = (uint8_t)(i * 7);
	*ret_size = 16 + payload;
	return p;
}

static void expect_images(uint32_t n, uint32_t h, uint32_t w, size_t payload, size_t cut, uint8_t magic,
			  const char *field)
{
	struct ofa_dataset d = {0};
	struct ofa_error err = {0};
	size_t size;
	uint8_t *p = idx_images(n, h, w, payload, &size);
	uint8_t *exact = malloc(size - cut ? size - cut : 1);

	p[3] = magic;
	memcpy(exact, p, size - cut);
	ASSERT_FAILS(ofa_idx_parse_images(exact, size - cut, &d, &err), OFA_ERR_FORMAT);
	ck_assert_str_eq(err.field, field);
	ck_assert_ptr_null(d.images);
	free(exact);
	free(p);
}

START_TEST(hostile_idx_images_are_refused)
{
	expect_images(2, 3, 4, 24, 25, 3, "header");
	expect_images(2, 3, 4, 24, 40, 3, "header");
	expect_images(2, 3, 4, 24, 0, 1, "magic");
	expect_images(0, 3, 4, 0, 0, 3, "images");
	expect_images(0xFFFFFFFF, 3, 4, 24, 0, 3, "images");
	expect_images(2, 0, 4, 0, 0, 3, "size");
	expect_images(2, 3, 0xFFFFFFFF, 24, 0, 3, "size");
	expect_images(2, 3, 4, 23, 0, 3, "images");
	expect_images(2, 3, 4, 25, 0, 3, "images");
	expect_images(4000000, 256, 256, 24, 0, 3, "images");
}
END_TEST

START_TEST(hostile_idx_labels_are_refused)
{
	uint8_t labels[10] = {0, 0, 8, 1, 0, 0, 0, 2, 7, 3};
	struct ofa_dataset d = {.n = 2};
	struct ofa_error err = {0};

	ASSERT_OK(ofa_idx_parse_labels(labels, 10, &d, &err), &err);
	ck_assert_int_eq(d.classes, 8);
	ofa_dataset_release(&d);
	d.n = 3;
	ASSERT_FAILS(ofa_idx_parse_labels(labels, 10, &d, &err), OFA_ERR_FORMAT);
	d.n = 2;
	ASSERT_FAILS(ofa_idx_parse_labels(labels, 9, &d, NULL), OFA_ERR_FORMAT);
	ASSERT_FAILS(ofa_idx_parse_labels(labels, 7, &d, NULL), OFA_ERR_FORMAT);
	labels[3] = 3;
	ASSERT_FAILS(ofa_idx_parse_labels(labels, 10, &d, NULL), OFA_ERR_FORMAT);
	ck_assert_ptr_null(d.labels);
}
END_TEST

START_TEST(cifar_planes_become_pixels)
{
	enum { RECORD = 3073 };
	uint8_t *file = calloc(2, RECORD);
	struct ofa_dataset d = {0};
	struct ofa_error err = {0};

	file[0] = 9;
	file[1 + 5] = 11;        /* red of pixel 5 */
	file[1 + 1024 + 5] = 22; /* green */
	file[1 + 2048 + 5] = 33; /* blue */
	file[RECORD] = 3;
	ASSERT_OK(ofa_cifar_append(file, 2 * RECORD, &d, &err), &err);
	ASSERT_OK(ofa_cifar_append(file, RECORD, &d, &err), &err);
	ck_assert_int_eq(d.n, 3);
	ck_assert_int_eq(d.classes, 10);
	ck_assert_int_eq(d.labels[0], 9);
	ck_assert_int_eq(d.labels[1], 3);
	ck_assert_int_eq(d.labels[2], 9);
	ck_assert_int_eq(d.images[15], 11);
	ck_assert_int_eq(d.images[16], 22);
	ck_assert_int_eq(d.images[17], 33);
	ASSERT_FAILS(ofa_cifar_append(file, 2 * RECORD - 1, &d, NULL), OFA_ERR_FORMAT);
	ASSERT_FAILS(ofa_cifar_append(file, 0, &d, NULL), OFA_ERR_FORMAT);
	file[0] = 10;
	ASSERT_FAILS(ofa_cifar_append(file, RECORD, &d, &err), OFA_ERR_FORMAT);
	ck_assert_int_eq(d.n, 3);
	ofa_dataset_release(&d);
	free(file);
}
END_TEST

static void write_gz(const char *dir, const char *name, const void *data, size_t size, size_t keep)
{
	char path[600];
	gzFile gz;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	gz = gzopen(path, "wb");
	ck_assert_int_eq(gzwrite(gz, data, (unsigned)size), (int)size);
	gzclose(gz);
	if (keep)
		ck_assert_int_eq(truncate(path, (off_t)keep), 0);
}

static void remove_dir(const char *dir)
{
	char command[700];

	snprintf(command, sizeof command, "rm -rf '%s'", dir);
	ck_assert_int_eq(system(command), 0);
}

START_TEST(a_directory_is_loaded)
{
	uint8_t labels[8 + 4] = {0, 0, 8, 1, 0, 0, 0, 4, 0, 1, 2, 1};
	struct ofa_dataset train = {0}, test = {0};
	struct ofa_error err = {0};
	char dir[512];
	size_t size;
	uint8_t *images = idx_images(4, 5, 6, 120, &size);

	snprintf(dir, sizeof dir, "%s", temporary_path("data"));
	ck_assert_int_eq(mkdir(dir, 0700), 0);
	ASSERT_FAILS(ofa_dataset_load(dir, &train, &test, &err), OFA_ERR_NOT_FOUND);
	ck_assert_ptr_nonnull(strstr(err.message, "train-images-idx3-ubyte"));
	ck_assert_ptr_nonnull(strstr(err.message, "data_batch_1.bin"));
	write_gz(dir, "train-images-idx3-ubyte.gz", images, size, 0);
	write_gz(dir, "train-labels-idx1-ubyte.gz", labels, sizeof labels, 0);
	write_gz(dir, "t10k-images-idx3-ubyte.gz", images, size, 0);
	memset(&err, 0, sizeof err);
	ASSERT_FAILS(ofa_dataset_load(dir, &train, &test, &err), OFA_ERR_NOT_FOUND);
	ck_assert_str_eq(err.field, "t10k-labels-idx1-ubyte");
	write_gz(dir, "t10k-labels-idx1-ubyte.gz", labels, sizeof labels, 0);
	memset(&err, 0, sizeof err);
	ASSERT_OK(ofa_dataset_load(dir, &train, &test, &err), &err);
	ck_assert_int_eq(train.n, 4);
	ck_assert_int_eq(train.h, 5);
	ck_assert_int_eq(train.w, 6);
	ck_assert_int_eq(train.classes, 3);
	ck_assert_int_eq(memcmp(train.images, images + 16, 120), 0);
	ofa_dataset_release(&train);
	ofa_dataset_release(&test);
	write_gz(dir, "train-images-idx3-ubyte.gz", images, size, 30); /* cut within the deflated data */
	ASSERT_FAILS(ofa_dataset_load(dir, &train, &test, NULL), OFA_ERR_FORMAT);
	ck_assert_ptr_null(train.images);
	free(images);
	remove_dir(dir);
}
END_TEST

/* n images of h x w, every pixel drawn by seed; label = index. */
static struct ofa_dataset random_images(int n, int h, int w, int c)
{
	struct ofa_dataset d = {.n = n, .h = h, .w = w, .c = c, .classes = n};
	struct ofa_rng rng;

	ofa_rng_init(&rng, 7);
	d.images = malloc((size_t)(n * h * w * c));
	d.labels = malloc((size_t)n);
	for (int i = 0; i < n * h * w * c; i++)
		d.images[i] = (uint8_t)ofa_rng_below(&rng, 256);
	for (int i = 0; i < n; i++)
		d.labels[i] = (uint8_t)i;
	return d;
}

START_TEST(a_split_keeps_every_image_once)
{
	struct ofa_dataset d = random_images(50, 4, 4, 1), whole = random_images(50, 4, 4, 1), held = {0}, again = {0};
	struct ofa_error err = {0};
	int seen[50] = {0};

	ASSERT_OK(ofa_dataset_split(&d, 20, 3, &held, &err), &err);
	ck_assert_int_eq(d.n, 30);
	ck_assert_int_eq(held.n, 20);
	for (int i = 0; i < 30; i++) {
		seen[d.labels[i]]++;
		ck_assert_int_eq(memcmp(d.images + 16 * i, whole.images + 16 * d.labels[i], 16), 0);
	}
	for (int i = 0; i < 20; i++) {
		seen[held.labels[i]]++;
		ck_assert_int_eq(memcmp(held.images + 16 * i, whole.images + 16 * held.labels[i], 16), 0);
	}
	for (int i = 0; i < 50; i++)
		ck_assert_int_eq(seen[i], 1);
	ASSERT_OK(ofa_dataset_split(&whole, 20, 3, &again, &err), &err);
	ck_assert_int_eq(memcmp(again.labels, held.labels, 20), 0);
	ASSERT_FAILS(ofa_dataset_split(&d, 30, 3, &again, &err), OFA_ERR_INVALID);
	ofa_dataset_release(&d);
	ofa_dataset_release(&whole);
	ofa_dataset_release(&held);
	ofa_dataset_release(&again);
}
END_TEST

/* One output pixel straight from the definition: a triangle of half-width max(1, step) around its centre. */
static double naive_pixel(const uint8_t *x, int h, int w, double row, double col, double sy, double sx)
{
	double sum = 0, norm = 0;

	if (row < 0 || row >= h || col < 0 || col >= w)
		return 0;
	for (int i = 0; i < h; i++)
		for (int j = 0; j < w; j++) {
			double wy = 1 - fabs(i + 0.5 - row) / sy, wx = 1 - fabs(j + 0.5 - col) / sx;
			if (wy <= 0 || wx <= 0)
				continue;
			sum += wy * wx * x[i * w + j];
			norm += wy * wx;
		}
	return sum / norm;
}

static void check_resize(int h, int w, float lo_y, float side_y, float lo_x, float side_x, int r, bool mirror)
{
	static const float gain[1] = {0.5f}, bias[1] = {-3};
	struct ofa_dataset d = random_images(1, h, w, 1);
	struct ofa_resize_axis rows, cols;
	float *y = malloc((size_t)(r * r) * sizeof *y);
	double step_y = (double)side_y / r, step_x = (double)side_x / r;

	ofa_resize_axis_init(&rows, h, lo_y, side_y, r, false);
	ofa_resize_axis_init(&cols, w, lo_x, side_x, r, mirror);
	ofa_resize_image(&rows, &cols, d.images, w, 1, gain, bias, y);
	for (int i = 0; i < r; i++)
		for (int j = 0; j < r; j++) {
			double row = lo_y + step_y * (i + 0.5), col = lo_x + step_x * ((mirror ? r - 1 - j : j) + 0.5);
			double want = 0.5 * naive_pixel(d.images, h, w, row, col, fmax(step_y, 1), fmax(step_x, 1)) - 3;
			ck_assert_double_eq_tol((double)y[i * r + j], want, 2e-3);
		}
	free(y);
	ofa_dataset_release(&d);
}

START_TEST(resizing_matches_the_naive_form)
{
	check_resize(28, 28, 0, 28, 0, 28, 28, false);
	check_resize(28, 28, 0, 28, 0, 28, 16, false);
	check_resize(28, 28, 0, 28, 0, 28, 45, false);
	check_resize(20, 30, 0, 20, 0, 30, 12, true);
	check_resize(28, 28, 1.3f, 24.1f, -2.2f, 30.4f, 20, true);
	check_resize(9, 7, -4.1f, 17.9f, -3.1f, 13.7f, 11, false);
	check_resize(1, 1, 0, 1, 0, 1, 5, false);
}
END_TEST

START_TEST(an_image_of_its_own_size_stays_as_it_is)
{
	static const float mean[3] = {0.5f, 0.25f, 0}, std[3] = {0.5f, 0.25f, 1};
	struct ofa_dataset d = random_images(3, 32, 32, 3);
	const uint32_t index[2] = {2, 0};
	uint8_t labels[2];
	float *x = malloc(2 * 3072 * sizeof *x);

	ofa_dataset_batch(&d, index, 2, 32, mean, std, NULL, 1, 1, x, labels);
	ck_assert_int_eq(labels[0], 2);
	ck_assert_int_eq(labels[1], 0);
	for (int i = 0; i < 3072; i++) {
		float pixel = (float)d.images[2 * 3072 + i] / 255;
		ck_assert_float_eq_tol(x[i], (pixel - mean[i % 3]) / std[i % 3], 1e-5f);
	}
	free(x);
	ofa_dataset_release(&d);
}
END_TEST

START_TEST(statistics_are_those_of_the_pixels)
{
	uint8_t pixels[8] = {0, 10, 255, 30, 0, 50, 255, 70};
	struct ofa_dataset d = {.n = 1, .h = 2, .w = 2, .c = 2, .images = pixels};
	float mean[2], std[2];

	ofa_dataset_statistics(&d, mean, std);
	ck_assert_float_eq_tol(mean[0], 0.5f, 1e-6f);
	ck_assert_float_eq_tol(std[0], 0.5f, 1e-6f);
	ck_assert_float_eq_tol(mean[1], 40.0f / 255, 1e-6f);
	ck_assert_float_eq_tol(std[1], sqrtf(500.0f) / 255, 1e-6f);
}
END_TEST

/* Columns of the test image hold their number: what comes out tells where it came from. */
static struct ofa_dataset ramp(int side)
{
	struct ofa_dataset d = {.n = 1, .h = side, .w = side, .c = 1, .classes = 1};

	d.images = malloc((size_t)(side * side));
	d.labels = calloc(1, 1);
	for (int i = 0; i < side * side; i++)
		d.images[i] = (uint8_t)(100 + i % side);
	return d;
}

enum { SIDE = 28, PIXELS = SIDE * SIDE, EPOCHS = 2000 };
static const float zero_mean[1] = {0}, unit_std[1] = {1.0f / 255};

START_TEST(flips_come_half_of_the_time)
{
	const struct ofa_augment a = {.scale_min = 1, .scale_max = 1, .flip = true};
	struct ofa_dataset d = ramp(SIDE);
	const uint32_t index = 0;
	float x[PIXELS];
	int flipped = 0;

	for (int e = 0; e < EPOCHS; e++) {
		ofa_dataset_batch(&d, &index, 1, SIDE, zero_mean, unit_std, &a, 1, (uint64_t)e, x, NULL);
		ck_assert(fabsf(x[0] - 100) < 1e-2f || fabsf(x[0] - 127) < 1e-2f);
		flipped += x[0] > x[SIDE - 1];
	}
	ck_assert_int_gt(flipped, EPOCHS / 2 - 5 * 22);
	ck_assert_int_lt(flipped, EPOCHS / 2 + 5 * 22);
	ofa_dataset_release(&d);
}
END_TEST

START_TEST(crops_scale_and_shift_within_their_bounds)
{
	const struct ofa_augment a = {.scale_min = 0.8f, .scale_max = 1, .shift = 0.05f};
	struct ofa_dataset d = ramp(SIDE);
	const uint32_t index = 0;
	float x[PIXELS], least = 9, most = 0, left = 9, right = -9;

	for (int e = 0; e < EPOCHS; e++) {
		ofa_dataset_batch(&d, &index, 1, SIDE, zero_mean, unit_std, &a, 1, (uint64_t)e, x, NULL);
		const float *row = x + SIDE * 14;
		float scale = (row[17] - row[10]) / 7, shift = (row[13] + row[14]) / 2 - 113.5f;
		least = fminf(least, scale);
		most = fmaxf(most, scale);
		left = fminf(left, shift);
		right = fmaxf(right, shift);
	}
	ck_assert_float_eq_tol(least, 0.8f, 0.01f);
	ck_assert_float_eq_tol(most, 1.0f, 0.01f);
	/* 0.05 * 28 = 1.4 pixels, of which whole ones are taken */
	ck_assert_float_eq_tol(left, -1, 0.01f);
	ck_assert_float_eq_tol(right, 1, 0.01f);
	ofa_dataset_release(&d);
}
END_TEST

START_TEST(erasing_covers_its_share)
{
	const struct ofa_augment a = {
		.scale_min = 1, .scale_max = 1, .erase_probability = 0.25f, .erase_min = 0.05f, .erase_max = 0.15f};
	struct ofa_dataset d = ramp(SIDE);
	const uint32_t index = 0;
	float x[PIXELS];
	int hit = 0;
	double area = 0;

	for (int e = 0; e < EPOCHS; e++) {
		int changed = 0;
		ofa_dataset_batch(&d, &index, 1, SIDE, zero_mean, unit_std, &a, 1, (uint64_t)e, x, NULL);
		for (int i = 0; i < PIXELS; i++)
			changed += fabsf(x[i] - (float)d.images[i]) > 1e-2f;
		hit += changed > 0;
		area += (double)changed / PIXELS;
	}
	ck_assert_int_gt(hit, EPOCHS / 4 - 5 * 20);
	ck_assert_int_lt(hit, EPOCHS / 4 + 5 * 20);
	ck_assert_double_eq_tol(area / hit, 0.1, 0.01);
	ofa_dataset_release(&d);
}
END_TEST

START_TEST(rotation_brightness_and_contrast_do_what_they_say)
{
	const struct ofa_augment turn = {.scale_min = 1, .scale_max = 1, .rotate_degrees = 30};
	const struct ofa_augment light = {.scale_min = 1, .scale_max = 1, .brightness = 0.5f, .contrast = 0.5f};
	struct ofa_dataset d = ramp(SIDE);
	const uint32_t index = 0;
	float x[PIXELS], steepest = 0, brightest = 0, darkest = 999;

	for (int e = 0; e < EPOCHS; e++) {
		ofa_dataset_batch(&d, &index, 1, SIDE, zero_mean, unit_std, &turn, 1, (uint64_t)e, x, NULL);
		ck_assert_float_eq_tol((x[13 * SIDE + 13] + x[14 * SIDE + 14]) / 2, 113.5f, 1.1f);
		steepest = fmaxf(steepest, fabsf(x[18 * SIDE + 14] - x[10 * SIDE + 14]) / 8);
		ofa_dataset_batch(&d, &index, 1, SIDE, zero_mean, unit_std, &light, 1, (uint64_t)e, x, NULL);
		float middle = (x[13] + x[14]) / 2, slope = (x[27] - x[0]) / 27;
		brightest = fmaxf(brightest, middle);
		darkest = fminf(darkest, middle);
		ck_assert(slope > 0.24f && slope < 2.26f);
	}
	ck_assert_float_eq_tol(steepest, sinf((float)M_PI / 6), 0.13f); /* rotated pixels are whole bytes */
	ck_assert_float_eq_tol(brightest, 1.5f * 113.5f, 1);
	ck_assert_float_eq_tol(darkest, 0.5f * 113.5f, 1);
	ofa_dataset_release(&d);
}
END_TEST

START_TEST(order_and_company_do_not_matter)
{
	const struct ofa_augment a = {.scale_min = 0.8f,
				      .scale_max = 1.1f,
				      .shift = 0.1f,
				      .flip = true,
				      .erase_probability = 0.5f,
				      .erase_min = 0.02f,
				      .erase_max = 0.2f};
	struct ofa_dataset d = random_images(8, SIDE, SIDE, 1);
	const uint32_t all[3] = {6, 1, 4}, one = 4;
	float *x = malloc(3 * 400 * sizeof *x), y[400], z[400];

	ofa_dataset_batch(&d, all, 3, 20, zero_mean, unit_std, &a, 5, 9, x, NULL);
	ofa_dataset_batch(&d, &one, 1, 20, zero_mean, unit_std, &a, 5, 9, y, NULL);
	ofa_dataset_batch(&d, &one, 1, 20, zero_mean, unit_std, &a, 5, 10, z, NULL);
	ck_assert_int_eq(memcmp(x + 800, y, sizeof y), 0);
	ck_assert_int_ne(memcmp(y, z, sizeof y), 0);
	free(x);
	ofa_dataset_release(&d);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		hostile_idx_images_are_refused,
		hostile_idx_labels_are_refused,
		cifar_planes_become_pixels,
		a_directory_is_loaded,
		a_split_keeps_every_image_once,
		resizing_matches_the_naive_form,
		an_image_of_its_own_size_stays_as_it_is,
		statistics_are_those_of_the_pixels,
		flips_come_half_of_the_time,
		crops_scale_and_shift_within_their_bounds,
		erasing_covers_its_share,
		rotation_brightness_and_contrast_do_what_they_say,
		order_and_company_do_not_matter,
	};

	return run_tests("dataset", tests, OFA_ARRAY_LEN(tests));
}
