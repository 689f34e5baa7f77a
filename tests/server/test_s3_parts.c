/* What requests to S3 are made of: signatures by AWS's own vectors, whose bucket it is and where, what errors say. */
#include <string.h>

#include "packages/s3_account.h"
#include "packages/s3_error.h"
#include "runner.h"

/* ---- signatures ---- */

#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define SHARED_TIME "20130524T000000Z"

static void check_signature(const struct sigv4_request *r, const char *key_id, const char *secret,
			    const char *signature)
{
	char out[SIGV4_AUTHORIZATION_MAX];
	struct sigv4_credentials c = {.token = ""};
	struct ofa_error err = {0};
	const char *found;

	snprintf(c.key_id, sizeof(c.key_id), "%s", key_id);
	snprintf(c.secret, sizeof(c.secret), "%s", secret);
	ASSERT_OK(sigv4_sign(r, &c, out, &err), &err);
	found = strstr(out, "Signature=");
	ck_assert_ptr_nonnull(found);
	ck_assert_str_eq(found + strlen("Signature="), signature);
	ck_assert_ptr_null(strstr(out, secret));
}

/* AWS, "Authenticating Requests: Using the Authorization Header", the examples of GET Object and PUT Object. */
START_TEST(s3_examples)
{
	static const struct sigv4_header get_headers[] = {
		{"host", "examplebucket.s3.amazonaws.com"},
		{"range", "bytes=0-9"},
		{"x-amz-content-sha256", EMPTY},
		{"x-amz-date", SHARED_TIME},
	};
	static const char body[] = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072";
	static const struct sigv4_header put_headers[] = {
		{"date", "Fri, 24 May 2013 00:00:00 GMT"},
		{"host", "examplebucket.s3.amazonaws.com"},
		{"x-amz-content-sha256", body},
		{"x-amz-date", SHARED_TIME},
		{"x-amz-storage-class", "REDUCED_REDUNDANCY"},
	};
	struct sigv4_request r = {
		.method = "GET",
		.path = "/test.txt",
		.query = "",
		.headers = get_headers,
		.n_headers = OFA_ARRAY_LEN(get_headers),
		.payload_sha256 = EMPTY,
		.time = SHARED_TIME,
		.region = "us-east-1",
		.service = "s3",
	};

	check_signature(&r, "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
			"f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
	r.method = "PUT";
	r.path = "/test%24file.text";
	r.headers = put_headers;
	r.n_headers = OFA_ARRAY_LEN(put_headers);
	r.payload_sha256 = body;
	check_signature(&r, "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
			"98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
}
END_TEST

/* aws-sig-v4-test-suite: get-vanilla; and with a query, AWS's example of GET Bucket Lifecycle. */
START_TEST(suite_examples)
{
	static const struct sigv4_header vanilla[] = {
		{"host", "example.amazonaws.com"},
		{"x-amz-date", "20150830T123600Z"},
	};
	static const struct sigv4_header lifecycle[] = {
		{"host", "examplebucket.s3.amazonaws.com"},
		{"x-amz-content-sha256", EMPTY},
		{"x-amz-date", SHARED_TIME},
	};
	struct sigv4_request r = {
		.method = "GET",
		.path = "/",
		.query = "",
		.headers = vanilla,
		.n_headers = OFA_ARRAY_LEN(vanilla),
		.payload_sha256 = EMPTY,
		.time = "20150830T123600Z",
		.region = "us-east-1",
		.service = "service",
	};

	check_signature(&r, "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
			"5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
	r.query = "lifecycle=";
	r.headers = lifecycle;
	r.n_headers = OFA_ARRAY_LEN(lifecycle);
	r.time = SHARED_TIME;
	r.service = "s3";
	check_signature(&r, "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
			"fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
}
END_TEST

START_TEST(what_is_too_long_is_not_signed)
{
	static char path[32 << 10];
	char out[SIGV4_AUTHORIZATION_MAX];
	struct sigv4_credentials c = {.key_id = "id", .secret = "secret"};
	struct ofa_error err = {0};
	struct sigv4_request r = {.method = "GET",
				  .path = path,
				  .query = "",
				  .time = SHARED_TIME,
				  .payload_sha256 = EMPTY,
				  .region = "r",
				  .service = "s3"};

	memset(path, 'x', sizeof(path) - 1);
	ck_assert_int_eq(sigv4_sign(&r, &c, out, &err), OFA_ERR_LIMIT);
}
END_TEST

/* ---- whose bucket, and where ---- */

static const char *const variables[] = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
					"AWS_REGION",	     "AWS_DEFAULT_REGION",    "AWS_ENDPOINT_URL",
					"AWS_ENDPOINT_URL_S3", "AWS_CA_BUNDLE"};

static void forget_environment(void)
{
	for (size_t i = 0; i < OFA_ARRAY_LEN(variables); i++)
		unsetenv(variables[i]);
}

static enum ofa_status load(const char *url, struct s3_account *a, struct ofa_error *err)
{
	struct package_location at;
	struct ofa_error wrong = {0};

	*err = (struct ofa_error){0};
	ASSERT_OK(package_location_parse(url, &at, &wrong), &wrong);
	return s3_account_load(&at, a, err);
}

START_TEST(an_account_is_complete_or_refused_by_name)
{
	struct s3_account a;
	struct ofa_error err;

	forget_environment();
	ck_assert_int_eq(load("s3://fleet", &a, &err), OFA_ERR_INVALID);
	ck_assert_ptr_nonnull(strstr(err.message, "AWS_REGION"));
	ck_assert_int_eq(load("s3://fleet?region=eu-central-1", &a, &err), OFA_ERR_INVALID);
	ck_assert_str_eq(err.field, "AWS_ACCESS_KEY_ID");
	setenv("AWS_ACCESS_KEY_ID", "AKID", 1);
	ck_assert_int_eq(load("s3://fleet?region=eu-central-1", &a, &err), OFA_ERR_INVALID);
	ck_assert_str_eq(err.field, "AWS_SECRET_ACCESS_KEY");
	setenv("AWS_SECRET_ACCESS_KEY", "hidden\r\nX-Evil: 1", 1);
	ck_assert_int_eq(load("s3://fleet?region=eu-central-1", &a, &err), OFA_ERR_INVALID);
	ck_assert_str_eq(err.field, "AWS_SECRET_ACCESS_KEY");
	ck_assert_ptr_null(strstr(err.message, "hidden"));
	setenv("AWS_SECRET_ACCESS_KEY", "hidden", 1);
	setenv("AWS_ENDPOINT_URL", "http://user:hidden@host", 1);
	ck_assert_int_eq(load("s3://fleet", &a, &err), OFA_ERR_INVALID);
	ck_assert_str_eq(err.field, "AWS_ENDPOINT_URL");
	ck_assert_ptr_null(strstr(err.message, "hidden"));
}
END_TEST

static void check_place(const char *url, const char *scheme, const char *host, const char *path)
{
	struct s3_account a;
	struct s3_place place;
	struct ofa_error err;

	ASSERT_OK(load(url, &a, &err), &err);
	s3_account_place(&a, a.at.region, &place);
	ck_assert_str_eq(place.scheme, scheme);
	ck_assert_str_eq(place.host, host);
	ck_assert_str_eq(place.path, path);
}

START_TEST(buckets_are_found)
{
	forget_environment();
	setenv("AWS_ACCESS_KEY_ID", "AKID", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "hidden", 1);
	check_place("s3://fleet/a?region=eu-central-1", "https://", "fleet.s3.eu-central-1.amazonaws.com", "/a/");
	check_place("s3://fleet?region=cn-north-1", "https://", "fleet.s3.cn-north-1.amazonaws.com.cn", "/");
	check_place("s3://my.fleet?region=eu-west-1", "https://", "s3.eu-west-1.amazonaws.com", "/my.fleet/");
	check_place("s3://fleet/a?endpoint=http://minio:9000", "http://", "minio:9000", "/fleet/a/");
	check_place("s3://fleet?endpoint=https://minio:443", "https://", "minio", "/fleet/");
	check_place("s3://fleet?endpoint=http://[::1]:80/", "http://", "[::1]", "/fleet/");
	setenv("AWS_REGION", "eu-west-3", 1);
	check_place("s3://fleet", "https://", "fleet.s3.eu-west-3.amazonaws.com", "/");
	setenv("AWS_ENDPOINT_URL", "https://s3.example.org", 1);
	check_place("s3://fleet", "https://", "s3.example.org", "/fleet/");
}
END_TEST

/* ---- what errors say ---- */

static void check_code(const char *body, const char *expected)
{
	char code[S3_CODE_MAX];

	s3_error_code(body, strlen(body), code);
	ck_assert_str_eq(code, expected);
}

START_TEST(codes_are_found)
{
	char code[S3_CODE_MAX];

	check_code("<?xml version=\"1.0\"?>\n<Error><Code>NoSuchKey</Code><Message>m</Message></Error>", "NoSuchKey");
	check_code("", "");
	check_code("<html>", "");
	check_code("<Code>NoSuchKey", "");
	check_code("<Code></Code>", "");
	check_code("<Code>No such key</Code>", "");
	check_code("<Code>a\nb</Code>", "");
	check_code("<Code>xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx</Code>", "");
	s3_error_code("<Code>NoSuchKey</Code>", 10, code);
	ck_assert_str_eq(code, "");
	ck_assert_ptr_nonnull(strstr(s3_error_advice("RequestTimeTooSkewed"), "NTP"));
	ck_assert_str_eq(s3_error_advice("Weather"), "");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		s3_examples,
		suite_examples,
		what_is_too_long_is_not_signed,
		an_account_is_complete_or_refused_by_name,
		buckets_are_found,
		codes_are_found,
	};

	return run_tests("s3 parts", tests, OFA_ARRAY_LEN(tests));
}
