/* JSON pointers (RFC 6901) for error reports.  What cannot be told is pointed at by what holds it, so that a pointer
 * always leads somewhere. */
#ifndef OFA_COST_POINTER_H
#define OFA_COST_POINTER_H

#include <stddef.h>
#include "base/status.h"

#define OFA_POINTER_MAX OFA_FIELD_MAX

/* parent + "/" + name with '~' and '/' escaped; parent alone when that does not fit or the name has characters that an
 * error does not show.  out must not alias parent. */
void ofa_pointer_join(char *out, size_t cap, const char *parent, const char *name);
/* parent + pointer; parent alone when that does not fit.  out must not alias pointer. */
void ofa_pointer_append(char *out, size_t cap, const char *parent, const char *pointer);
/* Puts the error's pointer below the parent. */
void ofa_pointer_place(struct ofa_error *err, const char *parent);

#endif
