#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <sodium.h>
#include "base/file.h"
#include "sign/keys.h"

#define SEED_BYTES 32
#define KEY_FILE_MAX 1024
#define KEY_PATH_MAX 4096
#define SECRET_TITLE "ofad secret key "
#define PUBLIC_TITLE "untrusted comment: ofad public key "
#define MADE " made "

/* ---- text ---- */

void sign_base64(const uint8_t *p, size_t n, char *out)
{
	sodium_bin2base64(out, SIGN_BASE64_CHARS(n) + 1, p, n, sodium_base64_VARIANT_ORIGINAL);
}

void sign_key_minisign(const struct sign_key *k, char *out)
{
	uint8_t bytes[SIGN_MINISIGN_BYTES] = {'E', 'd'};

	memcpy(bytes + 2, k->id, sizeof(k->id));
	memcpy(bytes + 2 + sizeof(k->id), k->public_half, sizeof(k->public_half));
	sign_base64(bytes, sizeof(bytes), out);
}

/* Both kinds of files: a title, the id, " made ", a time; then one line of base64 for n bytes. */
static bool parse_file(const char *text, const char *title, struct sign_key *k, uint8_t *bytes, size_t n)
{
	size_t made = strlen(title) + SIGN_KEY_ID_CHARS, got;
	const char *line = strchr(text, '\n'), *time, *end;

	if (!line || (size_t)(line - text) < made + strlen(MADE) || strncmp(text, title, strlen(title)) != 0 ||
	    strncmp(text + made, MADE, strlen(MADE)) != 0)
		return false;
	time = text + made + strlen(MADE);
	if (line - time < 20 || (size_t)(line - time) >= sizeof(k->created))
		return false;
	memcpy(k->created, time, (size_t)(line - time));
	k->created[line - time] = '\0';
	return sodium_base642bin(bytes, n, line + 1, strlen(line + 1), "\r\n", &got, &end,
				 sodium_base64_VARIANT_ORIGINAL) == 0 &&
	       got == n && *end == '\0';
}

/* ---- keys ---- */

static void set_id(struct sign_key *k)
{
	uint8_t digest[crypto_hash_sha512_BYTES];
	uint64_t number = 0;

	crypto_hash_sha512(digest, k->public_half, sizeof(k->public_half));
	memcpy(k->id, digest, sizeof(k->id));
	for (int i = 0; i < SIGN_KEY_ID_BYTES; i++)
		number |= (uint64_t)k->id[i] << (8 * i);
	snprintf(k->name, sizeof(k->name), "%016llX", (unsigned long long)number);
}

enum ofa_status sign_key_from_seed(const uint8_t seed[32], struct sign_key *ret, struct ofa_error *err)
{
	memset(ret, 0, sizeof(*ret));
	if (sodium_init() < 0 || crypto_sign_seed_keypair(ret->public_half, ret->secret, seed))
		return ofa_fail(err, OFA_ERR_IO, NULL, "libsodium cannot be used on this system");
	ret->signs = true;
	set_id(ret);
	return OFA_OK;
}

void sign_bytes(const struct sign_key *k, const void *p, size_t n, uint8_t out[SIGN_BYTES])
{
	crypto_sign_detached(out, NULL, p, n, k->secret);
}

/* ---- loading ---- */

static void ring_destroy(struct shared *self)
{
	struct key_ring *r = (struct key_ring *)(void *)self;

	sodium_memzero(r->keys, sizeof(r->keys));
	free(r);
}

void key_ring_unref(struct key_ring *r)
{
	if (r)
		shared_unref(&r->shared);
}

static enum ofa_status parse_secret(const char *text, struct sign_key *k, struct ofa_error *err)
{
	uint8_t seed[SEED_BYTES];
	struct sign_key titled;
	enum ofa_status st;

	if (!parse_file(text, SECRET_TITLE, &titled, seed, sizeof(seed)))
		return ofa_fail(err, OFA_ERR_FORMAT, NULL, "not a secret key as `ofad keygen` makes it");
	st = sign_key_from_seed(seed, k, err);
	sodium_memzero(seed, sizeof(seed));
	memcpy(k->created, titled.created, sizeof(k->created));
	return st;
}

static enum ofa_status parse_public(const char *text, struct sign_key *k, struct ofa_error *err)
{
	uint8_t bytes[SIGN_MINISIGN_BYTES];

