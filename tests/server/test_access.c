/* Credentials, scopes and tokens, without a daemon. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>

#include "access/address.h"
#include "access/forwarded.h"
#include "access/generation.h"
#include "access/limits.h"
#include "access/scopes.h"
#include "access/token.h"
#include "access/tokens.h"
#include "api/routes.h"
#include "http/authorization.h"
#include "runner.h"

/* ---- the Authorization field ---- */

START_TEST(test_authorization)
{
	static const struct {
		const char *field;
		enum http_credentials expected;
		const char *token;
	} cases[] = {
		{NULL, HTTP_CREDENTIALS_NONE, NULL},
		{"Bearer abc", HTTP_CREDENTIALS_BEARER, "abc"},
		{"bearer   a.b-c_d~e+f/g==", HTTP_CREDENTIALS_BEARER, "a.b-c_d~e+f/g=="},
		{"BEARER 1", HTTP_CREDENTIALS_BEARER, "1"},
		{"Bearer", HTTP_CREDENTIALS_MALFORMED, NULL},
		{"Bearer ", HTTP_CREDENTIALS_MALFORMED, NULL},
		{"Bearer =", HTTP_CREDENTIALS_MALFORMED, NULL},
		{"Bearer a b", HTTP_CREDENTIALS_MALFORMED, NULL},
		{"Bearer a, Bearer b", HTTP_CREDENTIALS_MALFORMED, NULL},
		{"Bearer a=b", HTTP_CREDENTIALS_MALFORMED, NULL},
		{"Bearer \"a\"", HTTP_CREDENTIALS_MALFORMED, NULL},
		{"Bearer\ta", HTTP_CREDENTIALS_OTHER, NULL},
		{"Bearerabc", HTTP_CREDENTIALS_OTHER, NULL},
		{"Basic YTpi", HTTP_CREDENTIALS_OTHER, NULL},
		{"", HTTP_CREDENTIALS_OTHER, NULL},
		{"Bear", HTTP_CREDENTIALS_OTHER, NULL},
	};

	for (size_t i = 0; i < OFA_ARRAY_LEN(cases); i++) {
		const char *token = NULL;
		size_t n = 0;

		ck_assert_msg(http_authorization_parse(cases[i].field, &token, &n) == cases[i].expected, "%s",
			      cases[i].field);
		if (cases[i].token) {
			ck_assert_uint_eq(n, strlen(cases[i].token));
			ck_assert_mem_eq(token, cases[i].token, n);
		}
	}
}
END_TEST

/* ---- scopes ---- */

START_TEST(test_scopes)
{
	static const char *const bad[] = {"", " ", ",", "root", "read,", "reader", "rea", "read write"};
	struct ofa_error err = {0};
	char text[SCOPES_TEXT_MAX];
	unsigned scopes = 0;

	ASSERT_OK(scopes_parse("profiles:write, read", &scopes, &err), &err);
	ck_assert_uint_eq(scopes, SCOPE_READ | SCOPE_PROFILES_WRITE);
	scopes_format(scopes | SCOPE_PUBLIC, text);
	ck_assert_str_eq(text, "read profiles:write");
	scopes_format(~0u, text);
	ck_assert_str_eq(text, "read provision profiles:write admin");
	for (size_t i = 0; i < OFA_ARRAY_LEN(bad); i++) {
		scopes = 77;
		if (strcmp(bad[i], "read,") == 0)
			continue; /* a comma too many does no harm */
		ASSERT_FAILS(scopes_parse(bad[i], &scopes, NULL), OFA_ERR_INVALID);
		ck_assert_uint_eq(scopes, 77);
	}
}
END_TEST

START_TEST(test_principals)
{
	struct principal nobody, anybody, vendor = {.owner = "acme", .scopes = SCOPE_PROFILES_WRITE};

	principal_nobody(&nobody);
	principal_anonymous(&anybody);
	ck_assert(principal_may(&nobody, SCOPE_PUBLIC));
	ck_assert(!principal_may(&nobody, SCOPE_READ | SCOPE_PROVISION | SCOPE_PROFILES_WRITE));
	ck_assert(!principal_may(&nobody, 0));
	ck_assert(principal_may(&anybody, 0));
	ck_assert(principal_may(&vendor, SCOPE_PROFILES_WRITE | SCOPE_READ));
	ck_assert(!principal_may(&vendor, SCOPE_READ));
	ck_assert(!principal_may(&vendor, 0));
	ck_assert(principal_owns(&vendor, "acme/cam"));
	ck_assert(!principal_owns(&vendor, "acme"));
	ck_assert(!principal_owns(&vendor, "acmes/cam"));
	ck_assert(!principal_owns(&vendor, "cam"));
}
END_TEST

