#include "api/body.h"
#include "api/problem.h"
#include "api/resources.h"
#include "api/subnet_package.h"
#include "api/subnet_reply.h"
#include "service/manifest.h"

#define IMMUTABLE "public, max-age=31536000, immutable"
/* Another version of the server may write the same network in other words. */
#define EXPORTED "public, max-age=86400"

void subnet_reply_package(struct http_call *call, struct package *p)
{
	http_reply_shared(&call->reply, 200, PACKAGE_TYPE, &p->shared, p->data, p->size);
	http_reply_etag(&call->reply, p->sha256);
	http_reply_digest(&call->reply, p->sha256);
	call->note.package = true;
}

void subnet_reply_export(struct http_call *call, struct exported *x)
{
	http_reply_shared(&call->reply, 200, x->media_type, &x->shared, x->data, x->size);
	http_reply_etag(&call->reply, x->sha256);
	http_reply_digest(&call->reply, x->sha256);
}

void subnet_refuse_export(struct http_call *call, enum ofa_status st, const struct ofa_error *err)
{
	if (st == OFA_ERR_UNSUPPORTED)
		problem_reply(call, PROBLEM_NOT_ACCEPTABLE, "Accept", "%s; there is " PACKAGE_TYPE, err->message);
	else
		problem_reply_error(call, st, err);
}

static void describe(struct http_call *call, const char *id, const char *cache_control)
{
	call->reply.ranges = true;
	http_reply_header_lasting(&call->reply, "Cache-Control", cache_control);
	http_reply_header_lasting(&call->reply, "Vary", "Accept");
	http_reply_header(&call->reply, "Link", "</subnets/%s/manifest>; rel=\"describedby\"", id);
}

static enum http_next get_package(struct app *app, struct http_call *call, const char *id)
{
	enum http_next next;
	struct package *p;

	if (!subnet_package(app, call, id, &p, &next))
		return next;
	subnet_reply_package(call, p);
	describe(call, p->id, IMMUTABLE);
	package_unref(p);
	return HTTP_REPLY;
}

static enum http_next get_export(struct app *app, struct http_call *call, const char *id, enum ofa_export_format format)
{
	struct exported *x = call->rebuild ? NULL : exports_peek(app->exports, id, format);
	struct package *p = NULL;
	struct ofa_error err = {0};
	enum ofa_status st = OFA_OK;
	enum http_next next;

	if (!x && !subnet_package(app, call, id, &p, &next))
		return next;
	if (!x && !http_call_on_worker(call)) {
		package_unref(p);
		return HTTP_OFFLOAD;
	}
	if (p)
		st = exports_get(app->exports, p, format, &x, &err);
	package_unref(p);
	if (st != OFA_OK) {
		subnet_refuse_export(call, st, &err);
		return HTTP_REPLY;
	}
	subnet_reply_export(call, x);
	describe(call, id, EXPORTED);
	exported_unref(x);
	return HTTP_REPLY;
}

enum http_next subnet_get(struct app *app, struct http_call *call)
{
	static const char *const types[] = {PACKAGE_TYPE, ONNX_TYPE, TFLITE_TYPE};
	const char *id = http_param(&call->request.params, "id");

	switch (choose_type(call, types, OFA_ARRAY_LEN(types))) {
	case 0:
		return get_package(app, call, id);
	case 1:
		return get_export(app, call, id, OFA_EXPORT_ONNX);
	case 2:
		return get_export(app, call, id, OFA_EXPORT_TFLITE);
	default:
		return HTTP_REPLY;
	}
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
