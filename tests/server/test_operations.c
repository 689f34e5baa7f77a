/* What a service manager and its probes see: notifications, the watchdog, passed sockets, the admin listener. */
#include <curl/curl.h>
#include <dirent.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include "daemon.h"

enum { CONNECTIONS = 8, PATIENCE_MS = 20000 };

static void check_exit(int status, int expected)
{
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == expected, "status %x", (unsigned)status);
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static void pause_ms(long ms)
{
	const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	nanosleep(&t, NULL);
}

/* ---- the service manager ---- */

/* A socket for NOTIFY_SOCKET, which is set. */
static int manager_open(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	size_t len = strlen(name);

	ck_assert_uint_lt(len, sizeof(address.sun_path));
	memcpy(address.sun_path, name, len);
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)(const void *)&address,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
			 0);
	setenv("NOTIFY_SOCKET", name, 1);
	return fd;
}

#define MESSAGE_MAX 1024

/* Waits for a message that contains the text, and copies it; false when none comes in time. */
static bool manager_takes(int fd, const char *text, int ms, char message[MESSAGE_MAX])
{
	double until = now_ms() + ms;

	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		double left = until - now_ms();
		ssize_t n;

		if (left < 0 || poll(&p, 1, (int)left + 1) <= 0)
			return false;
		n = recv(fd, message, MESSAGE_MAX - 1, 0);
		ck_assert_int_gt(n, 0);
		message[n] = '\0';
		if (strstr(message, text))
			return true;
	}
}

static bool manager_hears(int fd, const char *text, int ms)
{
	char message[MESSAGE_MAX];

	return manager_takes(fd, text, ms, message);
}

static void manager_forget(int fd)
{
	char message[1024];

	while (recv(fd, message, sizeof(message), MSG_DONTWAIT) > 0)
		;
}

/* Only the main thread takes signals: one that did not block them would die of them, and all others with it. */
static void check_signals_blocked(const struct daemon *d)
{
	char path[512], line[256];
	struct dirent *entry;
	DIR *dir;
	int n = 0;

	snprintf(path, sizeof(path), "/proc/%ld/task", (long)d->pid);
	dir = opendir(path);
	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir))) {
		unsigned long long blocked = 0;
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%ld/task/%s/status", (long)d->pid, entry->d_name);
		f = strtol(entry->d_name, NULL, 10) == 0 || strtol(entry->d_name, NULL, 10) == d->pid
			    ? NULL
			    : fopen(path, "r");
		while (f && fgets(line, sizeof(line), f))
			if (strncmp(line, "SigBlk:", 7) == 0)
				blocked = strtoull(line + 7, NULL, 16);
		if (!f)
			continue;
		fclose(f);
		n++;
		ck_assert_msg(blocked >> (SIGTERM - 1) & blocked >> (SIGHUP - 1) & blocked >> (SIGPIPE - 1) & 1,
			      "thread %s blocks %llx", entry->d_name, blocked);
	}
	closedir(dir);
	ck_assert_int_gt(n, 2);
}

START_TEST(test_notify)
{
	static const char tested[] = "; ready, 2 networks";
	char abstract[64], message[MESSAGE_MAX];
	const char *names[2] = {world_path("notify"), abstract};

	snprintf(abstract, sizeof(abstract), "@ofad-test-%ld", (long)getpid());
	for (size_t i = 0; i < OFA_ARRAY_LEN(names); i++) {
		int fd = manager_open(names[i]);
		struct daemon d;
		char url[64];

		daemon_start(&d, "notify-data", NULL);
		snprintf(url, sizeof(url), "READY=1\nSTATUS=http://127.0.0.1:%u; ", d.port);
		ck_assert(manager_takes(fd, url, PATIENCE_MS, message));
		/* the networks may have passed their tests before anything was said */
		ck_assert(strstr(message, tested) || manager_hears(fd, tested, PATIENCE_MS));
		check_signals_blocked(&d);
		kill(d.pid, SIGHUP);
		ck_assert(manager_hears(fd, "RELOADING=1\nMONOTONIC_USEC=", PATIENCE_MS));
		ck_assert(manager_hears(fd, "READY=1", PATIENCE_MS));
		ck_assert_int_eq(ask_status(&d, "GET", "/readyz", NULL, NULL), 200);
		check_exit(daemon_stop(&d, SIGTERM), 0);
		ck_assert(manager_hears(fd, "STOPPING=1", PATIENCE_MS));
		ck_assert_int_ge(daemon_log_count("notify-data", "reloaded"), 1);
		close(fd);
	}
}
END_TEST