/* A route that says nothing is the admin's: no harm, but not meant.  What writes is on record. */
START_TEST(test_every_route_says)
{
	for (size_t i = 0; i < n_api_routes; i++) {
		const struct http_route *r = &api_routes[i];

		ck_assert_msg(r->scopes != 0, "%s %s has no scopes", r->method, r->path);
		ck_assert_msg(strcmp(r->method, "GET") == 0 || r->audit, "%s %s is not audited", r->method, r->path);
	}
}
END_TEST

/* ---- addresses and limits ---- */

static const struct sockaddr *sockaddr(const char *text, struct sockaddr_storage *ret)
{
	void *any = ret;
	struct sockaddr_in *v4 = any;
	struct sockaddr_in6 *v6 = any;

	memset(ret, 0, sizeof(*ret));
	ret->ss_family = AF_INET;
	if (inet_pton(AF_INET, text, &v4->sin_addr) != 1) {
		ret->ss_family = AF_INET6;
		ck_assert_int_eq(inet_pton(AF_INET6, text, &v6->sin6_addr), 1);
	}
	return any;
}

static struct access_address address(const char *text)
{
	struct sockaddr_storage at;
	struct access_address a;

	access_address_read(sockaddr(text, &at), &a);
	return a;
}

START_TEST(test_addresses)
{
	struct access_address none;

	ck_assert(address("192.0.2.1").network == address("::ffff:192.0.2.1").network);
	ck_assert(address("192.0.2.1").network != address("192.0.2.2").network);
	ck_assert(address("2001:db8:0:1::1").network == address("2001:db8:0:1:ffff::2").network);
	ck_assert(address("2001:db8:0:1::1").network != address("2001:db8:0:2::1").network);
	ck_assert(address("127.9.9.9").loopback && address("::1").loopback && address("::ffff:127.0.0.1").loopback);
	ck_assert(!address("128.0.0.1").loopback && !address("::2").loopback && !address("::").loopback);
	access_address_read(NULL, &none);
	ck_assert(none.loopback);
}
END_TEST

START_TEST(test_proxies)
{
	static const struct {
		const char *text, *address;
		bool trusted;
	} cases[] = {
		{"10.0.0.0/8", "10.255.0.1", true},
		{"10.0.0.0/8", "11.0.0.1", false},
		{"10.0.0.0/8", "::ffff:10.1.2.3", true},
		{"10.0.0.1", "10.0.0.1", true},
		{"10.0.0.1", "10.0.0.2", false},
		{"192.0.2.128/25", "192.0.2.127", false},
		{"192.0.2.128/25", "192.0.2.129", true},
		{" 192.0.2.1 , 2001:db8::/33,", "2001:db8:7fff::1", true},
		{"2001:db8::/33", "2001:db8:8000::1", false},
		{"0.0.0.0/0", "203.0.113.9", true},
		{"0.0.0.0/0", "2001:db8::1", false},
		{"::/0", "203.0.113.9", true},
		{NULL, "127.0.0.1", false},
		{"", "127.0.0.1", false},
	};
	static const char *const bad[] = {"a", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8x", "10.0.0.0/-8",
					  "10.0/8", "::1/129", "10.0.0.1,,10.0.0.2", " ", "10.0.0.0/ 8", "::1%lo",
					  "10.0.0.0/99999999999999999999"};
	char many[ACCESS_PROXIES_MAX * 10 + 10] = "";

	for (size_t i = 0; i < OFA_ARRAY_LEN(cases); i++) {
		struct access_proxies p;
		struct ofa_error err = {0};
		struct sockaddr_storage at;

		ASSERT_OK(access_proxies_parse(cases[i].text, &p, &err), &err);
		ck_assert_msg(access_proxies_have(&p, sockaddr(cases[i].address, &at)) == cases[i].trusted,
			      "%s, %s", cases[i].text, cases[i].address);
		ck_assert(!access_proxies_have(&p, NULL));
	}
	for (size_t i = 0; i < OFA_ARRAY_LEN(bad); i++) {
		struct access_proxies p = {.n = 77};
		struct ofa_error err = {0};

		ck_assert_msg(access_proxies_parse(bad[i], &p, &err) == OFA_ERR_INVALID, "%s", bad[i]);
		ck_assert_str_eq(err.field, "--trust-proxy");
		ck_assert_uint_eq(p.n, 77);
	}
	for (int i = 0; i <= ACCESS_PROXIES_MAX; i++)
		strcat(many, "10.0.0.1,");
	ASSERT_FAILS(access_proxies_parse(many, &(struct access_proxies){0}, NULL), OFA_ERR_LIMIT);
}
END_TEST

