#include "trust.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/file.h"

#define MAX_PATH 4096
#define MAX_KEYS_FILE (64u << 10)
#define MAX_ENVELOPE 8192
#define MINISIGN_CHARS 56 /* base64 of "Ed", id and key, without padding */
#define MINISIGN_BYTES 42

/* ---- keys ---- */

static int base64_digit(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

static bool decode_minisign(const char *text, uint8_t out[MINISIGN_BYTES])
{
	for (int i = 0; i < MINISIGN_CHARS; i += 4) {
		uint32_t bits = 0;

		for (int j = 0; j < 4; j++) {
			int digit = base64_digit(text[i + j]);
			if (digit < 0)
				return false;
			bits = bits << 6 | (uint32_t)digit;
		}
		for (int j = 0; j < 3; j++)
			out[i / 4 * 3 + j] = (uint8_t)(bits >> (16 - 8 * j));
	}
	return true;
}

/* The id follows from the key, so it tells a mistyped one. */
static enum ofa_status add_minisign(struct trust *t, const char *text, size_t n, struct ofa_error *err)
{
	uint8_t bytes[MINISIGN_BYTES], id[OFA_MANIFEST_KEY_ID_BYTES];
	const uint8_t *key = bytes + 2 + sizeof id;

	if (n != MINISIGN_CHARS || !decode_minisign(text, bytes) || memcmp(bytes, "Ed", 2) != 0)
		return ofa_fail(err, OFA_ERR_FORMAT, "--trust",
		                "'%.*s' is no public key: the line that `ofad keygen` prints, beginning with RWQ or "
		                "the like, is", n > 80 ? 80 : (int)n, text);
	ofa_manifest_key_id(key, id);
	if (memcmp(id, bytes + 2, sizeof id) != 0)
		return ofa_fail(err, OFA_ERR_FORMAT, "--trust",
		                "'%.56s' is mistyped, or no key of `ofad keygen`: its id is of another key", text);
	if (t->n == TRUST_KEYS_MAX)
		return ofa_fail(err, OFA_ERR_LIMIT, "--trust", "more than %d keys", TRUST_KEYS_MAX);
	memcpy(t->keys[t->n++], key, OFA_MANIFEST_PUBLIC_BYTES);
	return OFA_OK;
}

static enum ofa_status add_json(struct trust *t, const char *text, size_t size, struct ofa_error *err)
{
	json_error_t where;
	json_t *json = json_loadb(text, size, JSON_REJECT_DUPLICATES, &where);
	json_t *key, *keys = json_object_get(json, "keys");
	enum ofa_status st = OFA_OK;
	size_t i;

	if (!json_is_array(keys))
		st = ofa_fail(err, OFA_ERR_FORMAT, "--trust", "neither the keys of an ofad server nor public keys: %s",
		              json ? "there is no list \"keys\"" : where.text);
	json_array_foreach(keys, i, key) {
		const char *minisign = json_string_value(json_object_get(key, "minisign"));

		if (st == OFA_OK)
			st = add_minisign(t, minisign ? minisign : "", minisign ? strlen(minisign) : 0, err);
	}
	json_decref(json);
	return st;
}

static enum ofa_status add_lines(struct trust *t, const char *text, size_t size, struct ofa_error *err)
{
	const char *end = text + size;
	enum ofa_status st = OFA_OK;

	for (const char *line = text, *next; line < end && st == OFA_OK; line = next) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		size_t n = (size_t)((newline ? newline : end) - line);

		next = newline ? newline + 1 : end;
		if (n > 0 && line[n - 1] == '\r')
			n--;
		if (n > 0 && line[0] != '#' && (n < 18 || memcmp(line, "untrusted comment:", 18) != 0))
			st = add_minisign(t, line, n, err);
	}
	return st;
}

enum ofa_status trust_add_text(struct trust *t, const char *text, size_t size, struct ofa_error *err)
{
	unsigned before = t->n;
	enum ofa_status st = size > 0 && text[0] == '{' ? add_json(t, text, size, err) : add_lines(t, text, size, err);

	if (st == OFA_OK && t->n == before)
		return ofa_fail(err, OFA_ERR_NOT_FOUND, "--trust", "there is no public key in it");
	return st;
}

