#include "latency_probe.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "cost/uniform.h"
#include "device_model.h"
#include "net/subnet.h"
#include "ofa_format.h"
#include "pack/pack.h"
#include "timing.h"

#define CALIBRATION_IMAGES 16
#define MAX_SAMPLES 2048
#define MIN_ROUNDS 6
#define RUNS_PER_TURN 7 /* the first of them warms the caches and is not counted; then one in three is timed whole */
#define DEVICE_ROUNDS 2
#define MAX_PROBE_BYTES ((size_t)512 << 20) /* of packages held at once */

struct samples {
	int included_in; /* the key with whose unit this one's ran, or -1 */
	uint32_t n;
	double ms[MAX_SAMPLES];
};

/* One covering subnet, packed and loaded. */
struct probe {
	uint8_t *data;
	struct cli_device_model device;
	struct ofa_plan plan;
	int key[OFA_PLAN_MAX_UNITS];    /* index into the key list, by unit */
	bool joins[OFA_PLAN_MAX_UNITS]; /* runs in turns with the next unit */
	struct samples *whole, *parts;  /* of runs that were not interrupted; sums of those that were timed by unit */
};

struct session {
	const struct ofa_supernet *net;
	enum ofa_precision precision;
	struct cli_serial *device; /* or NULL */
	struct ofa_key_list keys;
	struct samples *samples; /* by key */
	struct probe *probes; /* those that are held */
	int n_probes;
	double whole_ms, parts_ms; /* sums over the probes that were held */
};

static enum ofa_status write_to_buf(void *ctx, const void *data, size_t size, struct ofa_error *err)
{
	enum ofa_status st = ofa_buf_append(ctx, data, size);

	return st == OFA_OK ? OFA_OK : ofa_fail(err, st, NULL, "cannot hold a package of this size in memory");
}

static enum ofa_status pack_subnet(const struct ofa_supernet *net, const struct ofa_subnet *sub,
                                   enum ofa_precision precision, struct ofa_buf *buf, struct ofa_error *err)
{
	struct ofa_pack_info info = {.predicted_accuracy = NAN, .latency_ms = NAN, .precision = precision};
	struct ofa_sink sink = {.write = write_to_buf, .ctx = buf};
	struct ofa_packer *packer;
	enum ofa_status st = ofa_packer_new(net, sub, &info, &packer, err);

	if (st != OFA_OK)
		return st;
	st = ofa_packer_write(packer, &sink, err);
	ofa_packer_free(packer);
	return st;
}

enum ofa_status cli_probe_pack(const struct ofa_supernet *net, const struct ofa_arch *arch,
                               enum ofa_precision precision, uint8_t **ret_data, size_t *ret_size,
                               struct ofa_error *err)
{
	struct ofa_bn_stats stats = {.storage = NULL};
	struct ofa_subnet *sub = NULL;
	enum ofa_status st = OFA_OK;
	struct ofa_plan plan;
	struct ofa_buf buf;

	ofa_buf_init(&buf, OFA_FMT_MAX_BYTES);
	ofa_plan_init(&net->space, &net->params, arch, &plan);
	if (net->calibration.n)
		st = ofa_calibrate_builtin(net, &plan, CALIBRATION_IMAGES, NULL, &stats, err);
	if (st == OFA_OK)
		st = ofa_subnet_extract(net, &plan, net->calibration.n ? &stats : NULL, &sub, err);
	if (st == OFA_OK)
		st = pack_subnet(net, sub, precision, &buf, err);
	ofa_bn_stats_release(&stats);
	ofa_subnet_free(sub);
	if (st != OFA_OK) {
		ofa_buf_release(&buf);
		return st;
	}
	*ret_data = buf.data;
	*ret_size = buf.len;
	return OFA_OK;
}

static int option_count(const struct ofa_space *s)
{
	int n = 1;

	for (int i = 0; i < s->n_stages; i++)
		if (s->stages[i].n_kernels * s->stages[i].n_expands > n)
			n = s->stages[i].n_kernels * s->stages[i].n_expands;
	return n;
}