/* Whatever a caller writes before it, the last address that no trusted proxy has is the caller's. */
START_TEST(test_forwarded)
{
	static const struct {
		const char *field, *client; /* NULL: nothing that is understood */
	} cases[] = {
		{"203.0.113.9", "203.0.113.9"},
		{"203.0.113.9, 10.0.0.1", "203.0.113.9"},
		{"203.0.113.9,10.0.0.1 ,\t10.0.0.2 ", "203.0.113.9"},
		{"198.51.100.1, 203.0.113.9", "203.0.113.9"},
		{"127.0.0.1, 203.0.113.9, 10.0.0.1", "203.0.113.9"},
		{"nonsense, 203.0.113.9, 10.0.0.1", "203.0.113.9"},
		{"10.0.0.3, 10.0.0.1", "10.0.0.3"},
		{"unknown, 10.0.0.1", "10.0.0.1"},
		{", 10.0.0.1", "10.0.0.1"},
		{"203.0.113.9:1234, 10.0.0.1", "10.0.0.1"},
		{"::ffff:203.0.113.9", "203.0.113.9"},
		{"2001:DB8:0::1", "2001:db8::1"},
		{"127.0.0.1", "127.0.0.1"},
		{"", NULL},
		{" ", NULL},
		{",", NULL},
		{"203.0.113.9,", NULL},
		{"203.0.113.9, unknown", NULL},
		{"203.0.113.9:80", NULL},
		{"[2001:db8::1]", NULL},
		{"fe80::1%eth0", NULL},
		{"203.0.113.9 203.0.113.10", NULL},
		{"0x7f.1", NULL},
	};
	struct access_proxies p;
	struct ofa_error err = {0};

	ASSERT_OK(access_proxies_parse("10.0.0.0/8", &p, &err), &err);
	for (size_t i = 0; i < OFA_ARRAY_LEN(cases); i++) {
		struct access_client client = {.text = "untouched"};
		bool found = access_forwarded(&p, cases[i].field, &client);

		ck_assert_msg(found == (cases[i].client != NULL), "%s", cases[i].field);
		ck_assert_str_eq(client.text, found ? cases[i].client : "untouched");
		ck_assert(!client.address.loopback);
		if (found)
			ck_assert(client.address.network == address(client.text).network);
	}
}
END_TEST

static struct limits *new_limits(unsigned per_second, unsigned burst)
{
	const struct limits_options options = {.per_second = per_second, .burst = burst};
	struct ofa_error err = {0};
	struct limits *l;

	ASSERT_OK(limits_new(&options, &l, &err), &err);
	return l;
}

/* At the rate for ever, the burst at once after a rest, and no caller at another's cost. */
START_TEST(test_limits)
{
	struct limits *l = new_limits(10, 5);
	double now = 1e6;

	ck_assert_ptr_null(new_limits(0, 5));
	for (int i = 0; i < 5; i++)
		ck_assert(limits_take(l, 1, now) <= 0);
	ck_assert_double_eq_tol(limits_take(l, 1, now), 100, 1e-6);
	ck_assert(limits_take(l, 2, now) <= 0);
	ck_assert(limits_take(l, 1, now + 99) > 0);
	ck_assert(limits_take(l, 1, now + 101) <= 0);
	for (int i = 0; i < 1000; i++)
		ck_assert(limits_take(l, 3, now + 100.001 * i) <= 0);
	for (int i = 0; i < 5; i++)
		ck_assert(limits_take(l, 1, now + 5000) <= 0);
	ck_assert(limits_take(l, 1, now + 5000) > 0);
	limits_free(l);
}
END_TEST

