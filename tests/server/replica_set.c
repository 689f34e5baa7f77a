#include "replica_set.h"

#include <string.h>

#include "base/file.h"

struct replica_set replicas;

/* ---- replicas ---- */

const char *replica_data(int i)
{
	static char names[REPLICAS_MAX][48];

	snprintf(names[i], sizeof(names[i]), "%s%d", replicas.name, i);
	return names[i];
}

void replicas_begin(const char *name)
{
	snprintf(replicas.name, sizeof(replicas.name), "%s", name);
	snprintf(replicas.packages, sizeof(replicas.packages), "dir:%s", world_path(name));
	cluster_database(name, replicas.url);
}

void replica_start_at(int i, const char *url, const char *option, const char *value)
{
	daemon_start(&replicas.replica[i], replica_data(i), "--store", url, "--packages", replicas.packages,
		     "--stale-seconds", "1", "--front-evaluations", "5000", option, value, NULL);
	daemon_wait_ready(&replicas.replica[i]);
}

void replica_start(int i)
{
	replica_start_at(i, replicas.url, NULL, NULL);
}

double replicas_sum(const char *series, int n)
{
	double sum = 0;

	for (int i = 0; i < n; i++)
		sum += metric_of(&replicas.replica[i], series);
	return sum;
}

void await_metric(int i, const char *series, double least)
{
	double until = now_ms() + REPLICA_PATIENCE_MS;

	while (metric_of(&replicas.replica[i], series) < least) {
		ck_assert_msg(now_ms() < until, "%s does not come to %g", series, least);
		pause_ms(10);
	}
}

/* ---- profiles ---- */

void write_profile(const struct daemon *d, int number)
{
	struct ofa_error err = {0};
	uint8_t *text;
	size_t size;
	json_t *json;
	char *body;
	long status;

	ASSERT_OK(ofa_file_read(world_path("profile.json"), 1 << 20, &text, &size, &err), &err);
	json = json_loadb((const char *)text, size, 0, NULL);
	ck_assert_ptr_nonnull(json);
	json_object_set_new(json, "limits", json_pack("{s:f}", "latency_ms", 1000.0 + number));
	body = json_dumps(json, JSON_COMPACT);
	status = ask_status(d, "PUT", PROFILE_PATH, SEND_JSON "\nIf-Match: *", body);
	if (status == 412)
		status = ask_status(d, "PUT", PROFILE_PATH, SEND_JSON, body);
	ck_assert_msg(status == 201 || status == 200, "%ld", status);
	free(body);
	json_decref(json);
	free(text);
}

int number_of(const struct daemon *d)
{
	struct reply r;
	json_t *json;
	int n;

	ask(d, "GET", PROFILE_PATH, NULL, NULL, &r);
	ck_assert_msg(r.status == 200, "%ld: %.*s", r.status, (int)r.body.len, (const char *)r.body.data);
	json = reply_json(&r);
	n = (int)number_at(json_object_get(json, "limits"), "latency_ms") - 1000;
	json_decref(json);
	reply_release(&r);
	return n;
}

int revision_of(const struct daemon *d)
{
	struct reply r;
	json_t *json;
	const char *revision;
	int n;

	post_subnet(d, JSON, "{\"profile\":\"" NETWORK "\",\"limits\":{\"latency_ms\":900}}", &r);
	ck_assert_msg(r.status == 200, "%ld: %.*s", r.status, (int)r.body.len, (const char *)r.body.data);
	json = reply_json(&r);
	revision = strchr(string_at(json, "profile_revision"), '@');
	ck_assert_ptr_nonnull(revision);
	n = (int)strtol(revision + 1, NULL, 10);
	json_decref(json);
	reply_release(&r);
	return n;
}

/* ---- tokens ---- */

void add_token(char *header, size_t cap)
{
	char out[1024], *line;

	ck_assert_int_eq(daemon_run(out, sizeof(out), "token", "add", "--scope", "admin", "--store", replicas.url,
				    "--data", world_path(replica_data(0)), NULL),
			 0);
	line = strstr(out, "ofad_");
	ck_assert_ptr_nonnull(line);
	line[strcspn(line, "\n ")] = '\0';
	snprintf(header, cap, "Authorization: Bearer %s", line);
}

void revoke_token(void)
{
	char id[64], out[1024];

	cluster_ask(replicas.url, "SELECT id FROM tokens WHERE revoked_at IS NULL ORDER BY created_at LIMIT 1", id,
		    sizeof(id));
	ck_assert_int_eq(daemon_run(out, sizeof(out), "token", "revoke", id, "--store", replicas.url, "--data",
				    world_path(replica_data(0)), NULL),
			 0);
}

double await_status(const struct daemon *d, const char *header, long status)
{
	double begun = now_ms();

	while (ask_status(d, "GET", "/networks", header, NULL) != status) {
		ck_assert_msg(now_ms() < begun + REPLICA_PATIENCE_MS, "GET /networks does not come to %ld", status);
		pause_ms(1);
	}
	return now_ms() - begun;
}
