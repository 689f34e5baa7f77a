/* Tokens and scopes against a running daemon. */
#include <curl/curl.h>
#include <dirent.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/file.h"
#include "daemon.h"

#define JSON "Content-Type: application/json"
#define PROFILE "{\"limits\":{\"macs\":2000000}}"
#define TOKEN_MAX 64

/* Runs `ofad token` on the data directory; its exit status and what it printed. */
static int run_token(const char *data, const char *words, char *out, size_t cap)
{
	const char *build = getenv("OFA_BUILDDIR");
	char command[2048];
	size_t n;
	FILE *f;

	snprintf(command, sizeof(command), "'%s/server/ofad' token %s --data '%s' 2>/dev/null", build ? build : ".",
		 words, world_path(data));
	f = popen(command, "r");
	ck_assert_ptr_nonnull(f);
	n = fread(out, 1, cap - 1, f);
	out[n] = '\0';
	return WEXITSTATUS(pclose(f));
}

struct token {
	char text[TOKEN_MAX], id[16], header[128];
};

static void add_token(const char *data, const char *options, struct token *t)
{
	char words[256], list[8192], *last;

	snprintf(words, sizeof(words), "add %s", options);
	ck_assert_int_eq(run_token(data, words, t->text, sizeof(t->text)), 0);
	t->text[strcspn(t->text, "\n")] = '\0';
	snprintf(t->header, sizeof(t->header), "Authorization: Bearer %s", t->text);
	ck_assert_int_eq(run_token(data, "list", list, sizeof(list)), 0);
	list[strlen(list) - 1] = '\0';
	last = strrchr(list, '\n');
	ck_assert_ptr_nonnull(last);
	snprintf(t->id, sizeof(t->id), "%.12s", last + 1);
}

static void revoke_token(const char *data, const struct token *t)
{
	char words[64], out[64];

	snprintf(words, sizeof(words), "revoke %s", t->id);
	ck_assert_int_eq(run_token(data, words, out, sizeof(out)), 0);
}

/* A refusal with the challenge of RFC 6750. */
static void check_refused(const struct daemon *d, const char *method, const char *path, const char *headers,
			  long status, const char *slug, const char *error)
{
	const char *challenge;
	struct reply r;

	ask(d, method, path, headers, NULL, &r);
	json_decref(check_problem(&r, status, slug, "Authorization"));
	challenge = reply_header(&r, "WWW-Authenticate");
	ck_assert_ptr_nonnull(challenge);
	ck_assert_msg(strncmp(challenge, "Bearer realm=\"ofad\"", 19) == 0, "%s", challenge);
	if (error)
		ck_assert_msg(strstr(challenge, error) != NULL, "%s", challenge);
	else
		ck_assert_ptr_null(strstr(challenge, "error"));
	reply_release(&r);
}

/* The first token closes the server while it runs; a revoked one is refused at the next request. */
START_TEST(test_first_token)
{
	struct token t, other;
	struct daemon d;
	char out[64];

	daemon_start(&d, "first", NULL);
	ck_assert_int_eq(ask_status(&d, "GET", "/networks", NULL, NULL), 200);
	add_token("first", "--scope read --expires 1h", &t);
	check_refused(&d, "GET", "/networks", NULL, 401, "unauthenticated", NULL);
	ck_assert_int_eq(ask_status(&d, "GET", "/networks", t.header, NULL), 200);
	ck_assert_int_eq(ask_status(&d, "GET", "/healthz", NULL, NULL), 200);
	ck_assert_int_eq(ask_status(&d, "GET", "/problems/forbidden", NULL, NULL), 200);
	for (int i = 0; i < 20; i++) {
		add_token("first", "--scope read", &other);
		ck_assert_int_eq(ask_status(&d, "GET", "/networks", other.header, NULL), 200);
		revoke_token("first", &other);
		check_refused(&d, "GET", "/networks", other.header, 401, "unauthenticated", "error=\"invalid_token\"");
	}
	revoke_token("first", &t);
	check_refused(&d, "GET", "/networks", t.header, 401, "unauthenticated", "revoked");
	/* nobody is left who could use it, and it does not open by itself */
	check_refused(&d, "GET", "/networks", NULL, 401, "unauthenticated", NULL);
	ck_assert_int_eq(run_token("first", "purge", out, sizeof(out)), 0);
	ck_assert_int_eq(ask_status(&d, "GET", "/networks", NULL, NULL), 200);
	daemon_stop(&d, SIGTERM);
}
END_TEST

