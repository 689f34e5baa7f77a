/* Packages as ONNX and TFLite: negotiated, made once, in whole and in part. */
#include <curl/curl.h>
#include <string.h>

#include "base/sha256.h"
#include "daemon.h"
#include "export/export.h"

#define JSON "application/json"
#define PACKAGE "application/vnd.ofa.subnet"
#define ONNX "application/onnx"
#define TFLITE "application/vnd.tflite"
#define QUESTION "{\"limits\":{\"macs\":3000000}}"
#define INT8_QUESTION "{\"dtype\":\"int8\",\"limits\":{\"macs\":3000000}}"

/* Tag and digest are those of the bytes, and caches are told what they depend on. */
static void check_representation(const struct reply *r, const char *type)
{
	uint8_t sha256[OFA_SHA256_BYTES];
	char hex[2 * OFA_SHA256_BYTES + 1], etag[96];

	ck_assert_int_eq(r->status, 200);
	ck_assert_str_eq(reply_header(r, "Content-Type"), type);
	ck_assert_str_eq(reply_header(r, "Vary"), "Accept");
	ofa_sha256(r->body.data, r->body.len, sha256);
	ofa_hex(sha256, sizeof(sha256), hex);
	snprintf(etag, sizeof(etag), "\"sha256-%s\"", hex);
	ck_assert_str_eq(reply_header(r, "ETag"), etag);
	ck_assert_ptr_nonnull(strstr(reply_header(r, "Repr-Digest"), "sha-256=:"));
}

/* It is what the engine makes of the package. */
static void check_export(const struct daemon *d, const char *question, const char *type, enum ofa_export_format format)
{
	const struct ofa_export_options options = {.io = OFA_EXPORT_IO_DEFAULT};
	struct reply package, exported;
	struct ofa_error err = {0};
	uint8_t *data, *made;
	size_t size;

	post_subnet(d, PACKAGE, question, &package);
	check_representation(&package, PACKAGE);
	post_subnet(d, type, question, &exported);
	check_representation(&exported, type);
	ck_assert_str_eq(reply_header(&exported, "Content-Location"), reply_header(&package, "Content-Location"));
	data = aligned_alloc(64, (package.body.len + 63) / 64 * 64);
	memcpy(data, package.body.data, package.body.len);
	ASSERT_OK(ofa_export(data, package.body.len, format, &options, &made, &size, &err), &err);
	ck_assert_uint_eq(size, exported.body.len);
	ck_assert_mem_eq(made, exported.body.data, size);
	free(made);
	free(data);
	reply_release(&exported);
	post_subnet(d, type, question, &exported);
	check_representation(&exported, type);
	ck_assert_ptr_nonnull(strstr(reply_header(&exported, "Server-Timing"), "memory"));
	reply_release(&exported);
	reply_release(&package);
}

START_TEST(test_formats)
{
	struct daemon d;

	daemon_begin(&d, "formats");
	check_export(&d, QUESTION, ONNX, OFA_EXPORT_ONNX);
	check_export(&d, QUESTION, TFLITE, OFA_EXPORT_TFLITE);
	check_export(&d, INT8_QUESTION, ONNX, OFA_EXPORT_ONNX);
	check_export(&d, "{\"dtype\":\"float16\"}", ONNX, OFA_EXPORT_ONNX);
	daemon_end(&d);
	ck_assert_int_ge(daemon_log_count("formats", "\"level\":\"info\""), 1);
	ck_assert_int_eq(daemon_log_count("formats", "\"level\":\"error\""), 0);
}
END_TEST

static void check_choice(const struct daemon *d, const char *accept, const char *type)
{
	struct reply r;

	post_subnet(d, accept, QUESTION, &r);
	ck_assert_int_eq(r.status, 200);
	ck_assert_msg(strcmp(reply_header(&r, "Content-Type"), type) == 0, "%s: %s", accept,
		      reply_header(&r, "Content-Type"));
	reply_release(&r);
}

START_TEST(test_negotiation)
{
	struct daemon d;
	struct reply r;
	json_t *problem;
	char path[160];

	daemon_begin(&d, "negotiation");
	check_choice(&d, "*/*", PACKAGE);
	check_choice(&d, "application/*", PACKAGE);
	check_choice(&d, ONNX ";q=0.5, " TFLITE, TFLITE);
	check_choice(&d, TFLITE ";q=0.5, " ONNX ";q=0.6, " PACKAGE ";q=0.1", ONNX);
	check_choice(&d, "*/*, " PACKAGE ";q=0, " JSON ";q=0", ONNX);
	post_subnet(&d, "image/png", QUESTION, &r);
	problem = check_problem(&r, 406, "not-acceptable", "Accept");
	ck_assert_str_eq(string_at(problem, "detail"),
			 "there is " PACKAGE ", " JSON ", " ONNX ", " TFLITE);
	json_decref(problem);
	reply_release(&r);
	post_subnet(&d, PACKAGE, QUESTION, &r);
	snprintf(path, sizeof(path), "%s", reply_header(&r, "Content-Location"));
	reply_release(&r);
	ask(&d, "GET", path, "Accept: " JSON, NULL, &r);
	problem = check_problem(&r, 406, "not-acceptable", "Accept");
	ck_assert_str_eq(string_at(problem, "detail"), "there is " PACKAGE ", " ONNX ", " TFLITE);
	json_decref(problem);
	reply_release(&r);
	daemon_end(&d);
}
END_TEST

