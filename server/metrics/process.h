/* What the system says of this process, as every Prometheus client library tells it
 * (https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics). */
#ifndef OFAD_METRICS_PROCESS_H
#define OFAD_METRICS_PROCESS_H

/* NAN: not known. */
struct process_reading {
	double cpu_seconds, resident_bytes, virtual_bytes, open_fds, max_fds, threads;
};
void process_read(struct process_reading *ret);

#endif