enum { READ, PROVISION, WRITE, ADMIN, ROLES };

static const struct {
	const char *method, *path, *headers, *body;
	long status[ROLES];
} matrix[] = {
	{"GET", "/networks", NULL, NULL, {200, 200, 200, 200}},
	{"GET", "/networks/" NETWORK, NULL, NULL, {200, 200, 200, 200}},
	{"GET", "/profiles", NULL, NULL, {200, 200, 200, 200}},
	{"PUT", "/profiles/acme/cam", JSON, PROFILE, {403, 403, 201, 200}},
	{"PUT", "/profiles/acme/revisions", JSON, PROFILE, {405, 405, 405, 405}},
	{"PUT", "/profiles/acmes/cam", JSON, PROFILE, {403, 403, 403, 201}},
	{"PUT", "/profiles/acme%2F..%2Fother", JSON, PROFILE, {403, 403, 422, 422}},
	{"PUT", "/profiles/other/cam", JSON, PROFILE, {403, 403, 403, 201}},
	{"PUT", "/profiles/cam", JSON, PROFILE, {403, 403, 403, 201}},
	{"GET", "/profiles/acme/cam", NULL, NULL, {200, 200, 200, 200}},
	{"GET", "/profiles/acme/cam/revisions", NULL, NULL, {200, 200, 200, 200}},
	{"GET", "/profiles/acme/cam/revisions/1", NULL, NULL, {200, 200, 200, 200}},
	{"GET", "/profiles/acme/cam/calibration", NULL, NULL, {200, 403, 403, 200}},
	{"GET", "/networks/" NETWORK "/latency-keys", NULL, NULL, {200, 200, 200, 200}},
	{"GET", "/networks/" NETWORK "/pareto?points=3", NULL, NULL, {200, 403, 403, 200}},
	{"POST", "/subnets", JSON "\nAccept: application/json", "{}", {403, 200, 403, 200}},
	{"GET", "/subnets/00", NULL, NULL, {404, 404, 403, 404}},
	{"GET", "/subnets/00/manifest", NULL, NULL, {404, 404, 403, 404}},
	{"GET", "/subnets/00/measurements", NULL, NULL, {404, 404, 403, 404}},
	{"GET", "/subnets/00/measurements/1", NULL, NULL, {404, 404, 403, 404}},
	{"POST", "/subnets/00/measurements", JSON, "{\"latency_ms\":1}", {403, 404, 403, 404}},
	{"DELETE", "/profiles/other/cam", NULL, NULL, {403, 403, 403, 204}},
	{"DELETE", "/profiles/acme/cam", NULL, NULL, {403, 403, 204, 404}},
	{"GET", "/nothing", NULL, NULL, {404, 404, 404, 404}},
};

START_TEST(test_scopes)
{
	static const char *const options[ROLES] = {"--scope read", "--scope provision",
						   "--scope profiles:write --owner acme", "--scope admin"};
	struct token tokens[ROLES];
	struct daemon d;
	struct reply r;
	char author[64];
	json_t *json, *revision;

	daemon_start(&d, "scopes", NULL);
	daemon_wait_ready(&d);
	for (int role = 0; role < ROLES; role++)
		add_token("scopes", options[role], &tokens[role]);
	for (size_t i = 0; i < OFA_ARRAY_LEN(matrix); i++) {
		for (int role = 0; role < ROLES; role++) {
			char headers[512];
			long status;

			snprintf(headers, sizeof(headers), "%s\n%s", tokens[role].header,
				 matrix[i].headers ? matrix[i].headers : "X-Nothing: 1");
			status = ask_status(&d, matrix[i].method, matrix[i].path, headers, matrix[i].body);
			ck_assert_msg(status == matrix[i].status[role], "%s %s as %s: %ld", matrix[i].method,
				      matrix[i].path, options[role], status);
		}
	}
	/* a revision says who stored it, also when the profile is gone */
	ask(&d, "GET", "/profiles/acme/cam/revisions", tokens[READ].header, NULL, &r);
	json = reply_json(&r);
	snprintf(author, sizeof(author), "token:%s", tokens[WRITE].id);
	revision = json_array_get(json_object_get(json, "revisions"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(revision, "author")), author);
	json_decref(json);
	reply_release(&r);
	check_refused(&d, "GET", "/networks/" NETWORK "/pareto", tokens[PROVISION].header, 403, "forbidden",
		      "error=\"insufficient_scope\", scope=\"read admin\"");
	daemon_stop(&d, SIGTERM);
}
END_TEST

