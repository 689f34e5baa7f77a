/* Any bytes as a published latency table, YAML and JSON: what is accepted must be a table that a profile can carry.
 *
 * With libFuzzer, from the source tree, new inputs going to new-inputs/:
 *	clang -g -O1 -fsanitize=fuzzer,address,undefined -Iengine -Idevice tests/fuzz/fuzz_yaml.c \
 *		engine/import/table*.c engine/import/yaml.c engine/cost/{profile,pointer,limits,latency_key,uniform}.c \
 *		engine/space/?*.c engine/net/plan.c engine/base/{precision,status,sha256,rng}.c \
 *		-ljansson -lyaml -lcrypto -lm -o fuzz_yaml
 *	mkdir -p new-inputs && ./fuzz_yaml -max_len=20000 new-inputs tests/fuzz/corpus/yaml
 * Without it, tests/fuzz/replay.c runs the corpus and simple mutations of it. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "import/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_table(const struct ofa_latency_table *t)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct ofa_latency_entry *e = &t->entries[i];

		if (!ofa_latency_key_ok(e->key) || e->resolution < 1 || e->resolution > OFA_MAX_IMAGE_SIZE)
			abort();
		if (e->included_in ? e->mean_ms != 0 : !(e->mean_ms > 0 && isfinite(e->mean_ms)))
			abort();
		if (i > 0 && (e[-1].resolution > e->resolution ||
			      (e[-1].resolution == e->resolution && strcmp(e[-1].key, e->key) >= 0)))
			abort();
	}
}

/* What was read can be written and read again. */
static void check_round_trip(const struct ofa_profile *p)
{
	json_t *json = ofa_profile_format(p);
	struct ofa_profile again;
	struct ofa_error err = {.status = OFA_OK};

	if (!json || ofa_profile_parse(json, &again, &err) != OFA_OK || again.table.n != p->table.n)
		abort();
	ofa_profile_release(&again);
	json_decref(json);
}

static void read_as(const uint8_t *data, size_t size, enum ofa_table_format format, int resolution,
		    enum ofa_time_unit unit)
{
	const struct ofa_table_source source = {(const char *)data, size, format, resolution, unit};
	struct ofa_profile profile = {.name = "fuzz"};
	struct ofa_faults further = {.n = 0};
	struct ofa_error err = {.further = &further};
	struct ofa_table_report report;

	ofa_limits_init(&profile.limits);
	if (ofa_table_read(&source, &profile, &report, &err) == OFA_OK) {
		if (profile.table.n == 0 || report.n_entries != profile.table.n)
			abort();
		check_table(&profile.table);
		check_round_trip(&profile);
	} else if (err.message[0] == '\0' || profile.table.n > 0) {
		abort(); /* a refusal says why and leaves nothing */
	}
	for (size_t i = 0; i < further.n; i++)
		if (further.list[i].message[0] == '\0')
			abort();
	ofa_profile_release(&profile);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* exactly as many bytes as there are, so that the sanitizer sees a step over their end */
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		abort();
	if (size)
		memcpy(copy, data, size);
	read_as(copy, size, OFA_TABLE_YAML, 0, OFA_TIME_UNSTATED);
	read_as(copy, size, OFA_TABLE_YAML, 160, OFA_TIME_US);
	read_as(copy, size, OFA_TABLE_JSON, 0, OFA_TIME_MS);
	free(copy);
	return 0;
}
