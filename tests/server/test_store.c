/* What every store keeps to, whatever its database: each test runs on each driver. */
#include <math.h>
#include <pthread.h>
#include <string.h>

#include "store_fixture.h"

static void delete_profile(struct store *s, const char *name, const struct store_gate *gate,
			   enum store_written expected, uint64_t revision)
{
	struct store_profile_state state;
	struct ofa_error err = {0};
	enum store_written written;

	ASSERT_OK(s->driver->profile_delete(s, name, gate, &written, &state, &err), &err);
	ck_assert_int_eq(written, expected);
	ck_assert_uint_eq(state.revision, revision);
}

START_TEST(test_profiles)
{
	struct store_profile_state state;
	struct ofa_error err = {0};
	enum store_written written;
	struct ofa_buf buf;
	uint64_t revision;
	struct store *s;

	store_begin(_i);
	s = store_again();
	put_profile(s, "acme/cam", "{\"name\":\"acme/cam\"}", 1);
	put_profile(s, "acme/cam", "{\"name\":\"acme/cam\",\"limits\":{}}", 2);
	put_profile(s, "o'brien\"; DROP TABLE profiles; --", "{}", 1);
	s->driver->close(s);

	s = store_again();
	check_profile(s, "acme/cam", "{\"name\":\"acme/cam\",\"limits\":{}}");
	check_profile(s, "o'brien\"; DROP TABLE profiles; --", "{}");
	delete_profile(s, "acme/cam", NULL, STORE_REPLACED, 2);
	ASSERT_FAILS(s->driver->profile_delete(s, "acme/cam", NULL, &written, &state, NULL), OFA_ERR_NOT_FOUND);
	ofa_buf_init(&buf, 100);
	ASSERT_FAILS(s->driver->profile_get(s, "acme/cam", &buf, &revision, &err), OFA_ERR_NOT_FOUND);
	ck_assert_ptr_nonnull(strstr(err.message, "acme/cam"));
	ck_assert_uint_eq(buf.len, 0);
	ofa_buf_release(&buf);
	s->driver->close(s);
	store_end();
}
END_TEST

static bool watch(void *ctx, const struct store_profile_state *state, bool same)
{
	struct {
		uint64_t revision;
		bool same, open;
	} *seen = ctx;

	seen->revision = state->revision;
	seen->same = same;
	return seen->open;
}

static enum ofa_status take_revision(void *ctx, const struct store_revision_entry *e)
{
	char *text = ctx;
	size_t n = strlen(text);

	ck_assert_str_eq(e->author, "tester");
	ck_assert_uint_gt(strlen(e->created_at), 19);
	snprintf(text + n, 64 - n, "%llu:%llu ", (unsigned long long)e->revision, (unsigned long long)e->size_bytes);
	return OFA_OK;
}

/* Numbers run per name and are never given out again; contents stay; a closed gate writes nothing. */
START_TEST(test_revisions)
{
	struct {
		uint64_t revision;
		bool same, open;
	} seen = {.open = false};
	const struct store_gate gate = {.open = watch, .ctx = &seen};
	struct ofa_error err = {0};
	struct ofa_buf buf;
	struct store *s;
	char text[64] = "";

	store_begin(_i);
	s = store_again();
	put_gated(s, "a", "one", &gate, STORE_REFUSED, 0);
	ck_assert(seen.revision == 0 && !seen.same);
	seen.open = true;
	put_gated(s, "a", "one", &gate, STORE_CREATED, 1);
	put_gated(s, "a", "one", &gate, STORE_UNCHANGED, 1);
	ck_assert(seen.revision == 1 && seen.same);
	put_gated(s, "a", "three", &gate, STORE_REPLACED, 2);
	ck_assert(seen.revision == 1 && !seen.same);
	put_gated(s, "a", "one", NULL, STORE_REPLACED, 3);
	put_gated(s, "b", "one", NULL, STORE_CREATED, 1);
	seen.open = false;
	put_gated(s, "a", "four", &gate, STORE_REFUSED, 3);
	delete_profile(s, "a", &gate, STORE_REFUSED, 3);
	check_profile(s, "a", "one");
	seen.open = true;
	delete_profile(s, "a", &gate, STORE_REPLACED, 3);
	s->driver->close(s);

	s = store_again();
	put_gated(s, "a", "one", &gate, STORE_CREATED, 4);
	ck_assert_uint_eq(seen.revision, 0);
	check_revision(s, "a", 1, "one");
	check_revision(s, "a", 2, "three");
	check_revision(s, "a", 4, "one");
	ofa_buf_init(&buf, 100);
	ASSERT_FAILS(s->driver->revision_get(s, "a", 5, &buf, &err), OFA_ERR_NOT_FOUND);
	ck_assert_ptr_nonnull(strstr(err.message, "revision 5"));
	ofa_buf_release(&buf);
	ASSERT_OK(s->driver->revision_list(s, "a", 0, 3, take_revision, text, &err), &err);
	ck_assert_str_eq(text, "4:3 3:3 2:5 ");
	ASSERT_OK(s->driver->revision_list(s, "a", 2, 3, take_revision, text, &err), &err);
	ck_assert_str_eq(text, "4:3 3:3 2:5 1:3 ");
	ASSERT_OK(s->driver->revision_list(s, "nobody", 0, 3, take_revision, NULL, &err), &err);
	s->driver->close(s);
	store_end();
}
END_TEST

