#include "released.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "import/predictor.h"
#include "import/table.h"
#include "shared.h"

const char *released_path(const char *name)
{
	const char *path = shared_path(name);

	return access(path, R_OK) == 0 ? path : NULL;
}

enum ofa_status released_network(struct ofa_supernet *ret, struct ofa_error *err)
{
	enum ofa_status st;

	memset(ret, 0, sizeof(*ret));
	snprintf(ret->name, sizeof(ret->name), "mbv3-w1.2");
	st = ofa_space_preset("mbv3", 1.2, 1000, &ret->space, err);
	return st ? st : ofa_params_init(&ret->space, &ret->params, err);
}

void released_network_free(struct ofa_supernet *net)
{
	ofa_params_release(&net->params);
}

static enum ofa_status add_table(struct ofa_profile *profile, const char *path, struct ofa_error *err)
{
	struct ofa_table_source source = {.resolution = ofa_table_name_resolution(path)};
	struct ofa_table_report report;
	uint8_t *text;
	enum ofa_status st = ofa_file_read(path, 1 << 20, &text, &source.size, err);

	if (st)
		return st;
	source.text = (const char *)text;
	st = ofa_table_read(&source, profile, &report, err);
	free(text);
	return st;
}

enum ofa_status released_profile(struct ofa_profile *ret, struct ofa_error *err)
{
	struct ofa_profile profile = {.name = "note10", .table.runtime = "TensorFlow Lite"};
	enum ofa_status st = OFA_OK;

	ofa_limits_init(&profile.limits);
	for (int r = 160; r <= 224 && !st; r += 4) {
		char name[64];
		const char *path;

		snprintf(name, sizeof(name), "real/note10/%d_lookup_table.yaml", r);
		path = released_path(name);
		if (path)
			st = add_table(&profile, path, err);
	}
	if (st)
		ofa_profile_release(&profile);
	else
		*ret = profile;
	return st;
}

/* A file of PyTorch's legacy format is a few pickles, the last of which lists the storages in file order,
 * then each storage as a 64-bit count and raw floats.  Enough of it for this one file: the pickled strings in
 * order are layer name, storage key, layer name, ... and at the end the list of keys. */
#define MAX_STRINGS 128

struct pickled {
	char text[MAX_STRINGS][16];
	int n;
	size_t end; /* of the last digits-only string */
};

static void collect_strings(const uint8_t *data, size_t size, struct pickled *p)
{
	for (size_t i = 0; i + 5 < size && i < 4096 && p->n < MAX_STRINGS; i++) {
		size_t len = data[i + 1];

		if (data[i] != 'X' || data[i + 2] || data[i + 3] || data[i + 4] || len < 6 || len > 15 ||
		    i + 5 + len > size)
			continue;
		memcpy(p->text[p->n], data + i + 5, len);
		p->text[p->n][len] = '\0';
		if (strspn(p->text[p->n], "0123456789") == len)
			p->end = i + 5 + len;
		p->n++;
		i += 4 + len;
	}
}

static int find_string(const struct pickled *p, const char *text, bool last)
{
	int found = -1;

	for (int i = 0; i < p->n && (last || found < 0); i++)
		if (strcmp(p->text[i], text) == 0)
			found = i;
	return found;
}

/* The floats of one tensor, or NULL. */
static const float *find_tensor(const struct pickled *p, const uint8_t *data, size_t size, const char *name,
				uint64_t count)
{
	int at = find_string(p, name, false), key = at;
	int first = p->n - 8, wanted;
	size_t offset = p->end + 4; /* "q", its index, "e", "." */

	if (at < 0 || first < 0)
		return NULL;
	while (key < p->n && strspn(p->text[key], "0123456789") < strlen(p->text[key]))
		key++;
	wanted = key < p->n ? find_string(p, p->text[key], true) : -1;
	for (int i = first; i <= wanted; i++) {
		uint64_t n;

		if (offset + 8 > size)
			return NULL;
		memcpy(&n, data + offset, 8);
		offset += 8;
		if (n > (size - offset) / 4)
			return NULL;
		if (i == wanted) {
			float *copy = n == count ? malloc(n * 4) : NULL;

			return copy ? memcpy(copy, data + offset, n * 4) : NULL;
		}
		offset += 4 * n;
	}
	return NULL;
}

enum ofa_status released_predictor(const struct ofa_space *s, struct ofa_predictor *ret, struct ofa_error *err)
{
	static const int widths[] = {128, 400, 400, 400, 1};
	static const struct ofa_import_predictor_options as_released = {0};
	const char *path = released_path("real/ofa_mbv3_w1.2_acc_predictor.pth");
	char names[8][16];
	struct ofa_tensor tensors[8];
	struct pickled strings = {.n = 0};
	uint8_t *data = NULL;
	size_t size = 0;
	enum ofa_status st = ofa_file_read(path ? path : "", 4 << 20, &data, &size, err);

	if (st)
		return st;
	collect_strings(data, size, &strings);
	for (int i = 0; i < 8; i++) {
		int64_t in = widths[i / 2], out = widths[i / 2 + 1];
		struct ofa_tensor weight = {.rank = 2, .shape = {out, in}}, bias = {.rank = 1, .shape = {out}};

		snprintf(names[i], sizeof(names[i]), "%d.%s", i / 2 * 2, i & 1 ? "bias" : "weight");
		tensors[i] = i & 1 ? bias : weight;
		tensors[i].name = names[i];
		tensors[i].size = (size_t)ofa_tensor_elements(&tensors[i]) * sizeof(float);
		tensors[i].data = find_tensor(&strings, data, size, names[i], tensors[i].size / sizeof(float));
		if (!tensors[i].data)
			st = ofa_fail(err, OFA_ERR_FORMAT, names[i], "not found in the predictor file");
	}
	if (!st)
		st = ofa_import_predictor(s, tensors, 8, &as_released, ret, err);
	for (int i = 0; i < 8; i++)
		free((void *)tensors[i].data);
	free(data);
	return st;
}