/* What looks like a token and is none, and tokens where none belong. */
START_TEST(test_bad_credentials)
{
	char text[4096], path[256];
	struct daemon d;
	struct token t;

	daemon_start(&d, "bad", NULL);
	add_token("bad", "--scope admin", &t);
	check_refused(&d, "GET", "/networks", "Authorization: Basic YTpi", 401, "unauthenticated", NULL);
	check_refused(&d, "GET", "/networks", "Authorization: Bearer a b", 400, "bad-request", "invalid_request");
	snprintf(text, sizeof(text), "Authorization: Bearer %.40s", t.text);
	check_refused(&d, "GET", "/networks", text, 401, "unauthenticated", "invalid_token");
	snprintf(text, sizeof(text), "authorization: BEARER %s", t.text);
	ck_assert_int_eq(ask_status(&d, "GET", "/networks", text, NULL), 200);
	snprintf(path, sizeof(path), "/networks?access_token=%s", t.text);
	check_refused(&d, "GET", path, NULL, 401, "unauthenticated", NULL);
	snprintf(text, sizeof(text), "GET /networks HTTP/1.1\r\nHost: x\r\n%s\r\n%s\r\n\r\n", t.header, t.header);
	raw_exchange(&d, text, strlen(text), text, sizeof(text));
	ck_assert_msg(strncmp(text, "HTTP/1.1 400 ", 13) == 0, "%s", text);
	daemon_stop(&d, SIGTERM);
	ck_assert_int_eq(daemon_log_count("bad", t.text), 0);
}
END_TEST

/* The refusal comes before the body is asked for. */
START_TEST(test_body_unread)
{
	static const char head[] = "PUT /profiles/x HTTP/1.1\r\nHost: x\r\n" JSON "\r\n"
				   "Content-Length: 8000000\r\nExpect: 100-continue\r\n\r\n";
	char text[4096];
	struct daemon d;
	struct token t;

	daemon_start(&d, "unread", NULL);
	add_token("unread", "--scope admin", &t);
	raw_exchange(&d, head, strlen(head), text, sizeof(text));
	ck_assert_msg(strncmp(text, "HTTP/1.1 401 ", 13) == 0, "%s", text);
	ck_assert_ptr_nonnull(strstr(text, "Connection: close"));
	daemon_stop(&d, SIGTERM);
}
END_TEST

/* ---- what is kept ---- */

static bool contains(const uint8_t *p, size_t n, const char *text)
{
	return memmem(p, n, text, strlen(text)) != NULL;
}

/* The token is nowhere in the data directory, nor in the log; nobody else may look there. */
START_TEST(test_secrets)
{
	struct ofa_error err = {0};
	struct dirent *entry;
	struct stat info;
	struct daemon d;
	struct token t;
	char dir[1024];
	int files = 0;
	DIR *list;

	daemon_start(&d, "secrets", "--log-level", "debug", NULL);
	add_token("secrets", "--scope admin", &t);
	ck_assert_int_eq(ask_status(&d, "GET", "/networks", t.header, NULL), 200);
	ck_assert_int_eq(ask_status(&d, "PUT", "/profiles/x", t.header, PROFILE), 415);
	daemon_stop(&d, SIGKILL);
	ck_assert_int_eq(daemon_log_count("secrets", t.text), 0);
	snprintf(dir, sizeof(dir), "%s", world_path("secrets"));
	ck_assert_int_eq(stat(dir, &info), 0);
	ck_assert_uint_eq(info.st_mode & 0777, 0700);
	list = opendir(dir);
	ck_assert_ptr_nonnull(list);
	while ((entry = readdir(list))) {
		char path[2048];
		uint8_t *data;
		size_t n;

		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		ck_assert_int_eq(stat(path, &info), 0);
		if (!S_ISREG(info.st_mode))
			continue;
		ck_assert_msg((info.st_mode & 077) == 0, "%s has mode %o", entry->d_name, info.st_mode & 0777);
		ASSERT_OK(ofa_file_read(path, 64 << 20, &data, &n, &err), &err);
		ck_assert_msg(!contains(data, n, t.text), "%s holds the token", entry->d_name);
		free(data);
		files++;
	}
	closedir(list);
	ck_assert_int_ge(files, 2);
}
END_TEST