struct names {
	int n;
	char list[8][32];
};

static enum ofa_status take_name(void *ctx, const struct store_profile_entry *entry)
{
	struct names *names = ctx;

	ck_assert_uint_gt(strlen(entry->created_at), 19);
	snprintf(names->list[names->n++], 32, "%s", entry->name);
	return names->n == 8 ? OFA_ERR_CANCELLED : OFA_OK;
}

START_TEST(test_pages)
{
	struct names names = {0};
	struct ofa_error err = {0};
	struct store *s;
	char name[16];

	store_begin(_i);
	s = store_again();
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "p%02d", (i * 7) % 20);
		put_profile(s, name, "{}", 1);
	}
	ASSERT_OK(s->driver->profile_list(s, "", 3, take_name, &names, &err), &err);
	ck_assert_int_eq(names.n, 3);
	ck_assert_str_eq(names.list[0], "p00");
	ck_assert_str_eq(names.list[2], "p02");
	names.n = 0;
	ASSERT_OK(s->driver->profile_list(s, "p17", 5, take_name, &names, &err), &err);
	ck_assert_int_eq(names.n, 2);
	ck_assert_str_eq(names.list[0], "p18");
	names.n = 0;
	ASSERT_FAILS(s->driver->profile_list(s, "", 20, take_name, &names, &err), OFA_ERR_CANCELLED);
	ck_assert_int_eq(names.n, 8);
	s->driver->close(s);
	store_end();
}
END_TEST

START_TEST(test_deliveries)
{
	uint8_t question[OFA_SHA256_BYTES] = {2};
	struct ofa_error err = {0};
	struct ofa_buf buf;
	struct store *s;

	store_begin(_i);
	s = store_again();
	put_delivery(s, 1, "aa", "first");
	put_delivery(s, 2, "aa", "second");
	put_delivery(s, 2, "bb", "third"); /* a question keeps its first answer */
	check_manifest(s, "aa", "first");
	ofa_buf_init(&buf, 100);
	ASSERT_OK(s->driver->delivery_by_question(s, question, &buf, &err), &err);
	ck_assert_mem_eq(buf.data, "second", 6);
	ASSERT_FAILS(s->driver->delivery_by_subnet(s, "bb", &buf, NULL), OFA_ERR_NOT_FOUND);
	question[0] = 9;
	ASSERT_FAILS(s->driver->delivery_by_question(s, question, &buf, NULL), OFA_ERR_NOT_FOUND);
	ofa_buf_release(&buf);
	s->driver->close(s);
	store_end();
}
END_TEST

static uint64_t next_number(struct store *s, const char *name, uint64_t floor)
{
	struct ofa_error err = {0};
	uint64_t given, read;

	ASSERT_OK(s->driver->counter_next(s, name, floor, &given, &err), &err);
	ASSERT_OK(s->driver->counter_get(s, name, &read, &err), &err);
	ck_assert_uint_eq(read, given);
	return given;
}

START_TEST(test_counters)
{
	struct ofa_error err = {0};
	struct store *s;
	uint64_t value;

	store_begin(_i);
	s = store_again();
	ASSERT_OK(s->driver->counter_get(s, "a", &value, &err), &err);
	ck_assert_uint_eq(value, 0);
	ck_assert_uint_eq(next_number(s, "a", 0), 1);
	ck_assert_uint_eq(next_number(s, "a", 100), 100);
	ck_assert_uint_eq(next_number(s, "a", 50), 101);
	s->driver->close(s);
	s = store_again();
	ck_assert_uint_eq(next_number(s, "a", 0), 102);
	ck_assert_uint_eq(next_number(s, "b", 7), 7);
	s->driver->close(s);
	store_end();
}
END_TEST

