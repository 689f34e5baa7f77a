#include "daemon.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ARGS_MAX = 32, REPLY_MAX = 64 << 20, START_SECONDS = 60, STRINGS = 4 };

static char root[512];

/* ---- the world ---- */

static const char *from_env(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : ".";
}

/* One of a few buffers in turn, so that several results live side by side. */
static char *next_string(void)
{
	static _Thread_local char strings[STRINGS][1024];
	static _Thread_local unsigned next;

	return strings[next++ % STRINGS];
}

const char *world_path(const char *name)
{
	char *path = next_string();

	snprintf(path, 1024, "%s/%s", root, name);
	return path;
}

static int wait_for(pid_t pid)
{
	int status = -1;

	while (waitpid(pid, &status, 0) < 0)
		;
	return status;
}

static void make_network(const char *name, const char *network, const char *profile)
{
	char program[512], recipe[512];
	pid_t pid = fork();

	if (pid == 0) {
		snprintf(program, sizeof(program), "%s/tests/server/make_network", from_env("OFA_BUILDDIR"));
		snprintf(recipe, sizeof(recipe), "%s/models/fashion/recipe.json", from_env("OFA_SRCDIR"));
		execl(program, program, name, recipe, world_path(network), world_path(profile), (char *)NULL);
		_exit(127);
	}
	if (wait_for(pid) != 0) {
		fprintf(stderr, "cannot make the test network %s\n", name);
		world_remove();
		exit(EXIT_FAILURE);
	}
}

void world_make(void)
{
	snprintf(root, sizeof(root), "%s", temporary_path("XXXXXX"));
	if (!mkdtemp(root)) {
		perror(root);
		exit(EXIT_FAILURE);
	}
	make_network(NETWORK, "a.safetensors", "profile.json");
	make_network(OTHER_NETWORK, "b.safetensors", "other-profile.json");
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *at)
{
	(void)info;
	(void)type;
	(void)at;
	return remove(path);
}

void world_remove(void)
{
	nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- the daemon ---- */

static const char *program_path(void)
{
	char *path = next_string();

	snprintf(path, 1024, "%s/server/ofad", from_env("OFA_BUILDDIR"));
	return path;
}

static struct {
	int fds[4], n;
	const char *names;
} passed;

void daemon_pass_sockets(const int *fds, int n, const char *names)
{
	ck_assert_int_le(n, (int)OFA_ARRAY_LEN(passed.fds));
	memcpy(passed.fds, fds, (size_t)n * sizeof(fds[0]));
	passed.n = n;
	passed.names = names;
}

/* In the child.  Twice, as one of them may be where another belongs. */
static void pass_sockets(void)
{
	char text[32];

	for (int i = 0; i < passed.n; i++)
		passed.fds[i] = fcntl(passed.fds[i], F_DUPFD_CLOEXEC, 3 + passed.n);
	for (int i = 0; i < passed.n; i++)
		dup2(passed.fds[i], 3 + i);
	snprintf(text, sizeof(text), "%d", passed.n);
	setenv("LISTEN_FDS", text, 1);
	snprintf(text, sizeof(text), "%ld", (long)getpid());
	setenv("LISTEN_PID", text, 1);
	if (passed.names)
		setenv("LISTEN_FDNAMES", passed.names, 1);
}

/* In the child: becomes ofad with what it prints in the file. */
static void become(const char *const *argv, const char *log)
{
	int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0666);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (passed.n > 0)
		pass_sockets();
	if (fd < 0 || dup2(fd, STDERR_FILENO) < 0 || dup2(fd, STDOUT_FILENO) < 0)
		_exit(126);
	execv(argv[0], (char *const *)argv);
	_exit(127);
}

static const char *log_path(const char *data)
{
	char name[128];

	snprintf(name, sizeof(name), "%s.log", data);
	return world_path(name);
}

static void pause_ms(long ms)
{
	const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	nanosleep(&t, NULL);
}

static unsigned read_port(const struct daemon *d, const char *path)
{
	unsigned port = 0;

	for (int i = 0; i < START_SECONDS * 100 && port == 0; i++) {
		FILE *f = fopen(path, "r");

		if (f && fscanf(f, "%u", &port) != 1)
			port = 0;
		if (f)
			fclose(f);
		ck_assert_msg(waitpid(d->pid, NULL, WNOHANG) == 0, "ofad ended while it was starting");
		if (port == 0)
			pause_ms(10);
	}
	ck_assert_msg(port != 0, "ofad did not start");
	return port;
}

