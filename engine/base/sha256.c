#include "base/sha256.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>

struct ofa_sha256 {
	EVP_MD_CTX *ctx;
};

struct ofa_sha256 *ofa_sha256_new(void)
{
	struct ofa_sha256 *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->ctx = EVP_MD_CTX_new();
	if (!h->ctx || EVP_DigestInit_ex(h->ctx, EVP_sha256(), NULL) != 1) {
		EVP_MD_CTX_free(h->ctx);
		free(h);
		return NULL;
	}
	return h;
}

/* After a successful init the built-in SHA-256 has no way to fail; a wrong digest that passes for a
 * right one would be worse than stopping. */
static void must(int ok)
{
	if (ok != 1)
		abort();
}

void ofa_sha256_update(struct ofa_sha256 *h, const void *p, size_t n)
{
	must(EVP_DigestUpdate(h->ctx, p, n));
}

void ofa_sha256_final(struct ofa_sha256 *h, uint8_t out[OFA_SHA256_BYTES])
{
	must(EVP_DigestFinal_ex(h->ctx, out, NULL));
	EVP_MD_CTX_free(h->ctx);
	free(h);
}

void ofa_sha256(const void *p, size_t n, uint8_t out[OFA_SHA256_BYTES])
{
	must(EVP_Digest(p, n, out, NULL, EVP_sha256(), NULL));
}

bool ofa_sha256_equal(const uint8_t a[OFA_SHA256_BYTES], const uint8_t b[OFA_SHA256_BYTES])
{
	return CRYPTO_memcmp(a, b, OFA_SHA256_BYTES) == 0;
}

static void digest_sealed(struct ofa_sha256_message *m)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new(), *copy = EVP_MD_CTX_new();

	must(ctx && copy && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1);
	must(EVP_DigestUpdate(ctx, m->data, m->size));
	must(EVP_MD_CTX_copy_ex(copy, ctx));
	must(EVP_DigestFinal_ex(ctx, m->digest, NULL));
	must(EVP_DigestUpdate(copy, m->digest, sizeof(m->digest)));
	must(EVP_DigestFinal_ex(copy, m->sealed, NULL));
	EVP_MD_CTX_free(ctx);
	EVP_MD_CTX_free(copy);
}

void ofa_sha256_many_portable(struct ofa_sha256_message *messages, unsigned n, atomic_uint *next)
{
	unsigned i;

	while ((i = atomic_fetch_add(next, 1)) < n) {
		if (messages[i].sealed)
			digest_sealed(&messages[i]);
		else
			ofa_sha256(messages[i].data, messages[i].size, messages[i].digest);
	}
}

void ofa_hex(const uint8_t *p, size_t n, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digits[p[i] >> 4];
		out[2 * i + 1] = digits[p[i] & 15];
	}
	out[2 * n] = 0;
}
