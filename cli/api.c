#include "api.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"

#define CONNECT_TIMEOUT_S 10L
#define STALL_TIMEOUT_S 60L /* give up when less than a byte per second came for so long */
#define MAX_URL 2048
#define TOKEN_MAX 1024 /* with its NUL */

/* What libcurl's callbacks work on. */
struct exchange {
	CURL *curl;
	const struct api_request *req;
	struct api_response *response;
	bool begun;              /* the receiver knows where the body begins */
	enum ofa_status refused; /* why a callback ended the exchange */
	struct ofa_error *err;
};

/* First byte of "bytes FIRST-LAST/SIZE"; UINT64_MAX when it is none. */
static uint64_t range_begin(const char *content_range)
{
	static const char unit[] = "bytes ";
	char *end;
	unsigned long long first;

	if (strncasecmp(content_range, unit, sizeof unit - 1) != 0)
		return UINT64_MAX;
	first = strtoull(content_range + sizeof unit - 1, &end, 10);
	return *end == '-' ? first : UINT64_MAX;
}

static enum ofa_status begin_body(struct exchange *x, long status)
{
	uint64_t from = status == 206 ? range_begin(x->response->content_range) : 0;

	x->begun = true;
	if (from == UINT64_MAX)
		return ofa_fail(x->err, OFA_ERR_FORMAT, "Content-Range", "'%s' does not say which bytes came",
		                x->response->content_range);
	return x->req->receiver->begin(x->req->receiver->ctx, from, x->err);
}

static enum ofa_status take_body(struct exchange *x, const char *data, size_t size)
{
	const struct api_receiver *receiver = x->req->receiver;
	long status = 0;
	enum ofa_status st = OFA_OK;

	curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &status);
	if (!receiver || (status != 200 && status != 206)) {
		st = ofa_buf_append(&x->response->body, data, size);
		return st == OFA_OK ? st : ofa_fail(x->err, OFA_ERR_LIMIT, x->req->url,
		                                    "the answer is larger than %u bytes", API_MAX_BODY_BYTES);
	}
	if (!x->begun)
		st = begin_body(x, status);
	return st == OFA_OK ? receiver->take(receiver->ctx, data, size, x->err) : st;
}

static size_t receive_body(char *data, size_t one, size_t n, void *ctx)
{
	struct exchange *x = ctx;

	x->refused = take_body(x, data, one * n);
	return x->refused == OFA_OK ? one * n : 0;
}

/* The value of a header line when it is the one named, without the line's end. */
static void keep_header(const char *line, size_t len, const char *name, char out[API_MAX_HEADER])
{
	size_t skip = strlen(name);

	if (len <= skip || strncasecmp(line, name, skip) != 0 || line[skip] != ':')
		return;
	for (skip++; skip < len && (line[skip] == ' ' || line[skip] == '\t'); skip++)
		;
	while (len > skip && (line[len - 1] == '\r' || line[len - 1] == '\n' || line[len - 1] == ' '))
		len--;
	if (len - skip >= API_MAX_HEADER)
		return;
	memcpy(out, line + skip, len - skip);
	out[len - skip] = '\0';
}

static size_t receive_header(char *line, size_t one, size_t n, void *ctx)
{
	struct api_response *r = ((struct exchange *)ctx)->response;

	keep_header(line, one * n, "Repr-Digest", r->repr_digest);
	keep_header(line, one * n, "Content-Location", r->content_location);
	keep_header(line, one * n, "Content-Range", r->content_range);
	keep_header(line, one * n, "Location", r->location);
	keep_header(line, one * n, "Server-Timing", r->server_timing);
	keep_header(line, one * n, "ETag", r->etag);
	return one * n;
}

static enum ofa_status full_url(const struct api_request *req, char out[MAX_URL], struct ofa_error *err)
{
	size_t len = strlen(req->url);

