#include <math.h>
#include <stdlib.h>
#include "service/manifest.h"

static json_t *number_or_null(double v)
{
	return isfinite(v) ? json_real(v) : json_null();
}

static json_t *links(const struct question *q, const struct package *package)
{
	char delivery[2 * OFA_SHA256_BYTES + 1];
	json_t *links;

	ofa_hex(q->key.bytes, OFA_SHA256_BYTES, delivery);
	links = json_pack("{s:o, s:o, s:o, s:o, s:o}", "self", json_sprintf("/subnets/%s", package->id), "manifest",
			  json_sprintf("/subnets/%s/manifest", package->id), "signed_manifest",
			  json_sprintf("/subnets/%s/signed-manifest?delivery=%s", package->id, delivery), "minisig",
			  json_sprintf("/subnets/%s.minisig", package->id), "network",
			  json_sprintf("/networks/%s", q->network->net->name));

	const char *name = q->profile ? q->profile->profile.name : NULL;

	/* names of profiles and networks have no character that a path would have to escape */
	if (links && question_revision(q) &&
	    (json_object_set_new(links, "profile", json_sprintf("/profiles/%s", name)) ||
	     json_object_set_new(links, "profile_revision",
				 json_sprintf("/profiles/%s/revisions/%llu", name,
					      (unsigned long long)question_revision(q))))) {
		json_decref(links);
		return NULL;
	}
	return links;
}

/* How latency_ms was told; NULL when it is the table's. */
static json_t *calibration(const struct question *q, const struct ofa_search_result *found)
{
	const struct calibration *c = &q->calibration;

	return q->calibrated ? json_pack("{s:s, s:f, s:f, s:f}", "fit", calibration_fit_name(c->fit), "scale", c->scale,
					 "offset_ms", c->offset_ms, "predicted_ms", found->value[OFA_LATENCY_MS])
			     : NULL;
}

/* Why there is no predicted accuracy; NULL when there is. */
static json_t *reason(const struct question *q, const struct ofa_search_result *found)
{
	const char *dtype = ofa_precision_name(q->precision);

	return isfinite(found->predicted_accuracy)
		       ? NULL
		       : json_sprintf("what %s costs in accuracy was not measured for this network "
				      "(ofa predictor fit --dtype %s)",
				      dtype, dtype);
}

/* What the subnet takes, by its package or by what is known of it before there is one. */
struct figures {
	uint64_t macs, params, storage_bytes, peak_memory_bytes;
	const char *dtype;
};

/* id NULL: there is no package yet.  Takes the reference to links; NULL: none. */
static char *format(const struct question *q, const struct ofa_search_result *found, const struct figures *f,
		    const char *id, json_t *links)
{
	char revision[PROFILE_REVISION_MAX];
	bool profiled = question_profile_revision(q, revision);
	/* clang-format off */
	json_t *json = json_pack(
		"{s:s*, s:s, s:o, s:o, s:o*, s:o, s:I, s:I, s:I, s:I, s:s*, s:s, s:s?, s:s?, s:o, s:I, s:i, s:o*,"
		" s:o*}",
		"id", id,
		"network", q->network->net->name,
		"arch", ofa_arch_format(&q->network->net->space, &found->arch),
		"predicted_accuracy", number_or_null(found->predicted_accuracy),
		"predicted_accuracy_reason", reason(q, found),
		"latency_ms", number_or_null(question_latency_ms(q, found->value[OFA_LATENCY_MS])),
		"macs", (json_int_t)f->macs,
		"params", (json_int_t)f->params,
		"storage_bytes", (json_int_t)f->storage_bytes,
		"peak_memory_bytes", (json_int_t)f->peak_memory_bytes,
		"sha256", id,
		"dtype", f->dtype,
		"profile", q->profile ? q->profile->profile.name : NULL,
		"profile_revision", profiled ? revision : NULL,
		"limits", ofa_limits_format(&q->limits),
		"seed", (json_int_t)q->seed,
		"evaluations", found->evaluations,
		"calibration", calibration(q, found),
		"links", links);
	/* clang-format on */
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

	json_decref(json);
	return text;
}

char *manifest_format(const struct question *q, const struct ofa_search_result *found,
		      const struct ofa_package_summary *summary, const struct package *package)
{
	const struct figures f = {.macs = summary->macs,
				  .params = summary->params,
				  .storage_bytes = package->size,
				  .peak_memory_bytes = summary->arena_bytes,
				  .dtype = summary->dtype};
	json_t *all = links(q, package);

	return all ? format(q, found, &f, package->id, all) : NULL;
}

char *manifest_foretell(const struct question *q, const struct ofa_search_result *found)
{
	const struct ofa_supernet *net = q->network->net;
	struct ofa_plan *plan = malloc(sizeof(*plan));
	struct figures f;

	if (!plan)
		return NULL;
	ofa_plan_init(&net->space, &net->params, &found->arch, plan);
	f = (struct figures){.macs = (uint64_t)found->value[OFA_MACS],
			     .params = ofa_plan_params(plan),
			     .storage_bytes = (uint64_t)found->value[OFA_STORAGE_BYTES],
			     .peak_memory_bytes = (uint64_t)found->value[OFA_PEAK_MEMORY_BYTES],
			     .dtype = ofa_precision_name(q->precision)};
	free(plan);
	return format(q, found, &f, NULL, NULL);
}
