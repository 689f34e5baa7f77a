#include <config.h>

#include "timing.h"

#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>

#define WARM_UP_RUNS 3
#define MIN_RUNS 20
#define MAX_RUNS 2000

static double read_clock(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

double cli_now_ms(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

double cli_cpu_ms(void)
{
	return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

bool cli_pin_to_cpu(void)
{
	cpu_set_t set;
	int cpu = sched_getcpu();

	if (cpu < 0)
		return false;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof set, &set) == 0;
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void cli_timing_summarise(double *samples_ms, uint32_t n, struct cli_timing *ret)
{
	double low, high, sum = 0, squares = 0, fence;
	uint32_t kept = 0;

	qsort(samples_ms, n, sizeof *samples_ms, compare_doubles);
	fence = 1.5 * (samples_ms[3 * (n - 1) / 4] - samples_ms[(n - 1) / 4]);
	low = samples_ms[(n - 1) / 4] - fence;
	high = samples_ms[3 * (n - 1) / 4] + fence;
	for (uint32_t i = 0; i < n; i++) {
		if (samples_ms[i] < low || samples_ms[i] > high)
			continue;
		sum += samples_ms[i];
		squares += samples_ms[i] * samples_ms[i];
		kept++;
	}
	ret->mean_ms = sum / kept;
	ret->std_ms = sqrt(fmax(0, squares / kept - ret->mean_ms * ret->mean_ms));
	ret->count = kept;
}

enum ofa_status cli_time_runs(const struct cli_device_model *d, double budget_ms, struct cli_timing *ret,
                              struct ofa_error *err)
{
	const struct ofa_device_model *m = &d->model;
	size_t arena_bytes = ofa_device_arena_bytes(m);
	double *samples = malloc(MAX_RUNS * sizeof *samples);
	double end = cli_now_ms() + budget_ms;
	uint32_t n = 0;

	if (!samples)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory for %d samples", MAX_RUNS);
	for (int run = 0; n < MAX_RUNS && (n < MIN_RUNS || cli_now_ms() < end); run++) {
		double start;
		ofa_device_put_pixels(m, m->pixels, d->arena);
		start = cli_cpu_ms();
		if (ofa_device_run_ops(m, d->arena, arena_bytes, 0, m->n_ops) != OFA_DEVICE_OK)
			break;
		if (run >= WARM_UP_RUNS)
			samples[n++] = cli_cpu_ms() - start;
	}
	if (n)
		cli_timing_summarise(samples, n, ret);
	free(samples);
	return n ? OFA_OK : ofa_fail(err, OFA_ERR_FORMAT, NULL, "the device runtime refused to run the package");
}
