/* Media types and content codings: what the client accepts and what it sends. */
#ifndef OFAD_HTTP_NEGOTIATE_H
#define OFAD_HTTP_NEGOTIATE_H

#include <stdbool.h>
#include <stddef.h>

/* Index of the offer that an Accept field prefers (RFC 9110, 12.5.1: the most specific range that matches
 * an offer gives its quality; ties go to the earlier offer), or -1 when it excludes all.  A NULL or empty
 * field accepts anything.  Parameters of ranges other than q are not told apart. */
int http_accept_best(const char *accept, const char *const *offers, size_t n);

enum http_coding { HTTP_CODING_NONE, HTTP_CODING_IDENTITY, HTTP_CODING_GZIP };
/* The coding that an Accept-Encoding field prefers (RFC 9110, 12.5.3) of identity and, if `gzip`, gzip;
 * HTTP_CODING_NONE when it excludes all.  Ties go to gzip; identity, unless the field excludes it, is acceptable even
 * where it is not named, but least.  NULL, no field, is identity: what clients that say nothing can read. */
enum http_coding http_accept_coding(const char *field, bool gzip);

/* Is this Content-Type the given media type, whatever its parameters? */
bool http_media_type_is(const char *content_type, const char *type);
/* Is it one of the first of n, up to a NULL?  A Content-Type that is NULL is none. */
bool http_media_type_in(const char *content_type, const char *const *types, size_t n);

#endif
