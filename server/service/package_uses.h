/* Which packages were asked for, gathered until somebody writes it down.  A package counts once in
 * PACKAGE_USES_SECONDS, so that a use mostly costs reading a clock. */
#ifndef OFAD_SERVICE_PACKAGE_USES_H
#define OFAD_SERVICE_PACKAGE_USES_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include "packages/package_store.h"

#define PACKAGE_USES_SECONDS 900
#define PACKAGE_USES_MAX 4096 /* gathered at once; the rest counts later */

struct package_uses {
	pthread_mutex_t lock;
	size_t n;
	char ids[PACKAGE_USES_MAX][PACKAGE_ID_CHARS + 1];
};

void package_uses_init(struct package_uses *u);
void package_uses_release(struct package_uses *u);
/* Any thread.  *noted: the package's own, PACKAGE_USES_NEVER at first. */
#define PACKAGE_USES_NEVER (-(long long)PACKAGE_USES_SECONDS)
void package_uses_note(struct package_uses *u, const char *id, atomic_llong *noted);
/* Moves up to `max` of them to `ids`; how many. */
size_t package_uses_take(struct package_uses *u, char (*ids)[PACKAGE_ID_CHARS + 1], size_t max);

#endif
