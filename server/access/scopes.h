/* What a caller may do, as the words of the command line, the database and the WWW-Authenticate header. */
#ifndef OFAD_ACCESS_SCOPES_H
#define OFAD_ACCESS_SCOPES_H

#include "base/status.h"

#define SCOPES_TEXT_MAX 64

/* Adds the scope of this name ("read", "provision", "profiles:write", "admin") to *scopes; false when there is none. */
bool scope_add(const char *name, unsigned *scopes);
/* Names separated by spaces or commas; at least one.  OFA_ERR_INVALID names the word that is none. */
enum ofa_status scopes_parse(const char *text, unsigned *ret, struct ofa_error *err) OFA_MUST_CHECK;
/* "read provision"; the names are in the order of enum access_scope, SCOPE_PUBLIC has none. */
void scopes_format(unsigned scopes, char out[SCOPES_TEXT_MAX]);

#endif
