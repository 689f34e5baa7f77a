#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include "access/token.h"

#define TOKEN_BYTES 32
#define PREFIX_LEN (sizeof(TOKEN_PREFIX) - 1)
#define TOKEN_LEN (TOKEN_TEXT_MAX - 1)

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Six bits a character, the last of them four and two zeros. */
static void encode(const uint8_t bytes[TOKEN_BYTES], char *out)
{
	for (int bit = 0; bit < 8 * TOKEN_BYTES; bit += 6) {
		int at = bit / 8, next = at + 1 < TOKEN_BYTES ? bytes[at + 1] : 0;
		unsigned pair = (unsigned)bytes[at] << 8 | (unsigned)next;

		*out++ = digits[pair >> (10 - bit % 8) & 63];
	}
	*out = '\0';
}

enum ofa_status token_make(char out[TOKEN_TEXT_MAX], struct ofa_error *err)
{
	uint8_t bytes[TOKEN_BYTES];

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return ofa_fail(err, OFA_ERR_IO, NULL, "no random bits: %s", strerror(errno));
	memcpy(out, TOKEN_PREFIX, PREFIX_LEN);
	encode(bytes, out + PREFIX_LEN);
	explicit_bzero(bytes, sizeof(bytes));
	return OFA_OK;
}

bool token_ok(const char *text, size_t n)
{
	if (n != TOKEN_LEN || memcmp(text, TOKEN_PREFIX, PREFIX_LEN) != 0)
		return false;
	for (size_t i = PREFIX_LEN; i < n; i++)
		if (!memchr(digits, text[i], sizeof(digits) - 1))
			return false;
	return true;
}

void token_hash(const char *text, size_t n, uint8_t out[OFA_SHA256_BYTES])
{
	ofa_sha256(text, n, out);
}

void token_id(const uint8_t sha256[OFA_SHA256_BYTES], char out[TOKEN_ID_MAX])
{
	ofa_hex(sha256, (TOKEN_ID_MAX - 1) / 2, out);
}
