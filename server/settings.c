#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/pool.h"
#include "search/front.h"
#include "settings.h"

enum kind { KIND_FLAG, KIND_TEXT, KIND_COUNT, KIND_BYTES, KIND_LEVEL, KIND_NETWORKS };

struct option {
	const char *name, *argument, *help;
	enum kind kind;
	size_t offset; /* of the member in struct settings */
	unsigned long min, max;
};

#define MEMBER(m) offsetof(struct settings, m)

/* clang-format off */
static const struct option options[] = {
	{ "--network", "FILE...", "network files to serve; may be repeated; the first is the default",
	  KIND_NETWORKS, 0, 0, 0 },
	{ "--listen", "HOST:PORT", "address to listen on; port 0 picks a free one (127.0.0.1:8080)",
	  KIND_TEXT, MEMBER(listen), 0, 0 },
	{ "--data", "DIR", "where profiles, deliveries and packages are kept (ofad-data)",
	  KIND_TEXT, MEMBER(data), 0, 0 },
	{ "--port-file", "FILE", "write the port number to FILE once it is known",
	  KIND_TEXT, MEMBER(port_file), 0, 0 },
	{ "--workers", "N", "threads that search and pack (one per processor)",
	  KIND_COUNT, MEMBER(workers), 1, 1024 },
	{ "--worker-nice", "N", "how far they give way to the others, 0 to 19 (10)",
	  KIND_COUNT, MEMBER(worker_nice), 0, 19 },
	{ "--http-threads", "N", "threads that speak HTTP (half as many)",
	  KIND_COUNT, MEMBER(http_threads), 1, 1024 },
	{ "--max-queue", "N", "requests that may wait for a worker before 503 is answered (256)",
	  KIND_COUNT, MEMBER(max_queue), 1, 1000000 },
	{ "--front-evaluations", "N", "effort for the front kept for each profile; 0 keeps none (4000000)",
	  KIND_COUNT, MEMBER(front_evaluations), 0, OFA_SEARCH_MAX_EVALUATIONS },
	{ "--cache-bytes", "N", "memory for packages, answers and profiles; K, M or G may follow (256M)",
	  KIND_BYTES, MEMBER(cache_bytes), 0, 0 },
	{ "--max-connections", "N", "open connections (4096)",
	  KIND_COUNT, MEMBER(max_connections), 8, 1000000 },
	{ "--max-connections-per-address", "N", "of them, from one address (1024)",
	  KIND_COUNT, MEMBER(max_connections_per_address), 1, 1000000 },
	{ "--drain-seconds", "N", "how long SIGTERM waits for work under way (20)",
	  KIND_COUNT, MEMBER(drain_seconds), 0, 3600 },
	{ "--log-level", "LEVEL", "error, warn, info or debug (info)",
	  KIND_LEVEL, MEMBER(log_level), 0, 0 },
	{ "--version", NULL, "print the version and end",
	  KIND_FLAG, MEMBER(version), 0, 0 },
	{ "--help", NULL, "print this and end",
	  KIND_FLAG, MEMBER(help), 0, 0 },
};
/* clang-format on */

void settings_help(void)
{
	printf("Usage: ofad --network FILE... [OPTION]...\n"
	       "Serves subnets of once-for-all networks over HTTP.\n\n");
	for (size_t i = 0; i < OFA_ARRAY_LEN(options); i++) {
		const struct option *o = &options[i];
		int n = printf("  %s%s%s", o->name, o->argument ? " " : "", o->argument ? o->argument : "");

		printf("%*s%s\n", n < 34 ? 34 - n : 1, "", o->help);
	}
}

static void set_defaults(struct settings *s)
{
	unsigned cpus = ofa_cpu_count();

	*s = (struct settings){
		.listen = "127.0.0.1:8080",
		.data = "ofad-data",
		.workers = cpus,
		.worker_nice = 10,
		.http_threads = cpus > 3 ? cpus / 2 : 1,
		.max_queue = 256,
		.front_evaluations = OFA_FRONT_KEPT_EVALUATIONS,
		.cache_bytes = (size_t)256 << 20,
		.max_connections = 4096,
		.max_connections_per_address = 1024,
		.drain_seconds = 20,
		.log_level = LOG_LEVEL_INFO,
	};
}

static enum ofa_status bad_value(const struct option *o, const char *value, const char *accepted, struct ofa_error *err)
{
	return ofa_fail(err, OFA_ERR_INVALID, o->name, "%s is \"%.64s\"; %s is accepted", o->name, value, accepted);
}

