#include "api.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/sha256.h"

#define CONNECT_TIMEOUT_S 10L
#define STALL_TIMEOUT_S 60L /* give up when less than a byte per second came for so long */
#define MAX_URL 2048
#define TOKEN_MAX 1024 /* with its NUL */

static size_t receive_body(char *data, size_t one, size_t n, void *ctx)
{
	struct api_response *r = ctx;

	return ofa_buf_append(&r->body, data, one * n) == OFA_OK ? one * n : 0;
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
	struct api_response *r = ctx;

	keep_header(line, one * n, "Repr-Digest", r->repr_digest);
	keep_header(line, one * n, "Content-Location", r->content_location);
	keep_header(line, one * n, "Server-Timing", r->server_timing);
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

/* The error that a non-2xx answer tells.  Anything but a problem document is shown by its status alone. */
static enum ofa_status read_problem(const struct api_response *r, const char *url, struct ofa_error *err)
{
	json_t *problem = json_loadb((const char *)r->body.data, r->body.len, 0, NULL);
	const char *title = json_string_value(json_object_get(problem, "title"));
	const char *detail = json_string_value(json_object_get(problem, "detail"));
	json_t *first = json_array_get(json_object_get(problem, "errors"), 0);
	const char *pointer = json_string_value(json_object_get(first, "pointer"));
	json_t *feasible = json_object_get(problem, "feasible");
	char *ranges = feasible ? json_dumps(feasible, JSON_COMPACT | JSON_REAL_PRECISION(6)) : NULL;
	enum ofa_status st = ranges ? OFA_ERR_INFEASIBLE : r->status == 404 ? OFA_ERR_NOT_FOUND : OFA_ERR_INVALID;

	if (r->status >= 500)
		st = OFA_ERR_IO;
	if (title)
		ofa_fail(err, st, pointer, "%s%s%s%s%s (HTTP %ld)", title, detail ? ": " : "", detail ? detail : "",
		         ranges ? "; feasible: " : "", ranges ? ranges : "", r->status);
	else
		ofa_fail(err, st, pointer, "%s answered HTTP %ld without saying why; is it an ofad server?", url,
		         r->status);
	free(ranges);
	json_decref(problem);
	return st;
}

/* The token as it goes into a header, "" for none: never a line break that would begin another one. */
static enum ofa_status load_token(const struct api_access *access, char out[TOKEN_MAX], struct ofa_error *err)
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
		snprintf(out, TOKEN_MAX, "%.*s", (int)len, text);
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

static void set_up(CURL *curl, const struct api_request *req, const char *url, const char *body,
                   struct curl_slist *headers, struct api_response *r)
{
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	set_up_tls(curl, req->access);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, req->method);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	if (body)
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT_S);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, STALL_TIMEOUT_S);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, r);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, receive_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, r);
}

static enum ofa_status perform(CURL *curl, const char *url, struct api_response *r, struct ofa_error *err)
{
	CURLcode rc = curl_easy_perform(curl);

	if (rc == CURLE_COULDNT_CONNECT)
		return ofa_fail(err, OFA_ERR_IO, url, "no server answers there; start one with `ofad --network FILE`");
	if (rc == CURLE_WRITE_ERROR)
		return ofa_fail(err, OFA_ERR_LIMIT, url, "the answer is larger than %u bytes", API_MAX_BODY_BYTES);
	if (rc != CURLE_OK)
		return ofa_fail(err, OFA_ERR_IO, url, "%s", curl_easy_strerror(rc));
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &r->status);
	return r->status >= 200 && r->status < 300 ? OFA_OK : read_problem(r, url, err);
}

/* "Expect:" keeps curl from waiting for a 100 before it sends a larger body. */
static struct curl_slist *make_headers(const struct api_request *req, const char *token)
{
	char accept[128], authorization[TOKEN_MAX + 32];
	struct curl_slist *list = curl_slist_append(NULL, "Expect:");

	snprintf(accept, sizeof accept, "Accept: %s", req->accept);
	list = curl_slist_append(list, accept);
	if (*token) {
		snprintf(authorization, sizeof authorization, "Authorization: Bearer %s", token);
		list = curl_slist_append(list, authorization);
	}
	return req->body ? curl_slist_append(list, "Content-Type: application/json") : list;
}

enum ofa_status api_send(const struct api_request *req, struct api_response *ret, struct ofa_error *err)
{
	char url[MAX_URL], token[TOKEN_MAX];
	struct api_response r = {0};
	struct curl_slist *headers = NULL;
	char *body = NULL;
	CURL *curl = NULL;
	enum ofa_status st = full_url(req, url, err);

	if (st == OFA_OK)
		st = load_token(req->access, token, err);
	if (st != OFA_OK)
		return st;
	ofa_buf_init(&r.body, API_MAX_BODY_BYTES);
	curl = curl_easy_init();
	headers = make_headers(req, token);
	body = req->body ? json_dumps(req->body, JSON_COMPACT) : NULL;
	if (!curl || !headers || (req->body && !body)) {
		st = ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory before the request");
		goto out;
	}
	set_up(curl, req, url, body, headers, &r);
	st = perform(curl, url, &r, err);
out:
	free(body);
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
	if (st == OFA_OK)
		*ret = r;
	else
		api_response_release(&r);
	return st;
}

void api_response_release(struct api_response *r)
{
	ofa_buf_release(&r->body);
}

/* Base64 of a SHA-256: 10 groups of three bytes and one of two, then "=". */
static void base64_of_sha256(const uint8_t in[OFA_SHA256_BYTES], char out[45])
{
	static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (int i = 0; i < 11; i++) {
		uint32_t third = i < 10 ? in[3 * i + 2] : 0;
		uint32_t bits = (uint32_t)in[3 * i] << 16 | (uint32_t)in[3 * i + 1] << 8 | third;
		for (int j = 0; j < 4; j++)
			out[4 * i + j] = digit[bits >> (18 - 6 * j) & 63];
	}
	out[43] = '=';
	out[44] = '\0';
}

enum ofa_status api_check_digest(const char *repr_digest, const void *data, size_t size, struct ofa_error *err)
{
	static const char prefix[] = "sha-256=:";
	const char *value = strstr(repr_digest, prefix);
	uint8_t digest[OFA_SHA256_BYTES];
	char expected[45];

	if (!value)
		return ofa_fail(err, OFA_ERR_FORMAT, "Repr-Digest",
		                "'%s' holds no sha-256; nothing to verify the download by", repr_digest);
	value += sizeof prefix - 1;
	ofa_sha256(data, size, digest);
	base64_of_sha256(digest, expected);
	if (strncmp(value, expected, 44) != 0 || value[44] != ':')
		return ofa_fail(err, OFA_ERR_MISMATCH, "Repr-Digest",
		                "the %zu bytes received have SHA-256 %s, the server announced %s; pull again", size,
		                expected, value);
	return OFA_OK;
}
