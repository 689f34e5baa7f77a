#include <stdio.h>
#include <string.h>
#include "base/buf.h"
#include "base/sha256.h"
#include "packages/sigv4.h"

#define ALGORITHM "AWS4-HMAC-SHA256"
#define BLOCK 64 /* bytes, of SHA-256 */
#define CANONICAL_MAX ((size_t)16 << 10)
#define SCOPE_MAX 256

/* RFC 2104; the key is no longer than a block, or its digest. */
static void hmac(const void *key, size_t key_size, const void *data, size_t size, uint8_t out[OFA_SHA256_BYTES])
{
	uint8_t block[BLOCK] = {0}, message[BLOCK + CANONICAL_MAX], inner[BLOCK + OFA_SHA256_BYTES];

	if (key_size > BLOCK)
		ofa_sha256(key, key_size, block);
	else
		memcpy(block, key, key_size);
	for (size_t i = 0; i < BLOCK; i++) {
		message[i] = block[i] ^ 0x36;
		inner[i] = block[i] ^ 0x5c;
	}
	memcpy(message + BLOCK, data, size);
	ofa_sha256(message, BLOCK + size, inner + BLOCK);
	ofa_sha256(inner, sizeof(inner), out);
	explicit_bzero(block, sizeof(block));
	explicit_bzero(message, BLOCK);
	explicit_bzero(inner, BLOCK);
}

static void hmac_text(uint8_t key[OFA_SHA256_BYTES], const char *text)
{
	uint8_t out[OFA_SHA256_BYTES];

	hmac(key, OFA_SHA256_BYTES, text, strlen(text), out);
	memcpy(key, out, sizeof(out));
	explicit_bzero(out, sizeof(out));
}

static enum ofa_status add_names(struct ofa_buf *b, const struct sigv4_request *r)
{
	enum ofa_status st = OFA_OK;

	for (size_t i = 0; i < r->n_headers && st == OFA_OK; i++)
		st = ofa_buf_printf(b, "%s%s", i ? ";" : "", r->headers[i].name);
	return st;
}

/* Task 1: the request in canonical form. */
static enum ofa_status add_request(struct ofa_buf *b, const struct sigv4_request *r)
{
	enum ofa_status st = ofa_buf_printf(b, "%s\n%s\n%s\n", r->method, r->path, r->query);

	for (size_t i = 0; i < r->n_headers && st == OFA_OK; i++)
		st = ofa_buf_printf(b, "%s:%s\n", r->headers[i].name, r->headers[i].value);
	if (st == OFA_OK)
		st = ofa_buf_append(b, "\n", 1);
	if (st == OFA_OK)
		st = add_names(b, r);
	return st == OFA_OK ? ofa_buf_printf(b, "\n%s", r->payload_sha256) : st;
}

/* Task 2: what is signed. */
static enum ofa_status digest_request(const struct sigv4_request *r, char hex[2 * OFA_SHA256_BYTES + 1])
{
	uint8_t digest[OFA_SHA256_BYTES];
	struct ofa_buf b;
	enum ofa_status st;

	ofa_buf_init(&b, CANONICAL_MAX);
	st = add_request(&b, r);
	if (st == OFA_OK) {
		ofa_sha256(b.data, b.len, digest);
		ofa_hex(digest, sizeof(digest), hex);
	}
	ofa_buf_release(&b);
	return st;
}

/* Task 3: a key for the day, the region and the service, and what it makes of the text. */
static void sign(const struct sigv4_request *r, const struct sigv4_credentials *c, const char *text,
		 char hex[2 * OFA_SHA256_BYTES + 1])
{
	char secret[4 + SIGV4_SECRET_MAX], day[9];
	uint8_t key[OFA_SHA256_BYTES];
	int n = snprintf(secret, sizeof(secret), "AWS4%s", c->secret);

	snprintf(day, sizeof(day), "%.8s", r->time);
	hmac(secret, (size_t)n, day, strlen(day), key);
	hmac_text(key, r->region);
	hmac_text(key, r->service);
	hmac_text(key, "aws4_request");
	hmac_text(key, text);
	ofa_hex(key, sizeof(key), hex);
	explicit_bzero(secret, sizeof(secret));
}

enum ofa_status sigv4_sign(const struct sigv4_request *r, const struct sigv4_credentials *c,
			   char out[SIGV4_AUTHORIZATION_MAX], struct ofa_error *err)
{
	char scope[SCOPE_MAX], text[SCOPE_MAX + 128], hex[2 * OFA_SHA256_BYTES + 1];
	struct ofa_buf b;
	enum ofa_status st = digest_request(r, hex);

	if (snprintf(scope, sizeof(scope), "%.8s/%s/%s/aws4_request", r->time, r->region, r->service) >=
	    (int)sizeof(scope))
		st = OFA_ERR_LIMIT;
	ofa_buf_init(&b, SIGV4_AUTHORIZATION_MAX - 1);
	if (st == OFA_OK) {
		snprintf(text, sizeof(text), ALGORITHM "\n%s\n%s\n%s", r->time, scope, hex);
		sign(r, c, text, hex);
		st = ofa_buf_printf(&b, ALGORITHM " Credential=%s/%s, SignedHeaders=", c->key_id, scope);
	}
	if (st == OFA_OK)
		st = add_names(&b, r);
	if (st == OFA_OK)
		st = ofa_buf_printf(&b, ", Signature=%s", hex);
	if (st == OFA_OK) {
		memcpy(out, b.data, b.len);
		out[b.len] = '\0';
	}
	ofa_buf_release(&b);
	return st == OFA_OK ? st : ofa_fail(err, st, NULL, "a request to S3 cannot be signed: it is too long");
}
