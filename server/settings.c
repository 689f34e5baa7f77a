#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/pool.h"
#include "search/front.h"
#include "settings_table.h"
#include "sign/signer.h"
#include "store/location.h"
#include "store/store.h"

#define MEMBER(m) offsetof(struct settings, m)
#define TEXT_OF(macro) TEXT_OF_(macro)
#define TEXT_OF_(text) #text

static const char *const sandbox_modes[] = {"auto", "on", "off", NULL};                   /* as in enum sandbox_mode */
static const char *const log_levels[] = {"error", "warn", "info", "debug", NULL}; /* as in enum log_level */

/* clang-format off */
const struct option settings_options[] = {
	{ .section = "What is served",
	  .name = "network", .argument = "FILE...", .kind = OPTION_PATHS,
	  .help = "network files to serve; may be repeated; the first is the default" },
	{ .name = "data", .argument = "DIR", .initial = "ofad-data", .kind = OPTION_TEXT, .offset = MEMBER(data),
	  .reopened = REOPENED_WRITE_DIR,
	  .help = "where profiles, deliveries, packages and tokens are kept" },

	{ .section = "What is kept, and where",
	  .name = "store", .argument = "URL", .kind = OPTION_TEXT, .offset = MEMBER(store),
	  .reopened = REOPENED_WRITE_URL, .shown = store_url_shown,
	  .help = "profiles, deliveries, tokens: sqlite:FILE, or postgresql://HOST/NAME for several servers together "
		  "(sqlite:ofad.db in the data directory)" },
	{ .name = "store-connections", .argument = "N", .initial = "8",
	  .kind = OPTION_COUNT, .offset = MEMBER(store_connections), .min = 1, .max = STORE_CONNECTIONS_MAX,
	  .help = "connections to PostgreSQL, beside two for what servers tell each other" },
	{ .name = "packages", .argument = "URL", .kind = OPTION_TEXT, .offset = MEMBER(packages),
	  .reopened = REOPENED_WRITE_URL,
	  .help = "packages: dir:PATH, postgresql (in the store's database), or s3://BUCKET/PREFIX "
		  "(dir:packages in the data directory)" },
	{ .name = "packages-bytes", .argument = "N", .initial = "16G",
	  .kind = OPTION_BYTES, .offset = MEMBER(packages_bytes),
	  .help = "of packages that are kept, after which those go that were not asked for longest; 0 is any number" },
	{ .name = "packages-days", .argument = "N", .initial = "90",
	  .kind = OPTION_COUNT, .offset = MEMBER(packages_days), .max = 36500,
	  .help = "for which a package is kept that nobody asks for; 0 is for ever" },
	{ .name = "stale-seconds", .argument = "N", .initial = "5",
	  .kind = OPTION_COUNT, .offset = MEMBER(stale_seconds), .max = 3600,
	  .help = "how long known tokens hold while PostgreSQL cannot be reached" },

	{ .section = "Where",
	  .name = "listen", .argument = "HOST:PORT", .initial = "127.0.0.1:8080",
	  .kind = OPTION_TEXT, .offset = MEMBER(listen),
	  .help = "address to listen on; port 0 picks a free one" },
	{ .name = "port-file", .argument = "FILE", .kind = OPTION_TEXT, .offset = MEMBER(port_file),
	  .help = "write the port number to FILE once it is known" },
	{ .name = "admin-listen", .argument = "ADDRESS", .kind = OPTION_TEXT, .offset = MEMBER(admin_listen),
	  .help = "HOST:PORT or unix:PATH for probes and metrics, answered when the other is full" },
	{ .name = "admin-port-file", .argument = "FILE", .kind = OPTION_TEXT, .offset = MEMBER(admin_port_file),
	  .help = "write its port number to FILE" },

	{ .section = "For whom",
	  .name = "allow-anonymous", .kind = OPTION_FLAG, .offset = MEMBER(allow_anonymous),
	  .help = "as long as there are no tokens, serve anybody on any address" },
	{ .name = "tls-cert", .argument = "FILE", .kind = OPTION_TEXT, .offset = MEMBER(tls_cert),
	  .reopened = REOPENED_READ,
	  .help = "speak HTTPS with this chain of certificates (PEM), read again at SIGHUP" },
	{ .name = "tls-key", .argument = "FILE", .kind = OPTION_TEXT, .offset = MEMBER(tls_key),
	  .reopened = REOPENED_READ,
	  .help = "its key (PEM)" },
	{ .name = "tls-client-ca", .argument = "FILE", .kind = OPTION_TEXT, .offset = MEMBER(tls_client_ca),
	  .reopened = REOPENED_READ,
	  .help = "ask clients for certificates that these authorities (PEM) signed" },
	{ .name = "tls-client-scopes", .argument = "SCOPES", .initial = "provision",
	  .kind = OPTION_TEXT, .offset = MEMBER(tls_client_scopes),
	  .help = "what a client with a certificate may do, as for ofad token" },
	{ .name = "tls-client-required", .kind = OPTION_FLAG, .offset = MEMBER(tls_client_required),
	  .help = "serve nobody without a certificate" },
	{ .name = "rate-per-address", .argument = "N", .initial = "200",
	  .kind = OPTION_COUNT, .offset = MEMBER(rate_per_address), .max = 1000000,
	  .help = "requests a second that one address may make; 0 is any number" },
	{ .name = "burst-per-address", .argument = "N", .initial = "2000",
	  .kind = OPTION_COUNT, .offset = MEMBER(burst_per_address), .min = 1, .max = 1000000,
	  .help = "requests that it may make at once after a rest" },
	{ .name = "rate-per-token", .argument = "N", .initial = "0",
	  .kind = OPTION_COUNT, .offset = MEMBER(rate_per_token), .max = 1000000,
	  .help = "the same for each token, which may be a whole fleet's; 0 is any number" },
	{ .name = "burst-per-token", .argument = "N", .initial = "2000",
	  .kind = OPTION_COUNT, .offset = MEMBER(burst_per_token), .min = 1, .max = 1000000,
	  .help = "requests that may be made with it at once" },
	{ .name = "trust-proxy", .argument = "ADDRESS[/BITS],...",
	  .kind = OPTION_TEXT, .offset = MEMBER(trust_proxy),
	  .help = "proxies whose X-Forwarded-For says who the client is" },
	{ .name = "limit-loopback", .kind = OPTION_FLAG, .offset = MEMBER(limit_loopback),
	  .help = "limit addresses of this machine too" },
	{ .name = "sandbox", .argument = "MODE", .initial = "auto",
	  .kind = OPTION_CHOICE, .offset = MEMBER(sandbox), .choices = sandbox_modes,
	  .help = "deny itself other files and calls: auto (what the kernel has), on (all) or off" },

	{ .section = "What is signed",
	  .name = "keys", .argument = "DIR", .kind = OPTION_TEXT, .offset = MEMBER(keys),
	  .reopened = REOPENED_READ_DIR,
	  .help = "keys that sign deliveries, made by `ofad keygen` (keys in the data directory, if any)" },
	{ .name = "signature-days", .argument = "N", .initial = "30",
	  .kind = OPTION_COUNT, .offset = MEMBER(signature_days), .min = 1, .max = SIGNATURE_DAYS_MAX,
	  .help = "for which a signature holds; it is renewed when half of them are over" },

	{ .section = "How much",
	  .name = "workers", .argument = "N", .kind = OPTION_COUNT, .offset = MEMBER(workers), .min = 1, .max = 1024,
	  .help = "threads that search and pack (one per processor)" },
	{ .name = "worker-nice", .argument = "N", .initial = "10",
	  .kind = OPTION_COUNT, .offset = MEMBER(worker_nice), .min = 0, .max = 19,
	  .help = "how far they give way to the others, 0 to 19" },
	{ .name = "http-threads", .argument = "N",
	  .kind = OPTION_COUNT, .offset = MEMBER(http_threads), .min = 1, .max = 1024,
	  .help = "threads that speak HTTP (half as many)" },
	{ .name = "max-queue", .argument = "N", .initial = "256",
	  .kind = OPTION_COUNT, .offset = MEMBER(max_queue), .min = 1, .max = 1000000,
	  .help = "requests of a class that may wait for a worker before 503 is answered" },
	{ .name = "max-wait-seconds", .argument = "N", .initial = "60",
	  .kind = OPTION_COUNT, .offset = MEMBER(max_wait_seconds), .max = 3600,
	  .help = "how long a request waits for its subnet before it is told of a job" },
	{ .name = "search-seconds", .argument = "N", .initial = "300",
	  .kind = OPTION_COUNT, .offset = MEMBER(search_seconds), .min = 1, .max = 86400,
	  .help = "how long a search may take, its time in the queue included" },
	{ .name = "max-jobs", .argument = "N", .initial = "16384",
	  .kind = OPTION_COUNT, .offset = MEMBER(max_jobs), .min = 1, .max = 1000000,
	  .help = "jobs, under way and over, that are remembered" },
	{ .name = "job-seconds", .argument = "N", .initial = "600",
	  .kind = OPTION_COUNT, .offset = MEMBER(job_seconds), .max = 86400,
	  .help = "how long a job that is over is remembered" },
	{ .name = "event-ms", .argument = "N", .initial = "1000",
	  .kind = OPTION_COUNT, .offset = MEMBER(event_ms), .min = 10, .max = 60000,
	  .help = "time between two events that tell of a job's progress" },
	{ .name = "ping-seconds", .argument = "N", .initial = "15",
	  .kind = OPTION_COUNT, .offset = MEMBER(ping_seconds), .min = 1, .max = 3600,
	  .help = "after so much silence a stream of events says that it is alive" },
	{ .name = "front-evaluations", .argument = "N", .initial = TEXT_OF(OFA_FRONT_KEPT_EVALUATIONS),
	  .kind = OPTION_COUNT, .offset = MEMBER(front_evaluations), .max = OFA_SEARCH_MAX_EVALUATIONS,
	  .help = "effort for the front kept for each profile; 0 keeps none" },
	{ .name = "cache-bytes", .argument = "N", .initial = "256M",
	  .kind = OPTION_BYTES, .offset = MEMBER(cache_bytes),
	  .help = "memory for packages, exports, answers and profiles; K, M or G may follow" },
	{ .name = "max-connections", .argument = "N", .initial = "4096",
	  .kind = OPTION_COUNT, .offset = MEMBER(max_connections), .min = 8, .max = 1000000,
	  .help = "open connections" },
	{ .name = "max-connections-per-address", .argument = "N", .initial = "1024",
	  .kind = OPTION_COUNT, .offset = MEMBER(max_connections_per_address), .min = 1, .max = 1000000,
	  .help = "of them, from one address" },
	{ .name = "drain-seconds", .argument = "N", .initial = "20",
	  .kind = OPTION_COUNT, .offset = MEMBER(drain_seconds), .max = 3600,
	  .help = "how long SIGTERM waits for work under way" },

	{ .section = "What is said",
	  .name = "log-level", .argument = "LEVEL", .initial = "info",
	  .kind = OPTION_CHOICE, .offset = MEMBER(log_level), .choices = log_levels,
	  .help = "error, warn, info or debug" },
	{ .name = "access-log", .argument = "FILE", .initial = "-",
	  .kind = OPTION_TEXT, .offset = MEMBER(access_log), .reopened = REOPENED_APPEND,
	  .help = "one JSON line for each request; - is standard error, off is none" },
	{ .name = "audit-log", .argument = "FILE",
	  .kind = OPTION_TEXT, .offset = MEMBER(audit_log), .reopened = REOPENED_APPEND,
	  .help = "who wrote or took what (audit.jsonl in the data directory); off is none" },

	{ .name = "watts-per-core", .argument = "W", .initial = "12",
	  .kind = OPTION_REAL, .offset = MEMBER(watts_per_core), .max = 1000,
	  .help = "what a busy core draws, for GET /ledger" },
	{ .name = "pue", .argument = "X", .initial = "1.58",
	  .kind = OPTION_REAL, .offset = MEMBER(pue), .min = 1, .max = 10,
	  .help = "by how much cooling and conversion multiply it" },
	{ .name = "kg-co2-per-kwh", .argument = "KG", .initial = "0.433",
	  .kind = OPTION_REAL, .offset = MEMBER(kg_co2_per_kwh), .max = 10,
	  .help = "what the electricity emits" },

	{ .section = "On the command line alone",
	  .name = "config", .argument = "FILE", .kind = OPTION_TEXT, .offset = MEMBER(config), .argument_only = true,
	  .help = "read options from FILE, in YAML; --print-config shows how" },
	{ .name = "check-config", .kind = OPTION_FLAG, .offset = MEMBER(check_config), .argument_only = true,
	  .help = "say what would be used and whether it would do, and end" },
	{ .name = "print-config", .kind = OPTION_FLAG, .offset = MEMBER(print_config), .argument_only = true,
	  .help = "print a configuration file with all options and end" },
	{ .name = "version", .kind = OPTION_FLAG, .offset = MEMBER(version), .argument_only = true,
	  .help = "print the version and end" },
	{ .name = "help", .kind = OPTION_FLAG, .offset = MEMBER(help), .argument_only = true,
	  .help = "print this and end" },
};
/* clang-format on */

