/* What the operator chooses: by arguments, the environment and a configuration file, in this order of precedence. */
#ifndef OFAD_SETTINGS_H
#define OFAD_SETTINGS_H

#include <stddef.h>
#include <stdio.h>
#include "log.h"
#include "service/networks.h"

enum settings_source { SETTINGS_DEFAULT, SETTINGS_FILE, SETTINGS_ENVIRONMENT, SETTINGS_ARGUMENT };

struct settings_origin {
	enum settings_source source;
	int line; /* in the file */
};

#define SETTINGS_OPTIONS_MAX 128

struct settings_text;

struct settings {
	const char *networks[NETWORKS_MAX]; /* paths; texts are borrowed from argv and environment, or of `texts` */
	size_t n_networks;
	const char *listen;    /* HOST:PORT, [HOST]:PORT */
	const char *data;      /* directory */
	const char *port_file; /* or NULL */
	const char *store;     /* URL, or NULL: sqlite:DATA/ofad.db */
	unsigned store_connections;
	const char *packages; /* URL, or NULL: dir:DATA/packages */
	size_t packages_bytes;  /* that are kept at most; 0: any number */
	unsigned packages_days; /* for which one is kept that nobody asks for; 0: for ever */
	unsigned stale_seconds; /* known tokens hold for so long while the store cannot be reached */
	bool allow_anonymous;  /* also on addresses that are not the loopback's */
	unsigned rate_per_address, burst_per_address; /* requests a second, at once; rate 0: no limit */
	unsigned rate_per_token, burst_per_token;
	const char *tls_cert, *tls_key; /* PEM files, or NULL: plain HTTP */
	const char *tls_client_ca;      /* PEM file, or NULL */
	const char *tls_client_scopes;
	bool tls_client_required;
	const char *trust_proxy;     /* addresses and blocks, or NULL */
	bool limit_loopback;   /* addresses of the loopback are limited too */
	const char *keys;      /* directory of signing keys, or NULL: "keys" in the data directory, if there is one */
	unsigned signature_days;
	const char *admin_listen, *admin_port_file; /* HOST:PORT or unix:PATH, as above; or NULL */
	unsigned workers;      /* threads that search */
	unsigned worker_nice;  /* added to their niceness */
	unsigned http_threads;
	unsigned max_wait_seconds; /* of a request for its answer; then it is told of a job */
	unsigned search_seconds;   /* the longest search, its time in the queue included */
	unsigned max_jobs;
	unsigned job_seconds; /* how long one that is over is remembered */
	unsigned event_ms;     /* between two events that tell of progress */
	unsigned ping_seconds; /* of silence, then a stream of events says that it is alive */
	unsigned max_queue; /* requests of a class that may wait for a worker */
	unsigned front_evaluations; /* of the front that is kept for a profile; 0: none is kept */
	size_t cache_bytes; /* packages, answers and profiles in memory */
	unsigned max_connections, max_connections_per_address;
	unsigned drain_seconds;
	enum log_level log_level;
	unsigned sandbox; /* enum sandbox_mode */
	const char *audit_log; /* or NULL: audit.jsonl in the data directory */
	const char *access_log; /* a file, "-" or "off" */
	double watts_per_core, pue, kg_co2_per_kwh; /* factors of the ledger */
	const char *config;                             /* the file that was read, or NULL */
	bool help, version, check_config, print_config; /* do it and end */

	struct settings_origin origins[SETTINGS_OPTIONS_MAX]; /* of each option, in the order of the table */
	struct settings_text *texts;                          /* read from the file */
};

/* Fills in the defaults and reads file, environment and arguments.  `environment`: NAME=VALUE up to NULL.  Errors name
 * the option where it was given.  On failure s holds what was read until then; it is to be released in any case. */
enum ofa_status settings_parse(struct settings *s, int argc, char **argv, char *const *environment,
			       struct ofa_error *err) OFA_MUST_CHECK;
void settings_release(struct settings *s);
/* Has the operator said what cannot be guessed? */
enum ofa_status settings_complete(const struct settings *s, struct ofa_error *err) OFA_MUST_CHECK;
/* Calls say() with a message for each variable of the environment that looks like a misspelt option. */
void settings_doubts(char *const *environment, void (*say)(void *ctx, const char *message), void *ctx);

/* The text of --help. */
void settings_help(FILE *out);
/* A configuration file with every option at its default, as a comment. */
void settings_print_example(FILE *out);
/* A configuration file that gives these settings, with where each came from as a comment. */
void settings_print(const struct settings *s, FILE *out);

#endif