/* The j-th covering subnet: block p of a stage takes choice (j + p) of the stage's kernels x expands; the widths
 * alternate between two choices, which are another pair every option_count() subnets. */
static void covering_arch(const struct ofa_space *s, int j, int resolution, struct ofa_arch *ret)
{
	int pair = j / option_count(s);
	struct ofa_choices choices;

	ofa_space_choices(s, &choices);
	ofa_arch_largest(s, ret);
	ret->image_size = (uint16_t)resolution;
	for (int i = 0; i < s->n_stages; i++) {
		const struct ofa_stage *stage = &s->stages[i];
		for (int p = 0; p < stage->max_depth; p++) {
			int choice = (j + p) % (stage->n_kernels * stage->n_expands);
			ret->k[stage->first_block + p] = (uint8_t)(choice % stage->n_kernels);
			ret->e[stage->first_block + p] = (uint8_t)(choice / stage->n_kernels);
		}
	}
	for (int i = 0; i < s->n_width_genes; i++) {
		int w = i % 2 ? pair / choices.widths : pair % choices.widths;
		ret->w[i] = (uint8_t)(w < s->widths[i].n ? w : s->widths[i].n - 1);
	}
}

static int covering_count(const struct ofa_space *s)
{
	struct ofa_choices choices;

	ofa_space_choices(s, &choices);
	return option_count(s) * choices.widths * choices.widths;
}

static int compare_key(const void *key, const void *item)
{
	return strcmp(key, *(char *const *)item);
}

/* Index in the sorted key list, or -1. */
static int find_key(const struct ofa_key_list *keys, const char *key)
{
	char **at = bsearch(key, keys->keys, keys->n, sizeof *keys->keys, compare_key);

	return at ? (int)(at - keys->keys) : -1;
}

static enum ofa_status open_probe(struct session *s, const struct ofa_arch *arch, struct probe *p, size_t *ret_size,
                                  struct ofa_error *err)
{
	enum ofa_status st = cli_probe_pack(s->net, arch, s->precision, &p->data, ret_size, err);
	struct ofa_memory_plan memory;

	if (st == OFA_OK)
		st = cli_device_load(p->data, *ret_size, &p->device, err);
	if (st != OFA_OK)
		return st;
	p->whole = calloc(2, sizeof *p->whole);
	if (!p->whole)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory for samples");
	p->parts = p->whole + 1;
	ofa_plan_init(&s->net->space, &s->net->params, arch, &p->plan);
	ofa_memory_plan_init(&p->plan, s->precision, &memory);
	for (int u = 0; u < p->plan.n_units; u++) {
		char key[OFA_LATENCY_KEY_MAX];
		ofa_unit_key(&p->plan.units[u], &p->plan, key);
		p->key[u] = find_key(&s->keys, key);
		p->joins[u] = memory.layers[p->plan.units[u].first_layer + p->plan.units[u].n_layers - 1].rows > 0;
	}
	return OFA_OK;
}

static enum ofa_status open_session(struct session *s, int resolution, struct ofa_error *err)
{
	enum ofa_status st = ofa_latency_keys(&s->net->space, &s->net->params, resolution, &s->keys, err);

	if (st != OFA_OK)
		return st;
	s->samples = calloc(s->keys.n, sizeof *s->samples);
	s->probes = calloc((size_t)covering_count(&s->net->space), sizeof *s->probes);
	if (!s->samples || !s->probes)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory for the samples of %zu keys", s->keys.n);
	for (size_t i = 0; i < s->keys.n; i++)
		s->samples[i].included_in = -1;
	return OFA_OK;
}

static void close_probes(struct session *s)
{
	for (int i = 0; i < s->n_probes; i++) {
		cli_device_close(&s->probes[i].device);
		free(s->probes[i].data);
		free(s->probes[i].whole);
		s->probes[i] = (struct probe){.data = NULL};
	}
	s->n_probes = 0;
}

/* Covering subnets from number `first` on, at least one and as many as may be held. */
static enum ofa_status open_probes(struct session *s, int resolution, int first, struct ofa_error *err)
{
	int end = covering_count(&s->net->space);
	enum ofa_status st = OFA_OK;
	size_t held = 0;