const size_t n_settings_options = OFA_ARRAY_LEN(settings_options);

_Static_assert(OFA_ARRAY_LEN(settings_options) <= SETTINGS_OPTIONS_MAX, "an origin for each option");

static enum ofa_status set_defaults(struct settings *s, struct ofa_error *err)
{
	static const struct settings_origin origin = {.source = SETTINGS_DEFAULT};
	unsigned cpus = ofa_cpu_count();
	enum ofa_status st = OFA_OK;

	*s = (struct settings){
		.workers = cpus,
		.http_threads = cpus > 3 ? cpus / 2 : 1,
	};
	for (size_t i = 0; i < n_settings_options && st == OFA_OK; i++)
		if (settings_options[i].initial)
			st = option_set(s, &settings_options[i], &origin, settings_options[i].initial, err);
	return st;
}

/* ---- arguments ---- */

static enum ofa_status unknown_argument(const char *arg, size_t len, struct ofa_error *err)
{
	char suggestion[OPTION_LABEL_MAX + 32];

	option_suggestion(SETTINGS_ARGUMENT, arg, len, suggestion);
	return ofa_fail(err, OFA_ERR_INVALID, arg, "there is no option \"%.64s\"%s; ofad --help lists them", arg,
			suggestion);
}

/* Reads the option at argv[*at] with its value or values and moves past them. */
static enum ofa_status parse_option(struct settings *s, int argc, char **argv, int *at, struct ofa_error *err)
{
	static const struct settings_origin origin = {.source = SETTINGS_ARGUMENT};
	const char *arg = argv[(*at)++], *value = NULL;
	size_t len = strcspn(arg, "=");
	const struct option *o = option_find(SETTINGS_ARGUMENT, arg, len);
	enum ofa_status st;