	while (len > 0 && req->url[len - 1] == '/')
		len--;
	if (snprintf(out, MAX_URL, "%.*s%s", (int)len, req->url, req->path) >= MAX_URL)
		return ofa_fail(err, OFA_ERR_LIMIT, "URL", "longer than %d bytes", MAX_URL - 1);
	return OFA_OK;
}

enum ofa_status api_problem(const json_t *problem, long status, const char *url, struct ofa_error *err)
{
	const char *title = json_string_value(json_object_get(problem, "title"));
	const char *detail = json_string_value(json_object_get(problem, "detail"));
	json_t *first = json_array_get(json_object_get(problem, "errors"), 0);
	const char *pointer = json_string_value(json_object_get(first, "pointer"));
	json_t *feasible = json_object_get(problem, "feasible");
	char *ranges = feasible ? json_dumps(feasible, JSON_COMPACT | JSON_REAL_PRECISION(6)) : NULL;
	enum ofa_status st = ranges ? OFA_ERR_INFEASIBLE : status == 404 ? OFA_ERR_NOT_FOUND : OFA_ERR_INVALID;

	if (status >= 500)
		st = OFA_ERR_IO;
	if (title)
		ofa_fail(err, st, pointer, "%s%s%s%s%s (HTTP %ld)", title, detail ? ": " : "", detail ? detail : "",
		         ranges ? "; feasible: " : "", ranges ? ranges : "", status);
	else
		ofa_fail(err, st, pointer, "%s answered HTTP %ld without saying why; is it an ofad server?", url,
		         status);
	free(ranges);
	return st;
}

/* The error that a non-2xx answer tells. */
static enum ofa_status read_problem(const struct api_response *r, const char *url, struct ofa_error *err)
{
	json_t *problem = json_loadb((const char *)r->body.data, r->body.len, 0, NULL);
	enum ofa_status st = api_problem(problem, r->status, url, err);

	json_decref(problem);
	return st;
}

/* The value of Authorization, "" for none: never a line break that would begin another header. */
static enum ofa_status load_token(const struct api_access *access, char out[sizeof "Bearer " + TOKEN_MAX],
                                  struct ofa_error *err)
{
	const char *file = access ? access->token_file : NULL, *text = getenv("OFA_TOKEN");
	uint8_t *data = NULL;
	size_t size, len;
	enum ofa_status st = OFA_OK;

	out[0] = '\0';
	if (file)
		st = ofa_file_read(file, 2 * TOKEN_MAX, &data, &size, err);
	if (st != OFA_OK || (!file && (!text || !*text)))
		return st;
	if (file)
		text = (const char *)data;
	len = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=");
	if (len == 0 || len >= TOKEN_MAX || text[len + strspn(text + len, "\r\n")])
		st = ofa_fail(err, OFA_ERR_FORMAT, file ? "--token-file" : "OFA_TOKEN",
		              "%s holds no token, which is one word of A-Z a-z 0-9 - . _ ~ + / and = in one line",
		              file ? file : "the variable OFA_TOKEN");
	else
		snprintf(out, sizeof "Bearer " + TOKEN_MAX, "Bearer %.*s", (int)len, text);
	free(data);
	return st;
}

static void set_up_tls(CURL *curl, const struct api_access *access)
{
	curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (access && access->cacert)
		curl_easy_setopt(curl, CURLOPT_CAINFO, access->cacert);
	if (access && access->cert) {
		curl_easy_setopt(curl, CURLOPT_SSLCERT, access->cert);
		curl_easy_setopt(curl, CURLOPT_SSLKEY, access->key ? access->key : access->cert);
	}
}

static void set_up(struct exchange *x, const char *url, const char *body, struct curl_slist *headers)
{
	CURL *curl = x->curl;

	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	set_up_tls(curl, x->req->access);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, x->req->method);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	if (body)
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT_S);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, STALL_TIMEOUT_S);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, x);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, receive_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, x);
}

