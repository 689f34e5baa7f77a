#include "transfer.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "output.h"
#include "progress.h"

#define SILENT_SECONDS 2.0
#define REDRAW_SECONDS 0.2 /* of the bar */
#define LINE_SECONDS 5.0   /* between plain lines */
#define BAR_CELLS 24

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void transfer_begin(struct transfer *t, uint64_t have, uint64_t size_bytes)
{
	*t = (struct transfer){
		.terminal = isatty(STDERR_FILENO),
		.begun = now(),
		.at_begin = have,
		.size_bytes = size_bytes,
	};
}

static void draw_bar(double part)
{
	int full = (int)(part * BAR_CELLS);

	fputs("\r[", stderr);
	for (int i = 0; i < BAR_CELLS; i++)
		fputc(i < full ? '#' : '.', stderr);
	fputs("] ", stderr);
}

void transfer_show(struct transfer *t, uint64_t have)
{
	double at = now(), rate = (double)(have - t->at_begin) / (at - t->begun + 1e-9);
	char done[CLI_SHORT_MAX], size[CLI_SHORT_MAX], speed[CLI_SHORT_MAX], eta[CLI_DURATION_MAX];
	double part = (double)have / (double)t->size_bytes;

	if (at - t->begun < SILENT_SECONDS || at - t->last < (t->terminal ? REDRAW_SECONDS : LINE_SECONDS))
		return;
	t->last = at;
	if (t->terminal)
		draw_bar(part);
	fprintf(stderr, "%5.1f%%  %sB of %sB  %sB/s  ETA %s%s", 100 * part, cli_short_count((double)have, done),
	        cli_short_count((double)t->size_bytes, size), cli_short_count(rate, speed),
	        cli_duration((double)(t->size_bytes - have) / (rate + 1e-9), eta), t->terminal ? "\033[K" : "\n");
	t->drawn = t->terminal;
}

void transfer_end(struct transfer *t)
{
	if (t->drawn)
		fputc('\n', stderr);
	t->drawn = false;
}
