#include <string.h>
#include <time.h>
#include "service/package_uses.h"

void package_uses_init(struct package_uses *u)
{
	pthread_mutex_init(&u->lock, NULL);
	u->n = 0;
}

void package_uses_release(struct package_uses *u)
{
	pthread_mutex_destroy(&u->lock);
}

static void add(struct package_uses *u, const char *id, atomic_llong *noted)
{
	pthread_mutex_lock(&u->lock);
	if (u->n < PACKAGE_USES_MAX)
		memcpy(u->ids[u->n++], id, PACKAGE_ID_CHARS + 1);
	else
		atomic_store(noted, PACKAGE_USES_NEVER);
	pthread_mutex_unlock(&u->lock);
}

void package_uses_note(struct package_uses *u, const char *id, atomic_llong *noted)
{
	long long at = atomic_load_explicit(noted, memory_order_relaxed);
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	if (now.tv_sec >= at + PACKAGE_USES_SECONDS && atomic_compare_exchange_strong(noted, &at, now.tv_sec))
		add(u, id, noted);
}

size_t package_uses_take(struct package_uses *u, char (*ids)[PACKAGE_ID_CHARS + 1], size_t max)
{
	size_t n;

	pthread_mutex_lock(&u->lock);
	n = u->n < max ? u->n : max;
	u->n -= n;
	memcpy(ids, u->ids[u->n], n * sizeof(*ids));
	pthread_mutex_unlock(&u->lock);
	return n;
}
