#include "files.h"

#include <stdlib.h>
#include <string.h>

#include "net/subnet.h"
#include "tensor/safetensors.h"

enum ofa_status cli_load_json(const char *path, json_t **ret_json, struct ofa_error *err)
{
	json_error_t where;
	uint8_t *text;
	size_t size;
	json_t *json;
	enum ofa_status st = ofa_file_read(path, CLI_JSON_MAX_BYTES, &text, &size, err);

	if (st != OFA_OK)
		return st;
	json = json_loadb((const char *)text, size, JSON_REJECT_DUPLICATES, &where);
	free(text);
	if (!json)
		return ofa_fail(err, OFA_ERR_FORMAT, path, "not JSON: %s at line %d, column %d", where.text, where.line,
		                where.column);
	*ret_json = json;
	return OFA_OK;
}

static enum ofa_status parse_archs(const struct ofa_space *s, const json_t *json, struct cli_archs *a,
                                   struct ofa_error *err)
{
	for (int i = 0; i < a->n; i++) {
		const json_t *item = json_is_array(json) ? json_array_get(json, (size_t)i) : json;
		const json_t *inner = json_object_get(item, "arch");
		enum ofa_status st = ofa_arch_parse(s, inner ? inner : item, &a->list[i], err);
		if (st != OFA_OK) {
			ofa_error_prefix(err, "arch %d of %d", i + 1, a->n);
			return st;
		}
	}
	return OFA_OK;
}

enum ofa_status cli_load_archs(const struct ofa_space *s, const char *path, struct cli_archs *ret,
                               struct ofa_error *err)
{
	struct cli_archs a = {0};
	json_t *json;
	size_t n;
	enum ofa_status st = cli_load_json(path, &json, err);

	if (st != OFA_OK)
		return st;
	n = json_is_array(json) ? json_array_size(json) : 1;
	if (n < 1 || n > CLI_MAX_ARCHS) {
		st = ofa_fail(err, OFA_ERR_INVALID, path, "holds %zu archs; 1 to %d are accepted", n, CLI_MAX_ARCHS);
		goto out;
	}
	a.n = (int)n;
	a.list = calloc(n, sizeof *a.list);
	st = a.list ? parse_archs(s, json, &a, err) : ofa_fail(err, OFA_ERR_NOMEM, path, "out of memory");
	if (st != OFA_OK)
		ofa_error_prefix(err, "%s", path);
out:
	json_decref(json);
	if (st == OFA_OK)
		*ret = a;
	else
		cli_archs_release(&a);
	return st;
}

enum ofa_status cli_load_arch(const struct ofa_space *s, const char *path, struct ofa_arch *ret, struct ofa_error *err)
{
	struct cli_archs a;
	enum ofa_status st = cli_load_archs(s, path, &a, err);

	if (st != OFA_OK)
		return st;
	if (a.n == 1)
		*ret = a.list[0];
	else
		st = ofa_fail(err, OFA_ERR_INVALID, path, "holds %d archs; exactly one is needed here", a.n);
	cli_archs_release(&a);
	return st;
}

enum ofa_status cli_load_archs_or_largest(const struct ofa_space *s, const char *path, int image_size,
                                          struct cli_archs *ret, struct ofa_error *err)
{
	struct ofa_arch *largest;

	if (path)
		return cli_load_archs(s, path, ret, err);
	largest = malloc(sizeof *largest);
	if (!largest)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	ofa_arch_largest(s, largest);
	for (int i = 0; i < s->n_resolutions; i++)
		if (s->resolutions[i] == image_size)
			largest->image_size = (uint16_t)image_size;
	*ret = (struct cli_archs){.list = largest, .n = 1};
	return OFA_OK;
}

void cli_archs_release(struct cli_archs *a)
{
	free(a->list);
	*a = (struct cli_archs){0};
}

static enum ofa_status parse_json(const char *text, json_t **ret_json, struct ofa_error *err)
{
	json_error_t where;

	*ret_json = json_loads(text, JSON_REJECT_DUPLICATES, &where);
	if (*ret_json)
		return OFA_OK;
	return ofa_fail(err, OFA_ERR_FORMAT, "--arch", "not JSON: %s at column %d", where.text, where.column);
}

enum ofa_status cli_load_foreign_arch(const char *text, json_t **ret_json, struct ofa_error *err)
{
	const bool inlined = text[strspn(text, " \t\n")] == '{';
	json_t *json;
	enum ofa_status st = inlined ? parse_json(text, &json, err) : cli_load_json(text, &json, err);

	if (st != OFA_OK)
		return st;
	if (json_is_array(json) && json_array_size(json) == 1) {
		json_t *only = json_incref(json_array_get(json, 0));

		json_decref(json);
		json = only;
	}
	if (!json_is_object(json)) {
		st = ofa_fail(err, OFA_ERR_INVALID, "--arch", "%.100s does not hold one arch, a JSON object", text);
		json_decref(json);
		return st;
	}
	*ret_json = json;
	return OFA_OK;
}

