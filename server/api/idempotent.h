/* Operations that a client may repeat under an Idempotency-Key until it has the answer.
 *
 * A key belongs to who uses it (the token) and to the path.  The same key with the same body is the same request:
 * while the first is under way the answer is 409, and afterwards that of the first, for 24 hours, unless it failed:
 * then it is tried again.  With another body it is refused. */
#ifndef OFAD_API_IDEMPOTENT_H
#define OFAD_API_IDEMPOTENT_H

#include "http/call.h"
#include "jobs/key.h"

/* Of a call between its beginning and its end. */
struct idempotent {
	bool held; /* the request has a key, and it is this call that is under way for it */
	struct job_key key;
};

enum idempotent_next {
	IDEMPOTENT_DO,      /* there is no key, or this is the first with it: do it, then settle or drop */
	IDEMPOTENT_REPEAT,  /* it was done: the result was appended */
	IDEMPOTENT_REFUSED, /* the reply says why */
};

/* Is there a key, and it takes a worker to look it up? */
bool idempotent_elsewhere(const struct http_call *call);
/* Both with the body complete, and not where the key is looked up elsewhere.  For an operation that makes its answer
 * from a result of its own: */
enum idempotent_next idempotent_begin(struct http_call *call, struct idempotent *ret, struct ofa_buf *result);
/* Each ends what is held; without a key they do nothing. */
void idempotent_settle(struct http_call *call, struct idempotent *i, const void *result, size_t size);
void idempotent_drop(struct http_call *call, struct idempotent *i);
/* After IDEMPOTENT_REPEAT: the result is of no use, the next request with the key is the first. */
void idempotent_forget(struct http_call *call, const struct idempotent *i);

/* For an operation whose answers are small documents, which are kept as they are.  False: the reply is complete. */
bool idempotent_begin_reply(struct http_call *call, struct idempotent *ret);
/* The reply is complete: keeps one that is a success, with Location and Cache-Control. */
void idempotent_end_reply(struct http_call *call, struct idempotent *i);

#endif
