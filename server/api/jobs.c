#include "api/body.h"
#include "api/json_job.h"
#include "api/problem.h"
#include "api/resources.h"

struct job *job_find(struct app *app, struct http_call *call)
{
	struct job *j = jobs_find(app->jobs, http_param(&call->request.params, "job"));

	if (!j)
		problem_reply(call, PROBLEM_NOT_FOUND, NULL,
			      "there is no such job: jobs are forgotten some time after they are over, and when the "
			      "server restarts; ask POST /subnets again, what was found is kept");
	return j;
}

static void reply_job(struct http_call *call, struct job *j)
{
	struct job_view v;

	jobs_view(call->app->jobs, j, &v);
	job_reply(call, 200, &v);
}

enum http_next job_get(struct app *app, struct http_call *call)
{
	struct job *j = accepts_json(call) ? job_find(app, call) : NULL;

	if (j)
		reply_job(call, j);
	job_unref(j);
	return HTTP_REPLY;
}

enum http_next job_delete(struct app *app, struct http_call *call)
{
	struct job *j = accepts_json(call) ? job_find(app, call) : NULL;

	if (j) {
		jobs_cancel(app->jobs, j);
		reply_job(call, j);
	}
	job_unref(j);
	return HTTP_REPLY;
}