enum ofa_status cli_load_profile(const char *path, struct ofa_profile *ret, struct ofa_error *err)
{
	json_t *json;
	enum ofa_status st = cli_load_json(path, &json, err);

	if (st != OFA_OK)
		return st;
	st = ofa_profile_parse(json, ret, err);
	if (st != OFA_OK)
		ofa_error_prefix(err, "%s", path);
	json_decref(json);
	return st;
}

static enum ofa_status add_limit(json_t *limits, const char *item, struct ofa_error *err)
{
	const char *equals = strchr(item, '=');
	char name[64], *end;
	double value;

	if (!equals || (size_t)(equals - item) >= sizeof name)
		return ofa_fail(err, OFA_ERR_INVALID, "--limit", "'%s' is not NAME=VALUE, e.g. latency_ms=2.5", item);
	memcpy(name, item, (size_t)(equals - item));
	name[equals - item] = '\0';
	value = strtod(equals + 1, &end);
	if (end == equals + 1 || *end)
		return ofa_fail(err, OFA_ERR_INVALID, "--limit", "'%s': the value of %s must be a number", item, name);
	if (json_object_get(limits, name))
		return ofa_fail(err, OFA_ERR_INVALID, "--limit", "%s was given twice", name);
	if (json_object_set_new(limits, name, json_real(value)) != 0)
		return ofa_fail(err, OFA_ERR_INVALID, "--limit", "'%s': %s must be a finite number", item, name);
	return OFA_OK;
}

enum ofa_status cli_parse_limits(const struct opt_list *items, struct ofa_limits *ret, struct ofa_error *err)
{
	enum ofa_status st = OFA_OK;
	json_t *limits = json_object();

	if (!limits)
		return ofa_fail(err, OFA_ERR_NOMEM, "--limit", "out of memory");
	for (int i = 0; i < items->n && st == OFA_OK; i++)
		st = add_limit(limits, items->item[i], err);
	if (st == OFA_OK)
		st = ofa_limits_parse(limits, "--limit", ret, err);
	json_decref(limits);
	return st;
}

static enum ofa_status check_images(const char *ref, const struct ofa_tensor *t, struct ofa_error *err)
{
	int64_t n = t->shape[0], c = t->shape[1], h = t->shape[2], w = t->shape[3];

	if (n < 1 || n > INT32_MAX || c < 1 || c > 4 || h < 1 || h > OFA_MAX_IMAGE_SIZE || w != h)
		return ofa_fail(err, OFA_ERR_INVALID, ref,
		                "shape (%lld,%lld,%lld,%lld); expected (images, 1 to 4 channels, size, the same size)",
		                (long long)n, (long long)c, (long long)h, (long long)w);
	return OFA_OK;
}

enum ofa_status cli_load_images(const char *file_colon_tensor, struct cli_images *ret, struct ofa_error *err)
{
	struct ofa_safetensors file;
	const struct ofa_tensor *t;
	struct cli_images images = {0};
	enum ofa_status st = ofa_safetensors_open_ref(file_colon_tensor, 4, &file, &t, err);

	if (st != OFA_OK)
		return st;
	st = check_images(file_colon_tensor, t, err);
	if (st != OFA_OK)
		goto out;
	images.n = (int)t->shape[0];
	images.channels = (int)t->shape[1];
	images.size = (int)t->shape[2];
	images.x = malloc(t->size);
	if (!images.x) {
		st = ofa_fail(err, OFA_ERR_NOMEM, file_colon_tensor, "out of memory for %zu bytes", t->size);
		goto out;
	}
	ofa_nchw_to_nhwc(t->data, images.n, images.channels, images.size, images.size, images.x);
	*ret = images;
out:
	ofa_safetensors_close(&file);
	return st;
}

void cli_images_release(struct cli_images *images)
{
	free(images->x);
	*images = (struct cli_images){0};
}

enum ofa_status cli_parse_dtype(const char *name, enum ofa_precision *ret, struct ofa_error *err)
{
	if (ofa_precision_find(name, ret))
		return OFA_OK;
	return ofa_fail(err, OFA_ERR_INVALID, "--dtype", "'%.32s'; " OFA_PRECISION_CHOICES " are accepted", name);
}

enum ofa_status cli_load_dtype(const char *path, enum ofa_precision *ret, struct ofa_error *err)
{
	json_t *json;
	const char *name;
	enum ofa_status st = cli_load_json(path, &json, err);

	if (st != OFA_OK)
		return st;
	name = json_string_value(json_object_get(json, "dtype"));
	*ret = OFA_FLOAT32;
	if (name && !ofa_precision_find(name, ret))
		st = ofa_fail(err, OFA_ERR_INVALID, "/dtype", "%s: '%.32s'; " OFA_PRECISION_CHOICES " are accepted",
		              path, name);
	json_decref(json);
	return st;
}
