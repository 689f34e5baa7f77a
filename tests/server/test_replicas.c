/* Several servers on one database: each question is searched once, and what one writes the others know. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#include "replica_set.h"

/* ---- one search for a question ---- */

struct asker {
	pthread_t thread;
	const struct daemon *replica;
	const char *body;
	struct reply reply;
};

static void *ask_one(void *arg)
{
	struct asker *a = arg;

	post(a->replica, "wait=60", a->body, &a->reply);
	return NULL;
}

static double searches(int n)
{
	static const char *const stops[] = {"budget", "converged", "front"};
	char series[64];
	double sum = 0;

	for (size_t i = 0; i < OFA_ARRAY_LEN(stops); i++) {
		snprintf(series, sizeof(series), "ofad_searches_total{stop=\"%s\"}", stops[i]);
		sum += replicas_sum(series, n);
	}
	return sum;
}

START_TEST(test_one_search)
{
	enum { ASKERS = 50, ROUNDS = 4 };
	static struct asker askers[ASKERS];
	char body[128];

	replicas_begin("once");
	for (int i = 0; i < REPLICAS_MAX; i++)
		replica_start(i);
	for (int round = 1; round <= ROUNDS; round++) {
		snprintf(body, sizeof(body), "{\"limits\":{\"macs\":1000000},\"seed\":%d}", round);
		for (int i = 0; i < ASKERS; i++) {
			askers[i].replica = &replicas.replica[i % REPLICAS_MAX];
			askers[i].body = body;
			ck_assert_int_eq(pthread_create(&askers[i].thread, NULL, ask_one, &askers[i]), 0);
		}
		for (int i = 0; i < ASKERS; i++)
			pthread_join(askers[i].thread, NULL);
		for (int i = 0; i < ASKERS; i++) {
			const struct reply *r = &askers[i].reply, *first = &askers[0].reply;

			ck_assert_int_eq(r->status, 200);
			ck_assert_uint_eq(r->body.len, first->body.len);
			ck_assert_mem_eq(r->body.data, first->body.data, first->body.len);
		}
		for (int i = 0; i < ASKERS; i++)
			reply_release(&askers[i].reply);
		ck_assert(searches(REPLICAS_MAX) == round);
	}
	/* where it is known to nobody but the store */
	for (int i = 0; i < REPLICAS_MAX; i++)
		end(&replicas.replica[i]);
}
END_TEST

/* Who searches dies in the middle of it: who waits searches by itself. */
START_TEST(test_the_holder_dies)
{
	struct asker waiting = {.replica = &replicas.replica[1], .body = SLOW};
	char path[JOB_PATH_MAX], waiting_path[JOB_PATH_MAX];
	json_t *job;

	replicas_begin("dies");
	replica_start_at(0, replicas.url, LONG_FRONT);
	replica_start(1);
	store_profile(&replicas.replica[0]);
	begin_job(&replicas.replica[0], SLOW, path);
	while (job = get_job(&replicas.replica[0], path), state_is(job, "queued")) {
		json_decref(job);
		pause_ms(10);
	}
	ck_assert(state_is(job, "running"));
	json_decref(job);
	begin_job(&replicas.replica[1], SLOW, waiting_path);
	pthread_create(&waiting.thread, NULL, ask_one, &waiting);
	await_metric(1, "ofad_replica_waits_total", 1);
	/* as long as the other one lives it waits, and holds no worker */
	await_metric(1, "ofad_replica_waits_total", 2);
	job = get_job(&replicas.replica[1], waiting_path);
	ck_assert(state_is(job, "queued"));
	json_decref(job);
	ck_assert(searches(2) == 0);
	daemon_stop(&replicas.replica[0], SIGKILL);
	pthread_join(waiting.thread, NULL);
	ck_assert_int_eq(waiting.reply.status, 200);
	reply_release(&waiting.reply);
	job = await_job(&replicas.replica[1], waiting_path);
	ck_assert(state_is(job, "succeeded"));
	json_decref(job);
	ck_assert(metric_of(&replicas.replica[1], "ofad_searches_total{stop=\"front\"}") == 1);
	end(&replicas.replica[1]);
}
END_TEST

/* What waits for another server can be cancelled, has a deadline, and does not keep its own server from ending. */
START_TEST(test_waiting_ends)
{
	char path[JOB_PATH_MAX], first[JOB_PATH_MAX], second[JOB_PATH_MAX];
	json_t *job;

	replicas_begin("ends");
	replica_start_at(0, replicas.url, LONG_FRONT);
	replica_start_at(1, replicas.url, "--search-seconds", "3");
	replica_start(2);
	store_profile(&replicas.replica[0]);
	begin_job(&replicas.replica[0], SLOW, path);
	await_metric(0, "ofad_store_notifications_total{topic=\"profile\"}", 1);
	while (job = get_job(&replicas.replica[0], path), state_is(job, "queued")) {
		json_decref(job);
		pause_ms(10);
	}
	json_decref(job);
	begin_job(&replicas.replica[1], SLOW, first);
	begin_job(&replicas.replica[2], SLOW, second);
	await_metric(1, "ofad_replica_waits_total", 1);
	await_metric(2, "ofad_replica_waits_total", 1);
	cancel_job(&replicas.replica[2], second);
	job = get_job(&replicas.replica[2], second);
	ck_assert(state_is(job, "cancelled"));
	json_decref(job);
	job = await_job(&replicas.replica[1], first);
	ck_assert(state_is(job, "failed"));
	json_decref(job);
	begin_job(&replicas.replica[2], SLOW, second);
	await_metric(2, "ofad_replica_waits_total", 2);
	end(&replicas.replica[2]);
	end(&replicas.replica[1]);
	daemon_stop(&replicas.replica[0], SIGKILL);
}
END_TEST

