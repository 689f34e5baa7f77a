/* The card of a network: references and history as JSON, in a network file, and from a log. */
#include <math.h>
#include <string.h>

#include "cost/history.h"
#include "cost/references.h"
#include "random_net.h"
#include "spaces.h"
#include "train/history.h"

static json_t *parsed(const char *text)
{
	json_error_t error;
	json_t *json = json_loads(text, 0, &error);

	ck_assert_msg(json != NULL, "%s: %s", text, error.text);
	return json;
}

/* ---- references ---- */

#define POINT "\"name\":\"A\",\"accuracy\":0.9,\"source\":\"a paper\""

static const char references_text[] =
	"[{\"name\":\"OFA, note10\",\"accuracy\":0.8,\"macs\":595000000,\"params\":9100000,\"latency_ms\":"
	"{\"lab/note10\":58.5,\"other\":3},\"source\":\"arXiv:1908.09791\"},"
	"{\"name\":\"in a byte\",\"accuracy\":1,\"peak_memory_bytes\":65536.5,\"storage_bytes\":1,"
	"\"dtype\":\"int8\",\"source\":\"https://example.org/\"}]";

START_TEST(references_are_read)
{
	json_t *json = parsed(references_text), *again;
	struct ofa_references r;
	struct ofa_error err = {0};

	ASSERT_OK(ofa_references_parse(json, &r, &err), &err);
	ck_assert_uint_eq(r.n, 2);
	ck_assert_str_eq(r.list[0].name, "OFA, note10");
	ck_assert_double_eq(r.list[0].value[OFA_MACS], 595e6);
	ck_assert(isnan(r.list[0].value[OFA_STORAGE_BYTES]) && isnan(r.list[1].params));
	ck_assert_int_eq(r.list[0].n_latencies, 2);
	ck_assert_str_eq(r.list[0].latencies[0].profile, "lab/note10");
	ck_assert_int_eq(r.list[0].dtype, -1);
	ck_assert_int_eq(r.list[1].dtype, OFA_INT8);
	again = ofa_references_format(&r);
	ofa_references_release(&r);
	ASSERT_OK(ofa_references_parse(again, &r, &err), &err);
	json_decref(json);
	json = ofa_references_format(&r);
	ck_assert(json_equal(json, again));
	ck_assert(json_is_integer(json_object_get(json_array_get(json, 0), "macs")));
	ofa_references_release(&r);
	json_decref(json);
	json_decref(again);
}
END_TEST

START_TEST(references_are_refused)
{
	static const struct {
		const char *text, *field;
	} cases[] = {
		{"{}", ""},
		{"[3]", "/0"},
		{"[{\"name\":\"A\",\"source\":\"b\"}]", "/0/accuracy"},
		{"[{\"name\":\"A\",\"accuracy\":0.9}]", "/0/source"},
		{"[{\"name\":\"\",\"accuracy\":0.9,\"source\":\"b\"}]", "/0/name"},
		{"[{\"name\":\"A\\n\",\"accuracy\":0.9,\"source\":\"b\"}]", "/0/name"},
		{"[{\"name\":3,\"accuracy\":0.9,\"source\":\"b\"}]", "/0/name"},
		{"[{\"name\":\"A\",\"accuracy\":90,\"source\":\"b\"}]", "/0/accuracy"},
		{"[{\"name\":\"A\",\"accuracy\":-0.1,\"source\":\"b\"}]", "/0/accuracy"},
		{"[{\"name\":\"A\",\"accuracy\":\"0.9\",\"source\":\"b\"}]", "/0/accuracy"},
		{"[{" POINT "},{" POINT ",\"macs\":0}]", "/1/macs"},
		{"[{" POINT ",\"params\":-1}]", "/0/params"},
		{"[{" POINT ",\"peak_memory_bytes\":1e30}]", "/0/peak_memory_bytes"},
		{"[{" POINT ",\"storage_bytes\":null}]", "/0/storage_bytes"},
		{"[{" POINT ",\"latency_ms\":3}]", "/0/latency_ms"},
		{"[{" POINT ",\"latency_ms\":{}}]", "/0/latency_ms"},
		{"[{" POINT ",\"latency_ms\":{\"a\":0}}]", "/0/latency_ms/a"},
		{"[{" POINT ",\"latency_ms\":{\"a/b\":1,\"a b\":1}}]", "/0/latency_ms/a b"},
		{"[{" POINT ",\"dtype\":\"int4\"}]", "/0/dtype"},
		{"[{" POINT ",\"flops\":1}]", "/0/flops"},
	};

	for (size_t i = 0; i < OFA_ARRAY_LEN(cases); i++) {
		json_t *json = parsed(cases[i].text);
		struct ofa_references r;
		struct ofa_error err = {0};

		ck_assert_msg(ofa_references_parse(json, &r, &err) == OFA_ERR_INVALID, "%s", cases[i].text);
		ck_assert_str_eq(err.field, cases[i].field);
		ck_assert_uint_gt(strlen(err.message), 0);
		json_decref(json);
	}
}
END_TEST