void daemon_start(struct daemon *d, const char *data, ...)
{
	char program[1024], networks[2][1024], dir[1024], log[1024], port_file[1100];
	const char *argv[ARGS_MAX] = {program,  "--network", networks[0],   networks[1], "--listen",      "127.0.0.1:0",
				      "--data", dir,         "--port-file", port_file,   "--worker-nice", "0",
				      "--front-evaluations", "50000"};
	int argc = 14;
	va_list ap;

	snprintf(program, sizeof(program), "%s", program_path());
	snprintf(networks[0], sizeof(networks[0]), "%s", world_path("a.safetensors"));
	snprintf(networks[1], sizeof(networks[1]), "%s", world_path("b.safetensors"));
	snprintf(dir, sizeof(dir), "%s", world_path(data));
	snprintf(log, sizeof(log), "%s", log_path(data));
	snprintf(port_file, sizeof(port_file), "%s.port", dir);
	unlink(port_file);
	va_start(ap, data);
	while (argc < ARGS_MAX - 1 && (argv[argc] = va_arg(ap, const char *)))
		argc++;
	va_end(ap);
	d->pid = fork();
	if (d->pid == 0)
		become(argv, log);
	d->port = read_port(d, port_file);
}

void daemon_wait_ready(const struct daemon *d)
{
	for (int i = 0; i < START_SECONDS * 20; i++) {
		if (ask_status(d, "GET", "/readyz", NULL, NULL) == 200)
			return;
		pause_ms(50);
	}
	ck_abort_msg("ofad did not become ready");
}

int daemon_stop(struct daemon *d, int signal_number)
{
	kill(d->pid, signal_number);
	return wait_for(d->pid);
}

int daemon_run(char *output, size_t cap, ...)
{
	const char *argv[ARGS_MAX] = {program_path()};
	char log[1024];
	int argc = 1, status;
	size_t n;
	va_list ap;
	FILE *f;
	pid_t pid;

	va_start(ap, cap);
	while (argc < ARGS_MAX - 1 && (argv[argc] = va_arg(ap, const char *)))
		argc++;
	va_end(ap);
	snprintf(log, sizeof(log), "%s", world_path("run.log"));
	unlink(log);
	pid = fork();
	if (pid == 0)
		become(argv, log);
	status = wait_for(pid);
	f = fopen(log, "r");
	ck_assert_ptr_nonnull(f);
	n = fread(output, 1, cap - 1, f);
	output[n] = '\0';
	fclose(f);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int daemon_log_count(const char *data, const char *text)
{
	FILE *f = fopen(log_path(data), "r");
	char line[4096];
	int n = 0;

	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f))
		n += strstr(line, text) != NULL;
	fclose(f);
	return n;
}

/* ---- the client ---- */

void reply_release(struct reply *r)
{
	ofa_buf_release(&r->headers);
	ofa_buf_release(&r->body);
}

const char *reply_header(const struct reply *r, const char *name)
{
	const char *p = (const char *)r->headers.data, *end = p + r->headers.len;
	size_t len = strlen(name);
	char *value = next_string();

	while (p && p < end) {
		const char *eol = memchr(p, '\n', (size_t)(end - p));

		if (!eol)
			break;
		if (strncasecmp(p, name, len) == 0 && p[len] == ':') {
			p += len + 1;
			p += strspn(p, " ");
			snprintf(value, 1024, "%.*s", (int)strcspn(p, "\r\n"), p);
			return value;
		}
		p = eol + 1;
	}
	return NULL;
}

json_t *reply_json(const struct reply *r)
{
	json_error_t error;
	json_t *json = json_loadb((const char *)r->body.data, r->body.len, 0, &error);

	ck_assert_msg(json != NULL, "not JSON: %s: %.*s", error.text, (int)r->body.len, (const char *)r->body.data);
	return json;
}

static size_t take(char *data, size_t size, size_t n, void *buf)
{
	return ofa_buf_append(buf, data, size * n) == OFA_OK ? size * n : 0;
}

static struct curl_slist *split_headers(const char *headers)
{
	struct curl_slist *list = NULL;
	char line[1024];

	while (headers && *headers) {
		size_t n = strcspn(headers, "\n");

		snprintf(line, sizeof(line), "%.*s", (int)n, headers);
		list = curl_slist_append(list, line);
		headers += n + (headers[n] == '\n');
	}
	return list;
}

void ask(const struct daemon *d, const char *method, const char *path, const char *headers, const char *body,
	 struct reply *ret)
{
	struct curl_slist *list = split_headers(headers);
	CURL *curl = curl_easy_init();
	char url[2048];
	CURLcode rc;