/* ---- what one writes the others know ---- */

struct reader {
	pthread_t thread;
	const struct daemon *replica;
	atomic_int newest; /* number that was seen */
	atomic_bool stop;
	int answers;
};

/* One after the other: none goes back behind the one before. */
static void *read_on(void *arg)
{
	struct reader *r = arg;

	while (!atomic_load(&r->stop)) {
		int seen = number_of(r->replica);

		ck_assert_msg(seen >= atomic_load(&r->newest), "number %d after %d", seen, atomic_load(&r->newest));
		atomic_store(&r->newest, seen);
		r->answers++;
	}
	return NULL;
}

START_TEST(test_profiles_are_replaced)
{
	enum { READERS = 2 * REPLICAS_MAX, WRITES = 30 };
	static struct reader readers[READERS];
	double worst = 0;
	int answers = 0;

	replicas_begin("replaced");
	for (int i = 0; i < REPLICAS_MAX; i++)
		replica_start(i);
	write_profile(&replicas.replica[0], 1);
	for (int i = 0; i < READERS; i++) {
		readers[i].replica = &replicas.replica[i % REPLICAS_MAX];
		ck_assert_int_eq(pthread_create(&readers[i].thread, NULL, read_on, &readers[i]), 0);
	}
	for (int n = 2; n <= WRITES; n++) {
		double begun;

		write_profile(&replicas.replica[n % REPLICAS_MAX], n);
		begun = now_ms();
		for (int i = 0; i < READERS; i++)
			while (atomic_load(&readers[i].newest) < n) {
				ck_assert_msg(now_ms() < begun + REPLICA_PATIENCE_MS, "number %d is not heard of", n);
				pause_ms(1);
			}
		worst = now_ms() - begun > worst ? now_ms() - begun : worst;
		/* and whoever asks from here on is answered by it */
		if (n == WRITES)
			for (int i = 0; i < REPLICAS_MAX; i++)
				ck_assert_int_eq(revision_of(&replicas.replica[i]), n);
	}
	for (int i = 0; i < READERS; i++) {
		atomic_store(&readers[i].stop, true);
		pthread_join(readers[i].thread, NULL);
		answers += readers[i].answers;
	}
	printf("%d revisions, read %d times meanwhile; the last of %d readers saw a new one after %.0f ms at most\n",
	       WRITES, answers, READERS, worst);
	for (int i = 0; i < REPLICAS_MAX; i++)
		end(&replicas.replica[i]);
}
END_TEST

/* ---- measurements ---- */

static void begin_two(const char *name)
{
	replicas_begin(name);
	for (int i = 0; i < 2; i++)
		replica_start(i);
}

/* How a calibrated question is answered; its id, and its calibration's scale. */
static double ask_calibrated(const struct daemon *d, char id[65])
{
	struct reply r;
	json_t *json;
	double scale;

	post_subnet(d, JSON, "{\"profile\":\"" NETWORK "\",\"calibrated\":true,\"limits\":{\"latency_ms\":900}}", &r);
	ck_assert_msg(r.status == 200, "%ld: %.*s", r.status, (int)r.body.len, (const char *)r.body.data);
	json = reply_json(&r);
	snprintf(id, 65, "%s", string_at(json, "id"));
	scale = number_at(json_object_get(json, "calibration"), "scale");
	json_decref(json);
	reply_release(&r);
	return scale;
}

/* What is measured at one replica calibrates what the others answer. */
START_TEST(test_measurements)
{
	char id[65], path[128];
	double until;

	begin_two("measured");
	write_profile(&replicas.replica[0], 1);
	ck_assert(ask_calibrated(&replicas.replica[1], id) == 1);
	ck_assert(ask_calibrated(&replicas.replica[1], id) == 1);
	snprintf(path, sizeof(path), "/subnets/%s/measurements", id);
	ck_assert_int_eq(ask_status(&replicas.replica[0], "POST", path, SEND_JSON, "{\"latency_ms\":500}"), 201);
	until = now_ms() + REPLICA_PATIENCE_MS;
	while (ask_calibrated(&replicas.replica[1], id) == 1) {
		ck_assert(now_ms() < until);
		pause_ms(20);
	}
	for (int i = 0; i < 2; i++)
		end(&replicas.replica[i]);
}
END_TEST