/* Each representation has its tag; ranges and conditions are of the one that is negotiated. */
static void check_stored(const struct daemon *d, const char *path)
{
	struct reply whole, part;
	char headers[256];

	ask(d, "GET", path, "Accept: " ONNX, NULL, &whole);
	check_representation(&whole, ONNX);
	ck_assert_str_eq(reply_header(&whole, "Cache-Control"), "public, max-age=86400");
	ck_assert_str_eq(reply_header(&whole, "Accept-Ranges"), "bytes");
	snprintf(headers, sizeof(headers), "Accept: " ONNX "\nIf-None-Match: %s", reply_header(&whole, "ETag"));
	ask(d, "GET", path, headers, NULL, &part);
	ck_assert_int_eq(part.status, 304);
	ck_assert_str_eq(reply_header(&part, "Vary"), "Accept");
	reply_release(&part);
	snprintf(headers, sizeof(headers), "Accept: " TFLITE "\nIf-None-Match: %s", reply_header(&whole, "ETag"));
	ck_assert_int_eq(ask_status(d, "GET", path, headers, NULL), 200);
	snprintf(headers, sizeof(headers), "Accept: " ONNX "\nRange: bytes=100-199\nIf-Range: %s",
		 reply_header(&whole, "ETag"));
	ask(d, "GET", path, headers, NULL, &part);
	ck_assert_int_eq(part.status, 206);
	ck_assert_uint_eq(part.body.len, 100);
	ck_assert_mem_eq(part.body.data, whole.body.data + 100, 100);
	ck_assert_str_eq(reply_header(&part, "Repr-Digest"), reply_header(&whole, "Repr-Digest"));
	reply_release(&part);
	ask(d, "HEAD", path, "Accept: " ONNX, NULL, &part);
	ck_assert_uint_eq(part.body.len, 0);
	ck_assert_str_eq(reply_header(&part, "Content-Length"), reply_header(&whole, "Content-Length"));
	reply_release(&part);
	reply_release(&whole);
}

START_TEST(test_stored)
{
	struct daemon d;
	struct reply r;
	char path[160];

	daemon_begin(&d, "stored");
	post_subnet(&d, JSON, QUESTION, &r);
	snprintf(path, sizeof(path), "%s", reply_header(&r, "Content-Location"));
	*strstr(path, "/manifest") = '\0';
	reply_release(&r);
	check_stored(&d, path);
	check_stored(&d, path);
	daemon_end(&d);
	daemon_begin(&d, "stored");
	check_stored(&d, path);
	post_subnet(&d, ONNX, QUESTION, &r);
	check_representation(&r, ONNX);
	reply_release(&r);
	memset(strrchr(path, '/') + 1, '0', 64);
	ask(&d, "GET", path, "Accept: " ONNX, NULL, &r);
	json_decref(check_problem(&r, 404, "not-found", NULL));
	reply_release(&r);
	ask(&d, "GET", "/subnets/x", "Accept: " TFLITE, NULL, &r);
	json_decref(check_problem(&r, 404, "not-found", NULL));
	reply_release(&r);
	daemon_end(&d);
}
END_TEST

/* A request that is repeated has the same answer, also as another representation. */
START_TEST(test_repeated)
{
	static const char headers[] = "Content-Type: " JSON "\nAccept: " ONNX "\nIdempotency-Key: \"k1\"";
	struct reply first, second;
	struct daemon d;

	daemon_begin(&d, "repeated");
	ask(&d, "POST", "/subnets", headers, QUESTION, &first);
	check_representation(&first, ONNX);
	ask(&d, "POST", "/subnets", headers, QUESTION, &second);
	check_representation(&second, ONNX);
	ck_assert_uint_eq(first.body.len, second.body.len);
	ck_assert_mem_eq(first.body.data, second.body.data, first.body.len);
	reply_release(&second);
	ask(&d, "POST", "/subnets", "Content-Type: " JSON "\nAccept: " TFLITE "\nIdempotency-Key: \"k1\"", QUESTION,
	    &second);
	check_representation(&second, TFLITE);
	reply_release(&first);
	reply_release(&second);
	daemon_end(&d);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_formats, test_negotiation, test_stored, test_repeated};
	int status;

	curl_global_init(CURL_GLOBAL_DEFAULT);
	world_make();
	status = run_tests("exports", tests, OFA_ARRAY_LEN(tests));
	world_remove();
	return status;
}
