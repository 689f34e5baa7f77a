#include "cost/pointer.h"

#include <stdio.h>

void ofa_pointer_join(char *out, size_t cap, const char *parent, const char *name)
{
	int n = snprintf(out, cap, "%s/", parent);
	size_t at = n < 0 ? 0 : (size_t)n;

	for (; *name && at + 2 < cap; name++) {
		if (*name == '~' || *name == '/') {
			out[at++] = '~';
			out[at++] = *name == '~' ? '0' : '1';
		} else {
			out[at++] = *name;
		}
	}
	if (at < cap)
		out[at] = '\0';
}