/* ---- where it listens ---- */

START_TEST(test_exposure)
{
	char output[1024], network[1024], data[1024];
	struct token t;
	struct daemon d;

	snprintf(network, sizeof(network), "%s", world_path("a.safetensors"));
	snprintf(data, sizeof(data), "%s", world_path("exposed"));
	ck_assert_int_eq(
		daemon_run(output, sizeof(output), "--network", network, "--data", data, "--listen", "0.0.0.0:0", NULL),
		1);
	ck_assert_msg(strstr(output, "ofad token add --scope admin") != NULL, "%s", output);
	ck_assert_int_eq(
		daemon_run(output, sizeof(output), "--network", network, "--data", data, "--listen", "[::]:0", NULL),
		1);
	ck_assert_int_eq(daemon_run(output, sizeof(output), "--network", network, "--data", data, "--listen",
				    "0.0.0.0:0", "--check-config", NULL),
			 1);
	ck_assert_msg(strstr(output, "ofad token add --scope admin") != NULL, "%s", output);
	daemon_start(&d, "exposed", "--listen", "0.0.0.0:0", "--allow-anonymous", NULL);
	ck_assert_int_eq(ask_status(&d, "GET", "/networks", NULL, NULL), 200);
	daemon_stop(&d, SIGTERM);
	ck_assert_int_eq(daemon_log_count("exposed", "may do anything"), 1);
	add_token("exposed", "--scope read", &t);
	ck_assert_int_eq(daemon_run(output, sizeof(output), "--network", network, "--data", data, "--listen",
				    "0.0.0.0:0", "--check-config", NULL),
			 0);
	daemon_start(&d, "exposed", "--listen", "0.0.0.0:0", NULL);
	ck_assert_int_eq(ask_status(&d, "GET", "/networks", NULL, NULL), 401);
	ck_assert_int_eq(ask_status(&d, "GET", "/networks", t.header, NULL), 200);
	/* even when the last token is forgotten: the address is everybody's */
	revoke_token("exposed", &t);
	ck_assert_int_eq(run_token("exposed", "purge", output, sizeof(output)), 0);
	ck_assert_int_eq(ask_status(&d, "GET", "/networks", NULL, NULL), 401);
	daemon_stop(&d, SIGTERM);
}
END_TEST

/* ---- how often ---- */

/* At least so many are answered with the status, and not many more: a slow machine's bucket fills meanwhile. */
static void check_too_many(const struct daemon *d, const char *path, const char *headers, long status, int burst)
{
	const char *after;
	struct reply r;
	int n = 0;

	ask(d, "GET", path, headers, NULL, &r);
	for (; r.status == status && n < burst + 100; n++) {
		reply_release(&r);
		ask(d, "GET", path, headers, NULL, &r);
	}
	ck_assert_int_ge(n, burst);
	json_decref(check_problem(&r, 429, "too-many-requests", NULL));
	after = reply_header(&r, "Retry-After");
	ck_assert_ptr_nonnull(after);
	ck_assert_uint_eq(strspn(after, "0123456789"), strlen(after));
	ck_assert_int_ge(strtol(after, NULL, 10), 1);
	reply_release(&r);
}

/* What comes from one address, whatever it asks for; probes go on. */
START_TEST(test_rate_per_address)
{
	struct daemon d;

	daemon_start(&d, "often", "--limit-loopback", "--rate-per-address", "1", "--burst-per-address", "5", NULL);
	check_too_many(&d, "/nothing", NULL, 404, 5);
	check_too_many(&d, "/networks", NULL, 200, 0);
	check_too_many(&d, "/", NULL, 200, 0);
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(ask_status(&d, "GET", "/healthz", NULL, NULL), 200);
	daemon_stop(&d, SIGTERM);
	/* by default this machine's own calls are not counted: a proxy's are those of everybody */
	daemon_start(&d, "often", "--rate-per-address", "1", "--burst-per-address", "1", NULL);
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(ask_status(&d, "GET", "/networks", NULL, NULL), 200);
	daemon_stop(&d, SIGTERM);
}
END_TEST

