#include "ed25519.h"
#include "internal.h"
#include "ofa_device_manifest.h"

/* Digits of a number at most: it stays far below 2^64, and sequences below what JSON readers keep exact for long. */
#define NUMBER_DIGITS 18
#define VERSION_MAX 65535

/* ---- the texts, each in its one form ---- */

struct cursor {
	const char *at, *end;
};

static int take(struct cursor *c, const char *expected)
{
	const size_t n = strlen(expected);

	if ((size_t)(c->end - c->at) < n || memcmp(c->at, expected, n) != 0)
		return 0;
	c->at += n;
	return 1;
}

/* A whole number without leading zeros. */
static int take_number(struct cursor *c, uint64_t most, uint64_t *ret)
{
	const char *begin = c->at;
	uint64_t value = 0;

	while (c->at < c->end && *c->at >= '0' && *c->at <= '9' && c->at - begin < NUMBER_DIGITS)
		value = value * 10 + (uint64_t)(*c->at++ - '0');
	*ret = value;
	return c->at > begin && (*begin != '0' || c->at == begin + 1) && value <= most;
}

static int take_version(struct cursor *c, uint32_t *ret)
{
	uint64_t value;

	if (!take_number(c, VERSION_MAX, &value))
		return 0;
	*ret = (uint32_t)value;
	return 1;
}

/* n bytes in hexadecimal; `ten` is 'a' or 'A'. */
static int take_hex(struct cursor *c, uint8_t *out, size_t n, char ten)
{
	size_t i;

	if ((size_t)(c->end - c->at) < 2 * n)
		return 0;
	for (i = 0; i < 2 * n; i++, c->at++) {
		unsigned digit;

		if (*c->at >= '0' && *c->at <= '9')
			digit = (unsigned)(*c->at - '0');
		else if (*c->at >= ten && *c->at < ten + 6)
			digit = (unsigned)(*c->at - ten) + 10;
		else
			return 0;
		out[i / 2] = (uint8_t)((unsigned)out[i / 2] << 4 | digit);
	}
	return 1;
}

/* Of a profile's name and revision. */
static int is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
	       c == '-' || c == '/' || c == '@';
}

static int take_revision(struct cursor *c, struct ofa_manifest *ret)
{
	ret->profile = NULL;
	ret->profile_bytes = 0;
	if (take(c, "null"))
		return 1;
	if (!take(c, "\""))
		return 0;
	ret->profile = c->at;
	while (c->at < c->end && is_plain(*c->at))
		c->at++;
	ret->profile_bytes = (size_t)(c->at - ret->profile);
	return ret->profile_bytes > 0 && take(c, "\"");
}

enum ofa_manifest_status ofa_manifest_read(const char *line, size_t bytes, struct ofa_manifest *ret)
{
	struct cursor c = {line, line + bytes};
	uint8_t id[OFA_MANIFEST_SHA256_BYTES];
	struct ofa_manifest m;
	uint64_t size = 0;

	if (!take(&c, "{\"expires\":") || !take_number(&c, UINT64_MAX, &m.expires) ||
	    !take(&c, ",\"format_version\":\"") || !take_version(&c, &m.major) || !take(&c, ".") ||
	    !take_version(&c, &m.minor) || !take(&c, "\",\"id\":\"") || !take_hex(&c, id, sizeof(id), 'a') ||
	    !take(&c, "\",\"profile_revision\":") || !take_revision(&c, &m) || !take(&c, ",\"sequence\":") ||
	    !take_number(&c, UINT64_MAX, &m.sequence) || !take(&c, ",\"sha256\":\"") ||
	    !take_hex(&c, m.sha256, sizeof(m.sha256), 'a') || !take(&c, "\",\"size\":") ||
	    !take_number(&c, OFA_FMT_MAX_BYTES, &size) || !take(&c, "}") || c.at != c.end ||
	    memcmp(id, m.sha256, sizeof(id)) != 0)
		return OFA_MANIFEST_ERR_SYNTAX;
	m.size = (uint32_t)size;
	m.key = 0;
	*ret = m;
	return OFA_MANIFEST_OK;
}