START_TEST(references_are_bounded)
{
	json_t *list = json_array(), *one = parsed("{" POINT "}"), *long_name = json_copy(one);
	char text[OFA_REFERENCE_SOURCE_MAX + 1];
	struct ofa_references r;
	struct ofa_error err = {0};

	for (int i = 0; i < OFA_REFERENCES_MAX; i++)
		json_array_append(list, one);
	ASSERT_OK(ofa_references_parse(list, &r, &err), &err);
	ck_assert_uint_eq(r.n, OFA_REFERENCES_MAX);
	ofa_references_release(&r);
	json_array_append(list, one);
	ASSERT_FAILS(ofa_references_parse(list, &r, &err), OFA_ERR_LIMIT);
	json_array_clear(list);
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	json_object_set_new(long_name, "source", json_string(text));
	json_array_append(list, long_name);
	err = (struct ofa_error){0};
	ASSERT_FAILS(ofa_references_parse(list, &r, &err), OFA_ERR_INVALID);
	ck_assert_str_eq(err.field, "/0/source");
	text[sizeof(text) - 2] = 0;
	json_object_set_new(long_name, "source", json_string(text));
	err = (struct ofa_error){0};
	ASSERT_OK(ofa_references_parse(list, &r, &err), &err);
	ofa_references_release(&r);
	json_decref(list);
	json_decref(one);
	json_decref(long_name);
}
END_TEST

/* ---- history ---- */

#define PHASES \
	"\"phases\":[{\"name\":\"full\",\"begin_epoch\":0,\"epochs\":2}," \
	"{\"name\":\"all\",\"begin_epoch\":2,\"epochs\":3}]"
#define MEASURED "\"measured_on\":\"the hold-out\""

static json_t *history_with(const char *evaluations)
{
	char text[1024];

	snprintf(text, sizeof(text), "{" MEASURED "," PHASES ",\"evaluations\":[%s]}", evaluations);
	return parsed(text);
}

START_TEST(a_history_is_read)
{
	json_t *json = history_with("{\"epoch\":2,\"phase\":\"full\",\"largest\":0.5,\"smallest\":null},"
				    "{\"epoch\":5,\"phase\":\"all\",\"largest\":0.75,\"smallest\":0.625}"),
	       *again;
	struct ofa_history h;
	struct ofa_error err = {0};

	ASSERT_OK(ofa_history_parse(json, &h, &err), &err);
	ck_assert_str_eq(h.measured_on, "the hold-out");
	ck_assert_uint_eq(h.n_phases, 2);
	ck_assert_uint_eq(h.n_evaluations, 2);
	ck_assert_int_eq(h.evaluations[1].phase, 1);
	ck_assert(isnan(h.evaluations[0].smallest));
	ck_assert_double_eq(h.evaluations[1].smallest, 0.625);
	again = ofa_history_format(&h);
	ASSERT_OK(ofa_history_parse(again, &h, &err), &err);
	ck_assert_double_eq(h.phases[1].begin_epoch, 2);
	json_decref(json);
	json_decref(again);
}
END_TEST

/* Phases may have one name: each keeps its evaluation. */
START_TEST(phases_of_one_name)
{
	json_t *json = parsed("{" MEASURED ",\"phases\":[{\"name\":\"a\",\"begin_epoch\":0,\"epochs\":2},"
			      "{\"name\":\"a\",\"begin_epoch\":2,\"epochs\":3}],\"evaluations\":["
			      "{\"epoch\":2,\"phase\":\"a\",\"largest\":0.5,\"smallest\":null},"
			      "{\"epoch\":5,\"phase\":\"a\",\"largest\":0.75,\"smallest\":0.625}]}");
	struct ofa_history h;
	struct ofa_error err = {0};

	ASSERT_OK(ofa_history_parse(json, &h, &err), &err);
	ck_assert_int_eq(h.evaluations[0].phase, 0);
	ck_assert_int_eq(h.evaluations[1].phase, 1);
	json_decref(json);
}
END_TEST

