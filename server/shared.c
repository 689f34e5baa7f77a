#include <stddef.h>
#include "shared.h"

void shared_init(struct shared *s, void (*destroy)(struct shared *self))
{
	atomic_init(&s->refs, 1);
	s->destroy = destroy;
}

struct shared *shared_ref(struct shared *s)
{
	atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	return s;
}

void shared_unref(struct shared *s)
{
	if (s && atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) == 1)
		s->destroy(s);
}
