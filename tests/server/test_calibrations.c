/* Calibrations while devices report and others ask, on many threads; also run under ThreadSanitizer. */
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "runner.h"
#include "service/calibrations.h"

enum { REPORTERS = 3, ASKERS = 3, REPORTS = 40 };

/* A store in a directory of its own, with workers and calibrations. */
struct world {
	char dir[512];
	struct store *store;
	struct workers *workers;
	struct calibrations *calibrations;
	atomic_bool over;
};

static void deliver(struct store *s, uint8_t number, const char *subnet, double predicted_ms)
{
	uint8_t question[OFA_SHA256_BYTES] = {number};
	struct ofa_error err = {0};

	ASSERT_OK(s->driver->delivery_put(s,
					  &(struct store_delivery){.question = question,
								   .subnet = subnet,
								   .network = "net",
								   .arch = "{}",
								   .profile = "cam",
								   .profile_revision = 1,
								   .latency_ms = predicted_ms,
								   .limits = "{}",
								   .manifest = "{}"},
					  &err),
		  &err);
}

static void begin(struct world *w)
{
	const struct workers_options options = {.threads = 2, .call_threads = 1, .max_queue = 8};
	struct ofa_error err = {0};

	snprintf(w->dir, sizeof(w->dir), "%s", temporary_path("calibrations-XXXXXX"));
	ck_assert_ptr_nonnull(mkdtemp(w->dir));
	ASSERT_OK(store_open(NULL, w->dir, NULL, &w->store, &err), &err);
	ASSERT_OK(workers_new(&options, &w->workers, &err), &err);
	ASSERT_OK(calibrations_new(w->store, w->workers, 1 << 16, &w->calibrations, &err), &err);
	atomic_init(&w->over, false);
	deliver(w->store, 1, "aa", 1);
	deliver(w->store, 2, "bb", 2);
}

static void end(struct world *w)
{
	static const char *const files[] = {"ofad.db", "ofad.db-wal", "ofad.db-shm"};
	char path[600];

	workers_stop(w->workers);
	workers_free(w->workers);
	calibrations_free(w->calibrations);
	w->store->driver->close(w->store);
	for (size_t i = 0; i < OFA_ARRAY_LEN(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", w->dir, files[i]);
		unlink(path);
	}
	ck_assert_int_eq(rmdir(w->dir), 0);
}

/* Everything takes three times what was predicted. */
static void *report(void *arg)
{
	const struct store_keep keep = {.per_device = 100, .per_subnet = 1000};
	struct world *w = arg;
	char device[32];

	snprintf(device, sizeof(device), "%lx", (unsigned long)pthread_self());
	for (int i = 0; i < REPORTS; i++) {
		const struct store_measurement m = {.subnet = i % 2 ? "bb" : "aa",
						    .author = "",
						    .device = device,
						    .latency_ms = i % 2 ? 6 : 3,
						    .p50_ms = NAN,
						    .p95_ms = NAN,
						    .accuracy = NAN};
		struct ofa_error err = {0};
		uint64_t number;

		ASSERT_OK(w->store->driver->measurement_put(w->store, &m, &keep, &number, &err), &err);
		calibrations_touch(w->calibrations);
	}
	return NULL;
}

static void *ask(void *arg)
{
	struct world *w = arg;
	struct ofa_error err = {0};
	struct calibration c;

	while (!atomic_load(&w->over)) {
		ASSERT_OK(calibrations_get(w->calibrations, "cam", 1, &c, &err), &err);
		ck_assert_msg(c.scale == 1 || c.scale == 3, "%g", c.scale);
		usleep(500);
	}
	return NULL;
}

START_TEST(test_threads)
{
	static struct calibration_report report_at_end;
	pthread_t reporters[REPORTERS], askers[ASKERS];
	struct ofa_error err = {0};
	struct calibration c = {.scale = 0};
	struct world w;

	begin(&w);
	ASSERT_OK(calibrations_get(w.calibrations, "cam", 1, &c, &err), &err);
	ck_assert(c.scale == 1);
	for (int i = 0; i < ASKERS; i++)
		ck_assert_int_eq(pthread_create(&askers[i], NULL, ask, &w), 0);
	for (int i = 0; i < REPORTERS; i++)
		ck_assert_int_eq(pthread_create(&reporters[i], NULL, report, &w), 0);
	for (int i = 0; i < REPORTERS; i++)
		pthread_join(reporters[i], NULL);
	/* nobody but those who ask for answers is there to have it computed anew */
	for (int i = 0; i < 500 && c.scale != 3; i++) {
		usleep(20000);
		ASSERT_OK(calibrations_get(w.calibrations, "cam", 1, &c, &err), &err);
	}
	ck_assert_msg(c.scale == 3 && c.fit == CALIBRATION_SCALE, "%g", c.scale);
	atomic_store(&w.over, true);
	for (int i = 0; i < ASKERS; i++)
		pthread_join(askers[i], NULL);
	ASSERT_OK(calibrations_read(w.calibrations, "cam", 1, &report_at_end, &err), &err);
	ck_assert_uint_eq(report_at_end.n, 2);
	ck_assert_uint_eq(report_at_end.devices, REPORTERS);
	ck_assert_uint_eq(report_at_end.measurements, REPORTERS * REPORTS);
	ck_assert(report_at_end.before.mape > 0.6 && report_at_end.after.mape == 0);
	end(&w);
}
END_TEST

/* More packages and more measurements than are looked at: the newest, and some of the packages. */
START_TEST(test_bounds)
{
	static struct calibration_report r;
	const struct store_keep keep = {.per_device = 1000, .per_subnet = 1000};
	struct ofa_error err = {0};
	char subnet[32];
	uint64_t number;
	struct world w;

	begin(&w);
	for (int i = 0; i < CALIBRATION_POINTS_MAX + 30; i++) {
		snprintf(subnet, sizeof(subnet), "s%03d", i);
		deliver(w.store, (uint8_t)(i + 10), subnet, 1 + i);
		ASSERT_OK(w.store->driver->measurement_put(w.store,
							   &(struct store_measurement){.subnet = subnet,
										       .author = "",
										       .device = "",
										       .latency_ms = 2 * (1 + i),
										       .p50_ms = NAN,
										       .p95_ms = NAN,
										       .accuracy = NAN},
							   &keep, &number, &err),
			  &err);
	}
	ASSERT_OK(calibrations_read(w.calibrations, "cam", 1, &r, &err), &err);
	ck_assert_uint_eq(r.n, CALIBRATION_POINTS_MAX);
	ck_assert_uint_eq(r.measurements, CALIBRATION_POINTS_MAX);
	ck_assert_uint_eq(r.devices, 1);
	ck_assert(r.calibration.scale == 2 && r.correlation > 0.999);
	ASSERT_OK(calibrations_read(w.calibrations, "cam", 2, &r, &err), &err);
	ck_assert_uint_eq(r.n, 0);
	ck_assert(isnan(r.correlation));
	end(&w);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_threads, test_bounds};

	return run_tests("calibrations", tests, OFA_ARRAY_LEN(tests));
}