	for (int j = first; st == OFA_OK && j < end && held < MAX_PROBE_BYTES; j++) {
		struct ofa_arch arch;
		size_t size = 0;
		covering_arch(&s->net->space, j, resolution, &arch);
		st = open_probe(s, &arch, &s->probes[s->n_probes++], &size, err);
		held += size;
	}
	return st;
}

static void close_session(struct session *s)
{
	close_probes(s);
	free(s->probes);
	free(s->samples);
	ofa_key_list_release(&s->keys);
}

static void add_sample(struct samples *to, double ms)
{
	if (to->n < MAX_SAMPLES)
		to->ms[to->n++] = ms;
}

/* A key that is not measured alone: any of those that hold its time will do, for a subnet has one of them. */
static void include(struct session *s, int key, int in)
{
	if (key >= 0 && s->samples[key].included_in < 0)
		s->samples[key].included_in = in;
}

/* How long the operations [first, first + count) take. */
static enum ofa_status time_range(const struct session *s, const struct probe *p, uint32_t first, uint32_t count,
                                  double *ret_ms, struct ofa_error *err)
{
	const struct ofa_device_model *m = &p->device.model;
	struct cli_serial_counts counts;
	double start = cli_now_ms();
	enum ofa_status st = OFA_OK;

	if (s->device) {
		st = cli_serial_run(s->device, first, count, 1, &counts, err);
		if (st == OFA_OK)
			*ret_ms = 1e3 * (double)counts.sum / cli_serial_info(s->device)->clock_hz;
		return st;
	}
	if (ofa_device_run_ops(m, p->device.arena, ofa_device_arena_bytes(m), first, count) != OFA_DEVICE_OK)
		return ofa_fail(err, OFA_ERR_FORMAT, NULL, "the device runtime refused an operation");
	*ret_ms = cli_now_ms() - start;
	return OFA_OK;
}

/* What a device computes with does not matter; here, it decides what the caches hold. */
static void prepare_run(const struct session *s, const struct probe *p)
{
	const struct ofa_device_model *m = &p->device.model;

	if (!s->device)
		ofa_device_put_pixels(m, m->pixels, p->device.arena);
}

/* One run of a probe, unit by unit. */
static enum ofa_status run_once(struct session *s, const struct probe *p, bool keep, struct ofa_error *err)
{
	double ms, sum = 0;

	prepare_run(s, p);
	for (int u = 0, first = 0; u < p->plan.n_units; u++) {
		const int first_layer = p->plan.units[first].first_layer;
		const int end_layer = p->plan.units[u].first_layer + p->plan.units[u].n_layers;
		enum ofa_status st;
		if (p->joins[u])
			continue;
		st = time_range(s, p, (uint32_t)first_layer, (uint32_t)(end_layer - first_layer), &ms, err);
		if (st != OFA_OK)
			return st;
		sum += ms;
		if (keep && p->key[u] >= 0)
			add_sample(&s->samples[p->key[u]], ms);
		for (; first < u; first++)
			include(s, p->key[first], p->key[u]);
		first = u + 1;
	}
	if (keep)
		add_sample(p->parts, sum);
	return OFA_OK;
}

static enum ofa_status run_whole(const struct session *s, const struct probe *p, struct ofa_error *err)
{
	double ms;
	enum ofa_status st;

	prepare_run(s, p);
	st = time_range(s, p, 0, p->device.model.n_ops, &ms, err);
	if (st == OFA_OK)
		add_sample(p->whole, ms);
	return st;
}

static void add_wholes(struct session *s)
{
	for (int i = 0; i < s->n_probes; i++) {
		struct probe *p = &s->probes[i];
		struct cli_timing whole, parts;
		cli_timing_summarise(p->whole->ms, p->whole->n, &whole);
		cli_timing_summarise(p->parts->ms, p->parts->n, &parts);
		s->whole_ms += whole.mean_ms;
		s->parts_ms += parts.mean_ms;
	}
}

