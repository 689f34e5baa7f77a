/* GET /metrics.  It runs in an HTTP thread on purpose: it must answer when no worker is free. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include "api/problem.h"
#include "api/resources.h"
#include "metrics/process.h"
#include "metrics/text.h"
#include "tensor/gemm.h"

/* Some hundred series; what is never called is not listed. */
#define TEXT_MAX ((size_t)4 << 20)

/* Lists of labels end with a member whose name is NULL. */
#define LABELS(...) ((const struct metrics_label[]){__VA_ARGS__, {NULL, NULL}})

/* ---- the daemon itself ---- */

static void add_build(struct metrics_text *t, const struct app *app)
{
	char threads[16];

	snprintf(threads, sizeof(threads), "%d", ofa_blas_threads());
	metrics_text_family(t, "ofad_build_info", "gauge", "Version and compiler of the daemon.");
	metrics_text_sample(t, LABELS({"version", OFAD_VERSION}, {"compiler", __VERSION__}), 1);
	metrics_text_family(t, "ofad_blas_info", "gauge", "Kernels that OpenBLAS chose and its threads per caller.");
	metrics_text_sample(t, LABELS({"core", ofa_blas_core_name()}, {"threads", threads}), 1);
	metrics_text_single(t, "ofad_draining", "gauge", "1 while the daemon ends its work and begins none.",
			    atomic_load(&app->draining));
}

static void add_networks(struct metrics_text *t, struct app *app)
{
	static const char *const names[] = {
		[NETWORK_UNTESTED] = "testing",
		[NETWORK_READY] = "ready",
		[NETWORK_FAILED] = "failed",
	};

	metrics_text_family(t, "ofad_network_state", "gauge", "1 for the state of each network's self-test.");
	for (size_t i = 0; i < app->networks->n; i++)
		for (size_t s = 0; s < OFA_ARRAY_LEN(names); s++)
			metrics_text_sample(
				t, LABELS({"network", app->networks->list[i].net->name}, {"state", names[s]}),
				(size_t)atomic_load(&app->networks->list[i].state) == s);
}

static void add_line_files(struct metrics_text *t, struct app *app)
{
	struct line_file_stats s;

	line_file_stats(app->access_log, &s);
	metrics_text_single(t, "ofad_access_log_lines_total", "counter", "Lines that were written to the access log.",
			    (double)s.lines);
	metrics_text_single(t, "ofad_access_log_dropped_lines_total", "counter",
			    "Lines that found no room or could not be written.", (double)s.dropped);
	line_file_stats(app->audit_log, &s);
	metrics_text_single(t, "ofad_audit_log_lines_total", "counter", "Lines that were written to the audit log.",
			    (double)s.lines);
	metrics_text_single(t, "ofad_audit_log_dropped_lines_total", "counter",
			    "Lines that found no room or could not be written.", (double)s.dropped);
}

/* Of a database that several servers share. */
static void add_replicas(struct metrics_text *t, struct app *app)
{
	struct replicas_view v;

	if (!replicas_view(app->replicas, &v))
		return;
	metrics_text_single(t, "ofad_store_reachable", "gauge", "1 while the shared database is in reach.",
			    v.reachable);
	metrics_text_single(t, "ofad_store_silence_seconds", "gauge", "Since the shared database answered last.",
			    v.silence_ms * 1e-3);
	metrics_text_single(t, "ofad_store_losses_total", "counter", "How often contact with it was lost.",
			    (double)v.losses);
	metrics_text_family(t, "ofad_store_notifications_total", "counter",
			    "What replicas, this one included, told each other.");
	for (int i = 0; i < STORE_TOPIC_COUNT; i++)
		metrics_text_sample(t, LABELS({"topic", store_topic_name((enum store_topic)i)}), (double)v.heard[i]);
}

