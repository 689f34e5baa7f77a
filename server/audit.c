#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "audit.h"

enum ofa_status audit_path(const struct settings *s, char out[AUDIT_PATH_MAX], struct ofa_error *err)
{
	int n = s->audit_log ? snprintf(out, AUDIT_PATH_MAX, "%s", s->audit_log)
			     : snprintf(out, AUDIT_PATH_MAX, "%s/audit.jsonl", s->data);

	return n < AUDIT_PATH_MAX
		       ? OFA_OK
		       : ofa_fail(err, OFA_ERR_INVALID, "--audit-log", "the path of the audit log is too long");
}

/* ---- calls ---- */

static const char *outcome(const struct http_call *call)
{
	unsigned status = call->phase == HTTP_PHASE_SENDING || call->reply.status ? call->reply.status : 0;

	if (call->note.cut || status == 0)
		return "cut";
	if (status == 202)
		return "accepted";
	if (status < 300)
		return "done";
	if (status < 400)
		return "unchanged";
	if (status == 401 || status == 403 || status == 429)
		return "refused";
	return status < 500 ? "rejected" : "failed";
}

/* What was written or taken: where the answer says it stays, else what was asked for. */
static const char *subject(const struct http_call *call)
{
	const char *location = http_reply_find(&call->reply, "Content-Location");

	if (!location)
		location = http_reply_find(&call->reply, "Location");
	return location ? location : call->request.target;
}

static void record(struct line_file *f, const struct http_call *call)
{
	const struct http_request *r = &call->request;
	struct log_line line;

	log_record_begin(&line);
	log_string(&line, "request", r->id);
	log_string(&line, "who", call->principal.id[0] ? call->principal.id : "anonymous");
	log_string(&line, "peer", r->peer);
	log_string(&line, "action", call->route->audit);
	log_string(&line, "what", subject(call));
	log_string(&line, "outcome", outcome(call));
	log_integer(&line, "status", call->reply.status);
	log_record_end(&line);
	line_file_add(f, line.text, line.len);
}

static bool audited(const struct http_call *call)
{
	return call->route && call->route->audit && strcmp(call->request.method, "HEAD") != 0;
}

void audit_write(struct line_file *f, struct http_call *call)
{
	if (!f || !audited(call) || strcmp(call->route->method, "GET") == 0)
		return;
	record(f, call);
	line_file_flush(f);
	call->note.audited = true;
}

void audit_call(struct line_file *f, const struct http_call *call)
{
	if (f && audited(call) && !call->note.audited)
		record(f, call);
}

/* ---- commands ---- */

static enum ofa_status append(const char *path, const struct log_line *line, struct ofa_error *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	ssize_t n = fd < 0 ? -1 : write(fd, line->text, line->len);
	enum ofa_status st = OFA_OK;

	if (n != (ssize_t)line->len)
		st = ofa_fail(err, OFA_ERR_IO, "--audit-log", "the audit log %.300s cannot be written: %s", path,
			      n < 0 ? strerror(errno) : "the disk is full");
	if (fd >= 0)
		close(fd);
	return st;
}

enum ofa_status audit_command(const struct settings *s, const char *action, const char *what, struct ofa_error *err)
{
	char path[AUDIT_PATH_MAX], who[32];
	struct log_line line;
	enum ofa_status st = audit_path(s, path, err);

	if (st != OFA_OK || strcmp(path, "off") == 0 || strcmp(path, "-") == 0)
		return st;
	snprintf(who, sizeof(who), "uid:%ld", (long)getuid());
	log_record_begin(&line);
	log_string(&line, "who", who);
	log_string(&line, "action", action);
	log_string(&line, "what", what);
	log_string(&line, "outcome", "done");
	log_record_end(&line);
	return append(path, &line, err);
}