static uint64_t measure(struct store *s, const char *subnet, const char *author, const char *device, double ms)
{
	const struct store_keep keep = {.per_device = 3, .per_subnet = 5};
	const struct store_measurement m = {.subnet = subnet,
					    .author = author,
					    .device = device,
					    .latency_ms = ms,
					    .p50_ms = NAN,
					    .p95_ms = 2 * ms,
					    .accuracy = NAN};
	struct ofa_error err = {0};
	uint64_t number;

	ASSERT_OK(s->driver->measurement_put(s, &m, &keep, &number, &err), &err);
	return number;
}

static enum ofa_status take_measurement(void *ctx, const struct store_measurement_entry *e)
{
	char *text = ctx;
	size_t n = strlen(text);

	ck_assert(isnan(e->measured.p50_ms) && e->measured.p95_ms == 2 * e->measured.latency_ms);
	snprintf(text + n, 256 - n, "%s/%s/%s=%g(%s@%d:%g) ", e->measured.subnet, e->measured.author,
		 e->measured.device, e->measured.latency_ms, e->profile ? e->profile : "-", (int)e->profile_revision,
		 isnan(e->predicted_ms) ? 0 : e->predicted_ms);
	return OFA_OK;
}

/* The newest of each device and of each subnet are kept; each knows what was predicted for it. */
START_TEST(test_measurements)
{
	const struct store_keep keep = {.per_device = 1, .per_subnet = 1};
	struct ofa_error err = {0};
	char text[256] = "";
	uint64_t number;
	struct store *s;

	store_begin(_i);
	s = store_again();
	put_delivery(s, 1, "aa", "first");
	measure(s, "aa", "", "d", 1);
	ASSERT_OK(put_predicted(s, 2, "aa", "second", 7.5, &err), &err);
	put_delivery(s, 3, "aa", "third");
	for (int i = 2; i < 6; i++)
		measure(s, "aa", "", "d", i);
	ASSERT_OK(s->driver->measurement_list(s, "aa", 0, 10, take_measurement, text, &err), &err);
	ck_assert_str_eq(text, "aa//d=5(cam@2:7.5) aa//d=4(cam@2:7.5) aa//d=3(cam@2:7.5) ");
	/* the same name said by another token is another device */
	measure(s, "aa", "t", "d", 9);
	number = measure(s, "aa", "t", "", 8);
	measure(s, "aa", "t", "e", 1);
	text[0] = '\0';
	ASSERT_OK(s->driver->measurement_list(s, "aa", 0, 10, take_measurement, text, &err), &err);
	ck_assert_str_eq(text, "aa/t/e=1(cam@2:7.5) aa/t/=8(cam@2:7.5) aa/t/d=9(cam@2:7.5) aa//d=5(cam@2:7.5) "
			       "aa//d=4(cam@2:7.5) ");
	text[0] = '\0';
	ASSERT_OK(s->driver->measurement_list(s, "aa", number, 1, take_measurement, text, &err), &err);
	ck_assert_str_eq(text, "aa/t/d=9(cam@2:7.5) ");

	put_delivery(s, 4, "bb", "none");
	measure(s, "bb", "", "d", 3);
	text[0] = '\0';
	ASSERT_OK(s->driver->measurement_list(s, "bb", 0, 10, take_measurement, text, &err), &err);
	ck_assert_str_eq(text, "bb//d=3(-@0:0) ");
	text[0] = '\0';
	ASSERT_OK(s->driver->measurement_of_profile(s, "cam", 2, 4, take_measurement, text, &err), &err);
	ck_assert_str_eq(text, "aa//d=5(cam@2:7.5) aa/t/=8(cam@2:7.5) aa/t/d=9(cam@2:7.5) aa/t/e=1(cam@2:7.5) ");
	text[0] = '\0';
	ASSERT_OK(s->driver->measurement_of_profile(s, "cam", 1, 4, take_measurement, text, &err), &err);
	ck_assert_str_eq(text, "");
	ASSERT_FAILS(s->driver->measurement_put(
			     s,
			     &(struct store_measurement){
				     .subnet = "cc", .author = "", .device = "", .latency_ms = 1},
			     &keep, &number, &err),
		     OFA_ERR_NOT_FOUND);
	s->driver->close(s);
	store_end();
}
END_TEST

