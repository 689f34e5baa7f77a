/* Signed manifests on a device: Ed25519 against libsodium and RFC 8032, and every reason to refuse a package. */
#include <sodium.h>
#include <string.h>

#include "ed25519.h"
#include "ofa_device_manifest.h"
#include "runner.h"

/* ---- SHA-512 and Ed25519 ---- */

START_TEST(test_sha512)
{
	uint8_t message[300], expected[64], got[64];
	struct ofa_device_sha512 h;

	randombytes_buf(message, sizeof(message));
	for (size_t n = 0; n <= sizeof(message); n++) {
		crypto_hash_sha512(expected, message, n);
		ofa_device_sha512_init(&h);
		ofa_device_sha512_update(&h, message, n / 3);
		ofa_device_sha512_update(&h, message + n / 3, n - n / 3);
		ofa_device_sha512_final(&h, got);
		ck_assert_msg(memcmp(got, expected, 64) == 0, "%zu bytes", n);
	}
}
END_TEST

static void from_hex(const char *hex, uint8_t *out, size_t n)
{
	ck_assert_int_eq(sodium_hex2bin(out, n, hex, strlen(hex), NULL, NULL, NULL), 0);
	ck_assert_uint_eq(strlen(hex), 2 * n);
}

/* RFC 8032, 7.1. */
START_TEST(test_vectors)
{
	static const struct {
		const char *public_key, *message, *signature;
	} cases[] = {
		{"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
		 "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
		 "d25bf5f0595bbe24655141438e7a100b"},
		{"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
		 "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
		 "387b2eaeb4302aeeb00d291612bb0c00"},
		{"fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
		 "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
		 "4a7c15e9716ed28dc027beceea1ec40a"},
		{"ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
		 "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd"
		 "454d4423643ce80e2a9ac94fa54ca49f",
		 "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e030"
		 "3dca179c138ac17ad9bef1177331a704"},
	};

	for (size_t i = 0; i < OFA_ARRAY_LEN(cases); i++) {
		uint8_t key[32], signature[64], message[64];
		size_t n = strlen(cases[i].message) / 2;

		from_hex(cases[i].public_key, key, 32);
		from_hex(cases[i].signature, signature, 64);
		from_hex(cases[i].message, message, n);
		ck_assert_msg(ofa_device_ed25519_verify(signature, message, n, key), "vector %zu", i);
		message[0] ^= 1;
		ck_assert(!ofa_device_ed25519_verify(signature, message, n ? n : 1, key));
	}
}
END_TEST

static bool sodium_accepts(const uint8_t signature[64], const uint8_t *message, size_t n, const uint8_t key[32])
{
	return crypto_sign_verify_detached(signature, message, n, key) == 0;
}

/* Both say the same; what it is. */
static bool both_accept(const uint8_t signature[64], const uint8_t *message, size_t n, const uint8_t key[32])
{
	bool expected = sodium_accepts(signature, message, n, key);

	ck_assert_int_eq(ofa_device_ed25519_verify(signature, message, n, key), expected);
	return expected;
}

static void flip(uint8_t *p, size_t n)
{
	p[randombytes_uniform((uint32_t)n)] ^= (uint8_t)(1u << randombytes_uniform(8));
}

START_TEST(test_random)
{
	uint8_t key[32], secret[64], message[400], signature[64];

	for (int i = 0; i < 3000; i++) {
		size_t n = randombytes_uniform(sizeof(message)) + 1;

		crypto_sign_keypair(key, secret);
		randombytes_buf(message, n);
		crypto_sign_detached(signature, NULL, message, n, secret);
		ck_assert(both_accept(signature, message, n, key));
		switch (i % 4) {
		case 0:
			flip(signature, 64);
			break;
		case 1:
			flip(message, n);
			break;
		case 2:
			flip(key, 32);
			break;
		default:
			randombytes_buf(signature, 64);
			signature[63] &= 0x1f;
		}
		ck_assert(!both_accept(signature, message, n, key));
	}
}
END_TEST

/* S + L is the same scalar written otherwise: a second signature for the same message. */
START_TEST(test_malleated)
{
	static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7,
					  0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10};
	uint8_t key[32], secret[64], signature[64];

	for (int i = 0; i < 100; i++) {
		unsigned carry = 0;

		crypto_sign_keypair(key, secret);
		crypto_sign_detached(signature, NULL, key, 32, secret);
		for (int j = 0; j < 32; j++) {
			carry += (unsigned)signature[32 + j] + order[j];
			signature[32 + j] = (uint8_t)carry;
			carry >>= 8;
		}
		ck_assert(!both_accept(signature, key, 32, key));
	}
	/* S = L is zero written otherwise, S = 0 is zero */
	memcpy(signature + 32, order, 32);
	ck_assert(!both_accept(signature, key, 32, key));
	memset(signature + 32, 0, 32);
	ck_assert(!both_accept(signature, key, 32, key));
}
END_TEST

