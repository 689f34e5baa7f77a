/* What a running ofad signs: manifests that libsodium verifies, .minisig files that minisign does, keys that change. */
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "daemon.h"

#define PACKAGE "application/vnd.ofa.subnet"
#define KEYS_PATH "/.well-known/ofad-keys.json"
#define DAY 86400

enum { CROWD = 24 };

/* A key in DATA/keys, where ofad looks by itself. */
static void keygen(const char *data)
{
	char output[4096], dir[1024];

	snprintf(dir, sizeof(dir), "%s/keys", world_path(data));
	ck_assert_int_eq(daemon_run(output, sizeof(output), "keygen", "--keys", dir, NULL), 0);
}

static json_t *published_keys(const struct daemon *d)
{
	struct reply r;
	json_t *json, *keys;

	ask(d, "GET", KEYS_PATH, NULL, NULL, &r);
	ck_assert_int_eq(r.status, 200);
	json = reply_json(&r);
	keys = json_incref(json_object_get(json, "keys"));
	json_decref(json);
	reply_release(&r);
	return keys;
}

static const char *key_member(json_t *keys, size_t i, const char *name)
{
	const char *s = json_string_value(json_object_get(json_array_get(keys, i), name));

	ck_assert_msg(s != NULL, "key %zu has no %s", i, name);
	return s;
}

static void decode(const char *base64, void *out, size_t n)
{
	size_t got;

	ck_assert_int_eq(sodium_base642bin(out, n, base64, strlen(base64), NULL, &got, NULL,
					   sodium_base64_VARIANT_ORIGINAL), 0);
	ck_assert_uint_eq(got, n);
}

/* A signed manifest that was fetched. */
struct envelope {
	json_t *json, *claims;
	const char *line;
	json_int_t sequence, expires;
};

static void envelope_release(struct envelope *e)
{
	json_decref(e->json);
	json_decref(e->claims);
}

static void get_envelope(const struct daemon *d, const char *path, struct envelope *e)
{
	struct reply r;

	ask(d, "GET", path, NULL, NULL, &r);
	ck_assert_msg(r.status == 200, "%s: %ld", path, r.status);
	e->json = reply_json(&r);
	e->line = json_string_value(json_object_get(e->json, "manifest"));
	e->claims = json_loads(e->line, JSON_REJECT_DUPLICATES, NULL);
	ck_assert_ptr_nonnull(e->claims);
	e->sequence = json_integer_value(json_object_get(e->claims, "sequence"));
	e->expires = json_integer_value(json_object_get(e->claims, "expires"));
	reply_release(&r);
}

/* Signature i is by published key `key`. */
static void check_signature(const struct envelope *e, size_t i, json_t *keys, size_t key)
{
	json_t *entry = json_array_get(json_object_get(e->json, "signatures"), i);
	unsigned char public_key[crypto_sign_PUBLICKEYBYTES], signature[crypto_sign_BYTES];

	ck_assert_str_eq(json_string_value(json_object_get(entry, "key_id")), key_member(keys, key, "key_id"));
	decode(key_member(keys, key, "public_key"), public_key, sizeof(public_key));
	decode(json_string_value(json_object_get(entry, "signature")), signature, sizeof(signature));
	ck_assert_int_eq(crypto_sign_verify_detached(signature, (const unsigned char *)e->line, strlen(e->line),
						     public_key), 0);
}

/* Asks for a package and returns the path of its signed manifest; *id gets the package's. */
static const char *deliver(const struct daemon *d, const char *body, char id[65], struct ofa_buf *package)
{
	static char path[256];
	const char *link, *location;
	struct reply r;
	size_t n;

	post_subnet(d, PACKAGE, body, &r);
	ck_assert_int_eq(r.status, 200);
	location = reply_header(&r, "Content-Location");
	snprintf(id, 65, "%s", location + strlen("/subnets/"));
	link = reply_header(&r, "Link");
	ck_assert_ptr_nonnull(link);
	n = strcspn(link, ">");
	snprintf(path, sizeof(path), "%.*s", (int)n - 1, link + 1);
	ck_assert_str_eq(link + n, ">; rel=\"describedby\"; type=\"application/vnd.ofa.signed-manifest+json\"");
	if (package)
		ASSERT_OK(ofa_buf_append(package, r.body.data, r.body.len), &(struct ofa_error){0});
	reply_release(&r);
	return path;
}

