/* Errors as clients see them: application/problem+json (RFC 9457) from one registry. */
#ifndef OFAD_API_PROBLEM_H
#define OFAD_API_PROBLEM_H

#include <jansson.h>
#include "http/server.h"

enum problem {
	PROBLEM_BAD_REQUEST,
	PROBLEM_NOT_JSON,
	PROBLEM_NOT_YAML,
	PROBLEM_UNAUTHENTICATED,
	PROBLEM_FORBIDDEN,
	PROBLEM_NOT_FOUND,
	PROBLEM_NO_METHOD,
	PROBLEM_NOT_ACCEPTABLE,
	PROBLEM_KEY_BUSY,
	PROBLEM_GONE,
	PROBLEM_PRECONDITION_FAILED,
	PROBLEM_TOO_LARGE,
	PROBLEM_NOT_TYPE,
	PROBLEM_RANGE,
	PROBLEM_INVALID,
	PROBLEM_INFEASIBLE,
	PROBLEM_KEY_USED,
	PROBLEM_MISMATCH,
	PROBLEM_PRECONDITION_REQUIRED,
	PROBLEM_TOO_MANY,
	PROBLEM_INTERNAL,
	PROBLEM_OVERLOAD,
	PROBLEM_UNAVAILABLE,
	PROBLEM_DRAINING,
	PROBLEM_COUNT
};

struct problem_entry {
	const char *slug; /* last part of the type URI, /problems/{slug}; never changes once released */
	unsigned status;
	const char *title; /* the same for every occurrence */
	const char *hint;  /* what the client can do about it */
};
const struct problem_entry *problem_entry(enum problem p);

#define PROBLEM_TYPE "application/problem+json"

/* The document; `field` as below.  A detail of what went wrong inside the server is left out.  New reference, NULL when
 * memory is out. */
json_t *problem_format(const struct http_call *call, enum problem p, const char *field, const char *detail);
/* Fills call->reply.  `field`: JSON pointer into the body (RFC 6901: "" is the whole of it), header or parameter that
 * is to blame; NULL when there is none. */
void problem_reply(struct http_call *call, enum problem p, const char *field, const char *format, ...) OFA_PRINTF(4, 5);
/* The same with a further member; takes the reference to value. */
void problem_reply_with(struct http_call *call, enum problem p, const char *field, const char *detail,
			const char *member, json_t *value);
/* From a failure of the engine or a service: its status chooses the problem. */
enum problem problem_of(enum ofa_status status);
/* What of an error is told: not what went wrong inside, which is the log's business; the error's or a constant. */
const char *problem_detail(enum ofa_status status, const struct ofa_error *err);
void problem_reply_error(struct http_call *call, enum ofa_status status, const struct ofa_error *err);
/* The same of a failure to understand the body: what exceeds a limit there is the body's fault, not a lack of room, and
 * what has no field is the fault of the whole. */
void problem_reply_body(struct http_call *call, enum ofa_status status, const struct ofa_error *err);
/* For a reply in another form than JSON: counts the problem, logs what is not told and adds the headers that go with
 * any; returns the detail that is told, problem_entry(problem_of(status)) has the rest. */
const char *problem_begin_error(struct http_call *call, enum ofa_status status, const struct ofa_error *err);
/* What the HTTP server itself refuses (struct http_server_options.fault). */
void problem_reply_fault(struct app *app, struct http_call *call, enum http_fault fault, const char *detail);

/* GET /problems and GET /problems/{slug}: the registry. */
enum http_next problems_list(struct app *app, struct http_call *call);
enum http_next problems_get(struct app *app, struct http_call *call);

#endif
