/* Jobs and idempotency keys in a store that replicas share: the contract of store.h, on a real PostgreSQL. */
#include <stdio.h>
#include <string.h>

#include "cluster.h"
#include "store/store.h"

#define ID(n) "0123456789abcdef0123456789abcde" #n
#define QUESTION "{\"key\":\"...\"}"

static struct store *open_store(const char *url)
{
	const struct store_options options = {.connections = 2};
	struct ofa_error err = {0};
	struct store *s;

	ASSERT_OK(store_open(url, NULL, &options, &s, &err), &err);
	return s;
}

/* Two replicas of one database. */
struct pair {
	struct store *a, *b;
	char url[CLUSTER_URL_MAX];
};

static struct pair pair_begin(const char *name)
{
	struct pair p;

	cluster_database(name, p.url);
	p.a = open_store(p.url);
	p.b = open_store(p.url);
	return p;
}

static void pair_end(struct pair *p)
{
	store_close(p->a);
	store_close(p->b);
}

static const char *name_of(struct store *s)
{
	return store_sharing(s)->replica(s);
}

/* ---- jobs ---- */

static void add(struct store *s, const char *id, const char *owner, const char *view)
{
	struct ofa_error err = {0};
	const struct store_job j = {.id = id, .owner = owner, .question = QUESTION, .view = view};

	ASSERT_OK(store_sharing(s)->job_add(s, &j, &err), &err);
}

static bool job_write(struct store *s, const char *id, unsigned term, const char *view, bool over)
{
	struct ofa_error err = {0};
	bool written = false;

	ASSERT_OK(store_sharing(s)->job_write(s, id, term, view, over, &written, &err), &err);
	return written;
}

static bool take(struct store *s, const char *id, unsigned term)
{
	struct ofa_error err = {0};
	bool taken = false;

	ASSERT_OK(store_sharing(s)->job_take(s, id, term, &taken, &err), &err);
	return taken;
}

/* A line for each job that was found. */
static void print_job(void *ctx, const struct store_job *j)
{
	char *text = ctx, line[256];

	snprintf(line, sizeof(line), "%c %s %u %u %s %s %s\n", j->id[31], j->owner ? j->owner : "-", j->term, j->deaths,
		 j->question ? j->question : "-", j->view, j->over ? "over" : "under way");
	strcat(text, line);
}

static const char *get(struct store *s, const char *const *ids, size_t n, bool questions)
{
	static char text[4096];
	struct ofa_error err = {0};

	text[0] = '\0';
	ASSERT_OK(store_sharing(s)->job_get(s, ids, n, questions, print_job, text, &err), &err);
	return text;
}

static void check(struct store *s, const char *id, const char *owner, unsigned term, unsigned deaths, const char *view,
		  const char *state)
{
	char expected[256];

	snprintf(expected, sizeof(expected), "%c %s %u %u " QUESTION " %s %s\n", id[31], owner, term, deaths, view,
		 state);
	ck_assert_str_eq(get(s, &id, 1, true), expected);
}

START_TEST(test_a_job)
{
	const char *const ids[] = {ID(1), ID(2), ID(3)};
	struct pair p = pair_begin("job");
	const char *a = name_of(p.a), *b = name_of(p.b);

	ck_assert_str_eq(get(p.a, ids, 3, true), "");
	add(p.a, ID(1), a, "queued");
	add(p.a, ID(1), a, "again"); /* as after a connection was lost */
	check(p.b, ID(1), a, 0, 0, "queued", "under way");
	ck_assert(job_write(p.a, ID(1), 0, "running", false));
	check(p.b, ID(1), a, 0, 0, "running", "under way");
	/* taken: what the former owner says is not written any more */
	ck_assert(!take(p.b, ID(1), 1));
	ck_assert(take(p.b, ID(1), 0));
	ck_assert(take(p.b, ID(1), 0)); /* as after a connection was lost */
	ck_assert(!take(p.a, ID(1), 0));
	check(p.a, ID(1), b, 1, 1, "running", "under way");
	ck_assert(!job_write(p.a, ID(1), 0, "succeeded here", true));
	ck_assert(job_write(p.b, ID(1), 1, "succeeded", true));
	/* over is over */
	ck_assert(!job_write(p.b, ID(1), 1, "cancelled", true));
	ck_assert(!job_write(p.b, ID(1), 1, "running", false));
	ck_assert(!take(p.a, ID(1), 1));
	check(p.a, ID(1), b, 1, 1, "succeeded", "over");
	ck_assert(!job_write(p.a, ID(2), 0, "nothing", false));
	pair_end(&p);
}
END_TEST

static void print_text(void *ctx, const char *text)
{
	char *to = ctx;

	strcat(to, text ? text : "nobody");
	strcat(to, "\n");
}

static const char *owners(struct store *s)
{
	static char text[1024];
	struct ofa_error err = {0};

	text[0] = '\0';
	ASSERT_OK(store_sharing(s)->job_owners(s, print_text, text, &err), &err);
	return text;
}

