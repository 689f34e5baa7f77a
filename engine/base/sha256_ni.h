/* SHA-256 (FIPS 180-4) of whole blocks by the SHA extensions of x86: Intel SDM, volume 2, SHA256RNDS2, SHA256MSG1 and
 * SHA256MSG2, as S. Gulley et al., "Intel SHA Extensions" (2013), put them together.  sha256_many.c is for everybody.
 *
 * A block is a chain of 32 SHA256RNDS2, each of which waits for the one before; the processor has time for another
 * message's between them.  Three quarters of the time remain: the unit itself is then busy. */
#ifndef OFA_BASE_SHA256_NI_H
#define OFA_BASE_SHA256_NI_H

#include <stddef.h>
#include <stdint.h>

#define OFA_SHA256_BLOCK 64

/* The words of FIPS 180-4, 6.2, in its order, and the next byte of the message. */
struct ofa_sha256_lane {
	uint32_t h[8];
	const uint8_t *at;
};

/* Take `blocks` blocks of one message, or of each of two, and move on.  The processor must have SHA and SSE4.1. */
void ofa_sha256_ni(struct ofa_sha256_lane *lane, size_t blocks);
void ofa_sha256_ni_pair(struct ofa_sha256_lane *const lanes[2], size_t blocks);

#endif