static void *write_many(void *arg)
{
	struct store *s = arg;
	char name[32];

	for (int i = 0; i < 25; i++) {
		snprintf(name, sizeof(name), "%lx-%d", (unsigned long)pthread_self(), i);
		put_profile(s, name, "{}", 1);
		check_profile(s, name, "{}");
	}
	return NULL;
}

START_TEST(test_threads)
{
	pthread_t threads[4];
	struct store *s;

	store_begin(_i);
	s = store_again();
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, write_many, s), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	s->driver->close(s);
	store_end();
}
END_TEST

/* ---- tokens ---- */

static enum ofa_status add_token(struct store *s, const char *id, uint8_t first, int64_t expires, struct ofa_error *err)
{
	uint8_t sha256[OFA_SHA256_BYTES] = {first, 0xff};

	return s->driver->token_add(s,
				    &(struct store_token){.id = id,
							  .sha256 = sha256,
							  .name = "a \"name\" with 'quotes'",
							  .owner = "acme",
							  .scopes = "read provision",
							  .expires = expires},
				    err);
}

static enum ofa_status take_token(void *ctx, const struct store_token *t)
{
	char *text = ctx;
	size_t n = strlen(text);

	ck_assert_str_eq(t->name, "a \"name\" with 'quotes'");
	ck_assert_str_eq(t->owner, "acme");
	ck_assert_str_eq(t->scopes, "read provision");
	ck_assert_uint_eq(t->sha256[1], 0xff);
	ck_assert_uint_gt(strlen(t->created_at), 19);
	snprintf(text + n, 64 - n, "%s:%u:%lld%s ", t->id, t->sha256[0], (long long)t->expires,
		 t->revoked_at ? "-" : "");
	return OFA_OK;
}

static void check_tokens(struct store *s, const char *expected)
{
	struct ofa_error err = {0};
	char text[64] = "";

	ASSERT_OK(s->driver->token_list(s, take_token, text, &err), &err);
	ck_assert_str_eq(text, expected);
}

START_TEST(test_tokens)
{
	struct ofa_error err = {0};
	unsigned n = 9;
	struct store *s;

	store_begin(_i);
	s = store_again();
	check_tokens(s, "");
	ASSERT_OK(add_token(s, "b", 1, 0, &err), &err);
	usleep(2000); /* times are of milliseconds */
	ASSERT_OK(add_token(s, "a", 2, 100, &err), &err);
	usleep(2000);
	ASSERT_OK(add_token(s, "c", 3, INT64_C(1) << 40, &err), &err);
	ASSERT_FAILS(add_token(s, "b", 4, 0, NULL), OFA_ERR_IO);
	ASSERT_FAILS(add_token(s, "d", 1, 0, NULL), OFA_ERR_IO);
	check_tokens(s, "b:1:0 a:2:100 c:3:1099511627776 ");
	ASSERT_OK(s->driver->token_revoke(s, "b", &err), &err);
	ASSERT_OK(s->driver->token_revoke(s, "b", &err), &err);
	ASSERT_FAILS(s->driver->token_revoke(s, "nobody", &err), OFA_ERR_NOT_FOUND);
	ck_assert_ptr_nonnull(strstr(err.message, "nobody"));
	s->driver->close(s);

	s = store_again();
	check_tokens(s, "b:1:0- a:2:100 c:3:1099511627776 ");
	ASSERT_OK(s->driver->token_purge(s, 99, &n, &err), &err);
	ck_assert_uint_eq(n, 1);
	ASSERT_OK(s->driver->token_purge(s, 100, &n, &err), &err);
	ck_assert_uint_eq(n, 1);
	ASSERT_OK(s->driver->token_purge(s, 100, &n, &err), &err);
	ck_assert_uint_eq(n, 0);
	check_tokens(s, "c:3:1099511627776 ");
	s->driver->close(s);
	store_end();
}
END_TEST

/* ---- texts that are no names of ours ---- */

