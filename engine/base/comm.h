/* The ranks of one run: programs, on one machine or on several, that compute the same on parts of the same data.  All
 * ranks make the same calls in the same order with arguments of the same size; a call returns when the ranks that it
 * needs have made theirs.  A rank calls from one thread.
 *
 * Sums and broadcasts have no status, so that what computes between them cannot fail either: once a rank is lost they
 * do nothing, and ofa_comm_agree(), which follows them sooner or later, says so.  NULL is a rank alone: then nothing is
 * exchanged and everything is agreed. */
#ifndef OFA_BASE_COMM_H
#define OFA_BASE_COMM_H

#include "base/status.h"

#define OFA_MAX_RANKS 256

/* How ranks reach each other.  false: one cannot be reached any more. */
struct ofa_comm_driver {
	/* v[n] becomes the sum over the ranks, in place: the same bits on every rank. */
	bool (*sum_floats)(void *ctx, float *v, size_t n);
	bool (*sum_doubles)(void *ctx, double *v, size_t n);
	bool (*broadcast)(void *ctx, int root, void *data, size_t size);
};

struct ofa_comm {
	const struct ofa_comm_driver *driver;
	void *ctx;
	int rank, size; /* size at most OFA_MAX_RANKS */
	bool lost;      /* set when a rank could not be reached: nothing is exchanged from then on */
	bool agreed;    /* set when every rank knows of a failure, and ends by itself */
};

static inline int ofa_comm_rank(const struct ofa_comm *c)
{
	return c ? c->rank : 0;
}

static inline int ofa_comm_size(const struct ofa_comm *c)
{
	return c ? c->size : 1;
}

void ofa_comm_sum_floats(struct ofa_comm *c, float *v, size_t n);
void ofa_comm_sum_doubles(struct ofa_comm *c, double *v, size_t n);
void ofa_comm_broadcast(struct ofa_comm *c, void *data, size_t size); /* from rank 0 */

/* Each rank tells how it fared.  OFA_OK when all fared well; else all ranks get status and error of the first rank that
 * did not, which is named unless it is rank 0. */
enum ofa_status ofa_comm_agree(struct ofa_comm *c, enum ofa_status status, struct ofa_error *err) OFA_MUST_CHECK;

/* OFA_ERR_MISMATCH, naming `what`, on a rank whose bytes are not those of rank 0; to be agreed upon. */
enum ofa_status ofa_comm_compare(struct ofa_comm *c, const void *data, size_t size, const char *what,
				 struct ofa_error *err) OFA_MUST_CHECK;

#endif
