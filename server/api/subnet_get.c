#include "api/body.h"
#include "api/problem.h"
#include "api/resources.h"
#include "api/subnet_reply.h"
#include "service/manifest.h"

#define IMMUTABLE "public, max-age=31536000, immutable"

void subnet_reply_package(struct http_call *call, struct package *p)
{
	http_reply_shared(&call->reply, 200, PACKAGE_TYPE, &p->shared, p->data, p->size);
	http_reply_etag(&call->reply, p->sha256);
	http_reply_digest(&call->reply, p->sha256);
	call->note.package = true;
}

enum http_next subnet_get(struct app *app, struct http_call *call)
{
	static const char *const package_type[] = {PACKAGE_TYPE};
	const char *id = http_param(&call->request.params, "id");
	struct package *p = packages_peek(app->packages, id);
	struct ofa_error err = {0};
	enum ofa_status st = OFA_OK;

	if (choose_type(call, package_type, 1) < 0) {
		package_unref(p);
		return HTTP_REPLY;
	}
	if (!p && !http_call_on_worker(call))
		return HTTP_OFFLOAD; /* reading and hashing a file takes longer than an HTTP thread has */
	if (!p)
		st = packages_get(app->packages, id, &p, &err);
	if (st != OFA_OK) {
		problem_reply_error(call, st, &err);
		return HTTP_REPLY;
	}
	subnet_reply_package(call, p);
	call->reply.ranges = true;
	http_reply_header_lasting(&call->reply, "Cache-Control", IMMUTABLE);
	http_reply_header(&call->reply, "Link", "</subnets/%s/manifest>; rel=\"describedby\"", p->id);
	package_unref(p);
	return HTTP_REPLY;
}

enum http_next subnet_manifest_get(struct app *app, struct http_call *call)
{
	const char *id = http_param(&call->request.params, "id");
	struct ofa_error err = {0};
	struct ofa_buf manifest;
	enum ofa_status st;

	if (!accepts_json(call))
		return HTTP_REPLY;
	ofa_buf_init(&manifest, MANIFEST_MAX);
	st = app->store->driver->delivery_by_subnet(app->store, id, &manifest, &err);
	if (st == OFA_OK) {
		http_reply_json_text(&call->reply, 200, "application/json", (const char *)manifest.data, manifest.len);
		http_reply_header(&call->reply, "Cache-Control", "no-cache");
	} else if (st == OFA_ERR_NOT_FOUND) {
		problem_reply(call, PROBLEM_NOT_FOUND, NULL, "there is no subnet %.80s", id);
	} else {
		problem_reply_error(call, st, &err);
	}
	ofa_buf_release(&manifest);
	return HTTP_REPLY;
}
