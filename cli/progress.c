#include "progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define REDRAW_SECONDS 0.2 /* of the bar */
#define LINE_SECONDS 30.0  /* between plain lines at most, */
#define LINE_PERCENT 5.0   /* or this much progress */
#define BAR_CELLS 24
#define TO_END_OF_LINE "\033[K" /* clears it */
#define LONGEST_SECONDS 3600000000u /* a longer estimate is shown as this: a million hours */

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

const char *cli_duration(double seconds, char out[CLI_DURATION_MAX])
{
	unsigned s = !(seconds > 0) ? 0 : seconds < LONGEST_SECONDS ? (unsigned)(seconds + 0.5) : LONGEST_SECONDS;

	if (s >= 3600)
		snprintf(out, CLI_DURATION_MAX, "%u h %02u min", s / 3600, s / 60 % 60);
	else if (s >= 60)
		snprintf(out, CLI_DURATION_MAX, "%u min %02u s", s / 60, s % 60);
	else
		snprintf(out, CLI_DURATION_MAX, "%u s", s);
	return out;
}

void cli_progress_init(struct cli_progress *p)
{
	*p = (struct cli_progress){.terminal = isatty(STDERR_FILENO), .last_phase = -1};
}

static double percent(const struct ofa_train_progress *t)
{
	return t->total_steps ? 100.0 * (double)t->total_step / (double)t->total_steps : 0;
}

static void print_figures(const struct ofa_train_progress *t)
{
	char eta[CLI_DURATION_MAX];

	fprintf(stderr, "%5.1f%%  %s %llu/%llu  loss %.4f  lr %.4g  %.0f img/s  ETA %s", percent(t), t->phase,
		(unsigned long long)t->step, (unsigned long long)t->steps, t->loss, t->lr, t->images_per_second,
		cli_duration(t->eta_seconds, eta));
}

static void draw_bar(double at_percent)
{
	int full = (int)(at_percent / 100 * BAR_CELLS);

	fputs("\r[", stderr);
	for (int i = 0; i < BAR_CELLS; i++)
		fputc(i < full ? '#' : '.', stderr);
	fputs("] ", stderr);
}

void cli_progress_show(struct cli_progress *p, const struct ofa_train_progress *t)
{
	double at = now();

	if (p->terminal) {
		if (at - p->last < REDRAW_SECONDS && t->total_step < t->total_steps)
			return;
		draw_bar(percent(t));
		print_figures(t);
		fputs(TO_END_OF_LINE, stderr);
		p->drawn = true;
	} else {
		bool due = at - p->last >= LINE_SECONDS || percent(t) - p->last_percent >= LINE_PERCENT;
		if (!due && t->phase_index == p->last_phase && t->total_step < t->total_steps)
			return;
		print_figures(t);
		fputc('\n', stderr);
	}
	p->last = at;
	p->last_phase = t->phase_index;
	p->last_percent = percent(t);
}

void cli_progress_end(struct cli_progress *p)
{
	if (p->drawn)
		fputc('\n', stderr);
	p->drawn = false;
}

void cli_bar_init(struct cli_bar *b, const char *unit)
{
	*b = (struct cli_bar){.start = now(), .unit = unit};
	cli_progress_init(&b->progress);
	b->progress.last = b->start;
}

void cli_bar_show(struct cli_bar *b, uint64_t done, uint64_t total)
{
	const double at = now(), rate = (double)done / (at - b->start + 1e-9);
	struct cli_progress *p = &b->progress;
	char eta[CLI_DURATION_MAX];

	if (at - p->last < (p->terminal ? REDRAW_SECONDS : LINE_SECONDS) || done == 0)
		return;
	if (p->terminal)
		draw_bar(100.0 * (double)done / (double)total);
	fprintf(stderr, "%5.1f%%  %llu/%llu %s  %.0f/s  ETA %s%s", 100.0 * (double)done / (double)total,
		(unsigned long long)done, (unsigned long long)total, b->unit, rate,
		cli_duration((double)(total - done) / rate, eta), p->terminal ? TO_END_OF_LINE : "\n");
	p->drawn = p->terminal;
	p->last = at;
}

void cli_bar_end(struct cli_bar *b)
{
	if (b->progress.drawn)
		fputs("\r" TO_END_OF_LINE, stderr);
	b->progress.drawn = false;
}