static unsigned count_of(struct store *s, const char *owner, unsigned limit)
{
	char text[1024] = "";
	struct ofa_error err = {0};

	ASSERT_OK(store_sharing(s)->job_of(s, owner, limit, print_text, text, &err), &err);
	ck_assert_uint_eq(strlen(text) % (STORE_JOB_ID_CHARS + 1), 0);
	return (unsigned)(strlen(text) / (STORE_JOB_ID_CHARS + 1));
}

START_TEST(test_owners)
{
	const char *const ids[] = {ID(1), ID(2), ID(3), ID(4)};
	struct pair p = pair_begin("owners");
	const char *a = name_of(p.a), *b = name_of(p.b);
	struct ofa_error err = {0};
	char expected[64];

	snprintf(expected, sizeof(expected), "%s\n", a);
	for (int i = 0; i < 3; i++)
		add(p.a, ids[i], a, "queued");
	ck_assert_str_eq(owners(p.a), "");
	ck_assert_str_eq(owners(p.b), expected);
	ck_assert_uint_eq(count_of(p.b, a, 10), 3);
	ck_assert_uint_eq(count_of(p.b, a, 2), 2);
	ck_assert_uint_eq(count_of(p.b, NULL, 10), 0);
	ck_assert(job_write(p.a, ID(1), 0, "over", true));
	ck_assert_uint_eq(count_of(p.b, a, 10), 2);
	ASSERT_OK(store_sharing(p.b)->job_release(p.b, ID(2), &err), &err); /* not b's */
	ck_assert_uint_eq(count_of(p.b, NULL, 10), 0);
	ASSERT_OK(store_sharing(p.a)->job_release(p.a, NULL, &err), &err);
	ck_assert_str_eq(owners(p.b), "nobody\n");
	ck_assert_uint_eq(count_of(p.a, NULL, 10), 2);
	check(p.b, ID(1), a, 0, 0, "over", "over");
	/* nobody has died of these */
	ck_assert(take(p.b, ID(2), 0));
	check(p.a, ID(2), b, 1, 0, "queued", "under way");
	add(p.a, ID(4), NULL, "queued");
	check(p.a, ID(4), "-", 0, 0, "queued", "under way");
	pair_end(&p);
}
END_TEST

START_TEST(test_pruning)
{
	const char *const ids[] = {ID(1), ID(2), ID(3), ID(4)};
	struct pair p = pair_begin("prune");
	const struct store_sharing *sharing = store_sharing(p.a);
	struct ofa_error err = {0};
	char out[64];

	for (int i = 0; i < 4; i++) {
		add(p.a, ids[i], name_of(p.a), "queued");
		ck_assert(i == 3 || job_write(p.a, ids[i], 0, "over", true));
	}
	ASSERT_OK(sharing->job_prune(p.a, 3600, 10, &err), &err);
	for (int i = 0; i < 4; i++)
		ck_assert_str_ne(get(p.a, &ids[i], 1, false), "");
	cluster_ask(p.url, "UPDATE jobs SET over_at = over_at - interval '2 hours' WHERE id LIKE '%1'", out,
		    sizeof(out));
	ASSERT_OK(sharing->job_prune(p.a, 3600, 10, &err), &err);
	ck_assert_str_eq(get(p.a, ids, 1, false), "");
	ck_assert_str_ne(get(p.a, &ids[1], 1, false), "");
	/* two in all: the one that is under way, and of the others the one that was over last */
	cluster_ask(p.url, "UPDATE jobs SET over_at = over_at - interval '1 minute' WHERE id LIKE '%2'", out,
		    sizeof(out));
	ASSERT_OK(sharing->job_prune(p.a, 3600, 2, &err), &err);
	ck_assert_str_eq(get(p.a, &ids[1], 1, false), "");
	ck_assert_str_ne(get(p.a, &ids[2], 1, false), "");
	ASSERT_OK(sharing->job_prune(p.a, 3600, 1, &err), &err);
	ck_assert_str_eq(get(p.a, &ids[2], 1, false), "");
	ck_assert_str_ne(get(p.a, &ids[3], 1, false), "");
	pair_end(&p);
}
END_TEST

/* ---- keys ---- */

struct found {
	enum store_key state;
	char owner[STORE_REPLICA_CHARS + 1];
	char result[64];
};

static struct found begin(struct store *s, uint8_t key, uint8_t fingerprint, double seconds)
{
	const uint8_t k[OFA_SHA256_BYTES] = {key}, f[OFA_SHA256_BYTES] = {fingerprint};
	struct ofa_error err = {0};
	struct found found = {0};
	struct ofa_buf result;

	ofa_buf_init(&result, 4096);
	ASSERT_OK(store_sharing(s)->key_begin(s, k, f, seconds, &found.state, &result, found.owner, &err), &err);
	ck_assert_uint_lt(result.len, sizeof(found.result));
	memcpy(found.result, result.data ? (char *)result.data : "", result.len);
	ofa_buf_release(&result);
	return found;
}

