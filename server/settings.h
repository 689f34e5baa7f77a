/* What the operator chooses, from the command line. */
#ifndef OFAD_SETTINGS_H
#define OFAD_SETTINGS_H

#include <stddef.h>
#include "log.h"
#include "service/networks.h"

struct settings {
	const char *networks[NETWORKS_MAX]; /* paths, borrowed from argv */
	size_t n_networks;
	const char *listen;    /* HOST:PORT, [HOST]:PORT */
	const char *data;      /* directory */
	const char *port_file; /* or NULL */
	unsigned workers;      /* threads that search */
	unsigned worker_nice;  /* added to their niceness */
	unsigned http_threads;
	unsigned max_queue; /* requests that may wait for a worker */
	unsigned front_evaluations; /* of the front that is kept for a profile; 0: none is kept */
	size_t cache_bytes; /* packages, answers and profiles in memory */
	unsigned max_connections, max_connections_per_address;
	unsigned drain_seconds;
	enum log_level log_level;
	bool help, version; /* print it and end */
};

/* Fills in the defaults and reads argv.  Errors name the option. */
enum ofa_status settings_parse(struct settings *s, int argc, char **argv, struct ofa_error *err) OFA_MUST_CHECK;
/* The text of --help, on standard output. */
void settings_help(void);

#endif
