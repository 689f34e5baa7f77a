/* Usage: bench/store URL...
 * What the store of each URL (as of ofad --store) does a second, and the median of how long each takes, asked by one
 * thread and by eight.  The databases are filled with what is measured: use empty ones. */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "clock.h"
#include "store/store.h"

#define SECONDS 2.0
#define THREADS_MAX 8
#define SAMPLES_MAX 200000
#define MANIFEST_BYTES 1500 /* about what a delivery has */
#define PROFILE_BYTES 20000

struct bench {
	struct store *store;
	enum ofa_status (*act)(struct bench *b, unsigned thread, unsigned i, struct ofa_error *err);
	char manifest[MANIFEST_BYTES + 1], profile[PROFILE_BYTES + 1];
	unsigned runs;
	double end_ms;
	struct asker {
		struct bench *bench;
		unsigned number, n;
		double *took_ms;
		pthread_t thread;
		struct ofa_error err;
	} askers[THREADS_MAX];
};

static void fill(char *text, size_t n)
{
	memset(text, 'x', n);
	text[n] = '\0';
}

/* ---- what is done ---- */

/* Of a run; 0: those that are there from the start. */
static void question_of(unsigned run, unsigned thread, unsigned i, uint8_t out[OFA_SHA256_BYTES])
{
	const unsigned from[] = {run, thread, i};

	ofa_sha256(from, sizeof(from), out);
}

static enum ofa_status put_delivery(struct bench *b, unsigned thread, unsigned i, struct ofa_error *err)
{
	uint8_t question[OFA_SHA256_BYTES];

	question_of(b->runs, thread, i, question);
	return b->store->driver->delivery_put(b->store,
					      &(struct store_delivery){.question = question,
								       .subnet = "aa",
								       .network = "net",
								       .arch = "{}",
								       .limits = "{}",
								       .latency_ms = NAN,
								       .manifest = b->manifest},
					      err);
}

/* Of the first hundred of the same thread's, which are there. */
static enum ofa_status get_delivery(struct bench *b, unsigned thread, unsigned i, struct ofa_error *err)
{
	uint8_t question[OFA_SHA256_BYTES];
	struct ofa_buf manifest;
	enum ofa_status st;

	question_of(0, thread, i % 100, question);
	ofa_buf_init(&manifest, 1 << 20);
	st = b->store->driver->delivery_by_question(b->store, question, &manifest, err);
	ofa_buf_release(&manifest);
	return st;
}

static enum ofa_status get_profile(struct bench *b, unsigned thread, unsigned i, struct ofa_error *err)
{
	struct ofa_buf content;
	uint64_t revision;
	enum ofa_status st;

	(void)thread;
	(void)i;
	ofa_buf_init(&content, 1 << 20);
	st = b->store->driver->profile_get(b->store, "cam", &content, &revision, err);
	ofa_buf_release(&content);
	return st;
}

static enum ofa_status put_profile(struct bench *b, struct ofa_error *err)
{
	uint8_t sha256[OFA_SHA256_BYTES];
	const struct store_profile p = {
		.name = "cam", .content = b->profile, .content_size = PROFILE_BYTES, .sha256 = sha256, .author = ""};
	struct store_profile_state state;
	enum store_written written;

	ofa_sha256(b->profile, PROFILE_BYTES, sha256);
	return b->store->driver->profile_put(b->store, &p, NULL, &written, &state, err);
}

/* Of a subnet that all measure: the worst case, for they take turns. */
static enum ofa_status put_measurement(struct bench *b, unsigned thread, unsigned i, struct ofa_error *err)
{
	const struct store_keep keep = {.per_device = 100, .per_subnet = 10000};
	char device[16];
	uint64_t number;
	const struct store_measurement m = {.subnet = "aa",
					    .author = "",
					    .device = device,
					    .latency_ms = i,
					    .p50_ms = NAN,
					    .p95_ms = NAN,
					    .accuracy = NAN};

	snprintf(device, sizeof(device), "%u", thread);
	return b->store->driver->measurement_put(b->store, &m, &keep, &number, err);
}

/* ---- measuring ---- */

