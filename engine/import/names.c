#include "import/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool part_is(const char *part, size_t size, const char *text)
{
	return size == strlen(text) && memcmp(part, text, size) == 0;
}

static bool may_be_doubled(const char *part, size_t size)
{
	return part_is(part, size, "conv") || part_is(part, size, "bn") || part_is(part, size, "linear");
}

/* Writes the shortest spelling, never longer than the name, with a NUL. */
static void spell(const char *name, char *out)
{
	const char *before = "";
	size_t before_size = 0;

	if (strncmp(name, "module.", strlen("module.")) == 0)
		name += strlen("module.");
	while (*name) {
		const char *part = name;
		size_t size = strcspn(name, ".");

		name += size + (name[size] == '.');
		if (part_is(part, size, "mobile_inverted_conv")) {
			part = "conv";
			size = strlen(part);
		}
		if (size == before_size && memcmp(part, before, size) == 0 && may_be_doubled(part, size))
			continue;
		memcpy(out, part, size);
		out += size;
		*out++ = '.';
		before = part;
		before_size = size;
	}
	/* Over the last dot; an empty name has none. */
	if (before_size)
		out--;
	*out = '\0';
}

static bool is_counter(const char *name)
{
	static const char suffix[] = "num_batches_tracked";
	size_t n = strlen(name), m = sizeof(suffix) - 1;

	return n >= m && strcmp(name + n - m, suffix) == 0;
}

static int by_spelling(const void *a, const void *b)
{
	return strcmp(((const struct ofa_import_name *)a)->spelling, ((const struct ofa_import_name *)b)->spelling);
}

enum ofa_status ofa_import_names_init(const struct ofa_tensor *tensors, size_t n, struct ofa_import_names *ret,
				      struct ofa_error *err)
{
	struct ofa_import_names names = {0};
	size_t bytes = 1;
	char *at;

	for (size_t i = 0; i < n; i++)
		bytes += strlen(tensors[i].name) + 2;
	names.list = calloc(n + 1, sizeof(*names.list));
	names.text = at = malloc(bytes);
	if (!names.list || !names.text) {
		ofa_import_names_release(&names);
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	}
	for (size_t i = 0; i < n; i++) {
		if (is_counter(tensors[i].name)) {
			names.n_ignored++;
			continue;
		}
		spell(tensors[i].name, at);
		names.list[names.n++] = (struct ofa_import_name){.spelling = at, .tensor = &tensors[i]};
		at += strlen(at) + 1;
	}
	qsort(names.list, names.n, sizeof(*names.list), by_spelling);
	for (size_t i = 1; i < names.n; i++) {
		const struct ofa_import_name *a = &names.list[i - 1], *b = &names.list[i];

		if (strcmp(a->spelling, b->spelling) == 0) {
			enum ofa_status st = ofa_fail(err, OFA_ERR_FORMAT, b->tensor->name,
						      "tensors \"%.100s\" and \"%.100s\" are one in two spellings",
						      a->tensor->name, b->tensor->name);
			ofa_import_names_release(&names);
			return st;
		}
	}
	*ret = names;
	return OFA_OK;
}

void ofa_import_names_release(struct ofa_import_names *names)
{
	free(names->list);
	free(names->text);
	*names = (struct ofa_import_names){0};
}

struct ofa_import_name *ofa_import_names_find(const struct ofa_import_names *names, const char *name)
{
	char spelling[256];
	const struct ofa_import_name key = {.spelling = spelling};

	if (strlen(name) + 2 > sizeof(spelling) || !names->n)
		return NULL;
	spell(name, spelling);
	return bsearch(&key, names->list, names->n, sizeof(*names->list), by_spelling);
}

enum ofa_status ofa_import_names_get(const struct ofa_import_names *names, const char *name, int rank,
				     const struct ofa_tensor **ret, struct ofa_error *err)
{
	const struct ofa_import_name *found = ofa_import_names_find(names, name);
	char shape[OFA_IMPORT_SHAPE_MAX];

	if (!found)
		return ofa_fail(err, OFA_ERR_MISMATCH, name, "tensor \"%s\" is missing", name);
	if (found->tensor->rank != rank)
		return ofa_fail(err, OFA_ERR_MISMATCH, name, "tensor \"%s\" has shape %s; %d dimensions are expected",
				name, ofa_import_shape(found->tensor, shape), rank);
	*ret = found->tensor;
	return OFA_OK;
}

const char *ofa_import_shape(const struct ofa_tensor *t, char out[OFA_IMPORT_SHAPE_MAX])
{
	size_t n = 0;

	for (int i = 0; i < t->rank && n < OFA_IMPORT_SHAPE_MAX; i++)
		n += (size_t)snprintf(out + n, OFA_IMPORT_SHAPE_MAX - n, "%s%lld", i ? ", " : "(",
				      (long long)t->shape[i]);
	if (n < OFA_IMPORT_SHAPE_MAX)
		snprintf(out + n, OFA_IMPORT_SHAPE_MAX - n, t->rank ? ")" : "()");
	return out;
}