	if (!o)
		return unknown_argument(arg, len, err);
	if (arg[len] == '=')
		value = arg + len + 1;
	if (o->kind == OPTION_FLAG)
		return value ? ofa_fail(err, OFA_ERR_INVALID, arg, "--%s takes no value", o->name)
			     : option_set(s, o, &origin, "true", err);
	if (!value && *at < argc)
		value = argv[(*at)++];
	if (!value)
		return ofa_fail(err, OFA_ERR_INVALID, arg, "--%s needs %s", o->name, o->argument);
	st = option_set(s, o, &origin, value, err);
	while (st == OFA_OK && o->kind == OPTION_PATHS && *at < argc && argv[*at][0] != '-')
		st = option_set(s, o, &origin, argv[(*at)++], err);
	return st;
}

static enum ofa_status read_arguments(struct settings *s, int argc, char **argv, struct ofa_error *err)
{
	enum ofa_status st = OFA_OK;
	int at = 1;

	while (at < argc && st == OFA_OK)
		st = parse_option(s, argc, argv, &at, err);
	return st;
}

/* ---- all together ---- */

enum ofa_status settings_parse(struct settings *s, int argc, char **argv, char *const *environment,
			       struct ofa_error *err)
{
	enum ofa_status st = set_defaults(s, err);
	const char *config;
	bool check;

