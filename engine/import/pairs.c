#include "import/pairs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

#define MAX_LINE 4096
#define MAX_COLUMNS 64
#define MAX_LIST (2 * OFA_MAX_BLOCKS) /* numbers in one field */

enum column { COL_R, COL_D, COL_KS, COL_E, COL_W, COL_TOP1, COL_BATCH, N_KNOWN };

static const struct {
	const char *name;
	const char *gene; /* its key in an arch's JSON, for lists */
	bool required;
} known[N_KNOWN] = {
	[COL_R] = {"r", NULL, true},
	[COL_D] = {"d", "d", true},
	[COL_KS] = {"ks", "ks", false},
	[COL_E] = {"e", "e", true},
	[COL_W] = {"w", "w", false},
	[COL_TOP1] = {"top1_pct", NULL, true},
	[COL_BATCH] = {"batch", NULL, false},
};

struct reader {
	const struct ofa_space *space;
	const char *at, *end;
	int line; /* of the file, from 1 */
	char text[MAX_LINE];
	char *field[MAX_COLUMNS];
	int n_fields, n_columns;
	int place[N_KNOWN]; /* of each known column, -1: absent */
	int capacity;
	struct ofa_pairs_file *file;
};

/* The next line that is neither empty nor a comment, into r->text.  False at the end of the file. */
static enum ofa_status next_line(struct reader *r, bool *ret_any, struct ofa_error *err)
{
	*ret_any = false;
	while (!*ret_any && r->at < r->end) {
		const char *newline = memchr(r->at, '\n', (size_t)(r->end - r->at));
		size_t length = (size_t)((newline ? newline : r->end) - r->at);
		const char *from = r->at;

		r->line++;
		r->at = newline ? newline + 1 : r->end;
		if (length > 0 && from[length - 1] == '\r')
			length--;
		if (length >= MAX_LINE)
			return ofa_fail(err, OFA_ERR_LIMIT, "line", "has %zu characters; at most %d are accepted",
					length, MAX_LINE - 1);
		if (memchr(from, '\0', length) || memchr(from, '"', length))
			return ofa_fail(err, OFA_ERR_FORMAT, "line", "has a %s, which no field may have",
					memchr(from, '"', length) ? "quote" : "zero byte");
		memcpy(r->text, from, length);
		r->text[length] = '\0';
		*ret_any = length > 0 && from[0] != '#';
	}
	return OFA_OK;
}

static char *trim(char *text)
{
	size_t n;

	text += strspn(text, " \t");
	n = strlen(text);
	while (n > 0 && (text[n - 1] == ' ' || text[n - 1] == '\t'))
		text[--n] = '\0';
	return text;
}

static enum ofa_status split_fields(struct reader *r, struct ofa_error *err)
{
	char *at = r->text;

	r->n_fields = 0;
	while (at) {
		char *comma = strchr(at, ',');

		if (r->n_fields == MAX_COLUMNS)
			return ofa_fail(err, OFA_ERR_LIMIT, "columns", "more than %d columns", MAX_COLUMNS);
		if (comma)
			*comma = '\0';
		r->field[r->n_fields++] = trim(at);
		at = comma ? comma + 1 : NULL;
	}
	return OFA_OK;
}

static enum ofa_status read_header(struct reader *r, struct ofa_error *err)
{
	enum ofa_status st = split_fields(r, err);

	for (int c = 0; c < N_KNOWN; c++)
		r->place[c] = -1;
	for (int i = 0; !st && i < r->n_fields; i++) {
		for (int j = 0; j < i; j++)
			if (strcmp(r->field[i], r->field[j]) == 0)
				return ofa_fail(err, OFA_ERR_FORMAT, "columns", "two columns are called \"%.32s\"",
						r->field[i]);
		for (int c = 0; c < N_KNOWN; c++)
			if (strcmp(r->field[i], known[c].name) == 0)
				r->place[c] = i;
	}
	for (int c = 0; !st && c < N_KNOWN; c++)
		if (known[c].required && r->place[c] < 0)
			return ofa_fail(err, OFA_ERR_FORMAT, "columns",
					"no column is called \"%s\"; r, d, e, top1_pct and the space's ks or w are "
					"needed",
					known[c].name);
	r->n_columns = r->n_fields;
	return st;
}