static enum ofa_status add_file(struct trust *t, const char *path, struct ofa_error *err)
{
	uint8_t *data;
	size_t size;
	enum ofa_status st = ofa_file_read(path, MAX_KEYS_FILE, &data, &size, err);

	if (st != OFA_OK)
		return st;
	st = trust_add_text(t, (const char *)data, size, err);
	if (st != OFA_OK)
		ofa_error_prefix(err, "%s", path);
	free(data);
	return st;
}

static bool exists(const char *path)
{
	struct stat sb;

	return stat(path, &sb) == 0;
}

static enum ofa_status add_own_file(struct trust *t, struct ofa_error *err)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	bool in_config = config && *config;
	char path[MAX_PATH];

	snprintf(path, sizeof path, "%s%s/ofa/trusted-keys", in_config ? config : home ? home : "",
	         in_config ? "" : "/.config");
	if (exists(path))
		return add_file(t, path, err);
	return ofa_fail(err, OFA_ERR_NOT_FOUND, "--trust",
	                "whom to trust? --trust KEY takes the line that `ofad keygen` printed; or put such lines into "
	                "%.200s", path);
}

enum ofa_status trust_load(const struct opt_list *values, struct trust *ret, struct ofa_error *err)
{
	enum ofa_status st = OFA_OK;

	ret->n = 0;
	for (int i = 0; i < values->n && st == OFA_OK; i++) {
		const char *value = values->item[i];

		st = exists(value) ? add_file(ret, value, err) : add_minisign(ret, value, strlen(value), err);
	}
	return values->n > 0 ? st : add_own_file(ret, err);
}

/* ---- manifests ---- */

/* As minisign prints ids. */
static void key_name(const uint8_t id[OFA_MANIFEST_KEY_ID_BYTES], char out[TRUST_KEY_NAME_MAX])
{
	for (int i = 0; i < OFA_MANIFEST_KEY_ID_BYTES; i++)
		snprintf(out + 2 * i, 3, "%02X", id[OFA_MANIFEST_KEY_ID_BYTES - 1 - i]);
}

static const char *calendar(uint64_t seconds, char out[32])
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || strftime(out, 32, "%Y-%m-%d %H:%M UTC", &tm) == 0)
		snprintf(out, 32, "%" PRIu64, seconds);
	return out;
}

/* What to say about a manifest that the runtime refuses; what its line says is shown, not believed. */
static enum ofa_status refuse(enum ofa_manifest_status why, const struct ofa_manifest_envelope *e,
                              const struct trust_wanted *wanted, struct ofa_error *err)
{
	const char *reason = ofa_manifest_strerror(why);
	char signer[TRUST_KEY_NAME_MAX] = "nobody", time_text[32];
	struct ofa_manifest m = {.sequence = 0};

	if (e->n_signatures > 0)
		key_name(e->signatures[0].key_id, signer);
	if (ofa_manifest_read(e->line, e->line_bytes, &m) != OFA_MANIFEST_OK && why != OFA_MANIFEST_ERR_SIGNATURE)
		why = OFA_MANIFEST_ERR_SYNTAX;
	switch (why) {
	case OFA_MANIFEST_ERR_KEY:
		return ofa_fail(err, OFA_ERR_MISMATCH, "signature",
		                "%s; it is signed by %s: ask the server's operator whether that key is his before you "
		                "--trust it", reason, signer);
	case OFA_MANIFEST_ERR_SIGNATURE:
		return ofa_fail(err, OFA_ERR_MISMATCH, "signature",
		                "%s, though it names a trusted key: it was altered; pull again, over another link if "
		                "it stays so", reason);
	case OFA_MANIFEST_ERR_PROFILE:
		return ofa_fail(err, OFA_ERR_MISMATCH, "profile_revision", "%s: %.*s instead of %s", reason,
		                m.profile ? (int)m.profile_bytes : 4, m.profile ? m.profile : "none", wanted->profile);
	case OFA_MANIFEST_ERR_EXPIRED:
		return ofa_fail(err, OFA_ERR_MISMATCH, "expires",
		                "%s at %s; pull again for a fresh one, or set this machine's clock if that is wrong",
		                reason, calendar(m.expires, time_text));
	case OFA_MANIFEST_ERR_ROLLBACK:
		return ofa_fail(err, OFA_ERR_MISMATCH, "sequence",
		                "%s: its sequence is %" PRIu64 ", %" PRIu64 " was accepted; somebody plays an old "
		                "delivery back, or the server's database is an old copy", reason, m.sequence,
		                wanted->last_sequence);
	case OFA_MANIFEST_ERR_UNSIGNED:
		return ofa_fail(err, OFA_ERR_MISMATCH, "signature", "%s; `ofad keygen` makes the server sign", reason);
	default:
		return ofa_fail(err, OFA_ERR_FORMAT, "manifest", "%s", reason);
	}
}

