/* The card of a network: what its file tells, GET /networks/{name} does. */
#include <curl/curl.h>
#include <string.h>

#include "daemon.h"
#include "net/supernet.h"

/* A file with the default network under this name, one key of its metadata changed or, where text is NULL, taken
 * out. */
static void make_network_with(const char *path, const char *name, const char *key, const char *text)
{
	struct ofa_supernet_parts parts;
	struct ofa_supernet *net;
	struct ofa_error err = {0};
	json_t *metadata;

	ASSERT_OK(ofa_supernet_load(world_path("a.safetensors"), &net, &err), &err);
	ofa_supernet_parts(net, &parts);
	metadata = json_copy(net->file.metadata);
	if (text)
		json_object_set_new(metadata, key, json_string(text));
	else
		json_object_del(metadata, key);
	parts.name = name;
	parts.extra_metadata = metadata;
	ASSERT_OK(ofa_supernet_save(path, &parts, &err), &err);
	json_decref(metadata);
	ofa_supernet_free(net);
}

static json_t *network(const struct daemon *d, const char *name)
{
	char path[128];
	struct reply r;
	json_t *json;

	snprintf(path, sizeof(path), "/networks/%s", name);
	ask(d, "GET", path, NULL, NULL, &r);
	ck_assert_int_eq(r.status, 200);
	json = reply_json(&r);
	reply_release(&r);
	return json;
}

START_TEST(test_card)
{
	json_t *json, *references, *history, *one;
	char path[512];
	struct daemon d;

	snprintf(path, sizeof(path), "%s", world_path("bare.safetensors"));
	make_network_with(path, "bare", "ofa.history", NULL);
	daemon_start(&d, "card", "--network", path, NULL);
	daemon_wait_ready(&d);
	json = network(&d, NETWORK);
	references = json_object_get(json, "references");
	ck_assert_uint_eq(json_array_size(references), 2);
	one = json_array_get(references, 0);
	ck_assert_str_eq(string_at(one, "name"), "somebody's subnet");
	ck_assert_double_eq(number_at(one, "macs"), 2e6);
	ck_assert_double_eq(number_at(json_object_get(one, "latency_ms"), "acme/cam-m7"), 4.5);
	ck_assert_ptr_null(json_object_get(one, "storage_bytes"));
	history = json_object_get(json, "history");
	ck_assert_str_eq(string_at(history, "measured_on"), "nothing");
	one = json_array_get(json_object_get(history, "phases"), 1);
	ck_assert_double_eq(number_at(one, "begin_epoch"), 2);
	one = json_array_get(json_object_get(history, "evaluations"), 0);
	ck_assert(json_is_null(json_object_get(one, "smallest")));
	one = json_array_get(json_object_get(history, "evaluations"), 1);
	ck_assert_str_eq(string_at(one, "phase"), "all");
	ck_assert_double_eq(number_at(one, "smallest"), 0.625);
	json_decref(json);
	json = network(&d, "bare");
	ck_assert_ptr_null(json_object_get(json, "history"));
	ck_assert_ptr_nonnull(json_object_get(json, "references"));
	json_decref(json);
	daemon_end(&d);
}
END_TEST

/* A file whose card cannot be read is refused by name, not served without. */
START_TEST(test_malformed)
{
	static const struct {
		const char *key, *text, *field;
	} cases[] = {
		{"ofa.history", "{\"phases\":[]}", "ofa.history"},
		{"ofa.references", "[{\"name\":\"a\",\"accuracy\":75,\"source\":\"b\"}]", "accuracy is 75"},
		{"ofa.references", "nothing", "ofa.references"},
	};

	for (size_t i = 0; i < OFA_ARRAY_LEN(cases); i++) {
		char path[512], data[512], output[4096];

		snprintf(path, sizeof(path), "%s", world_path("bad.safetensors"));
		snprintf(data, sizeof(data), "%s", world_path("malformed"));
		make_network_with(path, "bad", cases[i].key, cases[i].text);
		ck_assert_int_ne(daemon_run(output, sizeof(output), "--network", path, "--listen", "127.0.0.1:0",
					    "--data", data, NULL),
				 0);
		ck_assert_msg(strstr(output, cases[i].field) && strstr(output, "bad"), "%s", output);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_card, test_malformed};
	int status;

	curl_global_init(CURL_GLOBAL_DEFAULT);
	world_make();
	status = run_tests("card", tests, OFA_ARRAY_LEN(tests));
	world_remove();
	curl_global_cleanup();
	return status;
}