/* ---- tokens ---- */

START_TEST(test_tokens)
{
	char header[256], other[256];
	double worst = 0, ms;

	replicas_begin("tokens");
	for (int i = 0; i < REPLICAS_MAX; i++)
		replica_start(i);
	for (int i = 0; i < REPLICAS_MAX; i++)
		ck_assert_int_eq(ask_status(&replicas.replica[i], "GET", "/networks", NULL, NULL), 200);
	/* the first token closes them all */
	add_token(header, sizeof(header));
	for (int i = 0; i < REPLICAS_MAX; i++) {
		await_status(&replicas.replica[i], NULL, 401);
		ck_assert_int_eq(ask_status(&replicas.replica[i], "GET", "/networks", header, NULL), 200);
	}
	revoke_token();
	for (int i = 0; i < REPLICAS_MAX; i++) {
		ms = await_status(&replicas.replica[i], header, 401);
		worst = ms > worst ? ms : worst;
		for (int k = 0; k < 50; k++)
			ck_assert_int_eq(ask_status(&replicas.replica[i], "GET", "/networks", header, NULL), 401);
	}
	/* and does not open them again by being refused */
	add_token(other, sizeof(other));
	for (int i = 0; i < REPLICAS_MAX; i++) {
		await_status(&replicas.replica[i], other, 200);
		ck_assert_int_eq(ask_status(&replicas.replica[i], "GET", "/networks", NULL, NULL), 401);
	}
	printf("a revoked token was refused everywhere %.0f ms after the command had ended\n", worst);
	for (int i = 0; i < REPLICAS_MAX; i++)
		end(&replicas.replica[i]);
}
END_TEST

/* Until each of n replicas has the lock that says that it lives, and none for a question. */
static void await_no_locks(int n)
{
	const double until = now_ms() + REPLICA_PATIENCE_MS;
	char count[16], expected[16];

	snprintf(expected, sizeof(expected), "%d", n);
	for (;;) {
		cluster_ask(replicas.url,
			    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = "
			    "(SELECT oid FROM pg_database WHERE datname = current_database())",
			    count, sizeof(count));
		if (strcmp(count, expected) == 0)
			return;
		ck_assert_msg(now_ms() < until, "%s locks instead of %d", count, n);
		pause_ms(50);
	}
}

/* ---- which answer is everybody's ---- */

/* The id of the package that answers. */
static void answer(const struct daemon *d, const char *body, char id[65])
{
	struct reply r;
	json_t *json;

	post_subnet(d, JSON, body, &r);
	ck_assert_int_eq(r.status, 200);
	json = reply_json(&r);
	snprintf(id, 65, "%s", string_at(json, "id"));
	json_decref(json);
	reply_release(&r);
}

/* While a replica searches another one stores its answer, here that to another question: that is everybody's. */
START_TEST(test_the_first_answer)
{
	static const char plain[] = "{\"limits\":{\"macs\":1e9}}";
	static const char whole[] = "{\"limits\":{\"macs\":1e9},\"dtype\":\"int8\"}";
	char first[65], second[65], id[65];

	replicas_begin("first");
	replica_start(0);
	answer(&replicas.replica[0], plain, first);
	answer(&replicas.replica[0], whole, second);
	ck_assert_str_ne(first, second);
	end(&replicas.replica[0]);
	/* the index of packages is written after the search and before its answer */
	cluster_ask(replicas.url,
		    "CREATE TABLE asked AS SELECT question FROM deliveries WHERE number = 2; "
		    "DELETE FROM deliveries WHERE number = 2; "
		    "CREATE FUNCTION be_faster() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN "
		    "INSERT INTO deliveries (question, subnet, size_bytes, network, arch, limits, seed, evaluations, "
		    "manifest, created_at) SELECT asked.question, subnet, size_bytes, network, arch, limits, seed, "
		    "evaluations, manifest, created_at FROM deliveries, asked WHERE number = 1 ON CONFLICT DO NOTHING; "
		    "RETURN NEW; END'; "
		    "CREATE TRIGGER be_faster BEFORE INSERT ON packages FOR EACH ROW EXECUTE FUNCTION be_faster(); "
		    "SELECT 1",
		    id, sizeof(id));
	replica_start(1);
	replica_start(2);
	for (int i = 0; i < 2; i++) {
		answer(&replicas.replica[1], whole, id); /* searched, then from memory */
		ck_assert_str_eq(id, first);
	}
	answer(&replicas.replica[2], whole, id);
	ck_assert_str_eq(id, first);
	await_no_locks(2);
	end(&replicas.replica[1]);
	end(&replicas.replica[2]);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		test_one_search,
		test_the_holder_dies,
		test_waiting_ends,
		test_the_first_answer,
		test_profiles_are_replaced,
		test_measurements,
		test_tokens,
	};
	int status;

	if (!cluster_start())
		return CLUSTER_SKIPPED;
	world_make();
	status = run_tests("replicas", tests, OFA_ARRAY_LEN(tests));
	world_remove();
	cluster_stop();
	return status;
}