/* The eight points of small order, each with either sign bit, and all ways to write a number of p or more. */
START_TEST(test_odd_points)
{
	static const char *const small[] = {
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	};
	uint8_t key[32], secret[64], other[32], signature[64], message[4] = {1, 2, 3, 4};

	crypto_sign_keypair(key, secret);
	crypto_core_ed25519_scalar_random(signature + 32);
	for (int i = 0; i < (int)OFA_ARRAY_LEN(small) + 19; i++) {
		if (i < (int)OFA_ARRAY_LEN(small)) {
			from_hex(small[i], other, 32);
		} else {
			memset(other, 0xff, 32);
			other[0] = (uint8_t)(0xed + i - (int)OFA_ARRAY_LEN(small));
			other[31] = 0x7f;
		}
		for (int sign = 0; sign < 2; sign++, other[31] ^= 0x80) {
			/* as a key, for which R = S B is a signature of many messages; and as R of a true key */
			for (uint8_t m = 0; m < 32; m++) {
				message[0] = m;
				ck_assert_int_eq(crypto_scalarmult_ed25519_base_noclamp(signature, signature + 32), 0);
				ck_assert(!both_accept(signature, message, 4, other));
				memcpy(signature, other, 32);
				ck_assert(!both_accept(signature, message, 4, other));
				ck_assert(!both_accept(signature, message, 4, key));
			}
		}
	}
}
END_TEST

/* Keys with a part of small order: without the factor 8 one signature in eight is good, and both sides must agree
 * which.  An R of small order is refused although the equation holds. */
START_TEST(test_mixed_order)
{
	uint8_t a[32], r[32], h[32], digest[64], key[32], torsion[32], signature[64], message[8];
	crypto_hash_sha512_state state;
	int accepted = 0;

	from_hex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", torsion, 32);
	for (int i = 0; i < 400; i++) {
		crypto_core_ed25519_scalar_random(a);
		ck_assert_int_eq(crypto_scalarmult_ed25519_base_noclamp(key, a), 0);
		ck_assert_int_eq(crypto_core_ed25519_add(key, key, torsion), 0);
		randombytes_buf(message, sizeof(message));
		crypto_core_ed25519_scalar_random(r);
		ck_assert_int_eq(crypto_scalarmult_ed25519_base_noclamp(signature, r), 0);
		if (i % 2) { /* R = 0, which S = h a answers */
			memset(r, 0, 32);
			memset(signature, 0, 32);
			signature[0] = 1;
		}
		crypto_hash_sha512_init(&state);
		crypto_hash_sha512_update(&state, signature, 32);
		crypto_hash_sha512_update(&state, key, 32);
		crypto_hash_sha512_update(&state, message, sizeof(message));
		crypto_hash_sha512_final(&state, digest);
		crypto_core_ed25519_scalar_reduce(h, digest);
		crypto_core_ed25519_scalar_mul(signature + 32, h, a);
		crypto_core_ed25519_scalar_add(signature + 32, signature + 32, r);
		if (both_accept(signature, message, sizeof(message), key)) {
			ck_assert_int_eq(i % 2, 0);
			accepted++;
		}
	}
	ck_assert_int_gt(accepted, 5);
}
END_TEST

/* ---- manifests ---- */

#define NOW 1764040200u

struct signer {
	uint8_t key[1][32], secret[64];
};

static struct signer make_signer(void)
{
	struct signer s;

	crypto_sign_keypair(s.key[0], s.secret);
	return s;
}

/* What is signed, and how a device comes to see it. */
struct claims {
	const char *format, *revision; /* the latter with its quotes */
	unsigned long long sequence, expires;
	const uint8_t *package;
	size_t size;
};

static void format_line(const struct claims *c, char line[600])
{
	uint8_t digest[32];
	char hex[65];

	crypto_hash_sha256(digest, c->package, c->size);
	sodium_bin2hex(hex, sizeof(hex), digest, 32);
	snprintf(line, 600,
		 "{\"expires\":%llu,\"format_version\":\"%s\",\"id\":\"%s\",\"profile_revision\":%s,\"sequence\":%llu,"
		 "\"sha256\":\"%s\",\"size\":%zu}",
		 c->expires, c->format, hex, c->revision, c->sequence, hex, c->size);
}

