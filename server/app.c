#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include "api/admission.h"
#include "api/problem.h"
#include "api/routes.h"
#include "app.h"
#include "app_access.h"
#include "app_packages.h"
#include "base/file.h"
#include "clock.h"
#include "data_dir.h"
#include "sandbox/sandbox.h"
#include "store/location.h"

#define BODY_BYTES_MAX ((size_t)256 << 20)
/* Descriptors beside connections: database, packages, log, probes. */
#define SPARE_FILES 128
#define CONNECTIONS_MIN 8
/* Of them. */
#define ADMIN_CONNECTIONS 32
/* Beside the workers, for what searches must not hold up. */
#define CALL_THREADS 1
/* For which an idempotency key is remembered: a day. */
#define KEY_MS (24 * 3600 * 1e3)
/* For which a request may be under way beside its wait for an answer. */
#define REQUEST_SECONDS 60
#define DRAIN_POLL_MS 20
/* A shared database that is silent for no longer is in reach, whatever --stale-seconds says. */
#define SILENCE_MS 2000.0
/* For the answers of requests that were cut short to leave. */
#define FAREWELL_MS 2000.0

/* ---- work on behalf of calls ---- */

struct call_task {
	struct task task;
	struct http_call *call;
	double submitted_ms;
};

static void run_call(struct task *task)
{
	struct call_task *t = (struct call_task *)(void *)task;
	struct http_call *call = t->call;

	const double queue_ms = clock_ms() - t->submitted_ms;

	call->note.queue_ms += queue_ms; /* what is put off waits twice */
	metrics_observe_ms(call->app->metrics, METRICS_QUEUE_SECONDS, queue_ms);
	free(t);
	http_call_work(call);
}

static enum task_class class_of(const struct http_call *call)
{
	if (!call->route->computes)
		return TASK_CALL;
	return call->route->quick && !call->lengthy ? TASK_GLANCE : TASK_DASHBOARD;
}

static bool offload(struct app *app, struct http_call *call)
{
	struct call_task *t = malloc(sizeof(*t));

	if (!t)
		return false;
	t->task.run = run_call;
	t->call = call;
	t->submitted_ms = clock_ms();
	if (workers_submit(call->route->fetches && app->fetchers ? app->fetchers : app->workers, class_of(call),
			   &t->task))
		return true;
	free(t);
	return false;
}

static void complete(struct app *app, const struct http_call *call)
{
	double ms = clock_ms() - call->started_ms;

	request_metrics_count(&app->requests, call, ms);
	access_log_call(app->access_log, call, ms);
	audit_call(app->audit_log, call);
}

static void worked(struct app *app, struct http_call *call)
{
	audit_write(app->audit_log, call);
}

/* Probes come every few seconds and say nothing in a log. */
static void complete_probe(struct app *app, const struct http_call *call)
{
	request_metrics_count(&app->requests, call, clock_ms() - call->started_ms);
}

/* ---- self-tests ---- */

struct self_test {
	struct task task;
	struct app *app;
};

static void run_self_tests(struct task *task)
{
	struct self_test *t = (struct self_test *)(void *)task;
	struct app *app = t->app;

	for (size_t i = 0; i < app->networks->n; i++) {
		struct network *n = &app->networks->list[i];

		network_self_test(n);
		if (atomic_load(&n->state) == NETWORK_READY)
			log_message(&app->log, LOG_LEVEL_INFO, "network %s passed its self-test", n->net->name);
		else
			log_message(&app->log, LOG_LEVEL_ERROR, "network %s failed its self-test: %s", n->net->name,
				    n->failure.message);
	}
	free(t);
}

static enum ofa_status start_self_tests(struct app *app, struct ofa_error *err)
{
	struct self_test *t = malloc(sizeof(*t));

	if (!t)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	t->task.run = run_self_tests;
	t->app = app;
	if (workers_submit(app->workers, TASK_PROVISION, &t->task))
		return OFA_OK;
	free(t);
	return ofa_fail(err, OFA_ERR_LIMIT, "--max-queue", "the queue has no room for the self-tests");
}

/* ---- starting ---- */

