/* What is read from bodies and what is answered to errors, without a server around it. */
#include <math.h>
#include <string.h>

#include "api/json_subnet_request.h"
#include "api/problem.h"
#include "app.h"
#include "runner.h"
#include "service/question.h"

static enum ofa_status parse(const char *text, struct subnet_request *ret, struct ofa_error *err)
{
	json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
	enum ofa_status st;

	ck_assert_msg(json != NULL, "%s", text);
	st = subnet_request_parse(json, ret, err);
	/* borrowed strings are looked at by no test after this */
	json_decref(json);
	return st;
}

START_TEST(test_requests)
{
	struct subnet_request r;
	struct ofa_error err = {0};

	ASSERT_OK(parse("{}", &r, &err), &err);
	ck_assert(!r.network && !r.profile_name && !r.profile && !r.has_seed && r.precision == OFA_FLOAT32);
	subnet_request_release(&r);
	ASSERT_OK(parse("{\"limits\":{\"macs\":5,\"latency_ms\":1.5},\"seed\":9007199254740991}", &r, &err), &err);
	ck_assert(r.limits.max[OFA_MACS] == 5 && r.limits.max[OFA_LATENCY_MS] == 1.5);
	ck_assert(r.has_seed && r.seed == 9007199254740991u);
	subnet_request_release(&r);
	ASSERT_OK(parse("{\"dtype\":\"int8\"}", &r, &err), &err);
	ck_assert_int_eq((int)r.precision, OFA_INT8);
	subnet_request_release(&r);
	ASSERT_OK(parse("{\"profile\":{\"limits\":{\"storage_bytes\":7}}}", &r, &err), &err);
	ck_assert_str_eq(r.profile->profile.name, "inline");
	ck_assert_ptr_null(r.arch);
	ck_assert(r.profile->profile.limits.max[OFA_STORAGE_BYTES] == 7);
	subnet_request_release(&r);
}
END_TEST

/* Every refusal names the field that is to blame. */
START_TEST(test_refusals)
{
	static const struct {
		const char *body, *field;
	} cases[] = {
		{"[]", ""},
		{"1", ""},
		{"{\"network\":7}", "/network"},
		{"{\"network\":null}", "/network"},
		{"{\"profile\":[]}", "/profile"},
		{"{\"profile\":\"../x\"}", "/profile"},
		{"{\"profile\":\"\"}", "/profile"},
		{"{\"profile\":{\"name\":\"a b\"}}", "/profile/name"},
		{"{\"profile\":{\"limits\":{\"macs\":\"5\"}}}", "/profile/limits/macs"},
		{"{\"profile\":{\"latency_table\":{\"unit\":\"s\"}}}", "/profile/latency_table/unit"},
		{"{\"profile\":{\"surprise\":1}}", "/profile/surprise"},
		{"{\"dtype\":\"int4\"}", "/dtype"},
		{"{\"dtype\":\"INT8\"}", "/dtype"},
		{"{\"dtype\":\"\"}", "/dtype"},
		{"{\"dtype\":8}", "/dtype"},
		{"{\"dtype\":null}", "/dtype"},
		{"{\"limits\":[]}", "/limits"},
		{"{\"limits\":{\"macs\":0}}", "/limits/macs"},
		{"{\"limits\":{\"macs\":-1}}", "/limits/macs"},
		{"{\"limits\":{\"watts\":5}}", "/limits/watts"},
		{"{\"seed\":-1}", "/seed"},
		{"{\"seed\":1.5}", "/seed"},
		{"{\"seed\":\"1\"}", "/seed"},
		{"{\"seed\":9007199254740992}", "/seed"},
		{"{\"calibrated\":1}", "/calibrated"},
		{"{\"calibrated\":null}", "/calibrated"},
		{"{\"calibrated\":\"true\"}", "/calibrated"},
		{"{\"arch\":[]}", "/arch"},
		{"{\"arch\":null}", "/arch"},
		{"{\"arch\":\"largest\"}", "/arch"},
		{"{\"arch\":{},\"seed\":1}", "/seed"},
		{"{\"seed\":0,\"arch\":{}}", "/seed"},
		{"{\"surprise\":1}", "/surprise"},
	};

	for (size_t i = 0; i < OFA_ARRAY_LEN(cases); i++) {
		struct subnet_request r;
		struct ofa_error err = {0};

		ck_assert_msg(parse(cases[i].body, &r, &err) == OFA_ERR_INVALID, "%s", cases[i].body);
		ck_assert_msg(strcmp(err.field, cases[i].field) == 0, "%s: \"%s\"", cases[i].body, err.field);
		ck_assert_uint_gt(strlen(err.message), 10);
	}
}
END_TEST

