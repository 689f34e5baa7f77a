#include "cost/pointer.h"

#include <stdio.h>
#include <string.h>

void ofa_pointer_join(char *out, size_t cap, const char *parent, const char *name)
{
	size_t parent_len = strlen(parent), at = parent_len;

	ofa_pointer_append(out, cap, parent, "/");
	if (parent_len + 1 >= cap)
		return;
	for (at++; *name && at + 2 < cap && (unsigned char)*name >= ' ' && *name != 0x7f; name++) {
		if (*name == '~' || *name == '/') {
			out[at++] = '~';
			out[at++] = *name == '~' ? '0' : '1';
		} else {
			out[at++] = *name;
		}
	}
	out[*name ? parent_len : at] = '\0';
}

void ofa_pointer_append(char *out, size_t cap, const char *parent, const char *pointer)
{
	int n = snprintf(out, cap, "%s%s", parent, pointer);

	if (n < 0 || (size_t)n >= cap)
		snprintf(out, cap, "%s", parent);
}

void ofa_pointer_place(struct ofa_error *err, const char *parent)
{
	char field[OFA_POINTER_MAX];

	ofa_pointer_append(field, sizeof(field), parent, err->field);
	snprintf(err->field, sizeof(err->field), "%s", field);
}