/* Each HTTP thread has its share of the connections, one of which a watchdog may take. */
static enum ofa_status check_share(const struct app *app, struct ofa_error *err)
{
	unsigned threads = app->settings->http_threads;

	if (app->max_connections / threads >= 2)
		return OFA_OK;
	return ofa_fail(err, OFA_ERR_INVALID, "--max-connections",
			"there are %u connections for %u HTTP threads, and two for each are the least; raise "
			"--max-connections and the limit on open files, or lower --http-threads",
			app->max_connections, threads);
}

/* As many connections as were asked for, or as the limit on open files leaves room for. */
static enum ofa_status settle_connections(struct app *app, struct ofa_error *err)
{
	unsigned long long wanted = app->settings->max_connections;
	struct rlimit files = {.rlim_cur = RLIM_INFINITY};

	app->max_connections = (unsigned)wanted;
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	if (files.rlim_cur == RLIM_INFINITY || files.rlim_cur >= wanted + SPARE_FILES)
		return check_share(app, err);
	if (files.rlim_cur < SPARE_FILES + CONNECTIONS_MIN)
		return ofa_fail(err, OFA_ERR_LIMIT, "RLIMIT_NOFILE",
				"open files are limited to %llu, and %d are the least; raise the limit (LimitNOFILE= "
				"in the unit, or ulimit -n)",
				(unsigned long long)files.rlim_cur, SPARE_FILES + CONNECTIONS_MIN);
	app->max_connections = (unsigned)files.rlim_cur - SPARE_FILES;
	log_message(&app->log, LOG_LEVEL_WARN,
		    "open files are limited to %llu: %u connections instead of %llu; raise the limit (LimitNOFILE= in "
		    "the unit, or ulimit -n) or lower --max-connections",
		    (unsigned long long)files.rlim_cur, app->max_connections, wanted);
	return check_share(app, err);
}

static enum ofa_status start_jobs(struct app *app, struct ofa_error *err)
{
	const struct settings *s = app->settings;
	const struct jobs_options jobs = {
		.max = s->max_jobs, .keep_ms = s->job_seconds * 1e3,
		.deliveries = app->deliveries, .networks = app->networks, .profiles = app->profiles,
		.store = app->store, .workers = app->workers, .log = &app->log, .draining = &app->draining,
	};
	const struct idempotency_options idempotency = {
		.max_bytes = s->cache_bytes / 16,
		.keep_ms = KEY_MS,
		.pending_ms = (s->max_wait_seconds + REQUEST_SECONDS) * 1e3,
		.store = app->store, .workers = app->workers,
	};
	enum ofa_status st = jobs_new(&jobs, &app->jobs, err);

	return st == OFA_OK ? idempotency_new(&idempotency, &app->idempotency, err) : st;
}

static enum ofa_status start_signer(struct app *app, struct ofa_error *err)
{
	const struct settings *s = app->settings;
	char dir[SIGNER_DIR_MAX];
	const struct signer_options options = {
		.dir = dir,
		.required = s->keys != NULL,
		.days = s->signature_days,
		.store = app->store,
		.log = &app->log,
		.cache_bytes = s->cache_bytes / 32,
	};
	enum ofa_status st = signer_dir(s->keys, s->data, dir, err);

	return st == OFA_OK ? signer_new(&options, &app->signer, err) : st;
}

static enum ofa_status open_store(struct app *app, struct ofa_error *err)
{
	const struct settings *s = app->settings;
	const struct store_options options = {.connections = s->store_connections, .log = &app->log};
	char path[STORE_PATH_MAX];
	enum ofa_status st = store_file(s->store, s->data, path, err);

	if (st == OFA_OK)
		st = database_lock(path, &app->database_fd, err);
	return st == OFA_OK ? store_open(s->store, s->data, &options, &app->store, err) : st;
}

static enum ofa_status open_data(struct app *app, struct ofa_error *err)
{
	const struct settings *s = app->settings;
	enum ofa_status st = networks_load(s->networks, s->n_networks, &app->networks, err);