/* Failures of the way to the server and back, not of what was asked for. */
static bool is_transient(CURLcode rc)
{
	switch (rc) {
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
	case CURLE_OPERATION_TIMEDOUT:
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_PARTIAL_FILE:
	case CURLE_SSL_CONNECT_ERROR:
		return true;
	default:
		return false;
	}
}

static bool is_transient_status(long status)
{
	return status == 408 || status == 429 || status == 502 || status == 503 || status == 504;
}

static enum ofa_status perform(struct exchange *x, const char *url)
{
	struct api_response *r = x->response;
	CURLcode rc = curl_easy_perform(x->curl);
	curl_off_t retry_after = 0;

	curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &r->status);
	if (x->refused != OFA_OK)
		return x->refused;
	r->transient = rc == CURLE_OK ? is_transient_status(r->status) : is_transient(rc);
	if (rc == CURLE_COULDNT_CONNECT)
		return ofa_fail(x->err, OFA_ERR_IO, url,
		                "no server answers there; start one with `ofad --network FILE`");
	if (rc != CURLE_OK)
		return ofa_fail(x->err, OFA_ERR_IO, url, "%s", curl_easy_strerror(rc));
	curl_easy_getinfo(x->curl, CURLINFO_RETRY_AFTER, &retry_after);
	r->retry_after_s = (double)retry_after;
	return r->status >= 200 && r->status < 300 ? OFA_OK : read_problem(r, url, x->err);
}

#define MAX_FIELD (TOKEN_MAX + 64)

/* Adds "NAME: VALUE"; NULL is passed on as it came, and comes when memory is short. */
static struct curl_slist *add_header(struct curl_slist *list, const char *name, const char *value)
{
	char line[MAX_FIELD];
	struct curl_slist *longer;

	if (!list)
		return NULL;
	snprintf(line, sizeof line, "%s: %s", name, value);
	longer = curl_slist_append(list, line);
	if (!longer)
		curl_slist_free_all(list);
	return longer;
}

/* "Expect:" keeps curl from waiting for a 100 before it sends a larger body. */
static struct curl_slist *make_headers(const struct api_request *req, const char *token)
{
	struct curl_slist *list = curl_slist_append(NULL, "Expect:");
	char range[48];

	list = add_header(list, "Accept", req->accept);
	if (*token)
		list = add_header(list, "Authorization", token);
	if (req->body)
		list = add_header(list, "Content-Type", "application/json");
	if (req->prefer)
		list = add_header(list, "Prefer", req->prefer);
	if (req->if_range) {
		snprintf(range, sizeof range, "bytes=%llu-", (unsigned long long)req->from);
		list = add_header(list, "Range", range);
		list = add_header(list, "If-Range", req->if_range);
	}
	if (req->if_match)
		list = add_header(list, "If-Match", req->if_match);
	if (req->if_none_match)
		list = add_header(list, "If-None-Match", req->if_none_match);
	return list;
}

enum ofa_status api_send(const struct api_request *req, struct api_response *ret, struct ofa_error *err)
{
	char url[MAX_URL], token[sizeof "Bearer " + TOKEN_MAX];
	struct exchange x = {.req = req, .response = ret, .err = err};
	struct curl_slist *headers = NULL;
	char *body = NULL;
	enum ofa_status st;

	*ret = (struct api_response){.transient = false};
	ofa_buf_init(&ret->body, API_MAX_BODY_BYTES);
	st = full_url(req, url, err);
	if (st == OFA_OK)
		st = load_token(req->access, token, err);
	if (st != OFA_OK)
		return st;
	x.curl = curl_easy_init();
	headers = make_headers(req, token);
	body = req->body ? json_dumps(req->body, JSON_COMPACT) : NULL;
	if (!x.curl || !headers || (req->body && !body)) {
		st = ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory before the request");
	} else {
		set_up(&x, url, body, headers);
		st = perform(&x, url);
	}
	free(body);
	curl_slist_free_all(headers);
	curl_easy_cleanup(x.curl);
	return st;
}

void api_response_release(struct api_response *r)
{
	ofa_buf_release(&r->body);
}
