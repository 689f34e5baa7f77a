/* The two clocks: one that never jumps, for durations and deadlines; one of the calendar, for records. */
#ifndef OFAD_CLOCK_H
#define OFAD_CLOCK_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* Milliseconds since some fixed moment, monotonic. */
double clock_ms(void);

/* Processor time of the calling thread, seconds. */
double clock_thread_cpu(void);

#define CLOCK_RFC3339_MAX 32
/* Now in UTC as "2026-01-31T12:00:00.123Z". */
void clock_rfc3339(char out[CLOCK_RFC3339_MAX]);
/* The same of any moment from 1970 to 9999. */
void clock_format(const struct timespec *t, char out[CLOCK_RFC3339_MAX]);

#endif
