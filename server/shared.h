/* A reference-counted object: immutable once it is shared between threads.
 *
 * Embed it as the first member and give it the function that frees the whole object; the creator
 * holds the first reference.  Any thread may take or drop references. */
#ifndef OFAD_SHARED_H
#define OFAD_SHARED_H

#include <stdatomic.h>

struct shared {
	atomic_uint refs;
	void (*destroy)(struct shared *self); /* called once, by whoever drops the last reference */
};

void shared_init(struct shared *s, void (*destroy)(struct shared *self));
/* Returns s. */
struct shared *shared_ref(struct shared *s);
/* NULL is allowed. */
void shared_unref(struct shared *s);

#endif
