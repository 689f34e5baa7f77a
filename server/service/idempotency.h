/* Requests that clients repeat because the answer was lost on its way: which keys were used, for what, and what came of
 * it.  In memory, bounded in bytes; the result that was there for longest goes first.  Thread-safe. */
#ifndef OFAD_SERVICE_IDEMPOTENCY_H
#define OFAD_SERVICE_IDEMPOTENCY_H

#include "base/buf.h"
#include "base/status.h"
#include "jobs/key.h"

#define IDEMPOTENCY_RESULT_MAX ((size_t)8 << 10)

struct idempotency;

enum idempotency_state {
	IDEMPOTENCY_FIRST, /* nobody used the key: it is now under way until it is settled or dropped */
	IDEMPOTENCY_BUSY,  /* under way */
	IDEMPOTENCY_OTHER, /* used for a request with another fingerprint */
	IDEMPOTENCY_DONE,  /* settled */
	IDEMPOTENCY_FULL,  /* as many are under way as there may be */
};

/* Settled results are kept for keep_ms; all together weigh at most max_bytes. */
enum ofa_status idempotency_new(size_t max_bytes, double keep_ms, struct idempotency **ret,
				struct ofa_error *err) OFA_MUST_CHECK;
void idempotency_free(struct idempotency *s); /* NULL is allowed */

/* `key` has everything in it that keys are told apart by, such as who uses it.  On DONE the result is appended. */
enum idempotency_state idempotency_begin(struct idempotency *s, const struct job_key *key,
					 const struct job_key *fingerprint, struct ofa_buf *result);
/* What comes of a key that is under way; more than IDEMPOTENCY_RESULT_MAX bytes are not kept: it is dropped. */
void idempotency_settle(struct idempotency *s, const struct job_key *key, const void *result, size_t size);
/* As if the key had never been used. */
void idempotency_drop(struct idempotency *s, const struct job_key *key);

#endif
