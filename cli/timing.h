/* Timing on a machine that may be busy: a monotonic clock, one CPU, robust means. */
#ifndef OFA_CLI_TIMING_H
#define OFA_CLI_TIMING_H

#include <stdbool.h>
#include <stdint.h>

#include "device_model.h"

double cli_now_ms(void);
/* Processor time of the calling thread; a call takes longer than cli_now_ms(). */
double cli_cpu_ms(void);

/* Binds the calling thread to the CPU it runs on.  False when the system refuses. */
bool cli_pin_to_cpu(void);

struct cli_timing {
	double mean_ms, std_ms;
	uint32_t count; /* samples kept */
};
/* Mean and standard deviation without outliers: samples beyond 1.5 interquartile ranges from the
 * quartiles are dropped (Tukey's fences).  Sorts the samples; n >= 1. */
void cli_timing_summarise(double *samples_ms, uint32_t n, struct cli_timing *ret);

/* Latency of whole runs on the stored self-test image by one thread: warm-up, then as many runs as fit
 * into budget_ms, at least 20, at most 2000.  In processor time: a run is long enough to be interrupted
 * more often than not on a busy machine, and it waits for nothing else. */
enum ofa_status cli_time_runs(const struct cli_device_model *d, double budget_ms, struct cli_timing *ret,
                              struct ofa_error *err) OFA_MUST_CHECK;

#endif