/* Signs the line whatever it says. */
static void seal(struct ofa_manifest_envelope *e, const char *line, const struct signer *s)
{
	memset(e, 0, sizeof(*e));
	e->line_bytes = strlen(line);
	memcpy(e->line, line, e->line_bytes);
	e->n_signatures = 1;
	ofa_manifest_key_id(s->key[0], e->signatures[0].key_id);
	crypto_sign_detached(e->signatures[0].bytes, NULL, (const unsigned char *)line, e->line_bytes, s->secret);
}

static void check(enum ofa_manifest_status got, enum ofa_manifest_status expected)
{
	ck_assert_msg(got == expected, "%s, not %s", ofa_manifest_strerror(got), ofa_manifest_strerror(expected));
}

START_TEST(test_decisions)
{
	static const uint8_t package[] = "the package";
	const struct signer signer = make_signer(), stranger = make_signer();
	const struct claims good = {"1.1", "\"acme/cam@3\"", 7, NOW + 1, package, sizeof(package)};
	struct ofa_manifest_trust trust = {signer.key, 1, NOW, 7, "acme/cam"};
	struct ofa_manifest_envelope e;
	struct ofa_manifest m;
	struct claims c = good;
	char line[600];

	format_line(&good, line);
	seal(&e, line, &signer);
	check(ofa_manifest_verify(&e, &trust, &m), OFA_MANIFEST_OK);
	ck_assert_uint_eq(m.sequence, 7);
	ck_assert_uint_eq(m.size, sizeof(package));
	ck_assert_uint_eq(m.profile_bytes, strlen("acme/cam@3"));
	check(ofa_manifest_check_package(&m, package, sizeof(package)), OFA_MANIFEST_OK);
	check(ofa_manifest_check_package(&m, package, sizeof(package) - 1), OFA_MANIFEST_ERR_SIZE);
	check(ofa_manifest_check_package(&m, "the pickage", sizeof(package)), OFA_MANIFEST_ERR_DIGEST);

	trust.now = NOW + 1;
	check(ofa_manifest_verify(&e, &trust, &m), OFA_MANIFEST_ERR_EXPIRED);
	trust.now = 0; /* no clock */
	check(ofa_manifest_verify(&e, &trust, &m), OFA_MANIFEST_OK);
	trust.last_sequence = 8;
	check(ofa_manifest_verify(&e, &trust, &m), OFA_MANIFEST_ERR_ROLLBACK);
	trust.last_sequence = 0;
	trust.profile = "acme/cam@3";
	check(ofa_manifest_verify(&e, &trust, &m), OFA_MANIFEST_OK);
	trust.profile = "acme/ca";
	check(ofa_manifest_verify(&e, &trust, &m), OFA_MANIFEST_ERR_PROFILE);
	trust.profile = NULL;
	trust.keys = stranger.key;
	check(ofa_manifest_verify(&e, &trust, &m), OFA_MANIFEST_ERR_KEY);
	trust.n_keys = 0;
	check(ofa_manifest_verify(&e, &trust, &m), OFA_MANIFEST_ERR_KEY);
	trust.n_keys = 1;
	ofa_manifest_key_id(stranger.key[0], e.signatures[0].key_id); /* claims to be by the stranger */
	check(ofa_manifest_verify(&e, &trust, &m), OFA_MANIFEST_ERR_SIGNATURE);
	e.n_signatures = 0;
	check(ofa_manifest_verify(&e, &trust, &m), OFA_MANIFEST_ERR_UNSIGNED);

	trust.keys = signer.key;
	c.format = "2.0";
	format_line(&c, line);
	seal(&e, line, &signer);
	check(ofa_manifest_verify(&e, &trust, &m), OFA_MANIFEST_ERR_FORMAT);
	c = good;
	c.revision = "null";
	format_line(&c, line);
	seal(&e, line, &signer);
	check(ofa_manifest_verify(&e, &trust, &m), OFA_MANIFEST_OK);
	ck_assert_ptr_null(m.profile);
	trust.profile = "acme/cam";
	check(ofa_manifest_verify(&e, &trust, &m), OFA_MANIFEST_ERR_PROFILE);
}
END_TEST