static void settle(struct store *s, uint8_t key, const char *result, double seconds)
{
	const uint8_t k[OFA_SHA256_BYTES] = {key};
	struct ofa_error err = {0};

	ASSERT_OK(store_sharing(s)->key_settle(s, k, result, strlen(result), seconds, &err), &err);
}

static void drop(struct store *s, uint8_t key, bool settled)
{
	const uint8_t k[OFA_SHA256_BYTES] = {key};
	struct ofa_error err = {0};

	ASSERT_OK(store_sharing(s)->key_drop(s, k, settled, &err), &err);
}

static bool take_key(struct store *s, uint8_t key, const char *owner)
{
	const uint8_t k[OFA_SHA256_BYTES] = {key};
	struct ofa_error err = {0};
	bool taken = false;

	ASSERT_OK(store_sharing(s)->key_take(s, k, owner, 60, &taken, &err), &err);
	return taken;
}

START_TEST(test_keys)
{
	struct pair p = pair_begin("keys");
	struct found found;

	ck_assert_int_eq(begin(p.a, 1, 7, 60).state, STORE_KEY_FIRST);
	found = begin(p.b, 1, 7, 60);
	ck_assert_int_eq(found.state, STORE_KEY_BUSY);
	ck_assert_str_eq(found.owner, name_of(p.a));
	ck_assert_int_eq(begin(p.b, 1, 8, 60).state, STORE_KEY_OTHER);
	settle(p.b, 1, "not b's", 60);
	drop(p.b, 1, false);
	drop(p.b, 1, true);
	ck_assert_int_eq(begin(p.b, 1, 7, 60).state, STORE_KEY_BUSY);
	settle(p.a, 1, "answer\x01\xff", 60);
	settle(p.a, 1, "another", 60);
	drop(p.a, 1, false);
	found = begin(p.b, 1, 7, 60);
	ck_assert_int_eq(found.state, STORE_KEY_DONE);
	ck_assert_str_eq(found.result, "answer\x01\xff");
	ck_assert_int_eq(begin(p.b, 1, 8, 60).state, STORE_KEY_OTHER);
	drop(p.b, 1, true);
	ck_assert_int_eq(begin(p.b, 1, 8, 60).state, STORE_KEY_FIRST);
	drop(p.b, 1, false);
	ck_assert_int_eq(begin(p.a, 1, 9, 60).state, STORE_KEY_FIRST);
	/* one that is too old is as none */
	ck_assert_int_eq(begin(p.a, 2, 1, 0).state, STORE_KEY_FIRST);
	ck_assert_int_eq(begin(p.b, 2, 2, 60).state, STORE_KEY_FIRST);
	pair_end(&p);
}
END_TEST

START_TEST(test_keys_are_taken)
{
	struct pair p = pair_begin("taken");

	ck_assert_int_eq(begin(p.a, 1, 7, 60).state, STORE_KEY_FIRST);
	ck_assert(!take_key(p.b, 1, "somebody else"));
	ck_assert(take_key(p.b, 1, name_of(p.a)));
	ck_assert(!take_key(p.b, 1, name_of(p.a)));
	ck_assert_str_eq(begin(p.a, 1, 7, 60).owner, name_of(p.b));
	settle(p.a, 1, "too late", 60);
	settle(p.b, 1, "in time", 60);
	ck_assert_str_eq(begin(p.a, 1, 7, 60).result, "in time");
	ck_assert(!take_key(p.a, 1, name_of(p.b)));
	pair_end(&p);
}
END_TEST

START_TEST(test_keys_are_pruned)
{
	struct pair p = pair_begin("bounds");
	const struct store_sharing *sharing = store_sharing(p.a);
	struct ofa_error err = {0};

	ck_assert_int_eq(begin(p.a, 9, 1, 1).state, STORE_KEY_FIRST); /* under way: it stays */
	for (uint8_t i = 1; i < 6; i++) {
		ck_assert_int_eq(begin(p.a, i, 1, 60).state, STORE_KEY_FIRST);
		settle(p.a, i, "answer", 60 * i);
	}
	ASSERT_OK(sharing->key_prune(p.a, 3, &err), &err);
	ck_assert_int_eq(begin(p.a, 9, 1, 60).state, STORE_KEY_BUSY);
	for (uint8_t i = 3; i < 6; i++)
		ck_assert_int_eq(begin(p.a, i, 1, 60).state, STORE_KEY_DONE);
	ck_assert_int_eq(begin(p.a, 1, 1, 0).state, STORE_KEY_FIRST);
	ASSERT_OK(sharing->key_prune(p.a, 100, &err), &err);
	ck_assert_int_eq(begin(p.a, 1, 1, 60).state, STORE_KEY_FIRST);
	pair_end(&p);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		test_a_job, test_owners, test_pruning, test_keys, test_keys_are_taken, test_keys_are_pruned,
	};
	int status;

	if (!cluster_start())
		return CLUSTER_SKIPPED;
	status = run_tests("store_jobs", tests, OFA_ARRAY_LEN(tests));
	cluster_stop();
	return status;
}