/* The line inside a JSON string: quotes are escaped, and nothing else needs to be. */
static int take_line(struct cursor *c, struct ofa_manifest_envelope *ret)
{
	size_t n = 0;

	while (c->at < c->end && *c->at != '"') {
		char byte = *c->at++;

		if (byte == '\\') {
			if (c->at == c->end || *c->at != '"')
				return 0;
			byte = *c->at++;
		}
		if (n == OFA_MANIFEST_LINE_BYTES || byte < ' ' || byte > '~')
			return 0;
		ret->line[n++] = byte;
	}
	ret->line[n] = '\0';
	ret->line_bytes = n;
	return 1;
}

static int base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* 64 bytes are 86 digits, the last with four bits that must be zero. */
static int take_signature(struct cursor *c, uint8_t out[OFA_MANIFEST_SIGNATURE_BYTES])
{
	uint32_t bits = 0;
	unsigned held = 0, n = 0, i;

	if (c->end - c->at < 88)
		return 0;
	for (i = 0; i < 86; i++) {
		const int digit = base64_digit(*c->at++);

		if (digit < 0)
			return 0;
		bits = bits << 6 | (uint32_t)digit;
		held += 6;
		if (held >= 8 && n < OFA_MANIFEST_SIGNATURE_BYTES) {
			held -= 8;
			out[n++] = (uint8_t)(bits >> held);
		}
	}
	return (bits & 15) == 0 && take(c, "==");
}

static int take_entry(struct cursor *c, struct ofa_manifest_envelope *ret)
{
	const unsigned n = ret->n_signatures;
	uint8_t id[OFA_MANIFEST_KEY_ID_BYTES];
	unsigned i;

	if (n == OFA_MANIFEST_SIGNATURES || !take(c, "{\"key_id\":\"") || !take_hex(c, id, sizeof(id), 'A') ||
	    !take(c, "\",\"signature\":\"") || !take_signature(c, ret->signatures[n].bytes) || !take(c, "\"}"))
		return 0;
	/* written as a little-endian number, the last byte first */
	for (i = 0; i < sizeof(id); i++)
		ret->signatures[n].key_id[i] = id[sizeof(id) - 1 - i];
	ret->n_signatures++;
	return 1;
}

enum ofa_manifest_status ofa_manifest_open(const char *text, size_t size, struct ofa_manifest_envelope *ret)
{
	struct cursor c = {text, text + size};

	ret->n_signatures = 0;
	if (!take(&c, "{\"manifest\":\"") || !take_line(&c, ret) || !take(&c, "\",\"signatures\":["))
		return OFA_MANIFEST_ERR_SYNTAX;
	if (!take(&c, "]")) {
		do {
			if (!take_entry(&c, ret))
				return OFA_MANIFEST_ERR_SYNTAX;
		} while (take(&c, ","));
		if (!take(&c, "]"))
			return OFA_MANIFEST_ERR_SYNTAX;
	}
	return take(&c, "}") && c.at == c.end ? OFA_MANIFEST_OK : OFA_MANIFEST_ERR_SYNTAX;
}

/* ---- decisions ---- */

void ofa_manifest_key_id(const uint8_t key[OFA_MANIFEST_PUBLIC_BYTES], uint8_t ret_id[OFA_MANIFEST_KEY_ID_BYTES])
{
	struct ofa_device_sha512 h;
	uint8_t digest[OFA_DEVICE_SHA512_BYTES];

	ofa_device_sha512_init(&h);
	ofa_device_sha512_update(&h, key, OFA_MANIFEST_PUBLIC_BYTES);
	ofa_device_sha512_final(&h, digest);
	memcpy(ret_id, digest, OFA_MANIFEST_KEY_ID_BYTES);
}