/* A daemon that would never be said to have started does not start, and says why. */
START_TEST(test_notify_unreachable)
{
	char output[2048], network[1024];

	snprintf(network, sizeof(network), "%s", world_path("a.safetensors"));
	setenv("NOTIFY_SOCKET", "/none/notify", 1);
	ck_assert_int_eq(
		daemon_run(output, sizeof(output), "--network", network, "--data", world_path("unreachable"), NULL), 1);
	ck_assert_ptr_nonnull(strstr(output, "/none/notify"));
}
END_TEST

/* ---- the watchdog ---- */

/* Ids of the daemon's threads that libmicrohttpd runs; it names them. */
static int http_threads(const struct daemon *d, pid_t *out, int cap)
{
	char path[512], name[64];
	struct dirent *entry;
	DIR *dir;
	int n = 0;

	snprintf(path, sizeof(path), "/proc/%ld/task", (long)d->pid);
	dir = opendir(path);
	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir))) {
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%ld/task/%s/comm", (long)d->pid, entry->d_name);
		f = entry->d_name[0] == '.' ? NULL : fopen(path, "r");
		if (f && fgets(name, sizeof(name), f) && strncmp(name, "MHD-", 4) == 0 && n < cap)
			out[n++] = (pid_t)strtol(entry->d_name, NULL, 10);
		if (f)
			fclose(f);
	}
	closedir(dir);
	return n;
}

/* The manager is told that all is well while each HTTP thread answers, and not while any one of them stands still. */
START_TEST(test_watchdog_http)
{
	static const char silence[] = "an HTTP thread does not answer";
	int fd = manager_open(world_path("watchdog")), n;
	pid_t threads[8];
	struct daemon d;

	setenv("WATCHDOG_USEC", "800000", 1);
	daemon_start(&d, "watchdog-data", "--http-threads", "3", NULL);
	daemon_wait_ready(&d);
	for (int i = 0; i < 5; i++)
		ck_assert(manager_hears(fd, "WATCHDOG=1", PATIENCE_MS));
	n = http_threads(&d, threads, (int)OFA_ARRAY_LEN(threads));
	ck_assert_int_ge(n, 3);
	for (int i = 0; i < n; i++) {
		int before = daemon_log_count("watchdog-data", silence);

		ck_assert_int_eq(ptrace(PTRACE_SEIZE, threads[i], NULL, NULL), 0);
		ck_assert_int_eq(ptrace(PTRACE_INTERRUPT, threads[i], NULL, NULL), 0);
		ck_assert_int_eq(waitpid(threads[i], NULL, __WALL), threads[i]);
		/* what was asked before may be answered still */
		for (int j = 0; j < PATIENCE_MS / 20 && daemon_log_count("watchdog-data", silence) <= before; j++)
			pause_ms(20);
		manager_forget(fd);
		ck_assert_msg(!manager_hears(fd, "WATCHDOG=1", 800), "thread %d of %d stands still unnoticed", i, n);
		ck_assert_int_eq(ptrace(PTRACE_DETACH, threads[i], NULL, NULL), 0);
		ck_assert(manager_hears(fd, "WATCHDOG=1", PATIENCE_MS));
	}
	ck_assert_int_ge(daemon_log_count("watchdog-data", silence), n);
	ck_assert_int_eq(daemon_log_count("watchdog-data", "\"path\":\"/healthz\""), 0);
	check_exit(daemon_stop(&d, SIGTERM), 0);
	close(fd);
}
END_TEST

