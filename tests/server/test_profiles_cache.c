/* What is remembered of profiles while others write them: on a store whose answers are the test's. */
#include <string.h>

#include "runner.h"
#include "service/profiles.h"

static struct profiles *profiles;
static void (*meanwhile)(void); /* what happens while the store is asked */

static enum ofa_status profile_get(struct store *s, const char *name, struct ofa_buf *content, uint64_t *ret_revision,
				   struct ofa_error *err)
{
	static const char text[] = "{\"limits\":{\"macs\":1000}}";

	(void)s, (void)name, (void)err;
	*ret_revision = 1;
	if (meanwhile)
		meanwhile();
	return ofa_buf_append(content, text, strlen(text));
}

static const struct store_driver driver = {.name = "test", .profile_get = profile_get};
static struct store store = {.driver = &driver};

static void forget_one(void)
{
	profiles_forget(profiles, "cam");
}

static void forget_all(void)
{
	profiles_forget_all(profiles);
}

/* Whether it is remembered once it was asked for. */
static bool remembered(void (*then)(void))
{
	struct ofa_error err = {0};
	struct known_profile *p, *kept;

	ASSERT_OK(profiles_new(&store, 1 << 20, &profiles, &err), &err);
	meanwhile = then;
	ASSERT_OK(profiles_get(profiles, "cam", &p, &err), &err);
	ck_assert_uint_eq(p->revision, 1);
	known_profile_unref(p);
	kept = profiles_peek(profiles, "cam");
	known_profile_unref(kept);
	profiles_free(profiles);
	return kept != NULL;
}

/* What was read before another replica wrote does not come over what it told of. */
START_TEST(test_written_meanwhile)
{
	ck_assert(remembered(NULL));
	ck_assert(!remembered(forget_one));
	ck_assert(!remembered(forget_all));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_written_meanwhile};

	return run_tests("profiles_cache", tests, OFA_ARRAY_LEN(tests));
}
