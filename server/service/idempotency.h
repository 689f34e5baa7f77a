/* Requests that clients repeat because the answer was lost on its way: which keys were used, for what, and what came of
 * it.  In memory, bounded in bytes; the result that was there for longest goes first.  Thread-safe.
 *
 * Where replicas share a store the results are there, bounded in number, and memory has only what is under way here:
 * all replicas answer alike.  What is under way at one that is gone is as if it had never been. */
#ifndef OFAD_SERVICE_IDEMPOTENCY_H
#define OFAD_SERVICE_IDEMPOTENCY_H

#include "base/buf.h"
#include "base/status.h"
#include "jobs/key.h"
#include "jobs/workers.h"
#include "store/store.h"

#define IDEMPOTENCY_RESULT_MAX ((size_t)8 << 10)

struct idempotency;

enum idempotency_state {
	IDEMPOTENCY_FIRST, /* nobody used the key: it is now under way until it is settled or dropped */
	IDEMPOTENCY_BUSY,  /* under way */
	IDEMPOTENCY_OTHER, /* used for a request with another fingerprint */
	IDEMPOTENCY_DONE,  /* settled */
	IDEMPOTENCY_FULL,  /* as many are under way as there may be */
	IDEMPOTENCY_ERROR, /* the store that replicas share does not say: err does */
};

#define IDEMPOTENCY_KEYS_MAX 200000u /* in a store that is shared */

struct idempotency_options {
	size_t max_bytes; /* of all together */
	double keep_ms;   /* of what is settled */
	/* of a store that replicas share; borrowed */
	struct store *store; /* NULL: there are no others */
	struct workers *workers;
	double pending_ms; /* no request is under way for longer */
};
enum ofa_status idempotency_new(const struct idempotency_options *opt, struct idempotency **ret,
				struct ofa_error *err) OFA_MUST_CHECK;
void idempotency_free(struct idempotency *s); /* NULL is allowed */

/* Are they shared?  What says so below is then called on a worker. */
bool idempotency_shared(const struct idempotency *s);

/* On a worker: `key` has everything in it that keys are told apart by, such as who uses it.  On DONE the result is
 * appended. */
enum idempotency_state idempotency_begin(struct idempotency *s, const struct job_key *key,
					 const struct job_key *fingerprint, struct ofa_buf *result,
					 struct ofa_error *err);
/* On a worker: what comes of a key that is under way; more than IDEMPOTENCY_RESULT_MAX bytes are not kept: it is
 * dropped. */
void idempotency_settle(struct idempotency *s, const struct job_key *key, const void *result, size_t size);
/* On a worker: as if the key, which is under way, had never been used. */
void idempotency_drop(struct idempotency *s, const struct job_key *key);
/* On a worker: the same of one that is settled. */
void idempotency_forget(struct idempotency *s, const struct job_key *key);
/* The first two, for a thread that may not wait for the store: a worker does it.  result NULL: dropped. */
void idempotency_settle_later(struct idempotency *s, const struct job_key *key, const void *result, size_t size);

#endif