static void add_process(struct metrics_text *t, const struct app *app)
{
	struct process_reading p;

	process_read(&p);
	metrics_text_single(t, "process_cpu_seconds_total", "counter", "User and system processor time.",
			    p.cpu_seconds);
	metrics_text_single(t, "process_open_fds", "gauge", "Open file descriptors.", p.open_fds);
	metrics_text_single(t, "process_max_fds", "gauge", "Most file descriptors that may be open.", p.max_fds);
	metrics_text_single(t, "process_resident_memory_bytes", "gauge", "Resident memory.", p.resident_bytes);
	metrics_text_single(t, "process_virtual_memory_bytes", "gauge", "Virtual memory.", p.virtual_bytes);
	metrics_text_single(t, "process_threads", "gauge", "Threads.", p.threads);
	metrics_text_single(t, "process_start_time_seconds", "gauge", "When the daemon started, seconds since 1970.",
			    app->started_at);
}

/* ---- HTTP ---- */

static void add_listeners(struct metrics_text *t, struct app *app)
{
	struct http_server *const servers[] = {app->server, app->admin};
	struct http_server_stats s[OFA_ARRAY_LEN(servers)];
	struct metrics_label labels[OFA_ARRAY_LEN(servers)][2] = {{{NULL, NULL}}};
	size_t n = 0;

	for (size_t i = 0; i < OFA_ARRAY_LEN(servers); i++) {
		if (!servers[i])
			continue;
		labels[n][0] = (struct metrics_label){"listener", http_server_name(servers[i])};
		http_server_stats(servers[i], &s[n++]);
	}
	metrics_text_family(t, "ofad_http_requests_in_flight", "gauge", "Requests that have begun and are unanswered.");
	for (size_t i = 0; i < n; i++)
		metrics_text_sample(t, labels[i], s[i].active);
	metrics_text_family(t, "ofad_http_connections", "gauge", "Open connections.");
	for (size_t i = 0; i < n; i++)
		metrics_text_sample(t, labels[i], s[i].connections);
	metrics_text_family(t, "ofad_http_connections_max", "gauge", "Connections that may be open.");
	for (size_t i = 0; i < n; i++)
		metrics_text_sample(t, labels[i], s[i].max_connections);
	metrics_text_family(t, "ofad_http_connections_total", "counter", "Connections that were accepted.");
	for (size_t i = 0; i < n; i++)
		metrics_text_sample(t, labels[i], (double)s[i].accepted);
}

/* Only endpoints that were called: most routes of a daemon see no HEAD. */
static void add_requests(struct metrics_text *t, const struct metrics *m)
{
	const struct metrics_endpoint *e;
	struct metrics_histogram_reading h;
	uint64_t classes[METRICS_CLASSES];

	metrics_text_family(t, "ofad_http_requests_total", "counter",
			    "Requests by route, method and class of the status; none: no answer was sent.");
	for (unsigned i = 0; (e = metrics_read_endpoint(m, i, classes, &h)); i++)
		for (int c = 0; c < METRICS_CLASSES; c++)
			if (classes[c])
				metrics_text_sample(t,
						    LABELS({"listener", e->listener}, {"route", e->route},
							   {"method", e->method}, {"status", metrics_class_names[c]}),
						    (double)classes[c]);
	metrics_text_family(t, "ofad_http_request_duration_seconds", "histogram",
			    "From the first line of a request to the last byte of its answer.");
	for (unsigned i = 0; (e = metrics_read_endpoint(m, i, classes, &h)); i++)
		if (h.count)
			metrics_text_histogram(
				t,
				LABELS({"listener", e->listener}, {"route", e->route}, {"method", e->method}), &h);
}

static void add_problems(struct metrics_text *t, const struct metrics *m)
{
	metrics_text_family(t, "ofad_problems_total", "counter", "Refusals by type of problem.");
	for (unsigned p = 0; p < PROBLEM_COUNT; p++)
		metrics_text_sample(t, LABELS({"problem", problem_entry((enum problem)p)->slug}),
				    (double)metrics_read_problem(m, p));
}

/* ---- work ---- */

