/* How well a latency table foretells whole runs: random subnets of a network, what the table of a profile says of each
 * and what it takes on this machine, one thread.  Prints CSV (predicted ms, measured ms, arch) and, on stderr, the
 * median and the 95th percentile of |predicted - measured| / measured.
 *   ofa measure NET --dtype int8 -o PROFILE
 *   bench/latency NET PROFILE [SUBNETS [SEED [DTYPE]]]
 * The subnets run in turns, so that what slows the machine for a while slows a few runs of each, which are dropped. */
#include <config.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/rng.h"
#include "cost/profile.h"
#include "device_model.h"
#include "latency_probe.h"
#include "timing.h"

#define MOST_SUBNETS 200
#define ROUNDS 25
#define RUNS_PER_TURN 13
#define WARM_UP_RUNS 3 /* of them, not counted */

struct subject {
	struct ofa_arch arch;
	struct cli_device_model device;
	uint8_t *data;
	double predicted_ms, measured_ms;
	double samples[ROUNDS * RUNS_PER_TURN];
	uint32_t n;
};

static enum ofa_status draw(const struct ofa_supernet *net, const struct ofa_latency_model *model, struct ofa_rng *rng,
                            enum ofa_precision precision, struct subject *s, struct ofa_error *err)
{
	enum ofa_status st;
	size_t size;

	do
		ofa_arch_sample(&net->space, rng, &s->arch);
	while (!ofa_latency_has(model, s->arch.image_size));
	s->predicted_ms = ofa_latency_ms(model, &s->arch);
	st = cli_probe_pack(net, &s->arch, precision, &s->data, &size, err);
	return st == OFA_OK ? cli_device_load(s->data, size, &s->device, err) : st;
}

static enum ofa_status run_in_turns(struct subject *s, int n, struct ofa_error *err)
{
	for (int i = 0; i < ROUNDS * n; i++) {
		struct subject *one = &s[i % n];
		const struct ofa_device_model *m = &one->device.model;

		for (int run = 0; run < RUNS_PER_TURN; run++) {
			const double start = cli_now_ms();

			if (ofa_device_run_ops(m, one->device.arena, ofa_device_arena_bytes(m), 0, m->n_ops) !=
			    OFA_DEVICE_OK)
				return ofa_fail(err, OFA_ERR_FORMAT, NULL, "the device runtime refused a package");
			if (run >= WARM_UP_RUNS)
				one->samples[one->n++] = cli_now_ms() - start;
		}
	}
	return OFA_OK;
}

static int compare_doubles(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void report(const struct ofa_space *space, struct subject *s, int n)
{
	double errors[MOST_SUBNETS], bias = 0;

	printf("predicted_ms,measured_ms,arch\n");
	for (int i = 0; i < n; i++) {
		json_t *arch = ofa_arch_format(space, &s[i].arch);
		char *text = json_dumps(arch, JSON_COMPACT);
		struct cli_timing t;

		cli_timing_summarise(s[i].samples, s[i].n, &t);
		s[i].measured_ms = t.mean_ms;
		errors[i] = fabs(s[i].predicted_ms - t.mean_ms) / t.mean_ms;
		bias += (s[i].predicted_ms / t.mean_ms - 1) / n;
		printf("%.6f,%.6f,%s\n", s[i].predicted_ms, s[i].measured_ms, text ? text : "");
		free(text);
		json_decref(arch);
	}
	qsort(errors, (size_t)n, sizeof *errors, compare_doubles);
	fprintf(stderr, "%d subnets: median error %.1f %%, 95th percentile %.1f %%, largest %.1f %%, bias %+.1f %%\n",
	        n, 100 * (n % 2 ? errors[n / 2] : (errors[n / 2 - 1] + errors[n / 2]) / 2),
	        100 * errors[(int)ceil(0.95 * n) - 1], 100 * errors[n - 1], 100 * bias);
}

static enum ofa_status load_profile(const char *path, struct ofa_profile *ret, struct ofa_error *err)
{
	json_t *json = json_load_file(path, 0, NULL);
	enum ofa_status st;

	if (!json)
		return ofa_fail(err, OFA_ERR_FORMAT, NULL, "%s is no JSON file", path);
	st = ofa_profile_parse(json, ret, err);
	json_decref(json);
	if (st == OFA_OK && !ret->has_table)
		st = ofa_fail(err, OFA_ERR_FORMAT, NULL, "%s has no latency table", path);
	return st;
}

static enum ofa_status compare(const struct ofa_supernet *net, const struct ofa_profile *profile, int n, uint64_t seed,
                               enum ofa_precision precision, struct ofa_error *err)
{
	struct subject *subjects = calloc((size_t)n, sizeof *subjects);
	struct ofa_latency_model *model;
	struct ofa_rng rng;
	enum ofa_status st;

	if (!subjects)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory for %d subnets", n);
	st = ofa_latency_model_new(&net->space, &net->params, &profile->table, &model, err);
	if (st == OFA_OK) {
		ofa_rng_init(&rng, seed);
		for (int i = 0; st == OFA_OK && i < n; i++)
			st = draw(net, model, &rng, precision, &subjects[i], err);
		if (st == OFA_OK)
			st = run_in_turns(subjects, n, err);
		if (st == OFA_OK)
			report(&net->space, subjects, n);
		ofa_latency_model_free(model);
	}
	for (int i = 0; i < n; i++) {
		cli_device_close(&subjects[i].device);
		free(subjects[i].data);
	}
	free(subjects);
	return st;
}

int main(int argc, char **argv)
{
	const int n = argc > 3 ? atoi(argv[3]) : 40;
	enum ofa_precision precision = OFA_FLOAT32;
	struct ofa_profile profile = {.has_table = false};
	struct ofa_error err = {0};
	struct ofa_supernet *net;
	enum ofa_status st;

	if (argc < 3 || n < 1 || n > MOST_SUBNETS || (argc > 5 && !ofa_precision_find(argv[5], &precision))) {
		fprintf(stderr, "usage: bench/latency NET PROFILE [SUBNETS (1 to %d) [SEED [DTYPE]]]\n", MOST_SUBNETS);
		return 2;
	}
	if (!cli_pin_to_cpu())
		fprintf(stderr, "cannot stay on one processor; times may vary\n");
	st = ofa_supernet_load(argv[1], &net, &err);
	if (st == OFA_OK) {
		st = load_profile(argv[2], &profile, &err);
		if (st == OFA_OK)
			st = compare(net, &profile, n, argc > 4 ? strtoull(argv[4], NULL, 10) : 1, precision, &err);
		ofa_profile_release(&profile);
		ofa_supernet_free(net);
	}
	if (st != OFA_OK)
		fprintf(stderr, "%s\n", err.message);
	return st != OFA_OK;
}