static void hex_key(const struct question *q, char out[2 * sizeof(q->key.bytes) + 1])
{
	ofa_hex(q->key.bytes, sizeof(q->key.bytes), out);
}

/* Without a type the key is that of before there were types; each type has its own, and all have one seed. */
START_TEST(test_question_of_a_type)
{
	static struct ofa_supernet net = {.name = "net", .calibration = {.n = 1}};
	const struct network network = {.net = &net};
	const uint64_t seed = 7;
	char keys[OFA_PRECISION_COUNT][2 * OFA_SHA256_BYTES + 1];
	struct question q, derived[OFA_PRECISION_COUNT];
	struct ofa_error err = {0};
	struct ofa_limits limits;

	ofa_limits_init(&limits);
	limits.max[OFA_MACS] = 1000;
	for (int p = 0; p < OFA_PRECISION_COUNT; p++) {
		ASSERT_OK(question_init(&q, &network, NULL, false, (enum ofa_precision)p, &limits, &seed, &err), &err);
		hex_key(&q, keys[p]);
		ASSERT_OK(question_init(&derived[p], &network, NULL, false, (enum ofa_precision)p, &limits, NULL, &err),
			  &err);
		ck_assert_uint_eq(derived[p].seed, derived[0].seed);
	}
	ck_assert_str_eq(keys[OFA_FLOAT32],
			 "fc5c2b8f66da5886a88982018bcf76b5ea8cf34309514c8010bf29bd24dd6726");
	ck_assert_str_ne(keys[OFA_FLOAT16], keys[OFA_FLOAT32]);
	ck_assert_str_ne(keys[OFA_INT8], keys[OFA_FLOAT32]);
	ck_assert_str_ne(keys[OFA_INT8], keys[OFA_FLOAT16]);
	net.calibration.n = 0;
	ASSERT_FAILS(question_init(&q, &network, NULL, false, OFA_INT8, &limits, NULL, &err), OFA_ERR_INVALID);
	ck_assert_str_eq(err.field, "/dtype");
	ASSERT_OK(question_init(&q, &network, NULL, false, OFA_FLOAT16, &limits, NULL, &err), &err);
}
END_TEST

/* A subnet that is given is another question for each subnet, and none that was asked before. */
START_TEST(test_question_that_gives)
{
	static struct ofa_supernet net = {.name = "net", .calibration = {.n = 1}};
	const struct network network = {.net = &net};
	struct ofa_arch smallest, largest;
	struct question q, small, large, again;
	struct ofa_error err = {0};
	struct ofa_limits limits;
	double costs[OFA_RESOURCE_COUNT] = {[OFA_LATENCY_MS] = NAN, [OFA_MACS] = 1000};
	char key[2 * OFA_SHA256_BYTES + 1];

	ASSERT_OK(ofa_space_preset("mbv3", 1.0, 10, &net.space, &err), &err);
	ofa_arch_smallest(&net.space, &smallest);
	ofa_arch_largest(&net.space, &largest);
	ofa_limits_init(&limits);
	limits.max[OFA_MACS] = 1000;
	ASSERT_OK(question_init(&q, &network, NULL, false, OFA_FLOAT32, &limits, NULL, &err), &err);
	small = large = again = q;
	ASSERT_OK(question_give(&small, &smallest, &err), &err);
	ASSERT_OK(question_give(&large, &largest, &err), &err);
	ASSERT_OK(question_give(&again, &largest, &err), &err);
	ck_assert_uint_eq(large.seed, 0);
	ck_assert(job_key_equal(&large.key, &again.key));
	ck_assert(!job_key_equal(&large.key, &small.key));
	ck_assert(!job_key_equal(&large.key, &q.key));
	/* what it is known by on disk */
	hex_key(&large, key);
	ck_assert_str_eq(key, "f185198840e154d8a8f4b294fdf78fd42f4291ca7024a6dd0f4bdc79a3289c61");
	/* a limit is kept at its very value */
	ASSERT_OK(question_check_costs(&large, costs, &err), &err);
	costs[OFA_MACS] = 1001;
	ASSERT_FAILS(question_check_costs(&large, costs, &err), OFA_ERR_INFEASIBLE);
	ck_assert_str_eq(err.field, "/limits/macs");
	ck_assert_str_eq(err.message, "this subnet has macs of 1001; the limit is 1000");
}
END_TEST