enum ofa_status trust_accept(const struct trust *t, const char *text, size_t size, const struct trust_wanted *wanted,
                             struct trust_signed *ret, struct ofa_error *err)
{
	const struct ofa_manifest_trust policy = {
		.keys = t->keys,
		.n_keys = t->n,
		.now = wanted->ignore_expiry ? 0 : (uint64_t)time(NULL),
		.last_sequence = wanted->last_sequence,
		.profile = wanted->profile,
	};
	uint8_t id[OFA_MANIFEST_KEY_ID_BYTES];
	enum ofa_manifest_status why = ofa_manifest_open(text, size, &ret->envelope);

	if (why != OFA_MANIFEST_OK)
		return ofa_fail(err, OFA_ERR_FORMAT, "manifest", "%s", ofa_manifest_strerror(why));
	why = ofa_manifest_verify(&ret->envelope, &policy, &ret->manifest);
	if (why != OFA_MANIFEST_OK)
		return refuse(why, &ret->envelope, wanted, err);
	ofa_manifest_key_id(t->keys[ret->manifest.key], id);
	key_name(id, ret->key);
	return OFA_OK;
}

enum ofa_status trust_check_package(const struct trust_signed *s, const void *data, size_t size, struct ofa_error *err)
{
	enum ofa_manifest_status why = ofa_manifest_check_package(&s->manifest, data, size);

	if (why == OFA_MANIFEST_OK)
		return OFA_OK;
	return ofa_fail(err, OFA_ERR_MISMATCH, why == OFA_MANIFEST_ERR_SIZE ? "size" : "sha256",
	                "%s: it was altered, or the manifest is of another; pull again", ofa_manifest_strerror(why));
}

json_t *trust_signed_json(const struct trust_signed *s)
{
	const struct ofa_manifest *m = &s->manifest;
	json_t *revision = m->profile ? json_stringn(m->profile, m->profile_bytes) : json_null();

	return json_pack("{s:s, s:I, s:I, s:o}", "key_id", s->key, "sequence", (json_int_t)m->sequence, "expires",
	                 (json_int_t)m->expires, "profile_revision", revision);
}

/* ---- what was accepted ---- */

static enum ofa_status signed_path(const char *path, char out[MAX_PATH], struct ofa_error *err)
{
	if (snprintf(out, MAX_PATH, "%s.signed", path) >= MAX_PATH)
		return ofa_fail(err, OFA_ERR_LIMIT, "--out", "the path is longer than %d bytes", MAX_PATH - 8);
	return OFA_OK;
}

enum ofa_status trust_last_sequence(const char *path, uint64_t *ret, struct ofa_error *err)
{
	struct ofa_manifest_envelope envelope;
	struct ofa_manifest m;
	char file[MAX_PATH];
	uint8_t *text;
	size_t size;
	enum ofa_status st = signed_path(path, file, err);

	if (st == OFA_OK && !exists(file)) {
		*ret = 0;
		return OFA_OK;
	}
	if (st == OFA_OK)
		st = ofa_file_read(file, MAX_ENVELOPE, &text, &size, err);
	if (st != OFA_OK)
		return st;
	if (ofa_manifest_open((const char *)text, size, &envelope) != OFA_MANIFEST_OK ||
	    ofa_manifest_read(envelope.line, envelope.line_bytes, &m) != OFA_MANIFEST_OK)
		st = ofa_fail(err, OFA_ERR_FORMAT, file,
		              "damaged: it does not tell what was accepted before; remove it to begin anew");
	else
		*ret = m.sequence;
	free(text);
	return st;
}

enum ofa_status trust_remember(const char *path, const char *text, size_t size, struct ofa_error *err)
{
	char file[MAX_PATH];
	enum ofa_status st = signed_path(path, file, err);

	return st == OFA_OK ? ofa_file_write_atomic(file, text, size, err) : st;
}