START_TEST(test_manifest)
{
	char id[65], path[320], line[1024];
	struct envelope e, again;
	struct ofa_buf package;
	struct daemon d;
	json_t *keys;

	keygen("manifest");
	daemon_begin(&d, "manifest");
	ofa_buf_init(&package, 64 << 20);
	snprintf(path, sizeof(path), "%s", deliver(&d, "{\"seed\":1}", id, &package));
	get_envelope(&d, path, &e);
	keys = published_keys(&d);
	ck_assert_uint_eq(json_array_size(keys), 1);
	ck_assert_str_eq(key_member(keys, 0, "algorithm"), "Ed25519");
	ck_assert_str_eq(key_member(keys, 0, "state"), "active");
	ck_assert_uint_eq(json_array_size(json_object_get(e.json, "signatures")), 1);
	check_signature(&e, 0, keys, 0);
	/* the line is what its members say, in the canonical form and no other */
	snprintf(line, sizeof(line),
		 "{\"expires\":%lld,\"format_version\":\"1.0\",\"id\":\"%s\",\"profile_revision\":null,"
		 "\"sequence\":%lld,\"sha256\":\"%s\",\"size\":%zu}",
		 (long long)e.expires, id, (long long)e.sequence, id, package.len);
	ck_assert_str_eq(e.line, line);
	ck_assert_int_ge(e.expires, time(NULL) + 30 * DAY - 600);
	ck_assert_int_le(e.expires, time(NULL) + 30 * DAY);
	/* kept: the same text again */
	get_envelope(&d, path, &again);
	ck_assert_str_eq(again.line, e.line);
	envelope_release(&again);
	envelope_release(&e);
	json_decref(keys);
	ofa_buf_release(&package);
	daemon_end(&d);
}
END_TEST

/* Which delivery of a package is meant, and how new its signature has to be. */
START_TEST(test_deliveries)
{
	static const char body[] = "{\"profile\":{\"name\":\"acme/cam\"},\"seed\":1}";
	char id[65], path[320], other[400];
	struct envelope e, newer;
	struct daemon d;
	struct reply r;
	json_t *manifest;

	keygen("deliveries");
	daemon_begin(&d, "deliveries");
	snprintf(path, sizeof(path), "%s", deliver(&d, body, id, NULL));
	get_envelope(&d, path, &e);
	/* the manifest has the same link and the same revision */
	post_subnet(&d, "application/json", body, &r);
	manifest = reply_json(&r);
	ck_assert_str_eq(json_string_value(json_object_get(json_object_get(manifest, "links"), "signed_manifest")),
			 path);
	ck_assert_int_eq(strncmp(json_string_value(json_object_get(manifest, "profile_revision")), "acme/cam@", 9), 0);
	ck_assert(json_equal(json_object_get(manifest, "profile_revision"),
			     json_object_get(e.claims, "profile_revision")));
	json_decref(manifest);
	reply_release(&r);
	/* a device that has accepted a later one asks for one that is as new */
	snprintf(other, sizeof(other), "%s&min_sequence=%lld", path, (long long)e.sequence + 1);
	get_envelope(&d, other, &newer);
	ck_assert_int_gt(newer.sequence, e.sequence);
	envelope_release(&newer);
	envelope_release(&e);
	/* of another package; malformed; from the future */
	snprintf(other, sizeof(other), "/subnets/%064d%s", 0, strstr(path, "/signed-manifest"));
	ask(&d, "GET", other, NULL, NULL, &r);
	json_decref(check_problem(&r, 404, "not-found", "delivery"));
	reply_release(&r);
	snprintf(other, sizeof(other), "/subnets/%s/signed-manifest?delivery=12", id);
	ask(&d, "GET", other, NULL, NULL, &r);
	json_decref(check_problem(&r, 422, "invalid-value", "delivery"));
	reply_release(&r);
	snprintf(other, sizeof(other), "%s&min_sequence=99999999999999", path);
	ask(&d, "GET", other, NULL, NULL, &r);
	json_decref(check_problem(&r, 422, "invalid-value", "min_sequence"));
	reply_release(&r);
	snprintf(other, sizeof(other), "%s&min_sequence=-1", path);
	ck_assert_int_eq(ask_status(&d, "GET", other, NULL, NULL), 422);
	ck_assert_int_eq(ask_status(&d, "GET", "/subnets/../signed-manifest", NULL, NULL), 404);
	/* without a name it is the package's first delivery */
	snprintf(other, sizeof(other), "/subnets/%s/signed-manifest", id);
	get_envelope(&d, other, &e);
	ck_assert_str_eq(json_string_value(json_object_get(e.claims, "id")), id);
	envelope_release(&e);
	ck_assert_int_eq(ask_status(&d, "GET", other, "Accept: image/png", NULL), 406);
	daemon_end(&d);
}
END_TEST

