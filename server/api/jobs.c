#include "api/body.h"
#include "api/json_job.h"
#include "api/problem.h"
#include "api/resources.h"

static void refuse(struct http_call *call, enum ofa_status st, const struct ofa_error *err)
{
	if (st == OFA_ERR_NOT_FOUND)
		problem_reply(call, PROBLEM_NOT_FOUND, NULL,
			      "there is no such job: jobs are forgotten some time after they are over, and when the "
			      "server restarts, if it shares no database; ask POST /subnets again, what was found is "
			      "kept");
	else
		problem_reply_error(call, st, err);
}

/* From the store, on a worker: one that is known here is told even when the store cannot be reached. */
static struct job *find_shared(struct app *app, struct http_call *call, const char *id, struct job *known)
{
	struct ofa_error err = {0};
	struct job *j;
	enum ofa_status st;

	if (known) {
		jobs_look(app->jobs, known);
		return known;
	}
	st = jobs_fetch(app->jobs, id, &j, &err);
	if (st == OFA_OK)
		return j;
	refuse(call, st, &err);
	return NULL;
}

static bool is_over(struct app *app, struct job *j)
{
	struct job_view v;

	jobs_view(app->jobs, j, &v);
	return job_view_over(&v);
}

struct job *job_find(struct app *app, struct http_call *call, enum http_next *ret_next)
{
	const char *id = http_param(&call->request.params, "job");
	struct job *j = jobs_find(app->jobs, id);

	*ret_next = HTTP_REPLY;
	if (!jobs_shared(app->jobs)) {
		if (!j)
			refuse(call, OFA_ERR_NOT_FOUND, NULL);
		return j;
	}
	if (j && is_over(app, j))
		return j;
	if (http_call_on_worker(call))
		return find_shared(app, call, id, j);
	job_unref(j);
	*ret_next = HTTP_OFFLOAD;
	return NULL;
}

static void reply_job(struct http_call *call, struct job *j)
{
	struct job_view v;

	jobs_view(call->app->jobs, j, &v);
	job_reply(call, 200, &v);
}

enum http_next job_get(struct app *app, struct http_call *call)
{
	enum http_next next = HTTP_REPLY;
	struct job *j = accepts_json(call) ? job_find(app, call, &next) : NULL;

	if (j)
		reply_job(call, j);
	job_unref(j);
	return next;
}

enum http_next job_delete(struct app *app, struct http_call *call)
{
	struct ofa_error err = {0};
	enum http_next next = HTTP_REPLY;
	enum ofa_status st;
	struct job *j;

	if (!accepts_json(call))
		return HTTP_REPLY;
	if (jobs_shared(app->jobs) && !http_call_on_worker(call))
		return HTTP_OFFLOAD;
	j = job_find(app, call, &next);
	if (!j)
		return next;
	st = jobs_cancel(app->jobs, j, &err);
	if (st == OFA_OK)
		reply_job(call, j);
	else
		refuse(call, st, &err);
	job_unref(j);
	return HTTP_REPLY;
}