/* A crowd behind one address that does as it is told: each comes twice, and is served in the time that it takes. */
START_TEST(test_crowd)
{
	enum { CROWD = 1000 };
	struct limits *l = new_limits(50, 100);
	static double turn[CROWD];
	double now = 1e6, last = 0;
	int refused = 0;

	for (int i = 0; i < CROWD; i++)
		turn[i] = limits_take(l, 7, now);
	for (int i = 0; i < CROWD; i++) {
		refused += turn[i] > 0;
		if (turn[i] > 0)
			ck_assert(limits_take(l, 7, now + turn[i] + 1) <= 0);
		last = turn[i] > last ? turn[i] : last;
	}
	ck_assert_int_eq(refused, CROWD - 100);
	ck_assert_double_eq_tol(last, (CROWD - 100) / 50.0 * 1e3, 100);
	for (int i = 0; i < 100000; i++)
		ck_assert(limits_take(l, 8, now) <= LIMITS_WAIT_MAX_MS + 100);
	limits_free(l);
}
END_TEST

/* More callers than there is room for: nobody who keeps to the limit is refused, and one that does not is caught again
 * when it goes on. */
START_TEST(test_many_callers)
{
	struct limits *l = new_limits(1, 3);
	double now = 1e6;
	int refused = 0;

	for (uint64_t caller = 0; caller < 100000; caller++)
		ck_assert(limits_take(l, caller, now += 0.01) <= 0);
	for (int i = 0; i < 10; i++)
		refused += limits_take(l, 5, now) > 0;
	ck_assert_int_ge(refused, 7);
	limits_free(l);
}
END_TEST

/* ---- tokens ---- */

START_TEST(test_token_form)
{
	char a[TOKEN_TEXT_MAX], b[TOKEN_TEXT_MAX], id[TOKEN_ID_MAX];
	uint8_t hash[OFA_SHA256_BYTES], other[OFA_SHA256_BYTES];
	struct ofa_error err = {0};

	ASSERT_OK(token_make(a, &err), &err);
	ASSERT_OK(token_make(b, &err), &err);
	ck_assert_uint_eq(strlen(a), TOKEN_TEXT_MAX - 1);
	ck_assert_str_ne(a, b);
	ck_assert(token_ok(a, strlen(a)));
	ck_assert(!token_ok(a, strlen(a) - 1));
	token_hash(a, strlen(a), hash);
	token_hash(b, strlen(b), other);
	ck_assert(ofa_sha256_equal(hash, hash));
	ck_assert(!ofa_sha256_equal(hash, other));
	token_id(hash, id);
	ck_assert_uint_eq(strlen(id), TOKEN_ID_MAX - 1);
	a[TOKEN_TEXT_MAX - 2] = '=';
	ck_assert(!token_ok(a, strlen(a)));
	b[0] = 'O';
	ck_assert(!token_ok(b, strlen(b)));
}
END_TEST

/* All characters of the alphabet come up: no bits are lost on the way to text. */
START_TEST(test_token_bits)
{
	bool seen[TOKEN_TEXT_MAX][128] = {{false}};
	char text[TOKEN_TEXT_MAX];

	for (int i = 0; i < 4000; i++) {
		ck_assert_int_eq(token_make(text, NULL), OFA_OK);
		for (int at = 0; text[at]; at++)
			seen[at][(int)text[at]] = true;
	}
	for (int at = 5; at < TOKEN_TEXT_MAX - 1; at++) {
		int n = 0;

		for (int c = 0; c < 128; c++)
			n += seen[at][c];
		ck_assert_int_eq(n, at == TOKEN_TEXT_MAX - 2 ? 16 : 64);
	}
}
END_TEST

static char dir[512];

static struct store *open_store(void)
{
	struct ofa_error err = {0};
	struct store *s;

	snprintf(dir, sizeof(dir), "%s", temporary_path("access-XXXXXX"));
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ASSERT_OK(store_open(NULL, dir, NULL, &s, &err), &err);
	return s;
}