static void write_file(const char *name, const void *data, size_t n)
{
	FILE *f = fopen(world_path(name), "wb");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(data, 1, n, f), n);
	fclose(f);
}

/* Debian's minisign on a file of the world; its signature is beside it, as `curl -O` leaves both. */
static int minisign(const char *file, const char *public_key)
{
	char command[2048];

	snprintf(command, sizeof(command), "minisign -V -q -P %s -m %s", public_key, world_path(file));
	return system(command);
}

static bool have_minisign(void)
{
	return system("command -v minisign >/dev/null") == 0;
}

START_TEST(test_minisig)
{
	char id[65], name[80], path[96], fragment[128];
	struct ofa_buf package;
	struct daemon d;
	struct reply r;
	json_t *keys;

	keygen("minisig");
	daemon_begin(&d, "minisig");
	ofa_buf_init(&package, 64 << 20);
	deliver(&d, "{\"seed\":2}", id, &package);
	keys = published_keys(&d);
	snprintf(path, sizeof(path), "/subnets/%s.minisig", id);
	ask(&d, "GET", path, NULL, NULL, &r);
	ck_assert_int_eq(r.status, 200);
	ck_assert_str_eq(reply_header(&r, "Content-Type"), "text/plain; charset=utf-8");
	snprintf(fragment, sizeof(fragment), "\ntrusted comment: id:%s sequence:", id);
	ck_assert_ptr_nonnull(memmem(r.body.data, r.body.len, fragment, strlen(fragment)));
	write_file(id, package.data, package.len);
	snprintf(name, sizeof(name), "%s.minisig", id);
	write_file(name, r.body.data, r.body.len);
	reply_release(&r);
	if (have_minisign()) {
		ck_assert_int_eq(minisign(id, key_member(keys, 0, "minisign")), 0);
		package.data[package.len / 2] ^= 1;
		write_file(id, package.data, package.len);
		ck_assert_int_ne(minisign(id, key_member(keys, 0, "minisign")), 0);
	}
	json_decref(keys);
	ck_assert_int_eq(ask_status(&d, "GET", "/subnets/0.minisig", NULL, NULL), 404);
	ck_assert_int_eq(ask_status(&d, "DELETE", path, NULL, NULL), 405);
	ofa_buf_release(&package);
	daemon_end(&d);
}
END_TEST

static void wait_for_keys(const struct daemon *d, size_t n)
{
	const struct timespec pause = {.tv_nsec = 20000000};

	for (int i = 0; i < 500; i++) {
		json_t *keys = published_keys(d);
		size_t there = json_array_size(keys);

		json_decref(keys);
		if (there == n)
			return;
		nanosleep(&pause, NULL);
	}
	ck_abort_msg("%zu keys were never published", n);
}

static void remove_key_file(const char *data, const char *id, const char *suffix)
{
	char name[256];

	snprintf(name, sizeof(name), "%s/keys/%s%s", data, id, suffix);
	ck_assert_int_eq(unlink(world_path(name)), 0);
}

/* A second key, both at once, then the second alone: at each moment a device that knows either finds what it needs. */
START_TEST(test_rotation)
{
	char id[65], path[320], first[17];
	struct envelope e, before;
	struct daemon d;
	json_t *keys;

	keygen("rotation");
	daemon_begin(&d, "rotation");
	snprintf(path, sizeof(path), "%s", deliver(&d, "{}", id, NULL));
	get_envelope(&d, path, &before);
	keys = published_keys(&d);
	snprintf(first, sizeof(first), "%s", key_member(keys, 0, "key_id"));
	json_decref(keys);

	keygen("rotation");
	kill(d.pid, SIGHUP);
	wait_for_keys(&d, 2);
	keys = published_keys(&d);
	ck_assert_str_ne(key_member(keys, 0, "key_id"), first);
	ck_assert_str_eq(key_member(keys, 0, "state"), "active");
	ck_assert_str_eq(key_member(keys, 1, "key_id"), first);
	ck_assert_str_eq(key_member(keys, 1, "state"), "retiring");
	get_envelope(&d, path, &e);
	ck_assert_uint_eq(json_array_size(json_object_get(e.json, "signatures")), 2);
	check_signature(&e, 0, keys, 0);
	check_signature(&e, 1, keys, 1);
	ck_assert_int_gt(e.sequence, before.sequence);
	envelope_release(&before);
	envelope_release(&e);
	json_decref(keys);

	/* a key that cannot be read changes nothing */
	write_file("rotation/keys/0123456789ABCDEF.pub", "nonsense\n", 9);
	kill(d.pid, SIGHUP);
	for (int i = 0; i < 500 && daemon_log_count("rotation", "the signing keys stay as they were") == 0; i++)
		nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
	ck_assert_int_eq(daemon_log_count("rotation", "the signing keys stay as they were"), 1);
	wait_for_keys(&d, 2);
	remove_key_file("rotation", "0123456789ABCDEF", ".pub");

	remove_key_file("rotation", first, ".key");
	kill(d.pid, SIGHUP);
	do {
		keys = published_keys(&d);
		if (strcmp(key_member(keys, 1, "state"), "retired") == 0)
			break;
		json_decref(keys);
	} while (true);
	get_envelope(&d, path, &e);
	ck_assert_uint_eq(json_array_size(json_object_get(e.json, "signatures")), 1);
	check_signature(&e, 0, keys, 0);
	envelope_release(&e);
	json_decref(keys);
	remove_key_file("rotation", first, ".pub");
	kill(d.pid, SIGHUP);
	wait_for_keys(&d, 1);
	daemon_end(&d);
}
END_TEST