/* One good signature by one trusted key is enough; *ret_key is that key. */
static enum ofa_manifest_status check_signatures(const struct ofa_manifest_envelope *e,
						 const struct ofa_manifest_trust *trust, unsigned *ret_key)
{
	enum ofa_manifest_status st = e->n_signatures ? OFA_MANIFEST_ERR_KEY : OFA_MANIFEST_ERR_UNSIGNED;
	uint8_t id[OFA_MANIFEST_KEY_ID_BYTES];
	unsigned k, i;

	for (k = 0; k < trust->n_keys; k++) {
		ofa_manifest_key_id(trust->keys[k], id);
		for (i = 0; i < e->n_signatures; i++) {
			if (memcmp(e->signatures[i].key_id, id, sizeof(id)) != 0)
				continue;
			*ret_key = k;
			if (ofa_device_ed25519_verify(e->signatures[i].bytes, (const uint8_t *)e->line, e->line_bytes,
						      trust->keys[k]))
				return OFA_MANIFEST_OK;
			st = OFA_MANIFEST_ERR_SIGNATURE;
		}
	}
	return st;
}

static int is_for_profile(const struct ofa_manifest *m, const char *expected)
{
	const size_t n = strlen(expected);

	return m->profile != NULL && m->profile_bytes >= n && memcmp(m->profile, expected, n) == 0 &&
	       (m->profile_bytes == n || m->profile[n] == '@');
}

enum ofa_manifest_status ofa_manifest_verify(const struct ofa_manifest_envelope *envelope,
					     const struct ofa_manifest_trust *trust, struct ofa_manifest *ret)
{
	struct ofa_manifest m;
	unsigned key = 0;
	enum ofa_manifest_status st = check_signatures(envelope, trust, &key);

	if (st == OFA_MANIFEST_OK)
		st = ofa_manifest_read(envelope->line, envelope->line_bytes, &m);
	if (st != OFA_MANIFEST_OK)
		return st;
	m.key = key;
	if (m.major != OFA_FMT_MAJOR)
		return OFA_MANIFEST_ERR_FORMAT;
	if (trust->profile != NULL && !is_for_profile(&m, trust->profile))
		return OFA_MANIFEST_ERR_PROFILE;
	if (trust->now > 0 && trust->now >= m.expires)
		return OFA_MANIFEST_ERR_EXPIRED;
	if (m.sequence < trust->last_sequence)
		return OFA_MANIFEST_ERR_ROLLBACK;
	*ret = m;
	return OFA_MANIFEST_OK;
}

enum ofa_manifest_status ofa_manifest_check_digest(const struct ofa_manifest *manifest,
						   const uint8_t sha256[OFA_MANIFEST_SHA256_BYTES], size_t size)
{
	if (size != manifest->size)
		return OFA_MANIFEST_ERR_SIZE;
	return memcmp(sha256, manifest->sha256, OFA_MANIFEST_SHA256_BYTES) == 0 ? OFA_MANIFEST_OK
										: OFA_MANIFEST_ERR_DIGEST;
}

enum ofa_manifest_status ofa_manifest_check_package(const struct ofa_manifest *manifest, const void *data, size_t size)
{
	uint8_t digest[OFA_MANIFEST_SHA256_BYTES];

	if (size != manifest->size)
		return OFA_MANIFEST_ERR_SIZE;
	ofa_device_sha256(data, size, digest);
	return ofa_manifest_check_digest(manifest, digest, size);
}

const char *ofa_manifest_strerror(enum ofa_manifest_status status)
{
	static const char *const messages[OFA_MANIFEST_STATUS_COUNT] = {
		[OFA_MANIFEST_OK] = "ok",
		[OFA_MANIFEST_ERR_SYNTAX] = "not a signed manifest",
		[OFA_MANIFEST_ERR_UNSIGNED] = "there is no signature",
		[OFA_MANIFEST_ERR_KEY] = "none of the signatures is by a trusted key",
		[OFA_MANIFEST_ERR_SIGNATURE] = "the signature is not one of this manifest",
		[OFA_MANIFEST_ERR_FORMAT] = "the package has a format version that this runtime does not know",
		[OFA_MANIFEST_ERR_PROFILE] = "the package was made for another profile",
		[OFA_MANIFEST_ERR_EXPIRED] = "the signature has expired",
		[OFA_MANIFEST_ERR_ROLLBACK] = "the signature is older than one that was accepted before",
		[OFA_MANIFEST_ERR_SIZE] = "the package does not have the size that was signed",
		[OFA_MANIFEST_ERR_DIGEST] = "the package is not the one that was signed",
	};

	if ((unsigned)status >= OFA_MANIFEST_STATUS_COUNT)
		return "unknown status";
	return messages[status];
}
