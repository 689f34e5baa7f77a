/* The dashboard's files as a browser gets them from a live ofad. */
#include <curl/curl.h>
#include <string.h>
#include <zlib.h>

#include "base/sha256.h"
#include "daemon.h"
#include "embedded.h"

#define POLICY                                                                                                         \
	"default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; object-src 'none'; base-uri 'none'; "               \
	"frame-ancestors 'none'; form-action 'self'"
#define PAGE "index.html"
/* What a first visit may cost, without WebAssembly. */
#define BUNDLE_MAX 120000

/* A request for this file as a browser makes it; `headers` may be NULL. */
static void get_file(const struct daemon *d, const char *method, const struct embedded_file *file, const char *headers,
		     struct reply *ret)
{
	char path[128] = "/", all[512];
	bool page = strcmp(file->name, PAGE) == 0;

	if (!page)
		snprintf(path, sizeof(path), "/static/%s", file->name);
	snprintf(all, sizeof(all), "Accept: %s\n%s", page ? "text/html,*/*;q=0.1" : "*/*", headers ? headers : "");
	ask(d, method, path, all, NULL, ret);
}

/* What a browser relies on, whatever the coding. */
static void check_headers(const struct embedded_file *file, const struct reply *r)
{
	bool page = strcmp(file->name, PAGE) == 0;

	ck_assert_str_eq(reply_header(r, "Cache-Control"), "no-cache");
	ck_assert_str_eq(reply_header(r, "Vary"), page ? "Accept, Accept-Encoding" : "Accept-Encoding");
	ck_assert_str_eq(reply_header(r, "Content-Security-Policy"), POLICY);
	ck_assert_str_eq(reply_header(r, "X-Content-Type-Options"), "nosniff");
	ck_assert_str_eq(reply_header(r, "Referrer-Policy"), "no-referrer");
	ck_assert_str_eq(reply_header(r, "Cross-Origin-Opener-Policy"), "same-origin");
	ck_assert_ptr_null(reply_header(r, "Accept-Ranges"));
}

static void check_etag(const struct reply *r, const void *data, size_t size)
{
	uint8_t sha256[OFA_SHA256_BYTES];
	char hex[2 * OFA_SHA256_BYTES + 1], etag[96];

	ofa_sha256(data, size, sha256);
	ofa_hex(sha256, sizeof(sha256), hex);
	snprintf(etag, sizeof(etag), "\"sha256-%s\"", hex);
	ck_assert_str_eq(reply_header(r, "ETag"), etag);
}

static void check_inflates_to(const struct reply *packed, const struct reply *plain)
{
	uint8_t *out = malloc(plain->body.len + 1);
	z_stream z = {.next_in = packed->body.data, .avail_in = (uInt)packed->body.len};

	z.next_out = out;
	z.avail_out = (uInt)plain->body.len + 1;
	ck_assert_int_eq(inflateInit2(&z, 16 + MAX_WBITS), Z_OK);
	ck_assert_int_eq(inflate(&z, Z_FINISH), Z_STREAM_END);
	ck_assert_uint_eq(z.total_out, plain->body.len);
	ck_assert_mem_eq(out, plain->body.data, plain->body.len);
	inflateEnd(&z);
	free(out);
}

static void check_head(const struct daemon *d, const struct embedded_file *file, const char *headers,
		       const struct reply *get)
{
	static const char *const same[] = {"Content-Type", "Content-Length", "ETag", "Vary"};
	struct reply r;

	get_file(d, "HEAD", file, headers, &r);
	ck_assert_int_eq(r.status, 200);
	ck_assert_uint_eq(r.body.len, 0);
	for (size_t i = 0; i < OFA_ARRAY_LEN(same); i++)
		ck_assert_str_eq(reply_header(&r, same[i]), reply_header(get, same[i]));
	reply_release(&r);
}

