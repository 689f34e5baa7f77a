/* Progress of a transfer on stderr: a bar on a terminal, plain lines elsewhere, nothing in the first two seconds. */
#ifndef OFA_CLI_TRANSFER_H
#define OFA_CLI_TRANSFER_H

#include <stdbool.h>
#include <stdint.h>

struct transfer {
	bool terminal, drawn;
	double begun, last;     /* seconds of the monotonic clock */
	uint64_t at_begin;      /* bytes that were there before */
	uint64_t size_bytes;
};

void transfer_begin(struct transfer *t, uint64_t have, uint64_t size_bytes);
/* Rate-limited: cheap to call after every piece. */
void transfer_show(struct transfer *t, uint64_t have);
/* Ends the bar's line, so that other text may follow. */
void transfer_end(struct transfer *t);

#endif
