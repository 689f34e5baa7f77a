#include <string.h>
#include "clock.h"

double clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

double clock_thread_cpu(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void put_digits(char *out, unsigned v, int n)
{
	for (int i = n - 1; i >= 0; i--, v /= 10)
		out[i] = (char)('0' + v % 10);
}

/* Not by gmtime_r() and strftime(), which take the lock of the time zone: each request logs a line.  The date is
 * Howard Hinnant's civil_from_days() ("chrono-Compatible Low-Level Date Algorithms"): years that begin in March, so
 * that the odd day comes last. */
void clock_format(const struct timespec *t, char out[CLOCK_RFC3339_MAX])
{
	const unsigned days = (unsigned)(t->tv_sec / 86400) + 719468, seconds = (unsigned)(t->tv_sec % 86400);
	const unsigned era = days / 146097, of_era = days % 146097;
	const unsigned year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	const unsigned of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	const unsigned from_march = (5 * of_year + 2) / 153, month = from_march < 10 ? from_march + 3 : from_march - 9;

	memcpy(out, "....-..-..T..:..:......Z", 25);
	put_digits(out, era * 400 + year_of_era + (month <= 2), 4);
	put_digits(out + 5, month, 2);
	put_digits(out + 8, of_year - (153 * from_march + 2) / 5 + 1, 2);
	put_digits(out + 11, seconds / 3600, 2);
	put_digits(out + 14, seconds / 60 % 60, 2);
	put_digits(out + 17, seconds % 60, 2);
	put_digits(out + 20, (unsigned)(t->tv_nsec / 1000000), 3);
}

void clock_rfc3339(char out[CLOCK_RFC3339_MAX])
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	clock_format(&t, out);
}