#define EVALUATION(epoch, phase, largest, smallest) \
	"{\"epoch\":" epoch ",\"phase\":" phase ",\"largest\":" largest ",\"smallest\":" smallest "}"

START_TEST(a_history_is_refused)
{
	static const struct {
		const char *text, *field;
	} cases[] = {
		{"[]", ""},
		{"{" PHASES ",\"evaluations\":[]}", "/measured_on"},
		{"{" MEASURED ",\"evaluations\":[]}", "/phases"},
		{"{" MEASURED ",\"phases\":[],\"evaluations\":[]}", "/phases"},
		{"{" MEASURED "," PHASES "}", "/evaluations"},
		{"{" MEASURED "," PHASES ",\"evaluations\":[],\"notes\":1}", "/notes"},
		{"{" MEASURED ",\"phases\":[{\"name\":\"a\",\"begin_epoch\":0,\"epochs\":2},{\"name\":\"b\","
		 "\"begin_epoch\":1,\"epochs\":2}],\"evaluations\":[]}",
		 "/phases/1/begin_epoch"},
		{"{" MEASURED ",\"phases\":[{\"name\":\"a\",\"begin_epoch\":-1,\"epochs\":2}],\"evaluations\":[]}",
		 "/phases/0/begin_epoch"},
		{"{" MEASURED ",\"phases\":[{\"name\":\"a\",\"begin_epoch\":0,\"epochs\":1e99}],"
		 "\"evaluations\":[]}",
		 "/phases/0/epochs"},
	};
	static const struct {
		const char *text, *field;
	} evaluations[] = {
		{EVALUATION("2", "\"full\"", "0.5", "1.5"), "/evaluations/0/smallest"},
		{EVALUATION("2", "\"full\"", "null", "0.5"), "/evaluations/0/largest"},
		{EVALUATION("2", "\"full\"", "-0.5", "0.5"), "/evaluations/0/largest"},
		{EVALUATION("2", "\"none\"", "0.5", "0.5"), "/evaluations/0/phase"},
		{EVALUATION("2", "1", "0.5", "0.5"), "/evaluations/0/phase"},
		{EVALUATION("-2", "\"full\"", "0.5", "0.5"), "/evaluations/0/epoch"},
		{EVALUATION("2", "\"full\"", "0.5", "0.5") "," EVALUATION("1", "\"all\"", "0.5", "0.5"),
		 "/evaluations/1/epoch"},
		{"{}", "/evaluations/0/epoch"},
	};
	struct ofa_history h;

	for (size_t i = 0; i < OFA_ARRAY_LEN(cases) + OFA_ARRAY_LEN(evaluations); i++) {
		const size_t e = i - OFA_ARRAY_LEN(cases);
		const bool whole = i < OFA_ARRAY_LEN(cases);
		json_t *json = whole ? parsed(cases[i].text) : history_with(evaluations[e].text);
		struct ofa_error err = {0};

		ck_assert_msg(ofa_history_parse(json, &h, &err) == OFA_ERR_INVALID, "case %zu", i);
		ck_assert_str_eq(err.field, whole ? cases[i].field : evaluations[e].field);
		json_decref(json);
	}
}
END_TEST

/* ---- in a network file ---- */

static struct ofa_supernet *network_with(const char *key, const char *text)
{
	const char *path = temporary_path("card.safetensors");
	struct ofa_supernet_parts parts;
	struct ofa_supernet *net, *changed;
	struct ofa_error err = {0};
	struct ofa_space space;
	json_t *metadata;

	load_space(tiny_json, &space);
	net = random_net(&space, &(struct random_net_options){.seed = 1});
	ofa_supernet_parts(net, &parts);
	metadata = json_copy(net->file.metadata);
	if (key)
		json_object_set_new(metadata, key, json_string(text));
	parts.extra_metadata = metadata;
	ASSERT_OK(ofa_supernet_save(path, &parts, &err), &err);
	ASSERT_OK(ofa_supernet_load(path, &changed, &err), &err);
	unlink(path);
	json_decref(metadata);
	ofa_supernet_free(net);
	return changed;
}

