/* JSON pointers (RFC 6901) for error reports of the profile reader. */
#ifndef OFA_COST_POINTER_H
#define OFA_COST_POINTER_H

#include <stddef.h>

#define OFA_POINTER_MAX 320

/* parent + "/" + name with '~' and '/' escaped; cut at cap - 1 bytes.  out must not alias parent. */
void ofa_pointer_join(char *out, size_t cap, const char *parent, const char *name);

#endif
