/* What every Check program of the engine starts and fails with. */
#ifndef OFA_TESTS_RUNNER_H
#define OFA_TESTS_RUNNER_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/status.h"

/* The call must succeed; its error is printed where it does not. */
#define ASSERT_OK(call, error)                                                                                         \
	do {                                                                                                           \
		enum ofa_status st_ = (call);                                                                          \
		ck_assert_msg(st_ == OFA_OK, #call ": %s, field \"%s\": %s", ofa_status_name(st_), (error)->field,     \
			      (error)->message);                                                                       \
	} while (0)

/* The call must fail with this status. */
#define ASSERT_FAILS(call, expected)                                                                                   \
	do {                                                                                                           \
		enum ofa_status st_ = (call);                                                                          \
		ck_assert_msg(st_ == (expected), #call ": %s instead of %s", ofa_status_name(st_),                     \
			      ofa_status_name(expected));                                                              \
	} while (0)

/* Runs the tests of one subject, each in its own process; the program's exit status. */
static inline int run_tests(const char *name, const TTest *const *tests, size_t n)
{
	Suite *suite = suite_create(name);
	TCase *tcase = tcase_create(name);
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tcase, 300);
	suite_add_tcase(suite, tcase);
	for (size_t i = 0; i < n; i++)
		tcase_add_test(tcase, tests[i]);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Name of a fresh file in the temporary directory, for this process; valid until the next call. */
static inline const char *temporary_path(const char *name)
{
	static char path[512];
	const char *dir = getenv("TMPDIR");

	snprintf(path, sizeof(path), "%s/ofa-test-%ld-%s", dir ? dir : "/tmp", (long)getpid(), name);
	return path;
}

#endif