START_TEST(a_network_file_has_a_card)
{
	static const struct {
		const char *key, *text, *field;
		enum ofa_status status;
	} cases[] = {
		{NULL, NULL, "", OFA_OK},
		{"ofa.references", references_text, "", OFA_OK},
		{"ofa.references", "[", "ofa.references", OFA_ERR_FORMAT},
		{"ofa.references", "[{\"name\":\"A\",\"source\":\"b\",\"accuracy\":2}]",
		 "ofa.references/0/accuracy", OFA_ERR_FORMAT},
		{"ofa.history", "{" MEASURED "," PHASES ",\"evaluations\":[]}", "", OFA_OK},
		{"ofa.history", "{" MEASURED "," PHASES "}", "ofa.history/evaluations", OFA_ERR_FORMAT},
		{"ofa.history", "{\"a\":1,\"a\":1}", "ofa.history", OFA_ERR_FORMAT},
	};

	for (size_t i = 0; i < OFA_ARRAY_LEN(cases); i++) {
		struct ofa_supernet *net = network_with(cases[i].key, cases[i].text);
		struct ofa_references references = {0};
		struct ofa_history history;
		struct ofa_error err = {0};
		enum ofa_status st = ofa_references_load(net, &references, &err);

		if (!st)
			st = ofa_history_load(net, &history, &err);
		ck_assert_int_eq(st, cases[i].status);
		ck_assert_str_eq(err.field, cases[i].field);
		if (!st) {
			ck_assert_uint_eq(references.n, cases[i].text == references_text ? 2 : 0);
			ck_assert_uint_eq(history.n_phases, cases[i].key && strstr(cases[i].key, "history") ? 2 : 0);
		}
		ofa_references_release(&references);
		ofa_supernet_free(net);
	}
}
END_TEST

/* ---- from a log ---- */

#define LARGE "{\"ks\":[3],\"e\":[2],\"d\":[1],\"image_size\":16}"
#define SMALL "{\"ks\":[3],\"e\":[1],\"d\":[1],\"image_size\":16}"
#define LOW "{\"ks\":[3],\"e\":[2],\"d\":[1],\"image_size\":8}"
#define START(event, phase) "{\"event\":\"" event "\",\"phase\":" phase "}\n"
#define PHASE(name, steps) "{\"event\":\"phase\",\"phase\":\"" name "\",\"steps\":" steps "}\n"
#define MEASURE(phase, arch, accuracy) \
	"{\"event\":\"evaluation\",\"phase\":\"" phase "\",\"arch\":" arch ",\"holdout_accuracy\":" accuracy "}\n"
#define ONE PHASE("one", "20") MEASURE("one", LARGE, "0.5") MEASURE("one", LOW, "0.4")

/* A network that says that it was trained in two phases, of 20 and 5 steps, 10 of which are an epoch. */
static struct ofa_supernet *trained_network(void)
{
	static const char space_text[] =
		"{\"family\":\"mbconv\",\"name\":\"log\",\"input_channels\":1,\"classes\":10,\"bn_eps\":1e-5,"
		"\"resolutions\":[8,16],\"stem\":{\"width\":8,\"stride\":1,\"act\":\"relu\"},\"first\":null,"
		"\"kernels\":[3],\"expands\":[1,2],\"depths\":[1],"
		"\"stages\":[{\"width\":8,\"stride\":2,\"act\":\"relu\",\"se\":false}],"
		"\"head\":{\"expand_width\":16,\"expand_act\":\"relu\",\"mix_width\":0,\"mix_act\":\"none\"}}";
	static const char lineage_text[] =
		"{\"train_images\":105,\"holdout_images\":50,\"phases\":[{\"name\":\"one\",\"steps\":20},"
		"{\"name\":\"two\",\"steps\":5}],\"recipe\":{\"name\":\"log\",\"batch\":10,\"holdout\":50,"
		"\"phases\":[{\"name\":\"one\",\"epochs\":2,\"lr\":0.1}]}}";
	struct ofa_space space;
	struct ofa_supernet *net;
	json_t *lineage = parsed(lineage_text);

	load_space(space_text, &space);
	json_object_set_new(json_object_get(lineage, "recipe"), "space", parsed(space_text));
	net = random_net(&space, &(struct random_net_options){.seed = 1});
	json_decref(net->lineage);
	net->lineage = lineage;
	return net;
}