/* Two keys in one envelope, as during a rotation: each is enough, and a bad signature does not spoil a good one. */
START_TEST(test_two_keys)
{
	static const uint8_t package[] = "x";
	const struct signer first = make_signer(), second = make_signer();
	const struct claims claims = {"1.0", "null", 1, NOW, package, 1};
	struct ofa_manifest_trust trust = {first.key, 1, 0, 0, NULL};
	struct ofa_manifest_envelope e, other;
	uint8_t both[2][32];
	struct ofa_manifest m;
	char line[600];

	format_line(&claims, line);
	seal(&e, line, &first);
	seal(&other, line, &second);
	e.signatures[1] = other.signatures[0];
	e.n_signatures = 2;
	check(ofa_manifest_verify(&e, &trust, &m), OFA_MANIFEST_OK);
	trust.keys = second.key;
	check(ofa_manifest_verify(&e, &trust, &m), OFA_MANIFEST_OK);
	memcpy(both[0], first.key[0], 32);
	memcpy(both[1], second.key[0], 32);
	trust.keys = (const uint8_t (*)[32])both;
	trust.n_keys = 2;
	e.signatures[0].bytes[5] ^= 1;
	check(ofa_manifest_verify(&e, &trust, &m), OFA_MANIFEST_OK);
	ck_assert_uint_eq(m.key, 1);
	e.signatures[1].bytes[5] ^= 1;
	check(ofa_manifest_verify(&e, &trust, &m), OFA_MANIFEST_ERR_SIGNATURE);
}
END_TEST

static size_t format_envelope(const struct ofa_manifest_envelope *e, char *out, size_t cap)
{
	char base64[100], id[20];
	uint8_t reversed[8];
	size_t n = (size_t)snprintf(out, cap, "{\"manifest\":\"");

	for (size_t i = 0; i < e->line_bytes; i++)
		n += (size_t)snprintf(out + n, cap - n, "%s%c", e->line[i] == '"' ? "\\" : "", e->line[i]);
	n += (size_t)snprintf(out + n, cap - n, "\",\"signatures\":[");
	for (unsigned i = 0; i < e->n_signatures; i++) {
		for (int j = 0; j < 8; j++)
			reversed[j] = e->signatures[i].key_id[7 - j];
		sodium_bin2hex(id, sizeof(id), reversed, 8);
		for (char *c = id; *c; c++)
			*c = (char)(*c >= 'a' ? *c - 'a' + 'A' : *c);
		sodium_bin2base64(base64, sizeof(base64), e->signatures[i].bytes, 64, sodium_base64_VARIANT_ORIGINAL);
		n += (size_t)snprintf(out + n, cap - n, "%s{\"key_id\":\"%s\",\"signature\":\"%s\"}", i ? "," : "", id,
				      base64);
	}
	return n + (size_t)snprintf(out + n, cap - n, "]}");
}

