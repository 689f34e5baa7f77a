#include <stddef.h>
#include <stdlib.h>
#include "api/problem.h"
#include "api/subnet_package.h"
#include "app.h"
#include "service/rebuilding.h"

/* References: the call's, and the rebuild's while it has the waiter. */
struct http_rebuild {
	struct shared shared;
	struct flight_waiter waiter;
	struct http_call *call;
	struct rebuild *rebuild; /* a reference */
	bool begun;              /* the call was suspended for it */
};

static void wait_destroy(struct shared *self)
{
	struct http_rebuild *w = (struct http_rebuild *)(void *)self;

	rebuild_unref(w->rebuild);
	free(w);
}

static void on_landed(struct flight_waiter *waiter)
{
	struct http_rebuild *w =
		(struct http_rebuild *)(void *)((char *)waiter - offsetof(struct http_rebuild, waiter));

	http_call_resume(w->call);
	shared_unref(&w->shared);
}

static void on_suspended(struct http_call *call)
{
	struct http_rebuild *w = call->rebuild;

	shared_ref(&w->shared);
	if (!rebuild_wait(w->rebuild, &w->waiter)) {
		http_call_resume(call);
		shared_unref(&w->shared);
	}
}

/* The client is gone.  The package is made all the same: most likely it will ask again. */
static void on_dropped(struct http_call *call)
{
	struct http_rebuild *w = call->rebuild;

	call->rebuild = NULL;
	if (rebuild_unwait(w->rebuild, &w->waiter))
		shared_unref(&w->shared);
	shared_unref(&w->shared);
}

static enum http_next begin(struct http_call *call, struct rebuild *b)
{
	struct http_rebuild *w = calloc(1, sizeof(*w));

	if (!w) {
		rebuild_unref(b);
		call->reply.failed = true;
		return HTTP_REPLY;
	}
	shared_init(&w->shared, wait_destroy);
	w->waiter.wake = on_landed;
	w->call = call;
	w->rebuild = b;
	call->rebuild = w;
	call->on_suspended = on_suspended;
	call->on_dropped = on_dropped;
	return HTTP_RETURN;
}

/* It has landed. */
static bool end(struct http_call *call, struct package **ret, enum http_next *ret_next)
{
	struct http_rebuild *w = call->rebuild;
	const struct rebuild *b = w->rebuild;
	const bool ok = b->status == OFA_OK;

	call->rebuild = NULL;
	call->on_dropped = NULL;
	if (ok) {
		shared_ref(&b->package->shared);
		*ret = b->package;
	} else {
		problem_reply_error(call, b->status, &b->error);
		*ret_next = HTTP_REPLY;
	}
	shared_unref(&w->shared);
	return ok;
}

static bool ask(struct app *app, struct http_call *call, const char *id, struct package **ret, enum http_next *ret_next)
{
	struct ofa_error err = {0}, absent = {0};
	struct rebuild *b;
	enum ofa_status st = packages_get(app->packages, id, ret, &absent);

	if (st == OFA_OK)
		return true;
	if (st == OFA_ERR_NOT_FOUND && package_id_valid(id))
		st = rebuilds_ask(&app->rebuilds, id, NULL, &b, &err);
	else
		err = absent;
	if (st == OFA_OK) {
		*ret_next = begin(call, b);
		return false;
	}
	problem_reply_error(call, st, &err);
	*ret_next = HTTP_REPLY;
	return false;
}

bool subnet_package(struct app *app, struct http_call *call, const char *id, struct package **ret,
		    enum http_next *ret_next)
{
	if (call->rebuild && call->rebuild->begun)
		return end(call, ret, ret_next);
	if (call->rebuild) {
		call->rebuild->begun = true;
		*ret_next = HTTP_SUSPEND;
		return false;
	}
	*ret = packages_peek(app->packages, id);
	if (*ret)
		return true;
	if (http_call_on_worker(call))
		return ask(app, call, id, ret, ret_next);
	*ret_next = HTTP_OFFLOAD; /* reading and hashing a file takes longer than an HTTP thread has */
	return false;
}