START_TEST(a_log_tells_the_history)
{
	static const char *const logs[] = {
		/* in one run; one that was interrupted and went back a phase; one that was begun anew */
		START("start", "0") ONE PHASE("two", "5") MEASURE("two", LARGE, "0.75") MEASURE("two", SMALL, "0.625")
			MEASURE("two", LOW, "0.1") "{\"event\":\"end\"}\n",
		START("start", "0") ONE PHASE("two", "5") MEASURE("two", LARGE, "0.1") MEASURE("two", SMALL, "0.2")
			START("resume", "1") PHASE("two", "5") "\n{\"event\":\"step\",\"step\":50}\n"
				MEASURE("two", LARGE, "0.75") MEASURE("two", SMALL, "0.625"),
		START("start", "0") ONE START("start", "0") ONE START("start", "1") PHASE("two", "5")
			MEASURE("two", LARGE, "0.75") "{\"event\":\"evaluation\",\"phase\":\"two\",\"arch\":" SMALL
			",\"holdout_accuracy\":0.625}",
	};
	struct ofa_supernet *net = trained_network();

	for (size_t i = 0; i < OFA_ARRAY_LEN(logs); i++) {
		struct ofa_history h;
		struct ofa_error err = {0};

		ASSERT_OK(ofa_train_log_history(net, logs[i], strlen(logs[i]), &h, &err), &err);
		ck_assert_str_eq(h.measured_on, "50 images held out of training, 16 x 16 pixels");
		ck_assert_uint_eq(h.n_phases, 2);
		ck_assert_uint_eq(h.n_evaluations, 2);
		ck_assert_double_eq(h.phases[1].begin_epoch, 2);
		ck_assert_double_eq(h.phases[1].epochs, 0.5);
		ck_assert_double_eq(h.evaluations[1].epoch, 2.5);
		ck_assert_double_eq(h.evaluations[0].largest, 0.5);
		ck_assert(isnan(h.evaluations[0].smallest));
		ck_assert_double_eq(h.evaluations[1].largest, 0.75);
		ck_assert_double_eq(h.evaluations[1].smallest, 0.625);
	}
	ofa_supernet_free(net);
}
END_TEST

START_TEST(a_log_is_refused)
{
	static const struct {
		const char *text, *field;
		enum ofa_status status;
	} cases[] = {
		{"", "", OFA_ERR_MISMATCH},
		{START("start", "0"), "", OFA_ERR_MISMATCH},
		{"epoch 1: 0.5\n", "line 1", OFA_ERR_FORMAT},
		{"[]\n", "line 1", OFA_ERR_FORMAT},
		{START("start", "0") "{\"events\":1}\n", "line 2", OFA_ERR_FORMAT},
		{START("start", "1"), "line 1", OFA_ERR_INVALID},
		{START("start", "0") ONE START("start", "3"), "line 5", OFA_ERR_MISMATCH},
		{START("start", "\"0\""), "line 1", OFA_ERR_MISMATCH},
		{PHASE("one", "20"), "line 1", OFA_ERR_MISMATCH},
		{START("start", "0") PHASE("one", "21"), "line 2", OFA_ERR_MISMATCH},
		{START("start", "0") PHASE("two", "5"), "line 2", OFA_ERR_MISMATCH},
		{START("start", "0") ONE PHASE("two", "5") MEASURE("two", LARGE, "0.5") PHASE("three", "5"), "line 7",
		 OFA_ERR_MISMATCH},
		{START("start", "0") PHASE("one", "20") MEASURE("two", LARGE, "0.5"), "line 3", OFA_ERR_MISMATCH},
		{START("start", "0") PHASE("one", "20") MEASURE("one", "{}", "0.5"), "line 3", OFA_ERR_MISMATCH},
		{START("start", "0") PHASE("one", "20") MEASURE("one", LARGE, "5"), "line 3", OFA_ERR_INVALID},
		{START("start", "0") PHASE("one", "20") MEASURE("one", LARGE, "\"1\""), "line 3", OFA_ERR_INVALID},
	};
	struct ofa_supernet *net = trained_network();
	struct ofa_history h;

	for (size_t i = 0; i < OFA_ARRAY_LEN(cases); i++) {
		struct ofa_error err = {0};

		ck_assert_int_eq(ofa_train_log_history(net, cases[i].text, strlen(cases[i].text), &h, &err),
				 cases[i].status);
		ck_assert_str_eq(err.field, cases[i].field);
	}
	json_object_del(net->lineage, "recipe");
	ASSERT_FAILS(ofa_train_log_history(net, "", 0, &h, NULL), OFA_ERR_MISMATCH);
	ofa_supernet_free(net);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {references_are_read,  references_are_refused,    references_are_bounded,
				      a_history_is_read,    phases_of_one_name,	       a_history_is_refused,
				      a_network_file_has_a_card, a_log_tells_the_history, a_log_is_refused};

	return run_tests("card", tests, OFA_ARRAY_LEN(tests));
}