/* A worker that is at one task for longer than the manager would wait counts as hanging. */
START_TEST(test_watchdog_worker)
{
	int fd = manager_open(world_path("watchdog-w"));
	struct daemon d;
	char *profile, path[512];
	size_t n;
	FILE *f;

	setenv("WATCHDOG_USEC", "150000", 1);
	daemon_start(&d, "watchdog-worker", "--front-evaluations", "2000000", NULL);
	ck_assert(manager_hears(fd, "; ready", PATIENCE_MS));
	snprintf(path, sizeof(path), "%s", world_path("profile.json"));
	f = fopen(path, "r");
	profile = calloc(1, 1 << 20);
	n = fread(profile, 1, (1 << 20) - 1, f);
	fclose(f);
	ck_assert_uint_gt(n, 0);
	ck_assert_int_eq(ask_status(&d, "PUT", "/profiles/tiny", "Content-Type: application/json", profile), 201);
	for (int i = 0; i < 200 && daemon_log_count("watchdog-worker", "a worker does not come to an end") == 0; i++)
		pause_ms(50);
	ck_assert_int_ge(daemon_log_count("watchdog-worker", "a worker does not come to an end"), 1);
	manager_forget(fd);
	ck_assert(manager_hears(fd, "WATCHDOG=1", 2 * PATIENCE_MS)); /* once the front is done */
	check_exit(daemon_stop(&d, SIGTERM), 0);
	free(profile);
	close(fd);
}
END_TEST

/* ---- passed sockets ---- */

static int listening(unsigned *ret_port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(fd, (const struct sockaddr *)(const void *)&address, len), 0);
	ck_assert_int_eq(listen(fd, 64), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)(void *)&address, &len), 0);
	*ret_port = ntohs(address.sin_port);
	return fd;
}

