/* GET /jobs/{job}/events: server-sent events (WHATWG HTML, 9.2).  Each event is the job as it is at that moment, with
 * the job's version as its id: a client that comes back with Last-Event-ID is told what is newer. */
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include "api/body.h"
#include "api/json_job.h"
#include "api/problem.h"
#include "api/resources.h"

#define EVENTS_TYPE "text/event-stream"
/* What clients wait before they connect again, milliseconds. */
#define RETRY "retry: 2000\n\n"
#define ID_DIGITS 9

/* References: the stream's, the job's while it has the listener, the timers' while the timer is set. */
struct job_events {
	struct http_stream stream;
	struct shared shared;
	struct job_listener listener;
	struct timer timer;
	struct app *app;
	struct http_call *call; /* there until the stream is closed */
	struct job *job;        /* a reference */
	unsigned told;          /* the version that the client has, 0: none */
	enum progress_stage stage;
	bool begun;
	double event_at_ms, ping_at_ms; /* when the next one is due */
};

static struct job_events *of_stream(struct http_stream *s)
{
	return (struct job_events *)(void *)s;
}

static void destroy(struct shared *self)
{
	struct job_events *e = (struct job_events *)(void *)((char *)self - offsetof(struct job_events, shared));

	job_unref(e->job);
	free(e);
}

/* ---- what is said ---- */

static bool append(struct ofa_buf *out, const char *text)
{
	return ofa_buf_append(out, text, strlen(text)) == OFA_OK;
}

static bool append_event(struct job_events *e, const struct job_view *v, struct ofa_buf *out)
{
	json_t *json = job_format(e->call, v);
	char *data = json ? json_dumps(json, JSON_COMPACT) : NULL;
	char head[64];
	bool ok;

	snprintf(head, sizeof(head), "id: %u\nevent: %s\ndata: ", v->version, job_view_over(v) ? "end" : "progress");
	ok = data && append(out, head) && append(out, data) && append(out, "\n\n");
	json_decref(json);
	free(data);
	return ok;
}

/* A job that is over, and one that enters another stage, say so at once; progress is told now and then. */
static bool event_due(const struct job_events *e, const struct job_view *v, double now)
{
	/* what another server has told may be newer than what is known of it here */
	if (v->version == e->told || (v->elsewhere && v->version < e->told))
		return false;
	return job_view_over(v) || v->stage != e->stage || now >= e->event_at_ms;
}

static enum http_stream_next next(struct http_stream *stream, struct ofa_buf *out)
{
	struct job_events *e = of_stream(stream);
	const struct settings *s = e->app->settings;
	double now = clock_ms();
	struct job_view v;

	jobs_view(e->app->jobs, e->job, &v);
	if (!e->begun && !append(out, RETRY))
		return HTTP_STREAM_END;
	if (event_due(e, &v, now)) {
		if (!append_event(e, &v, out) || job_view_over(&v))
			return HTTP_STREAM_END;
		e->told = v.version;
		e->stage = v.stage;
		e->event_at_ms = now + s->event_ms;
	} else if (now >= e->ping_at_ms) {
		if (!append(out, ": ping\n\n"))
			return HTTP_STREAM_END;
	} else if (e->begun) {
		return HTTP_STREAM_WAIT;
	}
	e->begun = true;
	e->ping_at_ms = now + s->ping_seconds * 1e3;
	return HTTP_STREAM_MORE;
}

/* ---- when ---- */

static void on_over(struct job_listener *listener)
{
	struct job_events *e = (struct job_events *)(void *)((char *)listener - offsetof(struct job_events, listener));

	http_stream_wake(&e->stream);
	shared_unref(&e->shared);
}

static void on_time(struct timer *timer)
{
	struct job_events *e = (struct job_events *)(void *)((char *)timer - offsetof(struct job_events, timer));

	http_stream_wake(&e->stream);
	shared_unref(&e->shared);
}

static void disarm(struct job_events *e)
{
	if (timers_cancel(e->app->timers, &e->timer))
		shared_unref(&e->shared);
	if (jobs_unlisten(e->app->jobs, &e->listener))
		shared_unref(&e->shared);
}

static void arm(struct http_stream *stream)
{
	struct job_events *e = of_stream(stream);
	double now = clock_ms();
	double at = fmax(fmin(fmax(e->event_at_ms, now + e->app->settings->event_ms), e->ping_at_ms), now);

	disarm(e);
	shared_ref(&e->shared);
	/* without a timer it is woken by the end of the job */
	if (!timers_set(e->app->timers, &e->timer, at - now))
		shared_unref(&e->shared);
	shared_ref(&e->shared);
	if (!jobs_listen(e->app->jobs, e->job, &e->listener)) {
		shared_unref(&e->shared);
		http_stream_wake(stream);
	}
}

static void close_events(struct http_stream *stream)
{
	struct job_events *e = of_stream(stream);

	disarm(e);
	shared_unref(&e->shared);
}

/* ---- the operation ---- */

/* The version that the client has; false: the field is none of ours, and the reply says so. */
static bool read_last(struct http_call *call, unsigned *ret)
{
	const char *field = call->request.header[HTTP_LAST_EVENT_ID];
	size_t n = field ? strspn(field, "0123456789") : 0;

	*ret = 0;
	if (!field)
		return true;
	if (n == 0 || n > ID_DIGITS || field[n]) {
		problem_reply(call, PROBLEM_INVALID, "Last-Event-ID",
			      "Last-Event-ID must be the id of an event: a number of at most %d digits", ID_DIGITS);
		return false;
	}
	*ret = (unsigned)strtoul(field, NULL, 10);
	return true;
}

static struct job_events *events_new(struct app *app, struct http_call *call, struct job *j, unsigned told)
{
	struct job_events *e = calloc(1, sizeof(*e));

	if (!e) {
		job_unref(j);
		return NULL;
	}
	shared_init(&e->shared, destroy);
	e->stream = (struct http_stream){.next = next, .arm = arm, .close = close_events};
	e->listener.wake = on_over;
	e->timer.fire = on_time;
	e->app = app;
	e->call = call;
	e->job = j;
	e->told = told;
	e->stage = PROGRESS_STAGE_COUNT;
	return e;
}

/* An id that is yet to come is none of this job's, unless another server may have told it. */
static unsigned known(unsigned told, const struct job_view *v)
{
	const bool later = told > v->version;

	if (later && v->elsewhere && told / JOB_TERM_VERSIONS == v->version / JOB_TERM_VERSIONS)
		return told;
	return later ? 0 : told;
}

enum http_next job_events_get(struct app *app, struct http_call *call)
{
	static const char *const types[] = {EVENTS_TYPE};
	struct job_events *e;
	enum http_next next;
	struct job_view v;
	unsigned told;
	struct job *j;

	if (choose_type(call, types, 1) < 0 || !read_last(call, &told))
		return HTTP_REPLY;
	j = job_find(app, call, &next);
	if (!j)
		return next;
	jobs_view(app->jobs, j, &v);
	if (job_view_over(&v) && told == v.version) {
		/* all was said; this status tells clients not to come back */
		call->reply.status = 204;
		job_unref(j);
		return HTTP_REPLY;
	}
	e = events_new(app, call, j, known(told, &v));
	if (!e) {
		call->reply.failed = true;
		return HTTP_REPLY;
	}
	http_reply_stream(&call->reply, 200, EVENTS_TYPE, &e->stream);
	http_reply_header_lasting(&call->reply, "Cache-Control", "no-store");
	return HTTP_REPLY;
}
