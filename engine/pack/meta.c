#include "pack/meta.h"

#include <math.h>
#include <string.h>

#include "base/sha256.h"
#include "cost/profile.h"
#include "pack/layout.h"

#define REAL_DIGITS 9
#define NUMBER_CHARS 20    /* of an integer or of a real with REAL_DIGITS, sign and exponent */
#define SKELETON_CHARS 512 /* punctuation and member names, the network's hash and the type */
#define LICENSE_KEY "ofa.license"

/* Characters of a string in JSON, quotes and escapes included, at most. */
static uint64_t string_chars(const char *s)
{
	uint64_t n = 2;

	for (; *s; s++)
		n += *s == '"' || *s == '\\' ? 2 : (unsigned char)*s < 0x20 ? 6 : 1;
	return n;
}

static const char *license(const struct ofa_supernet *net)
{
	return net->file.metadata ? ofa_safetensors_meta(&net->file, LICENSE_KEY) : NULL;
}

uint64_t ofa_pack_meta_bytes(const struct ofa_supernet *net)
{
	const struct ofa_space *s = &net->space;
	const uint64_t genes = 2 * (uint64_t)s->n_blocks + (uint64_t)(s->n_stages + s->n_width_genes) + 1;
	const uint64_t numbers = genes + 2 * (uint64_t)s->input_channels + 9;
	uint64_t n = SKELETON_CHARS + numbers * (NUMBER_CHARS + 1) + string_chars(net->name) + OFA_PROFILE_NAME_MAX;

	if (license(net))
		n += string_chars(license(net));
	for (int i = 0; net->classes && i < s->classes; i++)
		n += string_chars(net->classes[i]) + 1;
	return ofa_pack_round(n);
}

static json_t *network(const struct ofa_supernet *net)
{
	char hex[2 * sizeof(net->sha256) + 1];

	ofa_hex(net->sha256, sizeof(net->sha256), hex);
	return json_pack("{s:s, s:s, s:s?}", "name", net->name, "sha256", hex, "license", license(net));
}

static json_t *classes(const struct ofa_supernet *net)
{
	json_t *list;
	int failed = 0;

	if (!net->classes)
		return json_integer(net->space.classes);
	list = json_array();
	for (int i = 0; i < net->space.classes; i++)
		failed |= json_array_append_new(list, json_string(net->classes[i]));
	if (failed) {
		json_decref(list);
		return NULL;
	}
	return list;
}

static json_t *reals(const float *x, int n)
{
	json_t *list = json_array();
	int failed = 0;

	for (int i = 0; i < n; i++)
		failed |= json_array_append_new(list, json_real((double)x[i]));
	if (failed) {
		json_decref(list);
		return NULL;
	}
	return list;
}

static json_t *real_or_null(double x)
{
	return isfinite(x) ? json_real(x) : json_null();
}

/* What stripes are worth, which the tables do not tell. */
static json_t *layers_bytes(const struct ofa_plan *plan, enum ofa_precision precision)
{
	return precision == OFA_INT8 ? json_integer(ofa_plan_layers_bytes(plan, precision)) : NULL;
}

/* Members in the order of doc/pack-format.md; the whole is NULL if any member is, but for those that may be absent. */
static json_t *meta_object(const struct ofa_supernet *net, const struct ofa_plan *plan,
			   const struct ofa_pack_info *info, uint64_t package_bytes, uint64_t arena_bytes)
{
	/* clang-format off */
	return json_pack("{s:s, s:o, s:o, s:i, s:i, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:o*, s:o, s:o, s:s?}",
			 "dtype", ofa_precision_name(info->precision),
			 "network", network(net),
			 "arch", ofa_arch_format(&net->space, &plan->arch),
			 "image_size", (int)plan->arch.image_size,
			 "channels", net->space.input_channels,
			 "classes", classes(net),
			 "mean", reals(net->mean, net->space.input_channels),
			 "std", reals(net->std, net->space.input_channels),
			 "macs", (json_int_t)ofa_plan_macs(plan),
			 "params", (json_int_t)ofa_plan_params(plan),
			 "storage_bytes", (json_int_t)package_bytes,
			 "peak_memory_bytes", (json_int_t)arena_bytes,
			 "layers_memory_bytes", layers_bytes(plan, info->precision),
			 "predicted_accuracy", real_or_null(info->predicted_accuracy),
			 "latency_ms", real_or_null(info->latency_ms),
			 "profile", info->profile);
	/* clang-format on */
}

enum ofa_status ofa_pack_meta_write(const struct ofa_supernet *net, const struct ofa_plan *plan,
				    const struct ofa_pack_info *info, uint64_t package_bytes, uint64_t arena_bytes,
				    char *out, size_t bytes, struct ofa_error *err)
{
	json_t *meta;
	size_t len;

	if (info->profile && !ofa_profile_name_ok(info->profile))
		return ofa_fail(err, OFA_ERR_INVALID, "profile",
				"\"%.64s\" is no profile name; 1 to %d of A-Z a-z 0-9 . _ - / are accepted",
				info->profile, OFA_PROFILE_NAME_MAX - 1);
	meta = meta_object(net, plan, info, package_bytes, arena_bytes);
	if (!meta)
		return ofa_fail(err, OFA_ERR_INVALID, "metadata",
				"network \"%s\": names are not UTF-8, or no memory is left", net->name);
	len = json_dumpb(meta, out, bytes, JSON_COMPACT | JSON_REAL_PRECISION(REAL_DIGITS));
	json_decref(meta);
	if (len == 0 || len > bytes)
		return ofa_fail(err, OFA_ERR_LIMIT, "metadata",
				"the package's description takes %zu bytes; at most %zu are accepted", len, bytes);
	memset(out + len, ' ', bytes - len);
	return OFA_OK;
}