	ofa_buf_init(&ret->headers, REPLY_MAX);
	ofa_buf_init(&ret->body, REPLY_MAX);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", d->port, path);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, 250L);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list);
	if (body) {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(body));
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
	}
	if (strcmp(method, "HEAD") == 0)
		curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
	else
		curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &ret->body);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, &ret->headers);
	rc = curl_easy_perform(curl);
	ck_assert_msg(rc == CURLE_OK, "%s %s: %s", method, path, curl_easy_strerror(rc));
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &ret->status);
	curl_easy_cleanup(curl);
	curl_slist_free_all(list);
}

void post_subnet(const struct daemon *d, const char *accept, const char *body, struct reply *ret)
{
	char headers[256];

	snprintf(headers, sizeof(headers), "Content-Type: application/json\nAccept: %s", accept);
	ask(d, "POST", "/subnets", headers, body, ret);
}

long ask_status(const struct daemon *d, const char *method, const char *path, const char *headers, const char *body)
{
	struct reply r;

	ask(d, method, path, headers, body, &r);
	reply_release(&r);
	return r.status;
}

double metric_of(const struct daemon *d, const char *series)
{
	struct reply r;
	char line[160];
	const char *at;
	double n;

	ask(d, "GET", "/metrics", NULL, NULL, &r);
	ck_assert_int_eq(ofa_buf_append(&r.body, "", 1), OFA_OK);
	snprintf(line, sizeof(line), "\n%s ", series);
	at = strstr((char *)r.body.data, line);
	n = at ? strtod(at + strlen(line), NULL) : 0;
	reply_release(&r);
	return n;
}

json_t *check_problem(const struct reply *r, long status, const char *slug, const char *field)
{
	const char *type = reply_header(r, "Content-Type"), *named;
	char uri[128];
	json_t *json;

	ck_assert_msg(r->status == status, "%ld instead of %ld: %.*s", r->status, status, (int)r->body.len,
		      (const char *)r->body.data);
	ck_assert_ptr_nonnull(type);
	ck_assert_str_eq(type, "application/problem+json");
	json = reply_json(r);
	snprintf(uri, sizeof(uri), "/problems/%s", slug);
	ck_assert_str_eq(json_string_value(json_object_get(json, "type")), uri);
	ck_assert_int_eq(json_integer_value(json_object_get(json, "status")), status);
	ck_assert_str_eq(json_string_value(json_object_get(json, "request_id")), reply_header(r, "X-Request-Id"));
	named = json_string_value(json_object_get(json, "field"));
	if (field)
		ck_assert_msg(named && strcmp(named, field) == 0, "field %s instead of %s", named ? named : "none",
			      field);
	return json;
}

/* ---- below HTTP ---- */

int raw_connect(const struct daemon *d)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)d->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_ge(fd, 0);
	if (connect(fd, (const struct sockaddr *)(const void *)&address, sizeof(address))) {
		close(fd);
		return -1;
	}
	return fd;
}

void raw_exchange(const struct daemon *d, const void *bytes, size_t n, char *out, size_t cap)
{
	int fd = raw_connect(d);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	size_t len = 0;
	ssize_t got;

	ck_assert_int_ge(fd, 0);
	/* the other end may refuse and close before it has read everything */
	(void)!send(fd, bytes, n, MSG_NOSIGNAL);
	while (len + 1 < cap && poll(&p, 1, 2000) > 0 && (got = recv(fd, out + len, cap - 1 - len, 0)) > 0)
		len += (size_t)got;
	out[len] = '\0';
	close(fd);
}

/* ---- what checks have in common ---- */

void daemon_begin(struct daemon *d, const char *data)
{
	daemon_start(d, data, NULL);
	daemon_wait_ready(d);
}

void daemon_end(struct daemon *d)
{
	int status = daemon_stop(d, SIGTERM);

	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "ofad ended with status %x", (unsigned)status);
}

const char *string_at(json_t *json, const char *key)
{
	const char *s = json_string_value(json_object_get(json, key));

	ck_assert_msg(s != NULL, "no string \"%s\"", key);
	return s;
}

double number_at(json_t *json, const char *key)
{
	ck_assert_msg(json_is_number(json_object_get(json, key)), "no number \"%s\"", key);
	return json_number_value(json_object_get(json, key));
}

int integer_at(json_t *json, const char *key)
{
	ck_assert_msg(json_is_integer(json_object_get(json, key)), "no whole number \"%s\"", key);
	return (int)json_integer_value(json_object_get(json, key));
}