	if (st == OFA_OK)
		st = data_dir_make(s->data, err);
	if (st == OFA_OK)
		st = data_dir_lock(s->data, &app->lock_fd, err);
	if (st == OFA_OK)
		st = open_store(app, err);
	if (st == OFA_OK)
		st = access_start(app, err);
	if (st == OFA_OK)
		st = profiles_new(app->store, s->cache_bytes / 8, &app->profiles, err);
	if (st == OFA_OK)
		st = app_open_packages(app, err);
	if (st == OFA_OK)
		st = exports_new(s->cache_bytes / 10, &app->exports, err);
	return st == OFA_OK ? start_signer(app, err) : st;
}

static enum ofa_status open_audit_log(struct app *app, struct ofa_error *err)
{
	const struct line_file_options options = {
		.what = "audit log",
		.option = "--audit-log",
		.path = app->audit_path,
		.buffer_bytes = AUDIT_BYTES,
		.log = &app->log,
	};
	enum ofa_status st = audit_path(app->settings, app->audit_path, err);

	return st == OFA_OK ? line_file_open(&options, &app->audit_log, err) : st;
}

/* The last of the services: those whom it concerns are there. */
static enum ofa_status start_replicas(struct app *app, struct ofa_error *err)
{
	double patience = (double)app->settings->stale_seconds * 1e3;
	const struct replicas_options options = {
		.store = app->store,
		.log = &app->log,
		.profiles = app->profiles,
		.tokens = app->tokens,
		.calibrations = app->calibrations,
		.deliveries = app->deliveries,
		.jobs = app->jobs,
		.patience_ms = patience > SILENCE_MS ? patience : SILENCE_MS,
	};

	return replicas_new(&options, &app->replicas, err);
}

static enum ofa_status start_services(struct app *app, struct ofa_error *err)
{
	const struct settings *s = app->settings;
	const struct workers_options workers = {
		.threads = s->workers,
		.call_threads = CALL_THREADS,
		.max_queue = s->max_queue,
		.nice = (int)s->worker_nice,
	};
	/* no nicer than the others: a request may come to wait for a front that is being computed */
	const struct workers_options background = {
		.threads = 1,
		.max_queue = s->max_queue,
		.nice = (int)s->worker_nice,
	};
	const struct bindings_options bindings = {
		.cache_bytes = s->cache_bytes / 16,
		.passing_bytes = s->cache_bytes / 64,
		.front_evaluations = (int)s->front_evaluations,
		.cancel = &app->cancel,
		.metrics = app->metrics,
	};
	struct deliveries_options deliveries = {
		.log = &app->log,
		.closing = &app->cancel,
		.search_ms = s->search_seconds * 1e3,
		.keep_fronts = s->front_evaluations > 0,
		.cache_bytes = s->cache_bytes / 16,
	};
	enum ofa_status st = ledger_open(app->networks, app->store, &app->log, &app->ledger, err);

	if (st == OFA_OK)
		st = bindings_new(&bindings, &app->bindings, err);
	if (st == OFA_OK)
		st = samples_new(app->bindings, s->cache_bytes / 32, &app->cancel, &app->samples, err);
	if (st == OFA_OK)
		st = workers_new(&workers, &app->workers, err);
	if (st == OFA_OK)
		st = app_keep_packages(app, err);
	if (st == OFA_OK)
		st = workers_new(&background, &app->background, err);
	if (st == OFA_OK)
		st = app_start_fetchers(app, err);
	if (st == OFA_OK)
		st = calibrations_new(app->store, app->workers, s->cache_bytes / 128, &app->calibrations, err);
	if (st != OFA_OK)
		return st;
	/* a connection waits for one thing at a time; deliveries have one for all who wait */
	st = timers_new(s->max_connections + 1, &app->timers, err);
	if (st != OFA_OK)
		return st;
	deliveries.timers = app->timers;
	deliveries.max_parked = s->max_queue;
	deliveries.metrics = app->metrics;
	deliveries.workers = app->workers;
	deliveries.lookers = app->fetchers ? app->fetchers : app->workers;
	deliveries.background = app->background;
	deliveries.packages = app->packages;
	deliveries.keeper = app->keeper;
	deliveries.rebuilds = &app->rebuilds;
	deliveries.store = app->store;
	deliveries.bindings = app->bindings;
	st = deliveries_new(&deliveries, &app->deliveries, err);
	if (st == OFA_OK)
		st = question_memo_new(&app->memo, err);
	if (st == OFA_OK)
		st = start_jobs(app, err);
	return st == OFA_OK ? start_replicas(app, err) : st;
}