static enum ofa_status sample_here(struct session *s, double budget_ms, struct ofa_error *err)
{
	double end = cli_now_ms() + budget_ms;
	enum ofa_status st = OFA_OK;

	for (int round = 0; st == OFA_OK && (round < MIN_ROUNDS || cli_now_ms() < end); round++)
		for (int i = 0; st == OFA_OK && i < s->n_probes; i++)
			for (int run = 0; st == OFA_OK && run < RUNS_PER_TURN; run++)
				st = run % 3 == 2 ? run_whole(s, &s->probes[i], err)
				                  : run_once(s, &s->probes[i], run > 0, err);
	return st;
}

static enum ofa_status sample_device(struct session *s, const struct probe *p, double budget_ms, struct ofa_error *err)
{
	const struct ofa_device_model *m = &p->device.model;
	double end = cli_now_ms() + budget_ms;
	char kernels[CLI_SERIAL_NAME_MAX];
	enum ofa_status st = cli_serial_load(s->device, m->data, m->size, kernels, sizeof kernels, err);

	if (st != OFA_OK)
		ofa_error_prefix(err, "a package of %u bytes with an arena of %u", m->size, m->arena_bytes);
	for (int round = 0; st == OFA_OK && (round < DEVICE_ROUNDS || cli_now_ms() < end); round++) {
		st = run_once(s, p, true, err);
		if (st == OFA_OK)
			st = run_whole(s, p, err);
	}
	return st;
}

static enum ofa_status sample_all(struct session *s, double budget_ms, struct ofa_error *err)
{
	enum ofa_status st = OFA_OK;

	if (!s->device)
		st = sample_here(s, budget_ms, err);
	for (int i = 0; s->device && st == OFA_OK && i < s->n_probes; i++)
		st = sample_device(s, &s->probes[i], budget_ms / s->n_probes, err);
	if (st == OFA_OK)
		add_wholes(s);
	return st;
}

static enum ofa_status store(struct session *s, int resolution, struct ofa_latency_table *table,
                             struct ofa_error *err)
{
	struct ofa_latency_entry *entries = realloc(table->entries, (table->n + s->keys.n) * sizeof *entries);
	double scale;

	if (!entries)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory for the table");
	table->entries = entries;
	/* reading the clock takes time, and lets no unit begin before the one before has ended */
	scale = s->whole_ms / s->parts_ms;
	for (size_t i = 0; i < s->keys.n; i++) {
		struct ofa_latency_entry *e = &entries[table->n];
		struct cli_timing t = {.mean_ms = 0};
		*e = (struct ofa_latency_entry){.resolution = (uint16_t)resolution};
		if (s->samples[i].n > 0)
			cli_timing_summarise(s->samples[i].ms, s->samples[i].n, &t);
		else if (s->samples[i].included_in >= 0)
			e->included_in = strdup(s->keys.keys[s->samples[i].included_in]);
		else
			return ofa_fail(err, OFA_ERR_MISMATCH, s->keys.keys[i], "no covering subnet contains this key");
		e->key = strdup(s->keys.keys[i]);
		table->n++;
		if (!e->key || (s->samples[i].n == 0 && !e->included_in))
			return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory for the table");
		e->mean_ms = t.mean_ms * scale;
		e->std_ms = t.std_ms * scale;
		e->count = t.count;
	}
	return OFA_OK;
}

enum ofa_status cli_probe_resolution(const struct ofa_supernet *net, enum ofa_precision precision, int resolution,
                                     double budget_ms, struct cli_serial *device, struct ofa_latency_table *table,
                                     struct ofa_error *err)
{
	int n = covering_count(&net->space), done = 0;
	struct session s = {.net = net, .precision = precision, .device = device};
	enum ofa_status st = open_session(&s, resolution, err);

	while (st == OFA_OK && done < n) {
		st = open_probes(&s, resolution, done, err);
		if (st == OFA_OK)
			st = sample_all(&s, budget_ms * s.n_probes / n, err);
		done += s.n_probes;
		close_probes(&s);
	}
	if (st == OFA_OK)
		st = store(&s, resolution, table, err);
	close_session(&s);
	return st;
}
