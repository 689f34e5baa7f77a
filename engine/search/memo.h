/* Which archs a search has scored, and their accuracy: an open-addressing map from the arch's 64-bit hash, of which
 * half finds the place and half is kept.  Two archs that are taken for each other share a score; among 100,000 archs
 * that has a chance of 10^-4, and whoever leads is scored again. */
#ifndef OFA_SEARCH_MEMO_H
#define OFA_SEARCH_MEMO_H

#include <stddef.h>
#include <stdint.h>
#include "base/status.h"

struct ofa_memo_slot {
	uint32_t key; /* 0: free */
	float value;
};

struct ofa_memo {
	struct ofa_memo_slot *slots; /* owned */
	size_t cap, n;               /* cap is a power of two */
};

/* Room for n entries without growing. */
enum ofa_status ofa_memo_init(struct ofa_memo *m, size_t n) OFA_MUST_CHECK;
void ofa_memo_release(struct ofa_memo *m);

/* Fetches what a find() soon after will look at. */
void ofa_memo_expect(const struct ofa_memo *m, uint64_t key);
/* The slot of a key: with the key in it, or free (and then the caller may claim it by ofa_memo_claim()). */
struct ofa_memo_slot *ofa_memo_find(const struct ofa_memo *m, uint64_t key);
/* Takes a free slot that find() returned for this key.  At most n claims after init(m, n). */
void ofa_memo_claim(struct ofa_memo *m, struct ofa_memo_slot *slot, uint64_t key);

#endif
