/* The keeper of packages over each kind of database: whom it drops, and that one server at a time does. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "metrics/metrics.h"
#include "service/package_keeper.h"
#include "store_fixture.h"

#define SIZE 1000
#define DAY 86400

struct bench {
	struct store *store;
	struct packages *packages;
	struct metrics *metrics;
	struct log log;
	char dir[600];
};

static void begin(struct bench *b, int kind)
{
	const char *path = temporary_path("keeper-XXXXXX");
	struct packages_options options = {.dir = b->dir, .cache_bytes = 1 << 20};
	struct ofa_error err = {0};

	memset(b, 0, sizeof(*b));
	store_begin(kind);
	b->store = store_again();
	snprintf(b->dir, sizeof(b->dir), "%s", path);
	ck_assert_ptr_nonnull(mkdtemp(b->dir));
	ASSERT_OK(packages_new(&options, &b->packages, &err), &err);
	ASSERT_OK(metrics_new(&b->metrics, &err), &err);
	b->log = (struct log){.level = LOG_LEVEL_ERROR, .fd = STDERR_FILENO};
}

static void end(struct bench *b)
{
	char command[700];

	packages_free(b->packages);
	metrics_free(b->metrics);
	b->store->driver->close(b->store);
	snprintf(command, sizeof(command), "rm -r '%s'", b->dir);
	ck_assert_int_eq(system(command), 0);
	store_end();
}

/* Of SIZE bytes that are all `of`, last used so many seconds ago; its id, valid until the fourth next call. */
static const char *add(struct bench *b, char of, int64_t ago)
{
	static char ids[4][PACKAGE_ID_CHARS + 1];
	static unsigned turn;
	char *id = ids[turn++ % 4];
	uint8_t bytes[SIZE], sha256[OFA_SHA256_BYTES];
	struct ofa_error err = {0};
	struct package *p;

	memset(bytes, of, sizeof(bytes));
	ofa_sha256(bytes, sizeof(bytes), sha256);
	ofa_hex(sha256, sizeof(sha256), id);
	ASSERT_OK(b->store->driver->package_add(b->store,
						&(struct store_indexed){.id = id,
									.size_bytes = SIZE,
									.network = "net",
									.network_sha256 = "",
									.used_at = (int64_t)time(NULL) - ago},
						&err),
		  &err);
	ASSERT_OK(packages_add(b->packages, bytes, sizeof(bytes), sha256, &p, &err), &err);
	package_unref(p);
	return id;
}

static bool there(const struct bench *b, const char *id)
{
	char path[800];

	snprintf(path, sizeof(path), "%s/packages/%s.ofa", b->dir, id);
	return access(path, F_OK) == 0;
}

/* Opens a keeper and closes it once it has swept and looked. */
static void sweep(struct bench *b, struct store *store, uint64_t max_bytes, unsigned max_days)
{
	const struct package_keeper_options options = {
		.packages = b->packages,
		.store = store,
		.log = &b->log,
		.metrics = b->metrics,
		.max_bytes = max_bytes,
		.max_days = max_days,
	};
	struct store_package_totals totals = {0}, index;
	struct package_keeper *k;
	struct ofa_error err = {0};

	ASSERT_OK(package_keeper_open(&options, &k, &err), &err);
	do {
		usleep(10000);
		package_keeper_totals(k, &totals);
		ASSERT_OK(store->driver->package_totals(store, &index, &err), &err);
	} while (totals.n == 0 || totals.n != index.n);
	package_keeper_close(k);
}

START_TEST(test_policy)
{
	const char *old, *older, *fresh, *recent;
	struct bench b;

	begin(&b, _i);
	older = add(&b, 'a', 40 * DAY);
	old = add(&b, 'b', 20 * DAY);
	recent = add(&b, 'c', 2 * PACKAGE_KEEPER_GRACE_SECONDS);
	fresh = add(&b, 'd', 60);
	sweep(&b, b.store, 0, 0);
	ck_assert(there(&b, older));
	sweep(&b, b.store, 4 * SIZE, 50);
	ck_assert(there(&b, older));
	sweep(&b, b.store, 4 * SIZE, 30);
	ck_assert(!there(&b, older) && there(&b, old));
	ck_assert_uint_eq(metrics_read(b.metrics, METRICS_PACKAGES_DROPPED_AGE), 1);
	/* a sixteenth below: two are left */
	sweep(&b, b.store, 2 * SIZE + SIZE / 2, 30);
	ck_assert(!there(&b, old) && there(&b, recent) && there(&b, fresh));
	/* below what may not go */
	sweep(&b, b.store, 1, 30);
	ck_assert(!there(&b, recent) && there(&b, fresh));
	ck_assert_uint_eq(metrics_read(b.metrics, METRICS_PACKAGES_DROPPED_BYTES), 2);
	end(&b);
}
END_TEST

/* What is used while it runs is written down, once; what the directory has and the index does not is taken in. */
START_TEST(test_uses)
{
	struct ofa_error err = {0};
	const char *used, *other;
	struct package *p;
	struct bench b;
	bool dropped;

	begin(&b, _i);
	other = add(&b, 'x', 20 * DAY);
	used = add(&b, 'y', 40 * DAY);
	ASSERT_OK(b.store->driver->package_dropped(b.store, other, INT64_MAX, 1, &dropped, &err), &err);
	p = packages_peek(b.packages, used);
	ck_assert_ptr_nonnull(p);
	package_unref(p);
	sweep(&b, b.store, 0, 30);
	ck_assert(there(&b, used) && there(&b, other));
	ck_assert_uint_eq(metrics_read(b.metrics, METRICS_PACKAGES_DROPPED_AGE), 0);
	end(&b);
}
END_TEST

/* While another server sweeps nobody else does. */
START_TEST(test_one_at_a_time)
{
	static const char name[] = "ofad: the packages are being swept";
	uint8_t lock[OFA_SHA256_BYTES];
	struct ofa_error err = {0};
	struct store *other;
	const char *old;
	struct bench b;
	bool held;

	if (_i != STORE_POSTGRESQL)
		return;
	begin(&b, _i);
	other = store_again();
	ofa_sha256(name, sizeof(name), lock);
	old = add(&b, 'a', 40 * DAY);
	add(&b, 'b', 0);
	ASSERT_OK(other->driver->sharing->question_lock(other, lock, &held, &err), &err);
	ck_assert(held);
	sweep(&b, b.store, 0, 30);
	ck_assert(there(&b, old));
	other->driver->sharing->question_unlock(other, lock);
	sweep(&b, b.store, 0, 30);
	ck_assert(!there(&b, old));
	other->driver->close(other);
	end(&b);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_policy, test_uses, test_one_at_a_time};

	return run_store_tests("keeper of packages", tests, OFA_ARRAY_LEN(tests));
}
