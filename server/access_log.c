#include "access_log.h"
#include "api/problem.h"

#define PATH_CHARS 512
#define AGENT_CHARS 160

void access_log_call(struct line_file *f, const struct http_call *call, double ms)
{
	const struct http_request *r = &call->request;
	const struct http_note *note = &call->note;
	bool answered = call->phase == HTTP_PHASE_SENDING;
	struct log_line line;

	if (!f)
		return;
	log_record_begin(&line);
	log_string(&line, "id", r->id);
	log_string(&line, "principal", call->principal.id[0] ? call->principal.id : NULL);
	log_string(&line, "peer", r->peer);
	log_string(&line, "method", r->method);
	log_integer(&line, "status", answered ? call->reply.status : 0);
	log_integer(&line, "bytes", answered ? (long long)call->reply.size : 0);
	log_real(&line, "ms", ms);
	if (note->queue_ms > 0)
		log_real(&line, "queue_ms", note->queue_ms);
	log_string(&line, "route", call->route ? call->route->path : NULL);
	log_string(&line, "cache", note->cache);
	log_string(&line, "problem", note->problem ? problem_entry((enum problem)(note->problem - 1))->slug : NULL);
	if (note->cut)
		log_integer(&line, "cut", 1);
	log_string_cut(&line, "path", r->target, PATH_CHARS);
	log_string_cut(&line, "user_agent", r->header[HTTP_USER_AGENT], AGENT_CHARS);
	log_record_end(&line);
	line_file_add(f, line.text, line.len);
}