/* One number; *text moves behind it. */
static enum ofa_status read_number(enum column c, const char **text, double *ret, struct ofa_error *err)
{
	char *end = NULL;
	double x = strspn(*text, "+-.0123456789") ? strtod(*text, &end) : 0;

	if (!end || end == *text || (*end && *end != ' ') || !isfinite(x))
		return ofa_fail(err, OFA_ERR_INVALID, known[c].name, "\"%.32s\" is not a number", *text);
	*text = end;
	*ret = x;
	return OFA_OK;
}

static enum ofa_status read_single(const struct reader *r, enum column c, double min, double max, double *ret,
				   struct ofa_error *err)
{
	const char *text = r->field[r->place[c]];
	double x;
	enum ofa_status st = read_number(c, &text, &x, err);

	if (st)
		return st;
	if (*text || !(x >= min && x <= max))
		return ofa_fail(err, OFA_ERR_INVALID, known[c].name,
				"%s is \"%.32s\"; a number from %g to %g is accepted", known[c].name,
				r->field[r->place[c]], min, max);
	*ret = x;
	return OFA_OK;
}

/* A field of numbers as a JSON array below `json`. */
static enum ofa_status read_list(const struct reader *r, enum column c, json_t *json, struct ofa_error *err)
{
	const char *text = r->field[r->place[c]];
	json_t *list = json_array();
	enum ofa_status st = OFA_OK;

	while (!st && *text) {
		double x = 0;

		if (json_array_size(list) == MAX_LIST)
			st = ofa_fail(err, OFA_ERR_LIMIT, known[c].name, "has more than %d numbers", MAX_LIST);
		else
			st = read_number(c, &text, &x, err);
		if (!st && json_array_append_new(list, json_real(x)) != 0)
			st = ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
		text += strspn(text, " ");
	}
	if (!st && json_object_set(json, known[c].gene, list) != 0)
		st = ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	json_decref(list);
	return st;
}

static enum ofa_status read_arch(const struct reader *r, struct ofa_arch *ret, struct ofa_error *err)
{
	json_t *json = json_object();
	double size;
	enum ofa_status st = read_single(r, COL_R, 1, OFA_MAX_IMAGE_SIZE, &size, err);

	if (!st && json_object_set_new(json, "image_size", json_integer((json_int_t)size)) != 0)
		st = ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	if (!st && size != floor(size))
		st = ofa_fail(err, OFA_ERR_INVALID, known[COL_R].name, "%g is no whole number of pixels", size);
	for (int c = 0; !st && c < N_KNOWN; c++)
		if (known[c].gene && r->place[c] >= 0)
			st = read_list(r, c, json, err);
	if (!st)
		st = ofa_arch_parse(r->space, json, ret, err);
	json_decref(json);
	return st;
}

static enum ofa_status read_batch(struct reader *r, uint8_t *ret, struct ofa_error *err)
{
	const char *name = r->place[COL_BATCH] < 0 ? "" : r->field[r->place[COL_BATCH]];
	struct ofa_pairs *p = &r->file->pairs;
	int i = 0;

	if (strlen(name) >= OFA_PAIRS_MAX_NAME)
		return ofa_fail(err, OFA_ERR_LIMIT, known[COL_BATCH].name,
				"the batch's name has %zu characters; at most %d are accepted", strlen(name),
				OFA_PAIRS_MAX_NAME - 1);
	while (i < p->n_batches && strcmp(r->file->names[i], name) != 0)
		i++;
	if (i == OFA_PAIRS_MAX_BATCHES)
		return ofa_fail(err, OFA_ERR_LIMIT, known[COL_BATCH].name, "more than %d batches",
				OFA_PAIRS_MAX_BATCHES);
	if (i == p->n_batches)
		memcpy(r->file->names[p->n_batches++], name, strlen(name) + 1);
	*ret = (uint8_t)i;
	return OFA_OK;
}

