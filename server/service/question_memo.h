/* What question a body asked, so that the same bytes need not be parsed, resolved and hashed again.
 *
 * A fixed number of bodies, the newest in each place.  Remembered with the generation of the profiles
 * (profiles_generation()) read before the body was parsed: once a profile has changed nothing that was remembered
 * before is found.  A question that depends on anything else that changes must not be put here. */
#ifndef OFAD_SERVICE_QUESTION_MEMO_H
#define OFAD_SERVICE_QUESTION_MEMO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/status.h"
#include "jobs/key.h"

/* Longer bodies, such as those that carry a profile, are parsed every time. */
#define QUESTION_MEMO_BODY_MAX 448

struct question_memo;

enum ofa_status question_memo_new(struct question_memo **ret, struct ofa_error *err) OFA_MUST_CHECK;
void question_memo_free(struct question_memo *m); /* NULL is allowed */

/* False: unknown, or from another generation.  Any thread, as is question_memo_put(). */
bool question_memo_find(struct question_memo *m, uint64_t generation, const void *body, size_t size,
			struct job_key *ret);
void question_memo_put(struct question_memo *m, uint64_t generation, const void *body, size_t size,
		       const struct job_key *key);

#endif
