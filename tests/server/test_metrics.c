/* Counting under many threads, and the text that is made of it. */
#include <math.h>
#include <pthread.h>
#include <string.h>

#include "metrics/process.h"
#include "metrics/text.h"
#include "runner.h"
#include "service/calibration_gauges.h"

enum { THREADS = 4, ROUNDS = 20000 };

struct adder {
	struct metrics *m;
	int endpoint;
};

static void *add_much(void *arg)
{
	const struct adder *a = arg;

	for (int i = 0; i < ROUNDS; i++) {
		metrics_add(a->m, METRICS_RESPONSE_BYTES, 3);
		metrics_observe_ms(a->m, METRICS_SEARCH_SECONDS, i % 2 ? 0.3 : 3);
		metrics_request(a->m, a->endpoint, 200 + 200 * (i % 2), 0.05);
		metrics_problem(a->m, 7);
	}
	return NULL;
}

START_TEST(test_nothing_is_lost)
{
	static const struct metrics_endpoint get = {"main", "/x", "GET"};
	struct metrics_histogram_reading h;
	uint64_t classes[METRICS_CLASSES];
	pthread_t threads[THREADS];
	struct ofa_error err = {0};
	struct adder a;

	ASSERT_OK(metrics_new(&a.m, &err), &err);
	a.endpoint = metrics_endpoint_add(a.m, &get);
	for (int t = 0; t < THREADS; t++)
		ck_assert_int_eq(pthread_create(&threads[t], NULL, add_much, &a), 0);
	for (int t = 0; t < THREADS; t++)
		pthread_join(threads[t], NULL);
	ck_assert_uint_eq(metrics_read(a.m, METRICS_RESPONSE_BYTES), 3 * THREADS * ROUNDS);
	ck_assert_uint_eq(metrics_read(a.m, METRICS_PACKAGE_BYTES), 0);
	ck_assert_uint_eq(metrics_read_problem(a.m, 7), THREADS * ROUNDS);
	metrics_read_histogram(a.m, METRICS_SEARCH_SECONDS, &h);
	ck_assert_uint_eq(h.count, THREADS * ROUNDS);
	ck_assert_uint_eq(h.bucket[2], THREADS * ROUNDS / 2); /* 0.3 ms: up to 0.5 */
	ck_assert_uint_eq(h.bucket[5], THREADS * ROUNDS / 2); /* 3 ms: up to 5 */
	ck_assert_double_eq_tol(h.sum, THREADS * ROUNDS * 1.65e-3, 1e-6);
	ck_assert_ptr_eq(metrics_read_endpoint(a.m, 1, classes, &h), NULL);
	ck_assert_str_eq(metrics_read_endpoint(a.m, 0, classes, &h)->route, "/x");
	ck_assert_uint_eq(classes[2], THREADS * ROUNDS / 2);
	ck_assert_uint_eq(classes[4], THREADS * ROUNDS / 2);
	ck_assert_uint_eq(h.bucket[0], THREADS * ROUNDS);
	metrics_free(a.m);
}
END_TEST

START_TEST(test_bounds)
{
	static const struct metrics_endpoint e = {"main", "/x", "GET"};
	struct metrics_histogram_reading h;
	uint64_t classes[METRICS_CLASSES];
	struct ofa_error err = {0};
	struct metrics *m;

	metrics_add(NULL, METRICS_DELIVERIES, 1);
	metrics_problem(NULL, 0);
	metrics_request(NULL, 0, 200, 1);
	ASSERT_OK(metrics_new(&m, &err), &err);
	for (int i = 0; i < METRICS_ENDPOINTS_MAX; i++)
		ck_assert_int_eq(metrics_endpoint_add(m, &e), i);
	ck_assert_int_eq(metrics_endpoint_add(m, &e), -1);
	metrics_request(m, -1, 200, 1);
	/* statuses and times that cannot be */
	metrics_request(m, 3, 0, NAN);
	metrics_request(m, 3, 999, -5);
	metrics_request(m, 3, 599, 1e30);
	ck_assert_ptr_nonnull(metrics_read_endpoint(m, 3, classes, &h));
	ck_assert_uint_eq(classes[0], 2);
	ck_assert_uint_eq(classes[5], 1);
	ck_assert_uint_eq(h.bucket[0], 2);
	ck_assert_uint_eq(h.bucket[METRICS_BOUNDS], 1);
	/* a bound belongs to the bucket below it */
	metrics_request(m, 4, 200, 1000);
	ck_assert_ptr_nonnull(metrics_read_endpoint(m, 4, classes, &h));
	ck_assert_uint_eq(h.bucket[12], 1);
	metrics_problem(m, METRICS_PROBLEMS_MAX);
	ck_assert_uint_eq(metrics_read_problem(m, METRICS_PROBLEMS_MAX), 0);
	metrics_free(m);
}
END_TEST