static void add_workers(struct metrics_text *t, struct app *app)
{
	struct {
		const char *name;
		struct workers *workers;
		struct workers_stats stats;
	} pools[] = {{.name = "requests", .workers = app->workers},
		     {.name = "background", .workers = app->background},
		     {.name = "fetches", .workers = app->fetchers}};
	const size_t n = OFA_ARRAY_LEN(pools) - !app->fetchers;

	for (size_t p = 0; p < n; p++)
		workers_stats(pools[p].workers, &pools[p].stats);
	metrics_text_family(t, "ofad_workers", "gauge", "Worker threads.");
	for (size_t p = 0; p < n; p++)
		metrics_text_sample(t, LABELS({"pool", pools[p].name}), pools[p].stats.threads);
	metrics_text_family(t, "ofad_queue_capacity", "gauge", "Tasks of each class that may wait.");
	for (size_t p = 0; p < n; p++)
		metrics_text_sample(t, LABELS({"pool", pools[p].name}), pools[p].stats.max_queue);
	metrics_text_family(t, "ofad_queue_length", "gauge", "Tasks that wait for a worker.");
	for (size_t p = 0; p < n; p++)
		for (int c = 0; c < TASK_CLASS_COUNT; c++)
			metrics_text_sample(
				t, LABELS({"pool", pools[p].name}, {"class", task_class_name((enum task_class)c)}),
				pools[p].stats.of[c].queued);
	metrics_text_family(t, "ofad_workers_busy", "gauge", "Worker threads that run a task.");
	for (size_t p = 0; p < n; p++)
		for (int c = 0; c < TASK_CLASS_COUNT; c++)
			metrics_text_sample(
				t, LABELS({"pool", pools[p].name}, {"class", task_class_name((enum task_class)c)}),
				pools[p].stats.of[c].running);
}

static void add_jobs(struct metrics_text *t, struct app *app)
{
	unsigned n[JOB_STATE_COUNT];

	jobs_count(app->jobs, n);
	metrics_text_family(t, "ofad_jobs", "gauge", "Jobs that are remembered, by state.");
	for (int s = 0; s < JOB_STATE_COUNT; s++)
		metrics_text_sample(t, LABELS({"state", job_state_name((enum job_state)s)}), n[s]);
}

/* Of the profiles that were calibrated last; nothing is computed for it. */
static void add_calibrations(struct metrics_text *t, struct app *app)
{
	static const struct {
		const char *family, *help;
		size_t offset;
	} gauges[] = {
		{"ofad_calibration_scale", "By what a profile's predictions are multiplied.",
		 offsetof(struct calibration_gauge, scale)},
		{"ofad_calibration_offset_milliseconds", "What is added to them then.",
		 offsetof(struct calibration_gauge, offset_ms)},
		{"ofad_calibration_error_before_ratio", "Mean error of the predictions, of what was measured.",
		 offsetof(struct calibration_gauge, error_before)},
		{"ofad_calibration_error_after_ratio", "The same once they are calibrated.",
		 offsetof(struct calibration_gauge, error_after)},
	};
	struct calibration_gauge list[CALIBRATION_GAUGES_MAX];
	size_t n = calibration_gauges_read(calibrations_gauges(app->calibrations), list);

	for (size_t g = 0; g < OFA_ARRAY_LEN(gauges); g++) {
		metrics_text_family(t, gauges[g].family, "gauge", gauges[g].help);
		for (size_t i = 0; i < n; i++)
			metrics_text_sample(t, LABELS({"profile", list[i].profile}),
					    *(const double *)(void *)((char *)&list[i] + gauges[g].offset));
	}
	metrics_text_family(t, "ofad_calibration_points", "gauge", "Packages whose measurements it rests on.");
	for (size_t i = 0; i < n; i++)
		metrics_text_sample(t, LABELS({"profile", list[i].profile}), (double)list[i].points);
}

static void add_signing(struct metrics_text *t, struct app *app)
{
	metrics_text_single(t, "ofad_signing", "gauge", "1 where deliveries are signed.", signer_active(app->signer));
}

