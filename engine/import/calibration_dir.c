#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "import/calibration.h"
#include "import/image.h"

#define MAX_PATH 4096
#define MAX_DEPTH 16
#define FIRST_FILES 256

struct listing {
	char **paths; /* owned, as is each of them */
	size_t n, cap;
};

static void listing_release(struct listing *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->paths[i]);
	free(l->paths);
}

static bool is_picture(const char *name)
{
	static const char *const endings[] = {".jpg", ".jpeg", ".png"};
	size_t n = strlen(name);

	for (size_t i = 0; i < OFA_ARRAY_LEN(endings); i++)
		if (n > strlen(endings[i]) && strcasecmp(name + n - strlen(endings[i]), endings[i]) == 0)
			return true;
	return false;
}

static enum ofa_status add(struct listing *l, const char *path, struct ofa_error *err)
{
	char *copy;

	if (l->n == OFA_CALIBRATION_MAX_FILES)
		return ofa_fail(err, OFA_ERR_LIMIT, path, "more than %u pictures in the folder",
				OFA_CALIBRATION_MAX_FILES);
	if (l->n == l->cap) {
		size_t cap = l->cap ? 2 * l->cap : FIRST_FILES;
		char **larger = realloc(l->paths, cap * sizeof(*larger));

		if (!larger)
			return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
		l->paths = larger;
		l->cap = cap;
	}
	copy = strdup(path);
	if (!copy)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	l->paths[l->n++] = copy;
	return OFA_OK;
}

/* Folders below, and files that are named like pictures.  Links to files count, links to folders are not followed:
 * they may lead back up, where a walk would never end. */
static enum ofa_status list(struct listing *l, const char *dir, int depth, struct ofa_error *err)
{
	enum ofa_status st = OFA_OK;
	DIR *d = opendir(dir);
	struct dirent *e;

	if (!d)
		return ofa_fail(err, OFA_ERR_IO, dir, "cannot open the folder %s", dir);
	while (st == OFA_OK && (e = readdir(d)) != NULL) {
		char path[MAX_PATH];
		struct stat sb;

		if (e->d_name[0] == '.')
			continue;
		if (snprintf(path, sizeof(path), "%s/%s", dir, e->d_name) >= (int)sizeof(path))
			st = ofa_fail(err, OFA_ERR_LIMIT, dir, "a path in this folder is longer than %d bytes",
				      MAX_PATH);
		else if (lstat(path, &sb) != 0 ||
			 (S_ISLNK(sb.st_mode) && (stat(path, &sb) != 0 || S_ISDIR(sb.st_mode))))
			continue;
		else if (S_ISDIR(sb.st_mode) && depth < MAX_DEPTH)
			st = list(l, path, depth + 1, err);
		else if (S_ISREG(sb.st_mode) && is_picture(e->d_name))
			st = add(l, path, err);
	}
	closedir(d);
	return st;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static enum ofa_status read_pictures(const struct listing *l, const struct ofa_calibration_dir_options *o,
				     struct ofa_calibration *cal, struct ofa_error *err)
{
	size_t bytes = (size_t)cal->h * (size_t)cal->w * (size_t)cal->c;

	for (int i = 0; i < cal->n; i++) {
		const char *path = l->paths[(size_t)i * l->n / (size_t)cal->n];
		struct ofa_image image;
		enum ofa_status st = ofa_image_load(path, cal->c, &image, err);

		if (st != OFA_OK)
			return st;
		st = ofa_image_crop(&image, cal->h, cal->images + (size_t)i * bytes, err);
		ofa_image_release(&image);
		if (st != OFA_OK)
			return st;
		if (o->progress)
			o->progress(o->ctx, i + 1, cal->n);
	}
	return OFA_OK;
}

static enum ofa_status check_options(const struct ofa_calibration_dir_options *o, struct ofa_error *err)
{
	if (o->channels != 1 && o->channels != 3)
		return ofa_fail(err, OFA_ERR_UNSUPPORTED, "channels",
				"the network takes %d channels; pictures have 1 or 3", o->channels);
	if (o->side < 1 || o->side > OFA_CALIBRATION_MAX_SIDE)
		return ofa_fail(err, OFA_ERR_INVALID, "side", "%d pixels; 1 to %d are accepted", o->side,
				OFA_CALIBRATION_MAX_SIDE);
	if (o->max_images < 1 || o->max_images > OFA_CALIBRATION_MAX_IMAGES)
		return ofa_fail(err, OFA_ERR_INVALID, "images", "%d images; 1 to %d are accepted", o->max_images,
				OFA_CALIBRATION_MAX_IMAGES);
	return OFA_OK;
}

static enum ofa_status read_listed(const struct listing *l, const struct ofa_calibration_dir_options *o,
				   struct ofa_calibration *ret, struct ofa_error *err)
{
	int n = l->n < (size_t)o->max_images ? (int)l->n : o->max_images;
	struct ofa_calibration cal = {.n = n, .h = o->side, .w = o->side, .c = o->channels};
	size_t bytes = (size_t)n * (size_t)o->side * (size_t)o->side * (size_t)o->channels;
	enum ofa_status st;

	if (bytes > OFA_CALIBRATION_MAX_BYTES)
		return ofa_fail(err, OFA_ERR_LIMIT, "images",
				"%d images of %d pixels per side take %zu bytes, at most %u are kept", n, o->side,
				bytes, OFA_CALIBRATION_MAX_BYTES);
	cal.images = malloc(bytes);
	st = cal.images ? read_pictures(l, o, &cal, err) : ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	if (st == OFA_OK)
		*ret = cal;
	else
		ofa_calibration_release(&cal);
	return st;
}

enum ofa_status ofa_calibration_from_dir(const char *dir, const struct ofa_calibration_dir_options *o,
					 struct ofa_calibration *ret, struct ofa_error *err)
{
	struct listing l = {0};
	enum ofa_status st = check_options(o, err);

	if (st == OFA_OK)
		st = list(&l, dir, 0, err);
	if (st == OFA_OK && l.n == 0)
		st = ofa_fail(err, OFA_ERR_NOT_FOUND, dir, "no *.jpg, *.jpeg or *.png below %s", dir);
	if (st == OFA_OK) {
		qsort(l.paths, l.n, sizeof(*l.paths), by_path);
		st = read_listed(&l, o, ret, err);
	}
	listing_release(&l);
	return st;
}
