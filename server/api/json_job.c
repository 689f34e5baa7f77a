#include "api/failure.h"
#include "api/json_job.h"
#include "app.h"

/* The longer the queue the later it is worth to look again, and the more jobs there are the less often may each be
 * looked at. */
#define QUEUED_PER_SECOND 16
#define JOBS_PER_SECOND 1000
#define POLL_MAX_S 30

static unsigned poll_after_s(struct app *app, const struct job_view *v)
{
	unsigned ahead = v->state == JOB_QUEUED ? workers_queued(app->workers, TASK_PROVISION) : 0;
	unsigned seconds = 1 + ahead / QUEUED_PER_SECOND + jobs_under_way(app->jobs) / JOBS_PER_SECOND;

	return seconds < POLL_MAX_S ? seconds : POLL_MAX_S;
}

static json_t *format_progress(const struct job_view *v)
{
	return json_pack("{s:s, s:i, s:i, s:o}", "stage", progress_stage_name(v->stage), "evaluations", v->evaluations,
			 "budget", v->budget, "best_accuracy",
			 v->best_accuracy > 0 ? json_real(v->best_accuracy) : json_null());
}

static json_t *format_links(const struct job_view *v)
{
	char delivery[2 * OFA_SHA256_BYTES + 1];
	json_t *links = json_pack("{s:o, s:o}", "self", json_sprintf("/jobs/%s", v->id), "events",
				  json_sprintf("/jobs/%s/events", v->id));

	/* the package may have other deliveries: the signed manifest is of this one */
	ofa_hex(v->question.bytes, OFA_SHA256_BYTES, delivery);
	if (links && v->state == JOB_SUCCEEDED &&
	    (json_object_set_new(links, "subnet", json_sprintf("/subnets/%s", v->subnet)) ||
	     json_object_set_new(links, "manifest", json_sprintf("/subnets/%s/manifest", v->subnet)) ||
	     json_object_set_new(links, "signed_manifest",
				 json_sprintf("/subnets/%s/signed-manifest?delivery=%s", v->subnet, delivery)))) {
		json_decref(links);
		return NULL;
	}
	return links;
}

static json_t *format_error(struct http_call *call, const struct job_view *v)
{
	if (v->state != JOB_FAILED)
		return json_null();
	return failure_format(call, &(struct failure){.status = v->status,
						      .error = &v->error,
						      .feasible = &v->feasible,
						      .inline_profile = v->inline_profile});
}

static json_t *format_job(struct http_call *call, const struct job_view *v, unsigned poll_s)
{
	json_t *poll = job_view_over(v) ? json_null() : json_integer(poll_s);

	return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o}", "id", v->id, "state", job_state_name(v->state),
			 "created_at", v->created_at, "progress", format_progress(v), "poll_after_s", poll, "error",
			 format_error(call, v), "links", format_links(v));
}

json_t *job_format(struct http_call *call, const struct job_view *v)
{
	return format_job(call, v, poll_after_s(call->app, v));
}

void job_reply(struct http_call *call, unsigned status, const struct job_view *v)
{
	unsigned poll_s = poll_after_s(call->app, v);

	http_reply_json(&call->reply, status, "application/json", format_job(call, v, poll_s));
	http_reply_header_lasting(&call->reply, "Cache-Control", "no-store");
	call->reply.volatile_content = true;
	if (!job_view_over(v))
		http_reply_header(&call->reply, "Retry-After", "%u", poll_s);
}