struct asker {
	const struct daemon *d;
	const char *path;
	struct envelope got;
	pthread_t thread;
};

static void *ask_once(void *arg)
{
	struct asker *a = arg;

	get_envelope(a->d, a->path, &a->got);
	return NULL;
}

/* Many devices that come at once are one signature; when the keys change under them each has a whole one. */
START_TEST(test_crowd)
{
	static struct asker askers[CROWD];
	char id[65], path[320];
	struct daemon d;

	keygen("signing-crowd");
	daemon_begin(&d, "signing-crowd");
	snprintf(path, sizeof(path), "%s", deliver(&d, "{}", id, NULL));
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < CROWD; i++) {
			askers[i] = (struct asker){.d = &d, .path = path};
			ck_assert_int_eq(pthread_create(&askers[i].thread, NULL, ask_once, &askers[i]), 0);
			if (round == 1 && i % 4 == 0)
				kill(d.pid, SIGHUP); /* the same keys again: nothing to sign anew */
		}
		for (int i = 0; i < CROWD; i++) {
			pthread_join(askers[i].thread, NULL);
			ck_assert_str_eq(askers[i].got.line, askers[0].got.line);
		}
		for (int i = 0; i < CROWD; i++)
			envelope_release(&askers[i].got);
	}
	daemon_end(&d);
}
END_TEST

static const char faketime[] = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true /* nothing may be loaded before the sanitizer */
#else
#define SANITIZED false
#endif

/* For the daemon that is started next; without the library it has the true clock. */
static bool set_clock(const char *clock)
{
	if (SANITIZED || access(faketime, R_OK) != 0)
		return false;
	setenv("LD_PRELOAD", faketime, 1);
	setenv("FAKETIME", clock, 1);
	setenv("FAKETIME_DONT_FAKE_MONOTONIC", "1", 1);
	return true;
}

/* Handed out until half of the lifetime is over, then signed anew: a clock that is 5000 times as fast makes half a day
 * of nine seconds. */
START_TEST(test_renewal)
{
	const struct timespec pause = {.tv_sec = 1};
	struct envelope first, e;
	char id[65], path[320];
	struct daemon d;
	int seconds = 0;

	if (!set_clock("+0 x5000"))
		return;
	keygen("renewal");
	daemon_start(&d, "renewal", "--signature-days", "1", NULL);
	unsetenv("LD_PRELOAD");
	daemon_wait_ready(&d);
	snprintf(path, sizeof(path), "%s", deliver(&d, "{}", id, NULL));
	get_envelope(&d, path, &first);
	do {
		nanosleep(&pause, NULL);
		get_envelope(&d, path, &e);
		if (e.sequence == first.sequence)
			ck_assert_str_eq(e.line, first.line);
		envelope_release(&e);
	} while (e.sequence == first.sequence && ++seconds < 60);
	/* what lies between the two signatures, by the daemon's clock */
	ck_assert_int_ge(e.expires - first.expires, DAY / 2);
	ck_assert_int_lt(e.expires - first.expires, DAY - DAY / 10);
	envelope_release(&first);
	daemon_end(&d);
}
END_TEST