/* The sockets outlive the daemon: who comes while none runs is served by the next one. */
START_TEST(test_passed_sockets)
{
	static const char request[] = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
	unsigned port, admin_port;
	int fds[2], waiting;
	struct daemon d, admin;
	char answer[512] = "";

	fds[0] = listening(&admin_port);
	fds[1] = listening(&port);
	daemon_pass_sockets(fds, 2, "admin:http");
	daemon_start(&d, "passed", NULL);
	admin = (struct daemon){.port = admin_port};
	ck_assert_uint_eq(d.port, port);
	daemon_wait_ready(&d);
	ck_assert_int_eq(ask_status(&admin, "GET", "/readyz", NULL, NULL), 200);
	ck_assert_int_eq(ask_status(&admin, "GET", "/networks", NULL, NULL), 404);
	check_exit(daemon_stop(&d, SIGTERM), 0);
	waiting = raw_connect(&d);
	ck_assert_int_ge(waiting, 0);
	ck_assert_int_gt(send(waiting, request, strlen(request), MSG_NOSIGNAL), 0);
	daemon_start(&d, "passed", NULL);
	ck_assert_int_gt(recv(waiting, answer, sizeof(answer) - 1, 0), 0);
	ck_assert_msg(strncmp(answer, "HTTP/1.1 200 ", 13) == 0, "%s", answer);
	close(waiting);
	check_exit(daemon_stop(&d, SIGTERM), 0);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

/* Without names the first one is for requests; what does not listen is refused by number. */
START_TEST(test_passed_without_names)
{
	char output[2048], network[1024];
	unsigned port;
	struct daemon d;
	int fds[2] = {listening(&port), -1};

	daemon_pass_sockets(fds, 1, NULL);
	daemon_start(&d, "unnamed", NULL);
	ck_assert_uint_eq(d.port, port);
	check_exit(daemon_stop(&d, SIGTERM), 0);
	close(fds[0]);
	fds[0] = socket(AF_INET, SOCK_STREAM, 0);
	daemon_pass_sockets(fds, 1, "http");
	snprintf(network, sizeof(network), "%s", world_path("a.safetensors"));
	ck_assert_int_eq(
		daemon_run(output, sizeof(output), "--network", network, "--data", world_path("unnamed"), NULL), 1);
	ck_assert_ptr_nonnull(strstr(output, "descriptor 3"));
	close(fds[0]);
}
END_TEST

/* ---- the admin listener ---- */

static unsigned read_number(const char *path)
{
	unsigned n = 0;
	FILE *f = fopen(path, "r");

	ck_assert_msg(f && fscanf(f, "%u", &n) == 1, "%s", path);
	fclose(f);
	return n;
}

static void start_with_admin(struct daemon *d, struct daemon *admin, const char *data, const char *option,
			     const char *value)
{
	char port_file[1024];

	snprintf(port_file, sizeof(port_file), "%s.admin", world_path(data));
	daemon_start(d, data, "--admin-listen", "127.0.0.1:0", "--admin-port-file", port_file, option, value, NULL);
	*admin = (struct daemon){.port = read_number(port_file)};
	daemon_wait_ready(d);
}

/* With every connection of the main listener taken, probes are answered at once. */
START_TEST(test_admin_when_full)
{
	static const char request[] = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
	int fds[2 * CONNECTIONS];
	struct pollfd p = {.events = POLLIN};
	struct daemon d, admin;
	struct reply r;
	double started;

	start_with_admin(&d, &admin, "full", "--max-connections", "8");
	for (int i = 0; i < 2 * CONNECTIONS; i++)
		fds[i] = raw_connect(&d);
	p.fd = fds[2 * CONNECTIONS - 1];
	ck_assert_int_gt(send(p.fd, request, sizeof(request) - 1, MSG_NOSIGNAL), 0);
	ck_assert_msg(poll(&p, 1, 300) == 0, "the main listener is not full");
	started = now_ms();
	ck_assert_int_eq(ask_status(&admin, "GET", "/healthz", NULL, NULL), 200);
	ck_assert_int_eq(ask_status(&admin, "GET", "/readyz", NULL, NULL), 200);
	ask(&admin, "GET", "/metrics", NULL, NULL, &r);
	ck_assert_int_eq(r.status, 200);
	ck_assert_msg(now_ms() - started < 1000, "probes took %.0f ms", now_ms() - started);
	ck_assert_ptr_nonnull(memmem(r.body.data, r.body.len, "ofad_http_connections{listener=\"admin\"}", 39));
	reply_release(&r);
	for (int i = 0; i < 2 * CONNECTIONS; i++)
		close(fds[i]);
	check_exit(daemon_stop(&d, SIGTERM), 0);
}
END_TEST

/* While it drains newcomers are refused, except by the admin listener, which says so to the end. */
START_TEST(test_admin_while_draining)
{
	static const char head[] = "PUT /profiles/late HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
				   "Content-Length: 25\r\n\r\n{\"limits\":",
			  rest[] = "{\"macs\":2000000}}";
	char answer[512] = "";
	struct daemon d, admin;
	struct reply r;
	json_t *json;
	int fd, status;

	start_with_admin(&d, &admin, "draining", "--drain-seconds", "60");
	fd = raw_connect(&d);
	ck_assert_int_gt(send(fd, head, strlen(head), MSG_NOSIGNAL), 0);
	pause_ms(200);
	kill(d.pid, SIGTERM);
	pause_ms(200);
	ck_assert_int_eq(raw_connect(&d), -1);
	for (int i = 0; i < 3; i++) {
		ask(&admin, "GET", "/readyz", NULL, NULL, &r);
		ck_assert_int_eq(r.status, 503);
		json = reply_json(&r);
		ck_assert_str_eq(json_string_value(json_object_get(json, "status")), "draining");
		json_decref(json);
		reply_release(&r);
		ck_assert_int_eq(ask_status(&admin, "GET", "/healthz", NULL, NULL), 200);
	}
	ck_assert_int_gt(send(fd, rest, strlen(rest), MSG_NOSIGNAL), 0);
	ck_assert_int_gt(recv(fd, answer, sizeof(answer) - 1, 0), 0);
	ck_assert_msg(strncmp(answer, "HTTP/1.1 ", 9) == 0, "%s", answer);
	close(fd);
	while (waitpid(d.pid, &status, 0) < 0)
		;
	check_exit(status, 0);
}
END_TEST

/* Twice, as a sandboxed daemon leaves its socket behind. */
START_TEST(test_admin_unix)
{
	char address[1100], path[1024];

	snprintf(path, sizeof(path), "%s", world_path("admin.sock"));
	snprintf(address, sizeof(address), "unix:%s", path);
	for (int i = 0; i < 2; i++) {
		CURL *curl = curl_easy_init();
		long status = 0;
		struct daemon d;

		daemon_start(&d, "unix", "--admin-listen", address, NULL);
		daemon_wait_ready(&d);
		curl_easy_setopt(curl, CURLOPT_URL, "http://localhost/readyz");
		curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, path);
		curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
		ck_assert_int_eq(curl_easy_perform(curl), CURLE_OK);
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
		ck_assert_int_eq(status, 200);
		curl_easy_cleanup(curl);
		check_exit(daemon_stop(&d, SIGTERM), 0);
	}
}
END_TEST