/* Behind a proxy that is trusted each client has its own, and is named in the log; nobody else is believed. */
START_TEST(test_rate_behind_proxy)
{
	static const char one[] = "X-Forwarded-For: 203.0.113.1", other[] = "X-Forwarded-For: 203.0.113.2",
			  disguised[] = "X-Forwarded-For: 203.0.113.3, 203.0.113.1\nX-Forwarded-For: 127.0.0.1";
	struct daemon d;

	daemon_start(&d, "proxied", "--trust-proxy", "127.0.0.0/8", "--rate-per-address", "1", "--burst-per-address",
		     "5", NULL);
	check_too_many(&d, "/networks", one, 200, 5);
	check_too_many(&d, "/networks", disguised, 200, 0);
	check_too_many(&d, "/networks", other, 200, 5);
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(ask_status(&d, "GET", "/networks", NULL, NULL), 200);
	daemon_stop(&d, SIGTERM);
	ck_assert_int_gt(daemon_log_count("proxied", "\"peer\":\"203.0.113.1\""), 5);
	ck_assert_int_eq(daemon_log_count("proxied", "203.0.113.3"), 0);
	daemon_start(&d, "direct", "--trust-proxy", "10.0.0.0/8", "--rate-per-address", "1", "--burst-per-address",
		     "1", NULL);
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(ask_status(&d, "GET", "/networks", one, NULL), 200);
	daemon_stop(&d, SIGTERM);
	ck_assert_int_eq(daemon_log_count("direct", "203.0.113.1"), 0);
}
END_TEST

/* Each token has its own, also one that may not do what it asks for. */
START_TEST(test_rate_per_token)
{
	struct token a, b;
	struct daemon d;

	daemon_start(&d, "tokens", "--rate-per-token", "1", "--burst-per-token", "3", NULL);
	add_token("tokens", "--scope read", &a);
	add_token("tokens", "--scope provision", &b);
	check_too_many(&d, "/networks", a.header, 200, 3);
	check_too_many(&d, "/networks/" NETWORK "/pareto", b.header, 403, 3);
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(ask_status(&d, "GET", "/problems", a.header, NULL), 200);
	daemon_stop(&d, SIGTERM);
}
END_TEST

START_TEST(test_command_line)
{
	static const char *const bad[] = {
		"",
		"make",
		"add",
		"add --scope",
		"add --scope root",
		"add --scope read --expires yesterday",
		"add --scope read --expires 2020-01-01",
		"add --scope read --expires 0d",
		"add --scope read --owner a",
		"add --scope admin,profiles:write --owner a",
		"add --scope profiles:write --owner a/b",
		"add --scope read --name \"$(printf 'a\\033b')\"",
		"add --scope read extra",
		"revoke",
		"revoke a b",
		"list --surprise 1",
	};
	char out[1024];

	for (size_t i = 0; i < OFA_ARRAY_LEN(bad); i++)
		ck_assert_msg(run_token("commands", bad[i], out, sizeof(out)) == 2, "%s", bad[i]);
	ck_assert_int_eq(run_token("commands", "list", out, sizeof(out)), 1);
	ck_assert_int_eq(run_token("commands", "add --scope read --expires 2199-12-31", out, sizeof(out)), 0);
	ck_assert_int_eq(run_token("commands", "add --scope read >/dev/full", out, sizeof(out)), 1);
	ck_assert_int_eq(run_token("commands", "revoke nothing", out, sizeof(out)), 1);
	ck_assert_int_eq(run_token("commands", "list", out, sizeof(out)), 0);
	ck_assert_msg(strstr(out, "2199-12-31T00:00:00Z") != NULL, "%s", out);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_first_token,      test_scopes,         test_bad_credentials,
				      test_body_unread,      test_secrets,        test_exposure,
				      test_rate_per_address, test_rate_behind_proxy, test_rate_per_token,
				      test_command_line};
	int status;

	curl_global_init(CURL_GLOBAL_DEFAULT);
	world_make();
	status = run_tests("tokens", tests, OFA_ARRAY_LEN(tests));
	world_remove();
	return status;
}