static void *ask(void *arg)
{
	struct asker *a = arg;

	for (a->n = 0; a->n < SAMPLES_MAX; a->n++) {
		double began_ms = clock_ms();

		if (began_ms >= a->bench->end_ms)
			break;
		if (a->bench->act(a->bench, a->number, a->n, &a->err) != OFA_OK)
			break;
		a->took_ms[a->n] = clock_ms() - began_ms;
	}
	return NULL;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* All that the askers found, in order. */
static double *collect(const struct bench *b, unsigned threads, size_t *ret_n)
{
	double *all = calloc((size_t)threads * SAMPLES_MAX, sizeof(*all));
	size_t n = 0;

	for (unsigned t = 0; all && t < threads; t++) {
		memcpy(all + n, b->askers[t].took_ms, b->askers[t].n * sizeof(*all));
		n += b->askers[t].n;
	}
	if (all)
		qsort(all, n, sizeof(*all), by_value);
	*ret_n = n;
	return all;
}

static enum ofa_status run(struct bench *b, const char *what, unsigned threads, struct ofa_error *err)
{
	double *all, began_ms = clock_ms();
	size_t n;

	b->runs++;
	b->end_ms = began_ms + SECONDS * 1e3;
	for (unsigned t = 0; t < threads; t++) {
		b->askers[t].bench = b;
		b->askers[t].number = t;
		if (pthread_create(&b->askers[t].thread, NULL, ask, &b->askers[t]) != 0)
			return ofa_fail(err, OFA_ERR_EXHAUSTED, NULL, "no thread can be made");
	}
	for (unsigned t = 0; t < threads; t++)
		pthread_join(b->askers[t].thread, NULL);
	for (unsigned t = 0; t < threads; t++)
		if (b->askers[t].err.status != OFA_OK)
			return ofa_fail(err, b->askers[t].err.status, NULL, "%s", b->askers[t].err.message);
	all = collect(b, threads, &n);
	if (!all || n == 0)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	printf("%-12s %-22s %7u %10.0f %10.3f %10.3f\n", b->store->driver->name, what, threads,
	       (double)n / (clock_ms() - began_ms) * 1e3, all[n / 2], all[n * 99 / 100]);
	free(all);
	return OFA_OK;
}

static enum ofa_status measure(struct bench *b, struct ofa_error *err)
{
	static const struct {
		const char *what;
		enum ofa_status (*act)(struct bench *b, unsigned thread, unsigned i, struct ofa_error *err);
	} acts[] = {
		{"delivery_put", put_delivery},
		{"delivery_by_question", get_delivery},
		{"profile_get", get_profile},
		{"measurement_put", put_measurement},
	};
	static const unsigned threads[] = {1, THREADS_MAX};
	enum ofa_status st = put_profile(b, err);

	/* what is read is there whatever the disk manages */
	for (unsigned t = 0; t < THREADS_MAX; t++)
		for (unsigned i = 0; i < 100 && st == OFA_OK; i++)
			st = put_delivery(b, t, i, err);
	for (size_t i = 0; i < OFA_ARRAY_LEN(acts); i++) {
		b->act = acts[i].act;
		for (size_t t = 0; t < OFA_ARRAY_LEN(threads) && st == OFA_OK; t++)
			st = run(b, acts[i].what, threads[t], err);
	}
	return st;
}

int main(int argc, char **argv)
{
	struct bench *b = calloc(1, sizeof(*b));
	struct ofa_error err = {0};
	enum ofa_status st = argc > 1 && b ? OFA_OK : OFA_ERR_INVALID;

	if (st != OFA_OK) {
		fprintf(stderr, "Usage: bench/store URL...\n");
		return 2;
	}
	fill(b->manifest, MANIFEST_BYTES);
	fill(b->profile, PROFILE_BYTES);
	for (int t = 0; t < THREADS_MAX && st == OFA_OK; t++)
		if (!(b->askers[t].took_ms = calloc(SAMPLES_MAX, sizeof(double))))
			st = ofa_fail(&err, OFA_ERR_NOMEM, NULL, "out of memory");
	printf("%-12s %-22s %7s %10s %10s %10s\n", "store", "call", "threads", "a second", "median ms", "p99 ms");
	for (int i = 1; i < argc && st == OFA_OK; i++) {
		st = store_open(argv[i], ".", NULL, &b->store, &err);
		if (st != OFA_OK)
			break;
		b->runs = 0;
		st = measure(b, &err);
		store_close(b->store);
	}
	for (int t = 0; t < THREADS_MAX; t++)
		free(b->askers[t].took_ms);
	free(b);
	if (st != OFA_OK)
		fprintf(stderr, "bench/store: %s\n", err.message);
	return st == OFA_OK ? 0 : 1;
}
