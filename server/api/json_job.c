#include "api/failure.h"
#include "api/json_job.h"
#include "app.h"

/* Of the queue, how many searches one second of waiting is likely to see begun. */
#define BEGUN_PER_SECOND 16
#define POLL_MAX_S 30

unsigned job_poll_after_s(struct app *app, const struct job_view *v)
{
	unsigned ahead = v->state == JOB_QUEUED ? workers_queued(app->workers, TASK_PROVISION) : 0;
	unsigned seconds = 1 + ahead / BEGUN_PER_SECOND;

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
	json_t *links = json_pack("{s:o, s:o}", "self", json_sprintf("/jobs/%s", v->id), "events",
				  json_sprintf("/jobs/%s/events", v->id));

	if (links && v->state == JOB_SUCCEEDED &&
	    (json_object_set_new(links, "subnet", json_sprintf("/subnets/%s", v->subnet)) ||
	     json_object_set_new(links, "manifest", json_sprintf("/subnets/%s/manifest", v->subnet)))) {
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

json_t *job_format(struct http_call *call, const struct job_view *v)
{
	json_t *poll = job_view_over(v) ? json_null() : json_integer(job_poll_after_s(call->app, v));

	return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o}", "id", v->id, "state", job_state_name(v->state),
			 "created_at", v->created_at, "progress", format_progress(v), "poll_after_s", poll, "error",
			 format_error(call, v), "links", format_links(v));
}
