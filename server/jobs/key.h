/* What answers are known by: a SHA-256. */
#ifndef OFAD_JOBS_KEY_H
#define OFAD_JOBS_KEY_H

#include <stdint.h>
#include <string.h>
#include "base/sha256.h"

struct job_key {
	uint8_t bytes[OFA_SHA256_BYTES];
};

static inline int job_key_equal(const struct job_key *a, const struct job_key *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

/* A bucket in [0, n): digests are uniform already. */
static inline unsigned job_key_bucket(const struct job_key *k, unsigned n)
{
	uint32_t h;

	memcpy(&h, k->bytes, sizeof(h));
	return h % n;
}

#endif
