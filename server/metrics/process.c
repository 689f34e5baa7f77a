#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "metrics/process.h"

#define STAT_MAX 1024

/* Since Linux 6.2 the size of the directory is the number of its entries, without reading thousands of them. */
static double open_files(void)
{
	struct stat info;
	double n = -3; /* . and .., and the directory itself */
	DIR *dir;

	if (stat("/proc/self/fd", &info) == 0 && info.st_size > 0)
		return (double)info.st_size;
	dir = opendir("/proc/self/fd");
	if (!dir)
		return NAN;
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* /proc/self/stat, proc(5): after the name, which may contain anything, fields 3 and on. */
static void read_stat(struct process_reading *ret)
{
	char text[STAT_MAX];
	int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	unsigned long long virtual_bytes;
	long threads, pages;
	const char *rest;

	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return;
	text[n] = '\0';
	rest = strrchr(text, ')');
	/* 20: threads, 23: virtual memory in bytes, 24: resident pages */
	if (!rest || sscanf(rest + 1,
			    " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %ld %*d %*u %llu %ld",
			    &threads, &virtual_bytes, &pages) != 3)
		return;
	ret->threads = (double)threads;
	ret->virtual_bytes = (double)virtual_bytes;
	ret->resident_bytes = (double)pages * (double)sysconf(_SC_PAGESIZE);
}

void process_read(struct process_reading *ret)
{
	struct timespec cpu;
	struct rlimit files;

	*ret = (struct process_reading){NAN, NAN, NAN, NAN, NAN, NAN};
	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu) == 0)
		ret->cpu_seconds = (double)cpu.tv_sec + (double)cpu.tv_nsec * 1e-9;
	if (getrlimit(RLIMIT_NOFILE, &files) == 0)
		ret->max_fds = files.rlim_cur == RLIM_INFINITY ? INFINITY : (double)files.rlim_cur;
	ret->open_fds = open_files();
	read_stat(ret);
}
