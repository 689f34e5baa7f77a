#include <stdatomic.h>
#include "api/body.h"
#include "api/failure.h"
#include "api/problem.h"
#include "api/question_body.h"
#include "api/resources.h"

static void reply_foretold(struct http_call *call, const struct foretelling *f)
{
	http_reply_json_text(&call->reply, 200, "application/json", f->manifest, f->manifest_size);
	http_reply_header(&call->reply, "Server-Timing", "search;dur=%.3f, queue;dur=%.3f", f->search_ms,
			  call->note.queue_ms);
	call->note.cache = answer_source_name(FROM_SEARCH);
}

enum http_next searches_post(struct app *app, struct http_call *call)
{
	enum http_next next = HTTP_REPLY;
	bool inline_profile = false;
	struct foretelling f;
	struct question q;

	if (!accepts_json(call))
		return HTTP_REPLY;
	if (atomic_load(&app->draining)) {
		problem_reply(call, PROBLEM_DRAINING, NULL, "the server is shutting down and begins no searches");
		return HTTP_REPLY;
	}
	if (question_read(app, call, &q, &inline_profile) != QUESTION_READ)
		return HTTP_REPLY;
	/* seconds are not what others who drag should wait for */
	deliveries_foretell(app->deliveries, &q, call->lengthy, &f);
	if (f.put_off)
		next = HTTP_OFFLOAD;
	else if (f.status == OFA_OK)
		reply_foretold(call, &f);
	else
		failure_reply(call, &(struct failure){.status = f.status,
						      .error = &f.error,
						      .feasible = &f.feasible,
						      .inline_profile = inline_profile});
	foretelling_release(&f);
	return next;
}
