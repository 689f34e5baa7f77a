/* The texts that carry signatures. */
#ifndef OFAD_SIGN_ENVELOPE_H
#define OFAD_SIGN_ENVELOPE_H

#include "sign/keys.h"

/* {"manifest":"<the line>","signatures":[{"key_id":"<hex>","signature":"<base64>"}]}, one signature by each key of the
 * ring that signs, the newest first.  malloc'ed; NULL when memory is out. */
char *envelope_format(const struct key_ring *ring, const char *line);

/* A signature file for minisign(1) over the bytes, hashed first ("ED"); its trusted comment holds id, sequence and
 * expiry.  malloc'ed; NULL when memory is out. */
char *minisig_format(const struct sign_key *k, const char *id, const uint8_t *data, size_t size, uint64_t sequence,
		     uint64_t expires);

#endif