	memset(k, 0, sizeof(*k));
	if (!parse_file(text, PUBLIC_TITLE, k, bytes, sizeof(bytes)) || bytes[0] != 'E' || bytes[1] != 'd')
		return ofa_fail(err, OFA_ERR_FORMAT, NULL, "not a public key as `ofad keygen` makes it");
	memcpy(k->public_half, bytes + 2 + SIGN_KEY_ID_BYTES, SIGN_PUBLIC_BYTES);
	set_id(k);
	return OFA_OK;
}

static enum ofa_status check_private(const char *path, struct ofa_error *err)
{
	struct stat sb;

	if (stat(path, &sb) == 0 && (sb.st_mode & 077))
		return ofa_fail(err, OFA_ERR_INVALID, NULL,
				"others than the owner may use this secret key (mode %03o): chmod 600 it, or make "
				"another if somebody has read it",
				(unsigned)sb.st_mode & 0777);
	return OFA_OK;
}

static enum ofa_status read_key(const char *path, bool secret, struct sign_key *k, struct ofa_error *err)
{
	const char *base = strrchr(path, '/') + 1;
	uint8_t *text = NULL;
	size_t size = 0;
	enum ofa_status st = secret ? check_private(path, err) : OFA_OK;

	if (st == OFA_OK)
		st = ofa_file_read(path, KEY_FILE_MAX, &text, &size, err);
	if (st != OFA_OK)
		return st;
	st = secret ? parse_secret((const char *)text, k, err) : parse_public((const char *)text, k, err);
	sodium_memzero(text, size);
	free(text);
	if (st == OFA_OK && strncmp(base, k->name, SIGN_KEY_ID_CHARS) != 0)
		st = ofa_fail(err, OFA_ERR_MISMATCH, NULL, "the file holds key %s", k->name);
	return st;
}

/* Puts the key into its place in the order; a public half whose secret one is there already adds nothing. */
static enum ofa_status add_key(struct key_ring *r, const struct sign_key *k, struct ofa_error *err)
{
	unsigned at = 0;

	for (unsigned i = 0; i < r->n; i++) {
		if (memcmp(r->keys[i].id, k->id, sizeof(k->id)) != 0)
			continue;
		if (k->signs && !r->keys[i].signs) {
			r->n--;
			memmove(&r->keys[i], &r->keys[i + 1], (r->n - i) * sizeof(*k));
			break;
		}
		return OFA_OK;
	}
	if (r->n == SIGN_KEYS_MAX)
		return ofa_fail(err, OFA_ERR_LIMIT, NULL,
				"there are more than %d keys: remove the .pub files of those that no device asks for",
				SIGN_KEYS_MAX);
	while (at < r->n && (r->keys[at].signs > k->signs || (r->keys[at].signs == k->signs &&
							       strcmp(r->keys[at].created, k->created) > 0)))
		at++;
	memmove(&r->keys[at + 1], &r->keys[at], (r->n - at) * sizeof(*k));
	r->keys[at] = *k;
	r->n++;
	r->n_signing += k->signs;
	return OFA_OK;
}

/* Is the file called ID.key or ID.pub? */
static bool key_file_name(const char *name, bool *ret_secret)
{
	if (strspn(name, "0123456789ABCDEF") != SIGN_KEY_ID_CHARS)
		return false;
	*ret_secret = strcmp(name + SIGN_KEY_ID_CHARS, ".key") == 0;
	return *ret_secret || strcmp(name + SIGN_KEY_ID_CHARS, ".pub") == 0;
}

static enum ofa_status load_entries(const char *dir, DIR *d, struct key_ring *r, struct ofa_error *err)
{
	enum ofa_status st = OFA_OK;
	struct dirent *entry;
	char path[KEY_PATH_MAX];
	struct sign_key key;
	bool secret;

	while (st == OFA_OK && (entry = readdir(d))) {
		if (!key_file_name(entry->d_name, &secret))
			continue;
		if (snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name) >= (int)sizeof(path))
			return ofa_fail(err, OFA_ERR_INVALID, NULL, "the path of the key directory is too long");
		st = read_key(path, secret, &key, err);
		if (st == OFA_OK)
			st = add_key(r, &key, err);
		else
			ofa_error_prefix(err, "%s", path);
	}
	sodium_memzero(&key, sizeof(key));
	return st;
}

enum ofa_status key_ring_load(const char *dir, struct key_ring **ret, struct ofa_error *err)
{
	struct key_ring *r = calloc(1, sizeof(*r));
	DIR *d;
	enum ofa_status st = OFA_OK;