/* All of these are texts; the order is that of their bytes. */
static const char *const hostile[] = {
	"\t", "$1", "%s%n", "' OR '1'='1", "-- ", "A", "B\\", "\\x00", "a", "b\"; DROP TABLE tokens; --",
	"\xc3\x84", "\xe2\x82\xac", "\xf0\x9f\x92\xa9",
};

static enum ofa_status take_hostile(void *ctx, const struct store_profile_entry *entry)
{
	size_t *n = ctx;

	ck_assert_uint_lt(*n, OFA_ARRAY_LEN(hostile));
	ck_assert_str_eq(entry->name, hostile[(*n)++]);
	return OFA_OK;
}

START_TEST(test_hostile)
{
	struct ofa_error err = {0};
	uint64_t revision;
	struct ofa_buf buf;
	struct store *s;
	size_t n = 0;

	store_begin(_i);
	s = store_again();
	for (size_t i = OFA_ARRAY_LEN(hostile); i-- > 0;)
		put_profile(s, hostile[i], hostile[i], 1);
	for (size_t i = 0; i < OFA_ARRAY_LEN(hostile); i++)
		check_profile(s, hostile[i], hostile[i]);
	ASSERT_OK(s->driver->profile_list(s, "", 100, take_hostile, &n, &err), &err);
	ck_assert_uint_eq(n, OFA_ARRAY_LEN(hostile));
	/* what is no UTF-8 is nobody's name */
	ofa_buf_init(&buf, 100);
	ASSERT_FAILS(s->driver->profile_get(s, "a\xff", &buf, &revision, NULL), OFA_ERR_NOT_FOUND);
	ASSERT_FAILS(s->driver->revision_get(s, "\xed\xa0\x80", 1, &buf, NULL), OFA_ERR_NOT_FOUND);
	ASSERT_FAILS(s->driver->delivery_by_subnet(s, "\x80", &buf, NULL), OFA_ERR_NOT_FOUND);
	ofa_buf_release(&buf);
	check_tokens(s, "");
	s->driver->close(s);
	store_end();
}
END_TEST

START_TEST(test_large)
{
	const size_t size = (size_t)40 << 20;
	struct ofa_error err = {0};
	char *text = malloc(size + 1);
	struct ofa_buf buf;
	uint64_t revision;
	struct store *s;

	store_begin(_i);
	for (size_t i = 0; i < size; i++)
		text[i] = (char)('a' + (i * i) % 26);
	text[size] = '\0';
	s = store_again();
	put_profile(s, "large", text, 1);
	check_profile(s, "large", text);
	/* more than its reader has room for */
	ofa_buf_init(&buf, size - 1);
	ASSERT_FAILS(s->driver->profile_get(s, "large", &buf, &revision, &err), OFA_ERR_LIMIT);
	ofa_buf_release(&buf);
	s->driver->close(s);
	free(text);
	store_end();
}
END_TEST

START_TEST(test_ledger)
{
	struct store_ledger more = {
		.network = "aa", .name = "net", .since = "2026-01-02T03:04:05Z", .deliveries = 3, .n = {1, 2, 4},
		.cpu_seconds = {0.5, 0.25, 1e-9},
	};
	uint64_t deliveries, n[STORE_LEDGER_WORKS];
	double seconds[STORE_LEDGER_WORKS];
	char since[STORE_TIME_MAX];
	struct ofa_error err = {0};
	struct store *s;

	store_begin(_i);
	s = store_again();
	ASSERT_FAILS(s->driver->ledger_get(s, "aa", since, &deliveries, n, seconds, NULL), OFA_ERR_NOT_FOUND);
	ASSERT_OK(s->driver->ledger_add(s, &more, &err), &err);
	more.since = "later";
	ASSERT_OK(s->driver->ledger_add(s, &more, &err), &err);
	ASSERT_OK(s->driver->ledger_get(s, "aa", since, &deliveries, n, seconds, &err), &err);
	ck_assert_str_eq(since, "2026-01-02T03:04:05Z");
	ck_assert_uint_eq(deliveries, 6);
	ck_assert(n[0] == 2 && n[1] == 4 && n[2] == 8);
	ck_assert(seconds[0] == 1 && seconds[1] == 0.5 && seconds[2] == 2e-9);
	s->driver->close(s);
	store_end();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		test_profiles, test_revisions, test_pages, test_deliveries, test_measurements,
		test_counters, test_threads, test_tokens, test_hostile, test_large, test_ledger,
	};

	return run_store_tests("store", tests, OFA_ARRAY_LEN(tests));
}