/* The sequence only grows: over a restart, and under clocks that jump. */
START_TEST(test_sequence)
{
	static const char *const clocks[] = {"", "+400d", "-400d", ""};
	json_int_t last = 0;
	char id[65], path[320];
	struct envelope e;
	struct daemon d;

	keygen("sequence");
	for (size_t i = 0; i < OFA_ARRAY_LEN(clocks); i++) {
		if (clocks[i][0])
			set_clock(clocks[i]);
		daemon_begin(&d, "sequence");
		unsetenv("LD_PRELOAD");
		snprintf(path, sizeof(path), "%s", deliver(&d, "{}", id, NULL));
		get_envelope(&d, path, &e);
		ck_assert_int_gt(e.sequence, last);
		last = e.sequence;
		envelope_release(&e);
		daemon_end(&d);
	}
}
END_TEST

START_TEST(test_unsigned)
{
	char output[4096], path[128], network[1024], data[1024];
	struct daemon d;
	struct reply r;
	json_t *keys;

	daemon_begin(&d, "unsigned");
	ck_assert_int_eq(daemon_log_count("unsigned", "deliveries are not signed"), 1);
	keys = published_keys(&d);
	ck_assert_uint_eq(json_array_size(keys), 0);
	json_decref(keys);
	post_subnet(&d, PACKAGE, "{}", &r);
	ck_assert_int_eq(r.status, 200);
	ck_assert_ptr_null(reply_header(&r, "Link"));
	snprintf(path, sizeof(path), "%s/signed-manifest", reply_header(&r, "Content-Location"));
	ck_assert_int_eq(ask_status(&d, "GET", path, NULL, NULL), 404);
	snprintf(path, sizeof(path), "%s.minisig", reply_header(&r, "Content-Location"));
	ck_assert_int_eq(ask_status(&d, "GET", path, NULL, NULL), 404);
	reply_release(&r);
	daemon_end(&d);
	/* one that was told to sign and cannot does not start */
	snprintf(network, sizeof(network), "%s", world_path("a.safetensors"));
	snprintf(data, sizeof(data), "%s", world_path("unsigned"));
	ck_assert_int_eq(daemon_run(output, sizeof(output), "--network", network, "--listen", "127.0.0.1:0", "--data",
				    data, "--keys", world_path("no-keys"), NULL), 1);
	ck_assert_ptr_nonnull(strstr(output, "ofad keygen --keys"));
	ck_assert_int_eq(daemon_run(output, sizeof(output), "--check-config", "--network", network, "--listen",
				    "127.0.0.1:0", "--data", data, "--keys", world_path("no-keys"), NULL), 1);
	ck_assert_ptr_nonnull(strstr(output, "ofad keygen --keys"));
}
END_TEST

START_TEST(test_keygen)
{
	char output[4096], dir[1024], name[1100];
	struct stat sb;

	snprintf(dir, sizeof(dir), "%s", world_path("deep/er/keys"));
	for (int i = 0; i < 8; i++)
		ck_assert_int_eq(daemon_run(output, sizeof(output), "keygen", "--keys", dir, NULL), 0);
	ck_assert_int_eq(stat(dir, &sb), 0);
	ck_assert_uint_eq(sb.st_mode & 0777, 0700);
	ck_assert_int_eq(daemon_run(output, sizeof(output), "keygen", "--keys", dir, NULL), 1);
	ck_assert_ptr_nonnull(strstr(output, "8 keys"));
	ck_assert_int_eq(daemon_run(output, sizeof(output), "keygen", "--help", NULL), 0);
	ck_assert_int_eq(daemon_run(output, sizeof(output), "keygen", "--keys", NULL), 2);
	ck_assert_int_eq(daemon_run(output, sizeof(output), "keygen", "elsewhere", NULL), 2);
	/* a secret that others may read is not used */
	snprintf(name, sizeof(name), "chmod 640 %s/*.key", dir);
	ck_assert_int_eq(system(name), 0);
	ck_assert_int_eq(daemon_run(output, sizeof(output), "--network", world_path("a.safetensors"), "--listen",
				    "127.0.0.1:0", "--data", world_path("readable"), "--keys", dir, NULL), 1);
	ck_assert_ptr_nonnull(strstr(output, "chmod 600"));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		test_manifest, test_deliveries, test_minisig,  test_rotation, test_crowd,
		test_renewal,  test_sequence,   test_unsigned, test_keygen,
	};
	int rc;

	if (sodium_init() < 0)
		return EXIT_FAILURE;
	world_make();
	rc = run_tests("signing", tests, OFA_ARRAY_LEN(tests));
	world_remove();
	return rc;
}
