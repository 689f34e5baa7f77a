/* The shared reference data lies outside the project: found by OFA_SHARED, or ../shared beside the source tree.
 * Tests that need it say SKIP and pass where it is absent. */
#ifndef OFA_TESTS_SHARED_H
#define OFA_TESTS_SHARED_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Path of a file below shared/ofa; the string lasts until the fourth call after. */
static inline const char *shared_path(const char *name)
{
	static char path[4][1024];
	static int turn;
	const char *root = getenv("OFA_SHARED"), *src = getenv("OFA_SRCDIR");

	turn = (turn + 1) % 4;
	if (root)
		snprintf(path[turn], sizeof path[turn], "%s/%s", root, name);
	else
		snprintf(path[turn], sizeof path[turn], "%s/../shared/ofa/%s", src ? src : ".", name);
	return path[turn];
}

static inline bool shared_available(void)
{
	if (access(shared_path("README.md"), R_OK) == 0)
		return true;
	printf("SKIP: no shared reference data (%s)\n", shared_path("README.md"));
	return false;
}

#endif