static enum ofa_status write_port(const char *path, unsigned port, struct ofa_error *err)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%u\n", port);

	return path && port ? ofa_file_write_atomic(path, text, (size_t)n, err) : OFA_OK;
}

static enum ofa_status open_listeners(struct app *app, struct ofa_error *err)
{
	const struct settings *s = app->settings;
	enum ofa_status st = listener_open("http", "--listen", s->listen, false, &app->listener, err);

	return st ? st : listener_open("admin", "--admin-listen", s->admin_listen, true, &app->admin_listener, err);
}

/* Before a sandbox forbids it.  Who reads them can connect at once, and waits until requests are taken.  The main
 * listener's comes last: where it is, the other one is. */
static enum ofa_status write_ports(struct app *app, struct ofa_error *err)
{
	const struct settings *s = app->settings;
	enum ofa_status st = write_port(s->admin_port_file, app->admin_listener.port, err);

	return st ? st : write_port(s->port_file, app->listener.port, err);
}

/* Those that no server took. */
static void close_listeners(struct app *app)
{
	if (app->listener.fd >= 0 && !app->server)
		close(app->listener.fd);
	if (app->admin_listener.fd >= 0 && !app->admin)
		close(app->admin_listener.fd);
	listener_forget(&app->listener);
	listener_forget(&app->admin_listener);
}

static enum ofa_status start_main(struct app *app, struct ofa_error *err)
{
	const struct settings *s = app->settings;
	const struct http_server_options options = {
		.name = "main",
		.listen_fd = app->listener.fd,
		.listen_shared = app->listener.inherited,
		.tls = app->tls,
		.proxies = &app->proxies,
		.routes = api_routes,
		.n_routes = n_api_routes,
		.threads = s->http_threads,
		.max_connections = app->max_connections,
		.max_connections_per_address = s->max_connections_per_address,
		.max_body_bytes = BODY_BYTES_MAX,
		.app = app,
		.log = &app->log,
		.admit = admit,
		.fault = problem_reply_fault,
		.offload = offload,
		.worked = worked,
		.completed = complete,
	};

	return http_server_start(&options, &app->server, err);
}

/* Apart in everything that the other one can run out of: thread, connections, workers. */
static enum ofa_status start_admin(struct app *app, struct ofa_error *err)
{
	const struct http_server_options options = {
		.name = "admin",
		.listen_fd = app->admin_listener.fd,
		.listen_shared = app->admin_listener.inherited,
		.routes = admin_routes,
		.n_routes = n_admin_routes,
		.threads = 1,
		.max_connections = ADMIN_CONNECTIONS,
		.max_connections_per_address = ADMIN_CONNECTIONS,
		.app = app,
		.log = &app->log,
		.fault = problem_reply_fault,
		.offload = offload,
		.completed = complete_probe,
	};

	return app->admin_listener.fd < 0 ? OFA_OK : http_server_start(&options, &app->admin, err);
}

/* In the reverse order of starting; what was not started is NULL. */
static void free_services(struct app *app)
{
	/* stopped before the HTTP server, which may not stop while a call is suspended, and freed after it,
	 * as calls may still come that look for a worker */
	workers_stop(app->fetchers); /* which submit to the next ones */
	workers_stop(app->workers);
	workers_stop(app->background);
	jobs_stop(app->jobs);
	if (app->server)
		http_server_stop(app->server);
	if (app->admin)
		http_server_stop(app->admin);
	close_listeners(app);
	replicas_free(app->replicas);
	workers_free(app->fetchers);
	workers_free(app->workers);
	workers_free(app->background);
	question_memo_free(app->memo);
	timers_free(app->timers);
	jobs_free(app->jobs);
	idempotency_free(app->idempotency);
	deliveries_free(app->deliveries);
	signer_free(app->signer);
	samples_free(app->samples);
	bindings_free(app->bindings);
	exports_free(app->exports);
	app_close_packages(app);
	calibrations_free(app->calibrations);
	profiles_free(app->profiles);
	access_stop(app);
	ledger_close(app->ledger);
	store_close(app->store);
	if (app->database_fd >= 0)
		close(app->database_fd);
	if (app->lock_fd >= 0)
		close(app->lock_fd);
	networks_free(app->networks);
	line_file_close(app->access_log);
	line_file_close(app->audit_log);
	metrics_free(app->metrics);
}