/* The tag of one coding is no tag of the other. */
static void check_conditions(const struct daemon *d, const struct embedded_file *file, const char *coding,
			     const char *own, const char *other)
{
	char headers[384];
	struct reply r;

	snprintf(headers, sizeof(headers), "%s\nIf-None-Match: \"x\", W/%s", coding, own);
	get_file(d, "GET", file, headers, &r);
	ck_assert_int_eq(r.status, 304);
	ck_assert_uint_eq(r.body.len, 0);
	ck_assert_str_eq(reply_header(&r, "ETag"), own);
	ck_assert_ptr_null(reply_header(&r, "Content-Encoding"));
	check_headers(file, &r);
	reply_release(&r);
	if (strcmp(own, other) == 0)
		return;
	snprintf(headers, sizeof(headers), "%s\nIf-None-Match: %s", coding, other);
	get_file(d, "GET", file, headers, &r);
	ck_assert_int_eq(r.status, 200);
	reply_release(&r);
}

static void check_file(const struct daemon *d, const struct embedded_file *file)
{
	struct reply plain, packed;
	char own[96], other[96];

	get_file(d, "GET", file, NULL, &plain);
	ck_assert_int_eq(plain.status, 200);
	ck_assert_ptr_null(reply_header(&plain, "Content-Encoding"));
	ck_assert_uint_eq(plain.body.len, file->plain.size);
	if (plain.body.len)
		ck_assert_mem_eq(plain.body.data, file->plain.data, plain.body.len);
	check_headers(file, &plain);
	check_etag(&plain, plain.body.data, plain.body.len);
	check_head(d, file, NULL, &plain);

	get_file(d, "GET", file, "Accept-Encoding: gzip, deflate, br", &packed);
	ck_assert_int_eq(packed.status, 200);
	ck_assert_str_eq(reply_header(&packed, "Content-Type"), reply_header(&plain, "Content-Type"));
	check_headers(file, &packed);
	check_etag(&packed, packed.body.data, packed.body.len);
	check_head(d, file, "Accept-Encoding: gzip, deflate, br", &packed);
	if (file->gzip.data) {
		ck_assert_str_eq(reply_header(&packed, "Content-Encoding"), "gzip");
		ck_assert_uint_lt(packed.body.len, plain.body.len);
		check_inflates_to(&packed, &plain);
	} else {
		ck_assert_ptr_null(reply_header(&packed, "Content-Encoding"));
	}
	snprintf(own, sizeof(own), "%s", reply_header(&plain, "ETag"));
	snprintf(other, sizeof(other), "%s", reply_header(&packed, "ETag"));
	ck_assert((strcmp(own, other) != 0) == (file->gzip.data != NULL));
	check_conditions(d, file, "Accept-Encoding: identity", own, other);
	check_conditions(d, file, "Accept-Encoding: gzip", other, own);
	reply_release(&packed);
	reply_release(&plain);
}

START_TEST(test_files)
{
	struct daemon d;

	daemon_begin(&d, "files");
	for (size_t i = 0; i < n_embedded_files; i++)
		check_file(&d, &embedded_files[i]);
	daemon_end(&d);
}
END_TEST

/* Where nothing may be guessed the type decides: no script runs and no WebAssembly streams without its own. */
START_TEST(test_types)
{
	static const struct {
		const char *suffix, *type;
	} types[] = {
		{".html", "text/html; charset=utf-8"},
		{".js", "text/javascript"},
		{".css", "text/css"},
		{".svg", "image/svg+xml"},
		{".wasm", "application/wasm"},
	};
	struct daemon d;
	bool page = false;

	daemon_begin(&d, "types");
	for (size_t i = 0; i < n_embedded_files; i++) {
		const char *type = NULL, *suffix = strrchr(embedded_files[i].name, '.');
		struct reply r;

		for (size_t k = 0; k < OFA_ARRAY_LEN(types); k++)
			if (strcmp(types[k].suffix, suffix) == 0)
				type = types[k].type;
		get_file(&d, "GET", &embedded_files[i], NULL, &r);
		ck_assert_str_eq(reply_header(&r, "Content-Type"), type);
		reply_release(&r);
		page = page || strcmp(embedded_files[i].name, PAGE) == 0;
	}
	ck_assert(page);
	daemon_end(&d);
}
END_TEST