	/* once for the name of the file, and so that a slip is found before anything is read; once more to win */
	if (st == OFA_OK)
		st = read_arguments(s, argc, argv, err);
	if (st != OFA_OK)
		return st;
	config = s->config;
	check = s->check_config;
	st = set_defaults(s, err);
	s->config = config;
	s->check_config = check;
	if (st == OFA_OK && config)
		st = settings_read_file(s, err);
	if (st == OFA_OK)
		st = settings_read_environment(s, environment, err);
	if (st == OFA_OK)
		st = read_arguments(s, argc, argv, err);
	return st;
}

/* Does each option of TLS have what it needs beside it? */
static enum ofa_status tls_complete(const struct settings *s, struct ofa_error *err)
{
	if (!s->tls_cert != !s->tls_key)
		return ofa_fail(err, OFA_ERR_INVALID, s->tls_cert ? "--tls-key" : "--tls-cert",
				"a certificate needs its key: --tls-cert FILE and --tls-key FILE go together");
	if (s->tls_client_ca && !s->tls_cert)
		return ofa_fail(err, OFA_ERR_INVALID, "--tls-client-ca",
				"clients show certificates over HTTPS only: --tls-cert FILE and --tls-key FILE are "
				"needed");
	if (s->tls_client_required && !s->tls_client_ca)
		return ofa_fail(err, OFA_ERR_INVALID, "--tls-client-required",
				"whose certificates?  --tls-client-ca FILE is needed");
	return OFA_OK;
}