/* ---- mistakes ---- */

/* Each is refused with what to do next, by the start and, where nothing must run for it, by --check-config. */
START_TEST(test_start_errors)
{
	static char network[1024], data[1024], file[1024], missing[1100], locked[1024], keys[1024];
	const struct {
		const char *option, *value, *says;
		bool checked;
	} cases[] = {
		{"--data", file, "choose another one with --data", false},
		{"--data", missing, "the directory above it is to be made first", false},
		{"--data", locked, "not writable", false},
		{"--listen", "192.0.2.1:80", "no interface of this machine", false},
		{"--listen", "127.0.0.1:http", "HOST:PORT", true},
		{"--admin-listen", "unix:", "--admin-listen", true},
		{"--access-log", "/none/access.log", "/none", true},
		{"--keys", keys, "keygen", true},
		{"--http-threads", "1000", "--max-connections", false},
	};
	char output[8192];

	snprintf(network, sizeof(network), "%s", world_path("a.safetensors"));
	snprintf(data, sizeof(data), "%s", world_path("mistakes"));
	snprintf(file, sizeof(file), "%s", world_path("profile.json"));
	snprintf(missing, sizeof(missing), "%s/a/b", world_path("none"));
	snprintf(keys, sizeof(keys), "%s", world_path("no-keys"));
	snprintf(locked, sizeof(locked), "%s", world_path("locked"));
	/* a directory in the lock's place: not even root, who may write anywhere, can open it for writing */
	ck_assert_int_eq(mkdir(locked, 0700), 0);
	ck_assert_int_eq(mkdir(world_path("locked/ofad.lock"), 0700), 0);
	for (size_t i = 0; i < OFA_ARRAY_LEN(cases); i++) {
		bool is_data = strcmp(cases[i].option, "--data") == 0;

		ck_assert_int_eq(daemon_run(output, sizeof(output), "--max-connections", "1999", "--network", network,
					    cases[i].option, cases[i].value, is_data ? NULL : "--data", data, NULL),
				 1);
		ck_assert_msg(strstr(output, cases[i].says) != NULL, "case %zu: %s", i, output);
		if (!cases[i].checked)
			continue;
		ck_assert_int_eq(daemon_run(output, sizeof(output), "--check-config", "--network", network,
					    cases[i].option, cases[i].value, "--data", data, NULL),
				 1);
		ck_assert_msg(strstr(output, cases[i].says) != NULL, "case %zu: %s", i, output);
	}
}
END_TEST

