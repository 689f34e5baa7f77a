/* Progress on stderr: a bar that redraws itself on a terminal, plain lines elsewhere. */
#ifndef OFA_CLI_PROGRESS_H
#define OFA_CLI_PROGRESS_H

#include "train/shrink.h"

struct cli_progress {
	bool terminal;
	bool drawn;          /* a bar stands on the current line */
	double last;         /* when something was written, seconds of the monotonic clock */
	int last_phase;      /* of the last plain line, -1 before */
	double last_percent; /* of the whole run, in the last plain line */
};

void cli_progress_init(struct cli_progress *p);
/* Rate-limited: cheap to call after every step. */
void cli_progress_show(struct cli_progress *p, const struct ofa_train_progress *t);
/* Ends the bar's line, so that other text may follow. */
void cli_progress_end(struct cli_progress *p);

/* The same for work that is counted and needs no more words. */
struct cli_bar {
	struct cli_progress progress;
	double start;
	const char *unit; /* "images" */
};
void cli_bar_init(struct cli_bar *b, const char *unit);
void cli_bar_show(struct cli_bar *b, uint64_t done, uint64_t total);
/* Takes it away again: the result speaks for itself. */
void cli_bar_end(struct cli_bar *b);

#define CLI_DURATION_MAX 24
/* "2 h 05 min", "3 min 07 s", "42 s".  Returns out. */
const char *cli_duration(double seconds, char out[CLI_DURATION_MAX]);

#endif