	if (!r)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	shared_init(&r->shared, ring_destroy);
	d = opendir(dir);
	if (d)
		st = load_entries(dir, d, r, err);
	else if (errno != ENOENT)
		st = ofa_fail(err, OFA_ERR_IO, NULL, "cannot read %.300s: %s", dir, strerror(errno));
	if (d)
		closedir(d);
	if (st == OFA_OK)
		*ret = r;
	else
		key_ring_unref(r);
	return st;
}

/* ---- making ---- */

/* The directory with those above it; only its owner may look into what is made. */
static enum ofa_status make_dirs(const char *dir, struct ofa_error *err)
{
	char path[KEY_PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/", dir);

	if (n < 2 || n >= KEY_PATH_MAX - SIGN_KEY_ID_CHARS - 64)
		return ofa_fail(err, OFA_ERR_INVALID, NULL, "the path of the key directory is empty or too long");
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0700) && errno != EEXIST)
			return ofa_fail(err, OFA_ERR_IO, NULL, "cannot make %.300s: %s", path, strerror(errno));
		*slash = '/';
	}
	return OFA_OK;
}

/* Writes it under another name first and links it: it is there whole or not at all, and never in place of one. */
static enum ofa_status write_new(const char *dir, const char *name, const char *suffix, mode_t mode, const char *text,
				 struct ofa_error *err)
{
	char path[KEY_PATH_MAX], draft[KEY_PATH_MAX + 32];
	size_t size = strlen(text);
	bool ok;
	int fd;

	snprintf(path, sizeof(path), "%s/%s%s", dir, name, suffix);
	snprintf(draft, sizeof(draft), "%s.tmp.%ld", path, (long)getpid());
	fd = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0)
		return ofa_fail(err, OFA_ERR_IO, NULL, "cannot write %.300s: %s", draft, strerror(errno));
	/* whatever the umask: a public half is for everybody, a secret one for nobody else */
	ok = write(fd, text, size) == (ssize_t)size && fchmod(fd, mode) == 0 && fsync(fd) == 0;
	ok = close(fd) == 0 && ok && link(draft, path) == 0;
	if (!ok)
		ofa_fail(err, OFA_ERR_IO, NULL, "cannot write %.300s: %s", path, strerror(errno));
	unlink(draft);
	return ok ? OFA_OK : OFA_ERR_IO;
}

static enum ofa_status write_halves(const char *dir, const struct sign_key *k, const uint8_t seed[SEED_BYTES],
				    struct ofa_error *err)
{
	char text[KEY_FILE_MAX], base64[SIGN_MINISIGN_CHARS + 1];
	enum ofa_status st;

	sign_base64(seed, SEED_BYTES, base64);
	snprintf(text, sizeof(text), SECRET_TITLE "%s" MADE "%s\n%s\n", k->name, k->created, base64);
	st = write_new(dir, k->name, ".key", 0600, text, err);
	sodium_memzero(text, sizeof(text));
	sodium_memzero(base64, sizeof(base64));
	if (st != OFA_OK)
		return st;
	sign_key_minisign(k, base64);
	snprintf(text, sizeof(text), PUBLIC_TITLE "%s" MADE "%s\n%s\n", k->name, k->created, base64);
	return write_new(dir, k->name, ".pub", 0644, text, err);
}

static enum ofa_status check_room(const char *dir, struct ofa_error *err)
{
	struct key_ring *ring = NULL;
	enum ofa_status st = key_ring_load(dir, &ring, err);

	if (st == OFA_OK && ring->n == SIGN_KEYS_MAX)
		st = ofa_fail(err, OFA_ERR_LIMIT, NULL,
			      "%.300s has %d keys, as many as there may be: remove the files of one that is not used",
			      dir, SIGN_KEYS_MAX);
	key_ring_unref(ring);
	return st;
}

enum ofa_status sign_key_create(const char *dir, struct sign_key *ret, struct ofa_error *err)
{
	struct sign_key key;
	uint8_t seed[SEED_BYTES];
	enum ofa_status st = make_dirs(dir, err);

	if (st == OFA_OK)
		st = check_room(dir, err);
	if (st == OFA_OK && sodium_init() < 0)
		st = ofa_fail(err, OFA_ERR_IO, NULL, "libsodium cannot be used on this system");
	if (st != OFA_OK)
		return st;
	randombytes_buf(seed, sizeof(seed));
	st = sign_key_from_seed(seed, &key, err);
	if (st == OFA_OK) {
		clock_rfc3339(key.created);
		st = write_halves(dir, &key, seed, err);
	}
	sodium_memzero(seed, sizeof(seed));
	sodium_memzero(key.secret, sizeof(key.secret));
	if (st == OFA_OK)
		*ret = key;
	return st;
}