/* What is in force and where it came from, of all three sources. */
START_TEST(test_check_config)
{
	char output[16384], network[1024], config[1024], line[1200];
	FILE *f;

	snprintf(network, sizeof(network), "%s", world_path("a.safetensors"));
	snprintf(config, sizeof(config), "%s", world_path("ofad.yaml"));
	f = fopen(config, "w");
	fprintf(f, "# a test\nnetwork: [%s]\nmax-queue: 7\nworkers: 2\n", network);
	fclose(f);
	setenv("OFAD_WORKERS", "3", 1);
	setenv("OFAD_WORKRES", "4", 1);
	ck_assert_int_eq(daemon_run(output, sizeof(output), "--config", config, "--data", world_path("checked"),
				    "--check-config", NULL),
			 0);
	snprintf(line, sizeof(line), "\nmax-queue: 7 # %s, line 3\n", config);
	ck_assert_msg(strstr(output, line) != NULL, "%s", output);
	ck_assert_msg(strstr(output, "\nworkers: 3 # OFAD_WORKERS\n") != NULL, "%s", output);
	ck_assert_msg(strstr(output, "/checked # --data\n") != NULL, "%s", output);
	ck_assert_msg(strstr(output, "\nlisten: 127.0.0.1:8080 # default\n") != NULL, "%s", output);
	ck_assert_msg(strstr(output, "OFAD_WORKRES is no option, did you mean OFAD_WORKERS?") != NULL, "%s", output);
	ck_assert_int_ne(access(world_path("checked"), F_OK), 0); /* nothing was made */
	f = fopen(config, "a");
	fputs("max-queu: 7\n", f);
	fclose(f);
	ck_assert_int_eq(daemon_run(output, sizeof(output), "--config", config, "--check-config", NULL), 1);
	ck_assert_msg(strstr(output, "line 5: there is no option \"max-queu\", did you mean max-queue?") != NULL, "%s",
		      output);
	ck_assert_int_eq(daemon_run(output, sizeof(output), "--config", config, NULL), 2);
}
END_TEST

START_TEST(test_few_files)
{
	const struct rlimit few = {64, 64};
	char output[2048], network[1024];

	snprintf(network, sizeof(network), "%s", world_path("a.safetensors"));
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	ck_assert_int_eq(daemon_run(output, sizeof(output), "--network", network, "--data", world_path("few"), NULL),
			 1);
	ck_assert_ptr_nonnull(strstr(output, "open files are limited to 64"));
	ck_assert_ptr_nonnull(strstr(output, "LimitNOFILE="));
}
END_TEST

/* Two daemons on one directory would each keep in memory what the other changes. */
START_TEST(test_second_daemon)
{
	char output[4096], network[1024], data[1024], first[64];
	struct daemon d;

	daemon_start(&d, "shared", NULL);
	snprintf(network, sizeof(network), "%s", world_path("a.safetensors"));
	snprintf(data, sizeof(data), "%s", world_path("shared"));
	snprintf(first, sizeof(first), "in use by another ofad (process %ld)", (long)d.pid);
	ck_assert_int_eq(daemon_run(output, sizeof(output), "--network", network, "--data", data, "--listen",
				    "127.0.0.1:0", NULL),
			 1);
	ck_assert_msg(strstr(output, first) != NULL, "%s", output);
	daemon_stop(&d, SIGKILL);
	daemon_start(&d, "shared", NULL);
	check_exit(daemon_stop(&d, SIGTERM), 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_notify,          test_notify_unreachable,   test_watchdog_http,
				      test_watchdog_worker, test_passed_sockets,       test_passed_without_names,
				      test_admin_when_full, test_admin_while_draining, test_admin_unix,
				      test_start_errors,    test_check_config,         test_few_files,
				      test_second_daemon};
	int status;

	curl_global_init(CURL_GLOBAL_DEFAULT);
	world_make();
	status = run_tests("operations", tests, OFA_ARRAY_LEN(tests));
	world_remove();
	return status;
}
