#include <string.h>
#include "api/body.h"
#include "api/problem.h"
#include "api/resources.h"
#include "embedded.h"
#include "http/negotiate.h"

#define PAGE "index.html"

/* Nothing from elsewhere, no script or style inside a page, in nobody's frame.  Compiling WebAssembly has a word of its
 * own; what it may call is as narrow as any script. */
static const char policy[] = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; object-src 'none'; "
			     "base-uri 'none'; frame-ancestors 'none'; form-action 'self'";

void page_protect(struct http_reply *r, const char *content_security_policy)
{
	http_reply_header_lasting(r, "Content-Security-Policy", content_security_policy);
	http_reply_header_lasting(r, "X-Content-Type-Options", "nosniff");
	http_reply_header_lasting(r, "Referrer-Policy", "no-referrer");
	http_reply_header_lasting(r, "Cross-Origin-Opener-Policy", "same-origin");
}

void page_policy(struct http_reply *r)
{
	page_protect(r, policy);
}

static const struct embedded_file *find_file(const char *name)
{
	for (size_t i = 0; i < n_embedded_files; i++)
		if (strcmp(embedded_files[i].name, name) == 0)
			return &embedded_files[i];
	return NULL;
}

/* NULL: then the reply is the 406 that lists what there is. */
static const struct embedded_content *choose_content(struct http_call *call, const struct embedded_file *file)
{
	bool gzip = file->gzip.data != NULL;

	switch (http_accept_coding(call->request.header[HTTP_ACCEPT_ENCODING], gzip)) {
	case HTTP_CODING_GZIP:
		return &file->gzip;
	case HTTP_CODING_IDENTITY:
		return &file->plain;
	case HTTP_CODING_NONE:
		break;
	}
	problem_reply(call, PROBLEM_NOT_ACCEPTABLE, http_header_name(HTTP_ACCEPT_ENCODING), "there is %s",
		      gzip ? "gzip, identity" : "identity");
	return NULL;
}

/* `type`: as it is sent.  `vary`: what the choice of these bytes depended on. */
static void reply_file(struct http_call *call, const struct embedded_file *file, const char *type, const char *vary)
{
	const struct embedded_content *content = choose_content(call, file);
	struct http_reply *r = &call->reply;

	if (!content)
		return;
	http_reply_static(r, 200, type, content->data, content->size);
	http_reply_etag(r, content->sha256);
	if (content == &file->gzip)
		http_reply_header_lasting(r, "Content-Encoding", "gzip");
	http_reply_header_lasting(r, "Cache-Control", "no-cache");
	http_reply_header_lasting(r, "Vary", vary);
	page_policy(r);
}

void static_reply_page(struct http_call *call)
{
	reply_file(call, find_file(PAGE), "text/html; charset=utf-8", "Accept, Accept-Encoding");
}

enum http_next static_get(struct app *app, struct http_call *call)
{
	const char *name = http_param(&call->request.params, "file");
	const struct embedded_file *file = find_file(name);

	(void)app;
	/* the page's links are right at / alone */
	if (!file || strcmp(name, PAGE) == 0)
		problem_reply(call, PROBLEM_NOT_FOUND, NULL, "the dashboard has no such file");
	else if (choose_type(call, &file->type, 1) == 0)
		reply_file(call, file, file->type, "Accept-Encoding");
	return HTTP_REPLY;
}
