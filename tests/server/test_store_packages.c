/* The index of packages, on each driver. */
#include <math.h>
#include <string.h>

#include "store_fixture.h"

static const char *package_id(char of)
{
	static char ids[4][2 * OFA_SHA256_BYTES + 1];
	static unsigned turn;
	char *id = ids[turn++ % 4];

	memset(id, of, sizeof(ids[0]) - 1);
	id[sizeof(ids[0]) - 1] = '\0';
	return id;
}

static void add_package(struct store *s, char of, const char *network_sha256, int64_t used_at)
{
	struct ofa_error err = {0};

	ASSERT_OK(s->driver->package_add(s,
					 &(struct store_indexed){.id = package_id(of),
								 .size_bytes = 1000,
								 .network = "net",
								 .network_sha256 = network_sha256,
								 .used_at = used_at},
					 &err),
		  &err);
}

/* "a100 " for each: the first digit and when it was used; those that are dropped in capitals. */
static enum ofa_status tell_package(void *ctx, const struct store_indexed *p)
{
	char *text = ctx;
	size_t n = strlen(text);

	ck_assert_uint_eq(strlen(p->id), 2 * OFA_SHA256_BYTES);
	ck_assert_str_eq(p->network, "net");
	ck_assert_uint_eq(p->size_bytes, 1000);
	snprintf(text + n, 64 - n, "%c%lld ", p->dropped ? p->id[0] - 'a' + 'A' : p->id[0], (long long)p->used_at);
	return OFA_OK;
}

static void check_oldest(struct store *s, int64_t before, unsigned limit, const char *expected)
{
	struct ofa_error err = {0};
	char text[64] = "";

	ASSERT_OK(s->driver->package_oldest(s, before, limit, tell_package, text, &err), &err);
	ck_assert_str_eq(text, expected);
}

static void check_found(struct store *s, char of, const char *expected)
{
	struct ofa_error err = {0};
	char text[64] = "";

	ASSERT_OK(s->driver->package_find(s, package_id(of), tell_package, text, &err), &err);
	ck_assert_str_eq(text, expected);
}

static void check_totals(struct store *s, uint64_t n)
{
	struct store_package_totals totals;
	struct ofa_error err = {0};

	ASSERT_OK(s->driver->package_totals(s, &totals, &err), &err);
	ck_assert_uint_eq(totals.n, n);
	ck_assert_uint_eq(totals.bytes, 1000 * n);
}

static enum ofa_status tell_network(void *ctx, const struct store_indexed *p)
{
	snprintf(ctx, 64, "%s", p->network_sha256);
	return OFA_ERR_CANCELLED; /* what it returns is returned */
}

static void check_network(struct store *s, char of, const char *sha256)
{
	char text[64] = "";

	ASSERT_FAILS(s->driver->package_find(s, package_id(of), tell_network, text, NULL), OFA_ERR_CANCELLED);
	ck_assert_str_eq(text, sha256);
}

static void drop_package(struct store *s, char of, int64_t used_at, bool expected)
{
	struct ofa_error err = {0};
	bool dropped;

	ASSERT_OK(s->driver->package_dropped(s, package_id(of), used_at, 900, &dropped, &err), &err);
	ck_assert_int_eq(dropped, expected);
}

START_TEST(test_packages)
{
	struct ofa_error err = {0};
	struct store *s;
	char text[64];

	store_begin(_i);
	s = store_again();
	check_totals(s, 0);
	check_oldest(s, INT64_MAX, 9, "");
	ASSERT_FAILS(s->driver->package_find(s, package_id('a'), tell_package, text, NULL), OFA_ERR_NOT_FOUND);
	add_package(s, 'a', "", 100);
	add_package(s, 'b', "12", 200);
	add_package(s, 'c', "34", 300);
	add_package(s, 'b', "", 150); /* neither forgets the network nor goes back in time */
	check_network(s, 'b', "12");
	add_package(s, 'a', "56", 100);
	check_network(s, 'a', "56");
	check_totals(s, 3);
	check_oldest(s, 301, 9, "a100 b200 c300 ");
	check_oldest(s, 300, 9, "a100 b200 ");
	check_oldest(s, 301, 1, "a100 ");

	ASSERT_OK(s->driver->package_used(s, (const char *[]){package_id('a'), package_id('d')}, 2, 250, &err), &err);
	ASSERT_OK(s->driver->package_used(s, (const char *[]){package_id('c'), package_id('b')}, 2, 250, &err), &err);
	check_found(s, 'a', "a250 ");
	check_found(s, 'b', "b250 ");
	check_found(s, 'c', "c300 ");

	drop_package(s, 'a', 100, false); /* it was used since */
	drop_package(s, 'a', 250, true);
	drop_package(s, 'a', 250, false);
	drop_package(s, 'd', 250, false);
	check_totals(s, 2);
	check_oldest(s, 301, 9, "b250 c300 ");
	s->driver->close(s);

	s = store_again();
	check_found(s, 'a', "A250 ");
	ASSERT_OK(s->driver->package_used(s, (const char *[]){package_id('a')}, 1, 800, &err), &err);
	check_found(s, 'a', "A250 ");
	add_package(s, 'a', "", 700);
	check_found(s, 'a', "a700 ");
	check_network(s, 'a', "56");
	check_totals(s, 3);
	s->driver->close(s);
	store_end();
}
END_TEST

/* A question keeps its first answer, unless that is the one that cannot be had any more. */
START_TEST(test_replaced)
{
	const uint8_t question[OFA_SHA256_BYTES] = {7};
	struct store_delivery d = {
		.question = question,
		.subnet = "bb",
		.network = "net",
		.arch = "{}",
		.limits = "{}",
		.latency_ms = NAN,
		.manifest = "second",
	};
	struct ofa_error err = {0};
	struct store *s;

	store_begin(_i);
	s = store_again();
	put_delivery(s, 7, "aa", "first");
	ASSERT_OK(s->driver->delivery_put(s, &d, &err), &err);
	d.replaces = "cc";
	ASSERT_OK(s->driver->delivery_put(s, &d, &err), &err);
	check_manifest(s, "aa", "first");
	d.replaces = "aa";
	ASSERT_OK(s->driver->delivery_put(s, &d, &err), &err);
	check_manifest(s, "bb", "second");
	s->driver->close(s);
	store_end();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_packages, test_replaced};

	return run_store_tests("index of packages", tests, OFA_ARRAY_LEN(tests));
}
