#include "base/sha256.h"

#ifdef OFA_X86_64
#include <cpuid.h>
#include <stdbool.h>
#include <string.h>

#include "base/sha256_ni.h"

#define SSE41 (1u << 19) /* leaf 1, ECX */
#define SHA (1u << 29)   /* leaf 7, EBX; compilers' own tests of the processor do not know this name yet */

/* A message on its way, and its whole blocks yet to come. */
struct run {
	struct ofa_sha256_message *message; /* NULL: there was none left */
	struct ofa_sha256_lane lane;
	size_t blocks;
};

static bool has_instructions(void)
{
	unsigned a = 0, b = 0, c = 0, d = 0;

	return __get_cpuid(1, &a, &b, &c, &d) && c & SSE41 && __get_cpuid_count(7, 0, &a, &b, &c, &d) && b & SHA;
}

static void take(struct run *r, struct ofa_sha256_message *messages, unsigned n, atomic_uint *next)
{
	/* FIPS 180-4, 5.3.3 */
	static const uint32_t initial[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
					    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
	const unsigned i = atomic_fetch_add(next, 1);

	r->message = i < n ? &messages[i] : NULL;
	if (!r->message)
		return;
	memcpy(r->lane.h, initial, sizeof(r->lane.h));
	r->lane.at = r->message->data;
	r->blocks = r->message->size / OFA_SHA256_BLOCK;
}

/* FIPS 180-4, 5.1.1: the n bytes after the last whole block, a one, zeros, and the length of the message in bits. */
static void finish(struct ofa_sha256_lane *lane, const uint8_t *rest, size_t n, uint64_t size, uint8_t *digest)
{
	uint8_t end[2 * OFA_SHA256_BLOCK] = {0};
	const size_t blocks = (n + 1 + 8 + OFA_SHA256_BLOCK - 1) / OFA_SHA256_BLOCK;

	if (n > 0)
		memcpy(end, rest, n);
	end[n] = 0x80;
	for (int i = 0; i < 8; i++)
		end[blocks * OFA_SHA256_BLOCK - 1 - i] = (uint8_t)(8 * size >> 8 * i);
	lane->at = end;
	ofa_sha256_ni(lane, blocks);
	for (int i = 0; i < OFA_SHA256_BYTES; i++)
		digest[i] = (uint8_t)(lane->h[i / 4] >> (24 - i % 4 * 8));
}

static void finish_message(struct run *r)
{
	struct ofa_sha256_message *m = r->message;
	struct ofa_sha256_lane sealed = r->lane;
	const uint8_t *rest = r->lane.at;
	const size_t n = m->size % OFA_SHA256_BLOCK;
	uint8_t both[OFA_SHA256_BLOCK + OFA_SHA256_BYTES];

	finish(&r->lane, rest, n, m->size, m->digest);
	if (!m->sealed)
		return;
	if (n > 0)
		memcpy(both, rest, n);
	memcpy(both + n, m->digest, OFA_SHA256_BYTES);
	finish(&sealed, both, n + OFA_SHA256_BYTES, (uint64_t)m->size + OFA_SHA256_BYTES, m->sealed);
}

static void many(struct ofa_sha256_message *messages, unsigned n, atomic_uint *next)
{
	struct run r[2];
	struct ofa_sha256_lane *const lanes[2] = {&r[0].lane, &r[1].lane};

	for (int l = 0; l < 2; l++)
		take(&r[l], messages, n, next);
	while (r[0].message && r[1].message) {
		const size_t blocks = r[0].blocks < r[1].blocks ? r[0].blocks : r[1].blocks;

		ofa_sha256_ni_pair(lanes, blocks);
		for (int l = 0; l < 2; l++) {
			r[l].blocks -= blocks;
			if (r[l].blocks > 0)
				continue;
			finish_message(&r[l]);
			take(&r[l], messages, n, next);
		}
	}
	for (int l = 0; l < 2; l++) {
		if (!r[l].message)
			continue;
		ofa_sha256_ni(&r[l].lane, r[l].blocks);
		finish_message(&r[l]);
	}
}
#endif

void ofa_sha256_many(struct ofa_sha256_message *messages, unsigned n, atomic_uint *next)
{
#ifdef OFA_X86_64
	if (has_instructions()) {
		many(messages, n, next);
		return;
	}
#endif
	ofa_sha256_many_portable(messages, n, next);
}