static bool parse_number(const char *s, unsigned long *ret, char **end)
{
	if (*s < '0' || *s > '9')
		return false;
	errno = 0;
	*ret = strtoul(s, end, 10);
	return errno == 0;
}

static enum ofa_status set_count(const struct option *o, const char *value, unsigned *out, struct ofa_error *err)
{
	unsigned long v;
	char accepted[80], *end;

	snprintf(accepted, sizeof(accepted), "a whole number from %lu to %lu", o->min, o->max);
	if (!parse_number(value, &v, &end) || *end || v < o->min || v > o->max)
		return bad_value(o, value, accepted, err);
	*out = (unsigned)v;
	return OFA_OK;
}

static enum ofa_status set_bytes(const struct option *o, const char *value, size_t *out, struct ofa_error *err)
{
	static const char units[] = "KMG";
	unsigned long v;
	const char *unit;
	char *end;
	int shift = 0;

	if (!parse_number(value, &v, &end))
		return bad_value(o, value, "a number of bytes, with K, M or G after it or without,", err);
	unit = *end ? strchr(units, *end) : NULL;
	if (unit) {
		shift = 10 * (int)(unit - units + 1);
		end++;
	}
	if (*end || v > SIZE_MAX >> shift)
		return bad_value(o, value, "a number of bytes, with K, M or G after it or without,", err);
	*out = (size_t)v << shift;
	return OFA_OK;
}

static enum ofa_status set_value(struct settings *s, const struct option *o, const char *value, struct ofa_error *err)
{
	void *member = (char *)s + o->offset;
	int level;

	switch (o->kind) {
	case KIND_FLAG:
		*(bool *)member = true;
		return OFA_OK;
	case KIND_TEXT:
		*(const char **)member = value;
		return OFA_OK;
	case KIND_COUNT:
		return set_count(o, value, member, err);
	case KIND_BYTES:
		return set_bytes(o, value, member, err);
	case KIND_LEVEL:
		level = log_level_find(value);
		if (level < 0)
			return bad_value(o, value, "error, warn, info or debug", err);
		*(enum log_level *)member = (enum log_level)level;
		return OFA_OK;
	case KIND_NETWORKS:
		if (s->n_networks == NETWORKS_MAX)
			return ofa_fail(err, OFA_ERR_LIMIT, o->name, "at most %d networks are served", NETWORKS_MAX);
		s->networks[s->n_networks++] = value;
		return OFA_OK;
	}
	return OFA_ERR_UNSUPPORTED;
}

static const struct option *find_option(const char *arg, size_t len)
{
	for (size_t i = 0; i < OFA_ARRAY_LEN(options); i++)
		if (strlen(options[i].name) == len && memcmp(options[i].name, arg, len) == 0)
			return &options[i];
	return NULL;
}

/* Reads the option at argv[*at] with its value or values and moves past them. */
static enum ofa_status parse_option(struct settings *s, int argc, char **argv, int *at, struct ofa_error *err)
{
	const char *arg = argv[(*at)++], *value = NULL;
	size_t len = strcspn(arg, "=");
	const struct option *o = find_option(arg, len);
	enum ofa_status st;

	if (!o)
		return ofa_fail(err, OFA_ERR_INVALID, arg, "there is no option \"%.64s\"; ofad --help lists them", arg);
	if (arg[len] == '=')
		value = arg + len + 1;
	if (o->kind == KIND_FLAG)
		return value ? ofa_fail(err, OFA_ERR_INVALID, o->name, "%s takes no value", o->name)
			     : set_value(s, o, NULL, err);
	if (!value && *at < argc)
		value = argv[(*at)++];
	if (!value)
		return ofa_fail(err, OFA_ERR_INVALID, o->name, "%s needs %s", o->name, o->argument);
	st = set_value(s, o, value, err);
	while (st == OFA_OK && o->kind == KIND_NETWORKS && *at < argc && argv[*at][0] != '-')
		st = set_value(s, o, argv[(*at)++], err);
	return st;
}

enum ofa_status settings_parse(struct settings *s, int argc, char **argv, struct ofa_error *err)
{
	int at = 1;

	set_defaults(s);
	while (at < argc) {
		enum ofa_status st = parse_option(s, argc, argv, &at, err);

		if (st != OFA_OK)
			return st;
	}
	if (s->n_networks == 0 && !s->help && !s->version)
		return ofa_fail(err, OFA_ERR_INVALID, "--network",
				"--network FILE is needed: there is nothing to serve without it");
	return OFA_OK;
}