static enum ofa_status grow(struct reader *r, struct ofa_error *err)
{
	int capacity = r->capacity ? 2 * r->capacity : 256;
	struct ofa_pairs_file *f = r->file;
	struct ofa_arch *archs = realloc(f->archs, (size_t)capacity * sizeof(*archs));
	float *accuracy = archs ? realloc(f->accuracy, (size_t)capacity * sizeof(*accuracy)) : NULL;
	uint8_t *batch = accuracy ? realloc(f->batch, (size_t)capacity * sizeof(*batch)) : NULL;

	f->archs = archs ? archs : f->archs;
	f->accuracy = accuracy ? accuracy : f->accuracy;
	f->batch = batch ? batch : f->batch;
	if (!batch)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	r->capacity = capacity;
	return OFA_OK;
}

static enum ofa_status read_row(struct reader *r, struct ofa_error *err)
{
	struct ofa_pairs *p = &r->file->pairs;
	struct ofa_arch arch;
	uint8_t batch = 0;
	double percent = 0;
	enum ofa_status st = split_fields(r, err);

	if (!st && r->n_fields != r->n_columns)
		st = ofa_fail(err, OFA_ERR_FORMAT, "columns", "has %d fields; the first line names %d columns",
			      r->n_fields, r->n_columns);
	if (!st && p->n == OFA_PAIRS_MAX)
		st = ofa_fail(err, OFA_ERR_LIMIT, "pairs", "more than %d pairs", OFA_PAIRS_MAX);
	if (!st)
		st = read_arch(r, &arch, err);
	if (!st)
		st = read_single(r, COL_TOP1, 0, 100, &percent, err);
	if (!st)
		st = read_batch(r, &batch, err);
	if (!st && p->n == r->capacity)
		st = grow(r, err);
	if (st)
		return st;
	r->file->archs[p->n] = arch;
	r->file->accuracy[p->n] = (float)(percent / 100);
	r->file->batch[p->n++] = batch;
	return OFA_OK;
}

static enum ofa_status read_all(struct reader *r, struct ofa_error *err)
{
	bool any;
	enum ofa_status st = next_line(r, &any, err);

	if (!st && !any)
		return ofa_fail(err, OFA_ERR_FORMAT, "columns", "no line names the columns");
	if (!st)
		st = read_header(r, err);
	r->file->has_batches = !st && r->place[COL_BATCH] >= 0;
	while (!st) {
		st = next_line(r, &any, err);
		if (st || !any)
			break;
		st = read_row(r, err);
	}
	if (!st && r->file->pairs.n == 0)
		st = ofa_fail(err, OFA_ERR_FORMAT, "pairs", "no line follows the names of the columns");
	return st;
}

enum ofa_status ofa_pairs_parse(const struct ofa_space *s, const char *text, size_t size, struct ofa_pairs_file *ret,
				struct ofa_error *err)
{
	static const char mark[] = "\xef\xbb\xbf"; /* of UTF-8, as some spreadsheets write it */
	struct ofa_pairs_file *f = calloc(1, sizeof(*f));
	struct reader *r = calloc(1, sizeof(*r));
	enum ofa_status st;

	if (!f || !r) {
		free(f);
		free(r);
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	}
	r->space = s;
	r->file = f;
	r->at = size >= 3 && memcmp(text, mark, 3) == 0 ? text + 3 : text;
	r->end = text + size;
	st = read_all(r, err);
	if (st) {
		ofa_error_prefix(err, "line %d", r->line);
		ofa_pairs_file_release(f);
	} else {
		f->pairs.archs = f->archs;
		f->pairs.accuracy = f->accuracy;
		f->pairs.batch = f->batch;
		*ret = *f;
	}
	free(f);
	free(r);
	return st;
}

enum ofa_status ofa_pairs_load(const struct ofa_space *s, const char *path, struct ofa_pairs_file *ret,
			       struct ofa_error *err)
{
	uint8_t *data;
	size_t size;
	enum ofa_status st = ofa_file_read(path, OFA_PAIRS_MAX_BYTES, &data, &size, err);

	if (st)
		return st;
	st = ofa_pairs_parse(s, (const char *)data, size, ret, err);
	if (st)
		ofa_error_prefix(err, "%s", path);
	free(data);
	return st;
}

void ofa_pairs_file_release(struct ofa_pairs_file *f)
{
	free(f->archs);
	free(f->accuracy);
	free(f->batch);
	memset(f, 0, sizeof(*f));
}