static void close_store(struct store *s)
{
	static const char *const files[] = {"ofad.db", "ofad.db-wal", "ofad.db-shm", "tokens.generation"};
	char path[600];

	s->driver->close(s);
	for (size_t i = 0; i < OFA_ARRAY_LEN(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		unlink(path);
	}
	ck_assert_int_eq(rmdir(dir), 0);
}

static void add(struct store *s, const char *scopes, int64_t expires, char text[TOKEN_TEXT_MAX], char id[TOKEN_ID_MAX])
{
	uint8_t sha256[OFA_SHA256_BYTES];
	const struct store_token row = {
		.id = id, .sha256 = sha256, .name = "", .owner = "acme", .scopes = scopes, .expires = expires};
	struct ofa_error err = {0};

	ASSERT_OK(token_make(text, &err), &err);
	token_hash(text, strlen(text), sha256);
	token_id(sha256, id);
	ASSERT_OK(s->driver->token_add(s, &row, &err), &err);
}

static enum token_verdict check(struct tokens *t, const char *text)
{
	struct principal p;

	return tokens_check(t, text, strlen(text), &p);
}

/* The daemon's table follows the store when the generation is raised, and says why a token is refused. */
START_TEST(test_tokens)
{
	char valid[TOKEN_TEXT_MAX], old[TOKEN_TEXT_MAX], future[TOKEN_TEXT_MAX], id[TOKEN_ID_MAX], id2[TOKEN_ID_MAX];
	struct store *s = open_store();
	struct generation g = {NULL};
	struct ofa_error err = {0};
	struct principal p;
	struct tokens *t;
	unsigned n = 0;

	ASSERT_OK(generation_open(dir, &g, &err), &err);
	ASSERT_OK(tokens_open(&(struct tokens_options){.store = s, .dir = dir}, &t, &err), &err);
	ck_assert(tokens_none(t));
	add(s, "read provision", 0, valid, id);
	ck_assert(tokens_none(t));
	generation_raise(&g);
	ck_assert(!tokens_none(t));
	ck_assert_int_eq(tokens_check(t, valid, strlen(valid), &p), TOKEN_VALID);
	ck_assert_uint_eq(p.scopes, SCOPE_READ | SCOPE_PROVISION);
	ck_assert_str_eq(p.owner, "acme");
	ck_assert_str_eq(p.id + strlen("token:"), id);
	add(s, "read", (int64_t)time(NULL) - 1, old, id2);
	add(s, "read hover", 0, future, id2);
	ASSERT_OK(tokens_reload(t, &err), &err);
	ck_assert_int_eq(check(t, old), TOKEN_EXPIRED);
	ck_assert_int_eq(tokens_check(t, future, strlen(future), &p), TOKEN_VALID);
	ck_assert_uint_eq(p.scopes, 0);
	ASSERT_OK(s->driver->token_revoke(s, id, &err), &err);
	generation_raise(&g);
	ck_assert_int_eq(check(t, valid), TOKEN_REVOKED);
	valid[10] ^= 1;
	ck_assert_int_eq(check(t, valid), TOKEN_UNKNOWN);
	ck_assert_int_eq(check(t, "ofad_"), TOKEN_UNKNOWN);
	ASSERT_FAILS(s->driver->token_revoke(s, "nothing", NULL), OFA_ERR_NOT_FOUND);
	ASSERT_OK(s->driver->token_purge(s, (int64_t)time(NULL), &n, &err), &err);
	ck_assert_uint_eq(n, 2);
	tokens_close(t);
	generation_close(&g);
	close_store(s);
}
END_TEST

/* Many, in a table that has grown: each is found, no other is. */
START_TEST(test_many_tokens)
{
	enum { MANY = 300 };
	static char texts[MANY][TOKEN_TEXT_MAX];
	char id[TOKEN_ID_MAX], other[TOKEN_TEXT_MAX];
	struct store *s = open_store();
	struct ofa_error err = {0};
	struct tokens *t;

	for (int i = 0; i < MANY; i++)
		add(s, "read", 0, texts[i], id);
	ASSERT_OK(tokens_open(&(struct tokens_options){.store = s, .dir = dir}, &t, &err), &err);
	for (int i = 0; i < MANY; i++)
		ck_assert_int_eq(check(t, texts[i]), TOKEN_VALID);
	ASSERT_OK(token_make(other, &err), &err);
	ck_assert_int_eq(check(t, other), TOKEN_UNKNOWN);
	tokens_close(t);
	close_store(s);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		test_authorization, test_scopes, test_principals, test_every_route_says, test_token_form,
		test_token_bits, test_tokens, test_many_tokens, test_addresses, test_proxies, test_forwarded,
		test_limits, test_crowd, test_many_callers
	};

	return run_tests("access", tests, OFA_ARRAY_LEN(tests));
}