START_TEST(test_refusals)
{
	static const char *const nowhere[] = {
		"/static",        "/static/",          "/static/nothing.js",  "/static/app.js/",
		"/static/APP.JS", "/static/app.js%00", "/static/..%2fapp.js", "/static/%2e%2e/app.js",
		"/static/.made",  "/static//app.js",   "/static/" PAGE,       "/" PAGE,
		"/static/..",     "/static/.",
	};
	static const char *const nothing[] = {"*;q=0", "identity;q=0, gzip;q=0", "identity;q=0, br"};
	struct daemon d;
	struct reply r;
	char headers[128];

	daemon_begin(&d, "refusals");
	for (size_t i = 0; i < OFA_ARRAY_LEN(nowhere); i++) {
		ask(&d, "GET", nowhere[i], NULL, NULL, &r);
		json_decref(check_problem(&r, 404, "not-found", NULL));
		reply_release(&r);
	}
	for (size_t i = 0; i < OFA_ARRAY_LEN(nothing); i++) {
		snprintf(headers, sizeof(headers), "Accept: text/html\nAccept-Encoding: %s", nothing[i]);
		ask(&d, "GET", "/", headers, NULL, &r);
		json_decref(check_problem(&r, 406, "not-acceptable", "Accept-Encoding"));
		reply_release(&r);
	}
	for (size_t i = 0; i < n_embedded_files; i++) {
		if (strcmp(embedded_files[i].name, PAGE) == 0)
			continue;
		snprintf(headers, sizeof(headers), "/static/%s", embedded_files[i].name);
		ck_assert_int_eq(ask_status(&d, "GET", headers, "Accept: application/json", NULL), 406);
		ck_assert_int_eq(ask_status(&d, "POST", headers, NULL, "{}"), 405);
	}
	daemon_end(&d);
}
END_TEST

/* Several lines are one list, and whatever else is in it is none of the server's business. */
START_TEST(test_odd_lists)
{
	struct daemon d;
	struct reply r;
	char headers[4096] = "Accept: text/html\nAccept-Encoding: ";

	daemon_begin(&d, "odd");
	ask(&d, "GET", "/", "Accept: text/html\nAccept-Encoding: br\nAccept-Encoding: gzip;q=0.1", NULL, &r);
	ck_assert_str_eq(reply_header(&r, "Content-Encoding"), "gzip");
	reply_release(&r);
	for (size_t n = strlen(headers); n + 8 < sizeof(headers); n += 7)
		memcpy(headers + n, ";,q=\"\\,", 8);
	ask(&d, "GET", "/", headers, NULL, &r);
	ck_assert_int_eq(r.status, 200);
	ck_assert_ptr_null(reply_header(&r, "Content-Encoding"));
	reply_release(&r);
	daemon_end(&d);
}
END_TEST

START_TEST(test_bundle_size)
{
	size_t total = 0;

	for (size_t i = 0; i < n_embedded_files; i++) {
		const struct embedded_file *f = &embedded_files[i];

		if (strcmp(f->type, "application/wasm") != 0)
			total += f->gzip.data ? f->gzip.size : f->plain.size;
	}
	ck_assert_uint_gt(total, 0);
	ck_assert_msg(total <= BUNDLE_MAX, "the dashboard is %zu bytes, compressed; it may have %d", total, BUNDLE_MAX);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_files, test_types, test_refusals, test_odd_lists, test_bundle_size};
	int status;

	curl_global_init(CURL_GLOBAL_DEFAULT);
	world_make();
	status = run_tests("static", tests, OFA_ARRAY_LEN(tests));
	world_remove();
	return status;
}