START_TEST(test_registry)
{
	for (int i = 0; i < PROBLEM_COUNT; i++) {
		const struct problem_entry *e = problem_entry((enum problem)i);

		ck_assert_msg(e->slug && e->title && e->hint && e->status >= 400 && e->status < 600, "entry %d", i);
		for (int j = 0; j < i; j++)
			ck_assert_str_ne(e->slug, problem_entry((enum problem)j)->slug);
	}
}
END_TEST

static json_t *body_of(const struct http_call *call)
{
	json_t *json = json_loadb((const char *)call->reply.data, call->reply.size, 0, NULL);

	ck_assert_ptr_nonnull(json);
	return json;
}

START_TEST(test_problem_reply)
{
	struct http_call call = {.request.id = "id-1"};
	json_t *json;

	problem_reply(&call, PROBLEM_INVALID, "/seed", "seed is %d", 5);
	ck_assert_uint_eq(call.reply.status, 422);
	json = body_of(&call);
	ck_assert_str_eq(json_string_value(json_object_get(json, "type")), "/problems/invalid-value");
	ck_assert_int_eq(json_integer_value(json_object_get(json, "status")), 422);
	ck_assert_str_eq(json_string_value(json_object_get(json, "detail")), "seed is 5");
	ck_assert_str_eq(json_string_value(json_object_get(json, "field")), "/seed");
	ck_assert_str_eq(json_string_value(json_object_get(json, "request_id")), "id-1");
	ck_assert_str_eq(
		json_string_value(json_object_get(json_array_get(json_object_get(json, "errors"), 0), "pointer")),
		"/seed");
	json_decref(json);
	http_reply_reset(&call.reply);

	problem_reply(&call, PROBLEM_OVERLOAD, NULL, "full");
	ck_assert_str_eq(call.reply.headers[0].name, "Retry-After");
	json = body_of(&call);
	ck_assert_ptr_null(json_object_get(json, "field"));
	json_decref(json);
	http_reply_release(&call.reply);
}
END_TEST

/* Text of a file or a database error stays inside. */
START_TEST(test_internal_details)
{
	static struct app app = {.log = {.level = LOG_LEVEL_ERROR, .fd = STDERR_FILENO}};
	struct http_call call = {.app = &app, .request.id = "id-1"};
	struct ofa_error err = {.status = OFA_ERR_IO, .message = "database: /secret/path is full"};
	json_t *json;

	problem_reply_error(&call, OFA_ERR_IO, &err);
	ck_assert_uint_eq(call.reply.status, 500);
	json = body_of(&call);
	ck_assert_ptr_null(strstr(json_string_value(json_object_get(json, "detail")), "secret"));
	json_decref(json);
	http_reply_release(&call.reply);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_requests, test_question_of_a_type, test_question_that_gives, test_refusals,
				      test_registry, test_problem_reply,      test_internal_details};

	return run_tests("api", tests, OFA_ARRAY_LEN(tests));
}