/* Buckets are cumulative in the text. */
START_TEST(test_text)
{
	static const struct metrics_label labels[] = {{"route", "/a"}, {NULL, NULL}};
	static const char expected[] = "# HELP d Duration.\n# TYPE d histogram\n"
				       "d_bucket{route=\"/a\",le=\"0.0001\"} 1\n"
				       "d_bucket{route=\"/a\",le=\"0.00025\"} 1\n"
				       "d_bucket{route=\"/a\",le=\"0.0005\"} 3\n";
	static const char end[] = "d_bucket{route=\"/a\",le=\"10\"} 3\n"
				  "d_bucket{route=\"/a\",le=\"+Inf\"} 4\n"
				  "d_sum{route=\"/a\"} 12.5\n"
				  "d_count{route=\"/a\"} 4\n"
				  "# HELP g Gauge.\n# TYPE g gauge\ng NaN\n";
	struct metrics_histogram_reading h = {.bucket = {1, 0, 2, [METRICS_BOUNDS] = 1}, .count = 4, .sum = 12.5};
	struct metrics_text t;
	struct ofa_buf buf;
	const char *text;

	ofa_buf_init(&buf, 1 << 16);
	metrics_text_init(&t, &buf);
	metrics_text_family(&t, "d", "histogram", "Duration.");
	metrics_text_histogram(&t, labels, &h);
	metrics_text_single(&t, "g", "gauge", "Gauge.", NAN);
	ck_assert_int_eq(t.status, OFA_OK);
	ck_assert_int_eq(ofa_buf_cstr(&buf, &text), OFA_OK);
	ck_assert_int_eq(strncmp(text, expected, sizeof(expected) - 1), 0);
	ck_assert_str_eq(text + strlen(text) - (sizeof(end) - 1), end);
	ofa_buf_release(&buf);
}
END_TEST

START_TEST(test_labels_are_escaped)
{
	static const struct {
		const char *value, *written;
	} cases[] = {
		{"", ""},
		{NULL, ""},
		{"plain /{name*}", "plain /{name*}"},
		{"a\"b\\c\nd", "a\\\"b\\\\c\\nd"},
		{"\"} 1\nforged{x=\"", "\\\"} 1\\nforged{x=\\\""},
		{"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x8d\x8c", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x8d\x8c"},
		{"\xff\xc3", "??"},
		{"\xc0\xaf.", "??."},                 /* overlong */
		{"\xed\xa0\x80", "???"},              /* a surrogate */
		{"\xf4\x90\x80\x80", "????"},         /* past the last code point */
		{"\x80\"\xe2\x82\"", "?\\\"??\\\""}, /* cut short by what must be escaped */
	};

	for (size_t i = 0; i < OFA_ARRAY_LEN(cases); i++) {
		const struct metrics_label labels[] = {{"l", cases[i].value}, {NULL, NULL}};
		char expected[256];
		struct metrics_text t;
		struct ofa_buf buf;
		const char *text;

		ofa_buf_init(&buf, 4096);
		metrics_text_init(&t, &buf);
		t.family = "m";
		metrics_text_sample(&t, labels, 1e18);
		snprintf(expected, sizeof(expected), "m{l=\"%s\"} 1e+18\n", cases[i].written);
		ck_assert_int_eq(ofa_buf_cstr(&buf, &text), OFA_OK);
		ck_assert_str_eq(text, expected);
		ofa_buf_release(&buf);
	}
}
END_TEST

/* A buffer that is full ends the writing; what follows does not hide it. */
START_TEST(test_text_is_bounded)
{
	struct metrics_text t;
	struct ofa_buf buf;

	ofa_buf_init(&buf, 40);
	metrics_text_init(&t, &buf);
	metrics_text_single(&t, "a_rather_long_name", "gauge", "Help.", 1);
	metrics_text_single(&t, "a", "gauge", "", 1);
	ck_assert_int_eq(t.status, OFA_ERR_LIMIT);
	ofa_buf_release(&buf);
}
END_TEST

START_TEST(test_process)
{
	struct process_reading p;

	process_read(&p);
	ck_assert_double_gt(p.cpu_seconds, 0);
	ck_assert_double_gt(p.resident_bytes, 100e3);
	ck_assert_double_ge(p.virtual_bytes, p.resident_bytes);
	ck_assert_double_ge(p.open_fds, 3);
	ck_assert_double_ge(p.max_fds, p.open_fds);
	ck_assert(p.threads >= 1 && p.threads <= 4); /* a sanitizer has one of its own */
}
END_TEST

/* The profiles that were computed last, each at its latest revision. */
START_TEST(test_calibration_gauges)
{
	static struct calibration_gauge list[CALIBRATION_GAUGES_MAX];
	struct calibration_gauges g;
	struct calibration_gauge one = {.scale = 1};

	calibration_gauges_init(&g);
	ck_assert_uint_eq(calibration_gauges_read(&g, list), 0);
	for (int i = 0; i < CALIBRATION_GAUGES_MAX + 10; i++) {
		snprintf(one.profile, sizeof(one.profile), "p%d", i);
		one.revision = 5;
		calibration_gauges_set(&g, &one);
	}
	ck_assert_uint_eq(calibration_gauges_read(&g, list), CALIBRATION_GAUGES_MAX);
	ck_assert_str_eq(list[0].profile, "p59");
	ck_assert_str_eq(list[CALIBRATION_GAUGES_MAX - 1].profile, "p10");
	/* one that is there comes to the front, but not with what is older */
	snprintf(one.profile, sizeof(one.profile), "p30");
	one.revision = 4;
	one.scale = 7;
	calibration_gauges_set(&g, &one);
	calibration_gauges_read(&g, list);
	ck_assert_str_eq(list[0].profile, "p59");
	one.revision = 6;
	calibration_gauges_set(&g, &one);
	ck_assert_uint_eq(calibration_gauges_read(&g, list), CALIBRATION_GAUGES_MAX);
	ck_assert_str_eq(list[0].profile, "p30");
	ck_assert_double_eq(list[0].scale, 7);
	ck_assert_str_eq(list[1].profile, "p59");
	ck_assert_str_eq(list[30].profile, "p29");
	ck_assert_str_eq(list[CALIBRATION_GAUGES_MAX - 1].profile, "p10");
	calibration_gauges_release(&g);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_nothing_is_lost,    test_bounds,	     test_text,
				      test_labels_are_escaped, test_text_is_bounded, test_process,
				      test_calibration_gauges};

	return run_tests("metrics", tests, OFA_ARRAY_LEN(tests));
}
