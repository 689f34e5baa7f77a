#include <stdio.h>
#include <string.h>
#include <jansson.h>
#include <sodium.h>
#include "sign/envelope.h"

#define TRUSTED_COMMENT_MAX 256

static json_t *signature_json(const struct sign_key *k, const char *line)
{
	uint8_t signature[SIGN_BYTES];
	char base64[SIGN_BASE64_CHARS(SIGN_BYTES) + 1];

	sign_bytes(k, line, strlen(line), signature);
	sign_base64(signature, sizeof(signature), base64);
	return json_pack("{s:s, s:s}", "key_id", k->name, "signature", base64);
}

char *envelope_format(const struct key_ring *ring, const char *line)
{
	json_t *signatures = json_array(), *json;
	char *text;

	for (unsigned i = 0; i < ring->n_signing; i++)
		if (json_array_append_new(signatures, signature_json(&ring->keys[i], line))) {
			json_decref(signatures);
			return NULL;
		}
	json = json_pack("{s:s, s:o}", "manifest", line, "signatures", signatures);
	text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	json_decref(json);
	return text;
}

/* As minisign 0.11 writes and reads it: algorithm, key id and a signature over the BLAKE2b of the file; then one over
 * that signature and the comment. */
char *minisig_format(const struct sign_key *k, const char *id, const uint8_t *data, size_t size, uint64_t sequence,
		     uint64_t expires)
{
	uint8_t digest[crypto_generichash_BYTES_MAX], global[SIGN_BYTES];
	uint8_t first[2 + SIGN_KEY_ID_BYTES + SIGN_BYTES] = {'E', 'D'};
	uint8_t *const signature = first + 2 + SIGN_KEY_ID_BYTES;
	uint8_t both[SIGN_BYTES + TRUSTED_COMMENT_MAX];
	char *const comment = (char *)both + SIGN_BYTES;
	char first64[SIGN_BASE64_CHARS(sizeof(first)) + 1], global64[SIGN_BASE64_CHARS(SIGN_BYTES) + 1], *text;
	int n = snprintf(comment, TRUSTED_COMMENT_MAX, "id:%s sequence:%llu expires:%llu", id,
			 (unsigned long long)sequence, (unsigned long long)expires);

	crypto_generichash(digest, sizeof(digest), data, size, NULL, 0);
	memcpy(first + 2, k->id, sizeof(k->id));
	sign_bytes(k, digest, sizeof(digest), signature);
	memcpy(both, signature, SIGN_BYTES);
	sign_bytes(k, both, SIGN_BYTES + (size_t)n, global);
	sign_base64(first, sizeof(first), first64);
	sign_base64(global, sizeof(global), global64);
	if (asprintf(&text, "untrusted comment: signature of subnet %s by ofad key %s\n%s\ntrusted comment: %s\n%s\n",
		     id, k->name, first64, comment, global64) < 0)
		return NULL;
	return text;
}
