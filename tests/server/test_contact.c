/* Replicas that are cut off from their database: they say so, refuse what they cannot do, and ask for what they
 * missed. */
#include <stdlib.h>
#include <string.h>

#include "relay.h"
#include "replica_set.h"

#define EASY "{\"limits\":{\"macs\":1000000}}"

/* The database's address by way of the relay. */
static void relayed(struct relay *r, char url[CLUSTER_URL_MAX])
{
	const char *host = strstr(replicas.url, "@127.0.0.1:");
	char *end;

	ck_assert_ptr_nonnull(host);
	r->port = 0;
	relay_start(r, (unsigned)strtoul(host + strlen("@127.0.0.1:"), &end, 10));
	snprintf(url, CLUSTER_URL_MAX, "%.*s@127.0.0.1:%u%s", (int)(host - replicas.url), replicas.url, r->port, end);
}

static void await_ready(const struct daemon *d, long status)
{
	double until = now_ms() + REPLICA_PATIENCE_MS;

	while (ask_status(d, "GET", "/readyz", NULL, NULL) != status) {
		ck_assert_msg(now_ms() < until, "GET /readyz does not come to %ld", status);
		pause_ms(20);
	}
}

/* What was told while a replica was cut off, it asks for. */
START_TEST(test_missed_notifications)
{
	struct relay relay;
	char url[CLUSTER_URL_MAX], header[256];
	double begun;

	replicas_begin("missed");
	add_token(header, sizeof(header));
	revoke_token();
	relayed(&relay, url);
	replica_start(0);
	replica_start_at(1, url, "--log-level", "info");
	relay_cut(&relay);
	await_log(replica_data(1), "the database is out of reach", 1);
	await_ready(&replicas.replica[1], 503);
	add_token(header, sizeof(header));
	await_status(&replicas.replica[0], header, 200);
	relay_start(&relay, relay.to);
	await_status(&replicas.replica[1], header, 200);
	await_ready(&replicas.replica[1], 200);
	await_log(replica_data(1), "the database is in reach again", 1);
	/* a revocation, and a session that is ended by the database */
	relay_cut(&relay);
	revoke_token();
	await_status(&replicas.replica[0], header, 401);
	relay_start(&relay, relay.to);
	begun = now_ms();
	while (ask_status(&replicas.replica[1], "GET", "/networks", header, NULL) != 401)
		ck_assert(now_ms() < begun + REPLICA_PATIENCE_MS);
	for (int i = 0; i < 50; i++)
		ck_assert_int_eq(ask_status(&replicas.replica[1], "GET", "/networks", header, NULL), 401);
	end(&replicas.replica[0]);
	end(&replicas.replica[1]);
	relay_cut(&relay);
}
END_TEST

/* A profile that is written while the listeners' sessions are ended. */
START_TEST(test_listener_is_ended)
{
	char out[64];

	replicas_begin("ended");
	replica_start(0);
	replica_start(1);
	write_profile(&replicas.replica[0], 1);
	for (int n = 2; n <= 6; n++) {
		double begun = now_ms();

		while (number_of(&replicas.replica[1]) != n - 1)
			ck_assert(now_ms() < begun + REPLICA_PATIENCE_MS);
		cluster_ask(replicas.url,
			    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = 'ended' "
			    "AND query LIKE '%measurements%' AND pid <> pg_backend_pid()",
			    out, sizeof(out));
		ck_assert_int_ge(atoi(out), 2);
		write_profile(&replicas.replica[0], n);
		begun = now_ms();
		while (number_of(&replicas.replica[1]) != n)
			ck_assert_msg(now_ms() < begun + REPLICA_PATIENCE_MS, "number %d is not heard of", n);
	}
	ck_assert(metric_of(&replicas.replica[1], "ofad_store_losses_total") >= 1);
	end(&replicas.replica[0]);
	end(&replicas.replica[1]);
}
END_TEST

