#define _GNU_SOURCE /* sched_getaffinity() */

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/pool.h"

/* Reads up to two numbers of a cgroup file; how many were there ("max" is none). */
static int read_numbers(const char *path, double value[2])
{
	uint8_t *text;
	size_t size;
	int n;

	if (ofa_file_read(path, 256, &text, &size, NULL) != OFA_OK)
		return 0;
	n = sscanf((const char *)text, "%lf %lf", &value[0], &value[1]);
	free(text);
	return n < 0 ? 0 : n;
}

/* Processors' worth of time the control group allows, 0 when it sets no limit (version 2, then 1). */
static double cgroup_quota(void)
{
	double v[2] = {0, 0}, period[2] = {0, 0};

	if (read_numbers("/sys/fs/cgroup/cpu.max", v) == 2 && v[1] > 0)
		return v[0] / v[1];
	if (read_numbers("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", v) == 1 &&
	    read_numbers("/sys/fs/cgroup/cpu/cpu.cfs_period_us", period) == 1 && v[0] > 0 && period[0] > 0)
		return v[0] / period[0];
	return 0;
}

unsigned ofa_cpu_count(void)
{
	double quota = cgroup_quota();
	unsigned n = 1;
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 0)
		n = (unsigned)CPU_COUNT(&set);
	if (quota > 0 && quota < n)
		n = quota < 1 ? 1 : (unsigned)(quota + 0.999);
	return n;
}