static enum ofa_status open_access_log(struct app *app, struct ofa_error *err)
{
	const struct line_file_options options = {
		.what = "access log",
		.option = "--access-log",
		.path = app->settings->access_log,
		.buffer_bytes = ACCESS_LOG_BYTES,
		.log = &app->log,
	};

	return line_file_open(&options, &app->access_log, err);
}

static enum ofa_status start_metrics(struct app *app, struct ofa_error *err)
{
	enum ofa_status st = metrics_new(&app->metrics, err);

	if (st != OFA_OK)
		return st;
	request_metrics_init(&app->requests, app->metrics);
	st = request_metrics_listener(&app->requests, "main", api_routes, n_api_routes, err);
	if (st == OFA_OK)
		st = request_metrics_listener(&app->requests, "admin", admin_routes, n_admin_routes, err);
	return st;
}

enum ofa_status app_start(struct app *app, const struct settings *settings, struct ofa_error *err)
{
	enum ofa_status st;

	memset(app, 0, sizeof(*app));
	app->settings = settings;
	app->listener.fd = app->admin_listener.fd = app->lock_fd = app->database_fd = -1;
	app->log = (struct log){.level = settings->log_level, .fd = STDERR_FILENO};
	app->started_at = (double)time(NULL);
	st = settle_connections(app, err);
	if (st == OFA_OK)
		st = start_metrics(app, err);
	if (st == OFA_OK)
		st = open_listeners(app, err);
	if (st == OFA_OK)
		st = open_data(app, err);
	if (st == OFA_OK)
		st = write_ports(app, err);
	/* all is open, and the threads to come inherit it */
	if (st == OFA_OK)
		st = sandbox_enter(settings, &app->log, err);
	if (st == OFA_OK)
		st = app_check_packages(app, err);
	if (st == OFA_OK)
		st = open_access_log(app, err);
	if (st == OFA_OK)
		st = open_audit_log(app, err);
	if (st == OFA_OK)
		st = start_services(app, err);
	if (st == OFA_OK)
		st = start_self_tests(app, err);
	if (st == OFA_OK)
		st = start_main(app, err);
	if (st == OFA_OK)
		st = start_admin(app, err);
	if (st != OFA_OK)
		free_services(app);
	return st;
}

/* ---- reloading ---- */

void app_reload(struct app *app)
{
	struct ofa_error err = {0};

	line_file_reopen(app->access_log);
	line_file_reopen(app->audit_log);
	if (signer_reload(app->signer, &err) != OFA_OK)
		log_message(&app->log, LOG_LEVEL_ERROR, "the signing keys stay as they were: %s", err.message);
	access_reload(app);
	log_message(&app->log, LOG_LEVEL_INFO, "reloaded");
}

/* ---- stopping ---- */

static void wait_until_idle(struct app *app, double deadline_ms)
{
	const struct timespec pause = {.tv_nsec = DRAIN_POLL_MS * 1000000L};

	while (http_server_active(app->server) > 0 && clock_ms() < deadline_ms)
		nanosleep(&pause, NULL);
}

void app_stop(struct app *app)
{
	double drain_ms = app->settings->drain_seconds * 1e3;

	atomic_store(&app->draining, true);
	http_server_quiesce(app->server);
	jobs_release(app->jobs);
	wait_until_idle(app, clock_ms() + drain_ms);
	if (http_server_active(app->server) > 0)
		log_message(&app->log, LOG_LEVEL_WARN, "%u requests are cut short", http_server_active(app->server));
	/* searches that are left end at their next generation */
	atomic_store(&app->cancel, true);
	deliveries_close(app->deliveries);
	workers_stop(app->fetchers);
	workers_stop(app->workers);
	wait_until_idle(app, clock_ms() + FAREWELL_MS);
	free_services(app);
}
