/* Any bytes as references, as a history, and as the log of a training.
 *
 * Without libFuzzer, tests/fuzz/replay.c runs the corpus and simple mutations of it; with it, link this file and
 * engine/libofaengine.a with clang -fsanitize=fuzzer,address,undefined and run ./fuzz_card tests/fuzz/corpus/card. */
#include <stdlib.h>
#include <string.h>

#include "cost/references.h"
#include "train/history.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A refusal says why. */
static void must(bool holds)
{
	if (!holds)
		abort();
}

/* What was read is written and read again. */
static void read_references(const json_t *json)
{
	struct ofa_references r, again;
	struct ofa_error err = {0};
	json_t *written;

	if (ofa_references_parse(json, &r, &err) != OFA_OK) {
		must(err.status != OFA_OK && err.message[0]);
		return;
	}
	written = ofa_references_format(&r);
	must(written && ofa_references_parse(written, &again, NULL) == OFA_OK && again.n == r.n);
	json_decref(written);
	ofa_references_release(&r);
	ofa_references_release(&again);
}

static void check_history(const struct ofa_history *h)
{
	struct ofa_history again;
	json_t *written = ofa_history_format(h);

	must(h->n_phases > 0 && h->n_evaluations <= OFA_HISTORY_MAX_EVALUATIONS);
	for (size_t i = 0; i < h->n_evaluations; i++)
		must(h->evaluations[i].phase >= 0 && h->evaluations[i].phase < (int)h->n_phases &&
		     h->evaluations[i].largest >= 0 && h->evaluations[i].largest <= 1);
	must(written && ofa_history_parse(written, &again, NULL) == OFA_OK && again.n_evaluations == h->n_evaluations);
	json_decref(written);
}

static void read_history(const json_t *json)
{
	struct ofa_error err = {0};
	struct ofa_history h;

	if (ofa_history_parse(json, &h, &err) == OFA_OK)
		check_history(&h);
	else
		must(err.status != OFA_OK && err.message[0]);
}

/* As much of a network as its log is read by. */
static void read_log(const uint8_t *data, size_t size)
{
	static const char lineage[] =
		"{\"train_images\":105,\"holdout_images\":50,\"phases\":[{\"name\":\"one\",\"steps\":20},"
		"{\"name\":\"two\",\"steps\":5}],\"recipe\":{\"name\":\"x\",\"batch\":10,\"holdout\":50,"
		"\"phases\":[{\"name\":\"one\",\"epochs\":2,\"lr\":0.1}]}}";
	struct ofa_supernet net = {.lineage = json_loads(lineage, 0, NULL)};
	struct ofa_error err = {0};
	struct ofa_history h;

	must(ofa_space_preset("mbv3", 0.5, 10, &net.space, NULL) == OFA_OK);
	must(json_object_set_new(json_object_get(net.lineage, "recipe"), "space", ofa_space_format(&net.space)) == 0);
	if (ofa_train_log_history(&net, (const char *)data, size, &h, &err) == OFA_OK)
		check_history(&h);
	else
		must(err.status != OFA_OK && err.message[0]);
	json_decref(net.lineage);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *json = json_loadb((const char *)data, size, 0, NULL);

	if (json) {
		read_references(json);
		read_history(json);
	}
	json_decref(json);
	read_log(data, size);
	return 0;
}