static void add_packages(struct metrics_text *t, struct app *app)
{
	struct store_package_totals totals;

	package_keeper_totals(app->keeper, &totals);
	metrics_text_single(t, "ofad_packages_stored", "gauge", "Packages that are kept, as this server last saw.",
			    (double)totals.n);
	metrics_text_single(t, "ofad_packages_stored_bytes", "gauge", "What they take.", (double)totals.bytes);
	metrics_text_single(t, "ofad_packages_max_bytes", "gauge", "What they may take; 0: any number.",
			    (double)app->settings->packages_bytes);
}

static void add_caches(struct metrics_text *t, struct app *app)
{
	const struct {
		const char *name;
		struct lru *lru;
	} caches[] = {
		{"packages", packages_cache(app->packages)},
		{"exports", exports_cache(app->exports)},
		{"answers", deliveries_cache(app->deliveries)},
		{"profiles", profiles_cache(app->profiles)},
		{"bindings", bindings_kept(app->bindings)},
		{"passing_bindings", bindings_passing(app->bindings)},
		{"samples", samples_cache(app->samples)},
	};

	metrics_text_family(t, "ofad_cache_bytes", "gauge", "What each cache holds.");
	for (size_t i = 0; i < OFA_ARRAY_LEN(caches); i++)
		metrics_text_sample(t, LABELS({"cache", caches[i].name}), (double)lru_bytes(caches[i].lru));
	metrics_text_family(t, "ofad_cache_max_bytes", "gauge", "What each cache may hold.");
	for (size_t i = 0; i < OFA_ARRAY_LEN(caches); i++)
		metrics_text_sample(t, LABELS({"cache", caches[i].name}), (double)lru_max_bytes(caches[i].lru));
	metrics_text_single(t, "ofad_fronts", "gauge", "Pareto fronts in memory.",
			    (double)metrics_read(app->metrics, METRICS_FRONTS_COMPUTED) -
				    (double)metrics_read(app->metrics, METRICS_FRONTS_DROPPED));
}

/* ---- what is counted where it happens ---- */

static void add_counters(struct metrics_text *t, const struct metrics *m)
{
	const char *family = NULL;

	for (int c = 0; c < METRICS_COUNTER_COUNT; c++) {
		const struct metrics_about *about = metrics_counter_about((enum metrics_counter)c);

		if (!family || strcmp(about->family, family) != 0)
			metrics_text_family(t, about->family, "counter", about->help);
		family = about->family;
		metrics_text_sample(t, LABELS({about->label, about->value}),
				    (double)metrics_read(m, (enum metrics_counter)c));
	}
}

static void add_histograms(struct metrics_text *t, const struct metrics *m)
{
	for (int i = 0; i < METRICS_HISTOGRAM_COUNT; i++) {
		const struct metrics_about *about = metrics_histogram_about((enum metrics_histogram)i);
		struct metrics_histogram_reading h;

		metrics_text_family(t, about->family, "histogram", about->help);
		metrics_read_histogram(m, (enum metrics_histogram)i, &h);
		metrics_text_histogram(t, NULL, &h);
	}
}

enum http_next metrics_get(struct app *app, struct http_call *call)
{
	struct metrics_text t;
	struct ofa_buf buf;

	ofa_buf_init(&buf, TEXT_MAX);
	metrics_text_init(&t, &buf);
	add_build(&t, app);
	add_networks(&t, app);
	add_listeners(&t, app);
	add_requests(&t, app->metrics);
	add_problems(&t, app->metrics);
	add_workers(&t, app);
	add_jobs(&t, app);
	add_signing(&t, app);
	add_calibrations(&t, app);
	add_packages(&t, app);
	add_caches(&t, app);
	add_counters(&t, app->metrics);
	add_histograms(&t, app->metrics);
	add_replicas(&t, app);
	add_line_files(&t, app);
	add_process(&t, app);
	call->reply.volatile_content = true;
	if (t.status == OFA_OK) {
		http_reply_buf(&call->reply, 200, METRICS_TEXT_TYPE, &buf);
		http_reply_header(&call->reply, "Cache-Control", "no-store");
	} else {
		problem_reply(call, PROBLEM_OVERLOAD, NULL, "there is no memory for the metrics");
	}
	ofa_buf_release(&buf);
	return HTTP_REPLY;
}