/* From the server's text on: every single bit of it, of the trusted key and of the package matters. */
START_TEST(test_every_bit)
{
	static const uint8_t package[] = "sixteen byte pkg";
	const struct claims claims = {"1.0", "\"a@1\"", 12, NOW, package, 16};
	struct signer signer = make_signer();
	struct ofa_manifest_trust trust = {signer.key, 1, 0, 0, NULL};
	struct ofa_manifest_envelope e, opened;
	struct ofa_manifest m;
	char line[600], text[2048];
	uint8_t altered[16];
	size_t n;

	format_line(&claims, line);
	seal(&e, line, &signer);
	n = format_envelope(&e, text, sizeof(text));
	check(ofa_manifest_open(text, n, &opened), OFA_MANIFEST_OK);
	ck_assert_str_eq(opened.line, line);
	check(ofa_manifest_verify(&opened, &trust, &m), OFA_MANIFEST_OK);
	for (size_t bit = 0; bit < 8 * n; bit++) {
		text[bit / 8] ^= (char)(1 << bit % 8);
		if (ofa_manifest_open(text, n, &opened) == OFA_MANIFEST_OK)
			ck_assert_msg(ofa_manifest_verify(&opened, &trust, &m) != OFA_MANIFEST_OK, "bit %zu", bit);
		text[bit / 8] ^= (char)(1 << bit % 8);
	}
	for (size_t length = 0; length < n; length++)
		check(ofa_manifest_open(text, length, &opened), OFA_MANIFEST_ERR_SYNTAX);
	for (size_t bit = 0; bit < 512; bit++) {
		e.signatures[0].bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		check(ofa_manifest_verify(&e, &trust, &m), OFA_MANIFEST_ERR_SIGNATURE);
		e.signatures[0].bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t bit = 0; bit < 256; bit++) {
		signer.key[0][bit / 8] ^= (uint8_t)(1 << bit % 8);
		ck_assert(ofa_manifest_verify(&e, &trust, &m) != OFA_MANIFEST_OK);
		signer.key[0][bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	check(ofa_manifest_verify(&e, &trust, &m), OFA_MANIFEST_OK);
	for (size_t bit = 0; bit < 128; bit++) {
		memcpy(altered, package, 16);
		altered[bit / 8] ^= (uint8_t)(1 << bit % 8);
		check(ofa_manifest_check_package(&m, altered, 16), OFA_MANIFEST_ERR_DIGEST);
	}
}
END_TEST

#define ID "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

/* Lines that somebody who has the key may have signed by mistake: there is one way to write each content. */
START_TEST(test_lines)
{
	static const char *const bad[] = {
		"",
		"{}",
		"{\"expires\":01,\"format_version\":\"1.0\",\"id\":\"" ID "\",\"profile_revision\":null,\"sequence\":1,"
		"\"sha256\":\"" ID "\",\"size\":1}",
		"{\"expires\":1, \"format_version\":\"1.0\",\"id\":\"" ID "\",\"profile_revision\":null,\"sequence\":1,"
		"\"sha256\":\"" ID "\",\"size\":1}",
		"{\"expires\":-1,\"format_version\":\"1.0\",\"id\":\"" ID "\",\"profile_revision\":null,\"sequence\":1,"
		"\"sha256\":\"" ID "\",\"size\":1}",
		"{\"expires\":1,\"format_version\":\"1\",\"id\":\"" ID "\",\"profile_revision\":null,\"sequence\":1,"
		"\"sha256\":\"" ID "\",\"size\":1}",
		"{\"expires\":1,\"format_version\":\"1.65536\",\"id\":\"" ID "\",\"profile_revision\":null,"
		"\"sequence\":1,\"sha256\":\"" ID "\",\"size\":1}",
		"{\"expires\":1,\"format_version\":\"1.0\",\"id\":\"" ID "\",\"profile_revision\":\"\",\"sequence\":1,"
		"\"sha256\":\"" ID "\",\"size\":1}",
		"{\"expires\":1,\"format_version\":\"1.0\",\"id\":\"" ID "\",\"profile_revision\":\"a\\\"\","
		"\"sequence\":1,\"sha256\":\"" ID "\",\"size\":1}",
		"{\"expires\":1,\"format_version\":\"1.0\",\"id\":\"" ID "\",\"profile_revision\":null,\"sequence\":1,"
		"\"sha256\":\"0f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\",\"size\":1}",
		"{\"expires\":1,\"format_version\":\"1.0\",\"id\":\"" ID "\",\"profile_revision\":null,\"sequence\":"
		"1000000000000000000,\"sha256\":\"" ID "\",\"size\":1}",
		"{\"expires\":1,\"format_version\":\"1.0\",\"id\":\"" ID "\",\"profile_revision\":null,\"sequence\":1,"
		"\"sha256\":\"" ID "\",\"size\":2147483648}",
		"{\"expires\":1,\"format_version\":\"1.0\",\"id\":\"" ID "\",\"profile_revision\":null,\"sequence\":1,"
		"\"sha256\":\"" ID "\",\"size\":1}\n",
		"{\"expires\":1,\"format_version\":\"1.0\",\"id\":\"" ID "\",\"profile_revision\":null,\"sequence\":1,"
		"\"sequence\":2,\"sha256\":\"" ID "\",\"size\":1}",
	};
	static const char good[] = "{\"expires\":0,\"format_version\":\"1.0\",\"id\":\"" ID
				   "\",\"profile_revision\":null,\"sequence\":999999999999999999,\"sha256\":\"" ID
				   "\",\"size\":2147483647}";
	struct ofa_manifest m;

	check(ofa_manifest_read(good, strlen(good), &m), OFA_MANIFEST_OK);
	ck_assert_uint_eq(m.size, 2147483647);
	ck_assert_uint_eq(m.sequence, 999999999999999999);
	for (size_t i = 0; i < OFA_ARRAY_LEN(bad); i++)
		ck_assert_msg(ofa_manifest_read(bad[i], strlen(bad[i]), &m) == OFA_MANIFEST_ERR_SYNTAX, "%s", bad[i]);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		test_sha512,      test_vectors,   test_random,   test_malleated, test_odd_points,
		test_mixed_order, test_decisions, test_two_keys, test_every_bit, test_lines,
	};

	if (sodium_init() < 0)
		return EXIT_FAILURE;
	return run_tests("manifest", tests, OFA_ARRAY_LEN(tests));
}