/* The network between a replica and the database is down: it says so, refuses what it cannot do, and comes back. */
START_TEST(test_partition)
{
	struct relay relay;
	char url[CLUSTER_URL_MAX], header[256];
	struct reply r;
	json_t *json, *store;

	replicas_begin("apart");
	add_token(header, sizeof(header));
	relayed(&relay, url);
	replica_start(0);
	replica_start_at(1, url, NULL, NULL);
	ck_assert_int_eq(ask_status(&replicas.replica[1], "GET", "/networks", header, NULL), 200);
	relay_freeze(&relay);
	await_ready(&replicas.replica[1], 503);
	ask(&replicas.replica[1], "GET", "/readyz", NULL, NULL, &r);
	json = reply_json(&r);
	ck_assert_str_eq(string_at(json, "status"), "not ready");
	store = json_object_get(json, "store");
	ck_assert_str_eq(string_at(store, "status"), "unreachable");
	ck_assert(integer_at(store, "silent_ms") > 1000);
	json_decref(json);
	reply_release(&r);
	ask(&replicas.replica[1], "GET", "/networks", header, NULL, &r);
	json_decref(check_problem(&r, 503, "unavailable", NULL));
	ck_assert_ptr_nonnull(reply_header(&r, "Retry-After"));
	ck_assert_ptr_null(reply_header(&r, "WWW-Authenticate"));
	reply_release(&r);
	ck_assert_int_eq(ask_status(&replicas.replica[1], "GET", "/networks", NULL, NULL), 401);
	ck_assert_int_eq(ask_status(&replicas.replica[1], "GET", "/healthz", NULL, NULL), 200);
	/* the other one does not notice */
	ck_assert_int_eq(ask_status(&replicas.replica[0], "GET", "/readyz", NULL, NULL), 200);
	ck_assert_int_eq(ask_status(&replicas.replica[0], "GET", "/networks", header, NULL), 200);
	relay_thaw(&relay);
	await_ready(&replicas.replica[1], 200);
	await_status(&replicas.replica[1], header, 200);
	end(&replicas.replica[0]);
	end(&replicas.replica[1]);
	relay_cut(&relay);
}
END_TEST

/* Anonymous servers go on with what is in memory; what has to be looked up or kept is refused, not searched in vain. */
START_TEST(test_questions_in_a_partition)
{
	struct relay relay;
	char url[CLUSTER_URL_MAX];
	struct reply r;

	replicas_begin("alone");
	replica_start(0);
	relayed(&relay, url);
	replica_start_at(1, url, NULL, NULL);
	post(&replicas.replica[1], "wait=60", EASY, &r);
	ck_assert_int_eq(r.status, 200);
	reply_release(&r);
	ck_assert(metric_of(&replicas.replica[1], "ofad_subnet_lookups_total{result=\"miss\"}") == 1);
	relay_freeze(&relay);
	await_ready(&replicas.replica[1], 503);
	post(&replicas.replica[1], "wait=60", EASY, &r);
	ck_assert_int_eq(r.status, 200);
	reply_release(&r);
	post(&replicas.replica[1], "wait=60", "{\"limits\":{\"macs\":1000001}}", &r);
	json_decref(check_problem(&r, 503, "unavailable", NULL));
	ck_assert_ptr_nonnull(reply_header(&r, "Retry-After"));
	reply_release(&r);
	ck_assert(metric_of(&replicas.replica[1], "ofad_subnet_lookups_total{result=\"miss\"}") == 1);
	relay_thaw(&relay);
	await_ready(&replicas.replica[1], 200);
	post(&replicas.replica[1], "wait=60", "{\"limits\":{\"macs\":1000001}}", &r);
	ck_assert_int_eq(r.status, 200);
	reply_release(&r);
	end(&replicas.replica[0]);
	end(&replicas.replica[1]);
	relay_cut(&relay);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		test_missed_notifications,
		test_listener_is_ended,
		test_partition,
		test_questions_in_a_partition,
	};
	int status;

	if (!cluster_start())
		return CLUSTER_SKIPPED;
	world_make();
	status = run_tests("contact", tests, OFA_ARRAY_LEN(tests));
	world_remove();
	cluster_stop();
	return status;
}