enum ofa_status settings_complete(const struct settings *s, struct ofa_error *err)
{
	if (s->n_networks == 0)
		return ofa_fail(err, OFA_ERR_INVALID, "--network",
				"--network FILE is needed: there is nothing to serve without it");
	return tls_complete(s, err);
}

/* ---- what is opened again ---- */

static enum ofa_status reopened_in(const char *path, enum option_reopened how,
				   enum ofa_status (*allow)(void *ctx, const char *directory, enum option_reopened how),
				   void *ctx)
{
	char directory[PATH_MAX];
	const char *slash = strrchr(path, '/');

	if (how == REOPENED_READ_DIR || how == REOPENED_WRITE_DIR)
		return allow(ctx, path, how);
	if (how == REOPENED_WRITE_URL && strncmp(path, "dir:", 4) == 0)
		return allow(ctx, path + 4, REOPENED_WRITE_DIR);
	if (how == REOPENED_WRITE_URL && strncmp(path, "sqlite:", 7) != 0)
		return OFA_OK;
	if (how == REOPENED_APPEND && (strcmp(path, "-") == 0 || strcmp(path, "off") == 0))
		return OFA_OK;
	if (how == REOPENED_WRITE_URL) {
		path += 7;
		how = REOPENED_WRITE_DIR;
	}
	if (!slash)
		return allow(ctx, ".", how);
	snprintf(directory, sizeof(directory), "%.*s", slash == path ? 1 : (int)(slash - path), path);
	return allow(ctx, directory, how);
}

enum ofa_status settings_reopened(const struct settings *s,
				  enum ofa_status (*allow)(void *ctx, const char *directory, enum option_reopened how),
				  void *ctx)
{
	enum ofa_status st = OFA_OK;

	for (size_t i = 0; i < n_settings_options && st == OFA_OK; i++) {
		const struct option *o = &settings_options[i];
		const char *path = o->reopened ? *(const char *const *)((const char *)s + o->offset) : NULL;

		if (path)
			st = reopened_in(path, o->reopened, allow, ctx);
	}
	return st;
}

/* ---- texts of its own ---- */

struct settings_text {
	struct settings_text *next;
	char text[];
};

char *settings_keep(struct settings *s, const char *text)
{
	size_t size = strlen(text) + 1;
	struct settings_text *kept = malloc(sizeof(*kept) + size);

	if (!kept)
		return NULL;
	memcpy(kept->text, text, size);
	kept->next = s->texts;
	s->texts = kept;
	return kept->text;
}

void settings_release(struct settings *s)
{
	while (s->texts) {
		struct settings_text *next = s->texts->next;

		free(s->texts);
		s->texts = next;
	}
}
