#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "store/pg.h"

#define PATH_BYTES 4096
#define DEFAULT_PORT 5432

/* The value of a keyword of libpq's, or "". */
static const char *value_of(const PQconninfoOption *options, const char *keyword)
{
	for (; options->keyword; options++)
		if (strcmp(options->keyword, keyword) == 0)
			return options->val ? options->val : "";
	return "";
}

/* A password with a character that is not escaped spills into what follows it, which messages then tell. */
static bool spilt(const PQconninfoOption *options)
{
	const char *port = value_of(options, "port");

	return strchr(value_of(options, "host"), '@') || port[strspn(port, "0123456789,")] != '\0';
}

enum ofa_status pg_url_check(const char *url, struct ofa_error *err)
{
	char *said = NULL; /* quotes the URL and is not told */
	PQconninfoOption *options = PQconninfoParse(url, &said);
	bool ok = options && !spilt(options);

	PQfreemem(said);
	PQconninfoFree(options);
	return ok ? OFA_OK
		  : ofa_fail(err, OFA_ERR_INVALID, "--store",
			     "--store is no URL of PostgreSQL; postgresql://USER:PASSWORD@HOST:PORT/NAME?KEY=VALUE "
			     "is accepted, with %%40 for @, %%3A for :, %%2F for / and %%25 for %% in a password");
}

/* ---- what is reached ---- */

/* The URL's value, or what libpq takes where it has none; in out, "" when there is neither. */
static void value_or_default(const PQconninfoOption *url, const PQconninfoOption *defaults, const char *keyword,
			     char out[PATH_BYTES])
{
	const char *value = value_of(url, keyword);

	snprintf(out, PATH_BYTES, "%s", *value ? value : value_of(defaults, keyword));
}

/* "5432", or one for each host: "5432,5433". */
static enum ofa_status add_ports(struct reach *r, const char *list, struct ofa_error *err)
{
	enum ofa_status st = OFA_OK;

	do {
		char *end;
		unsigned long port = *list == ',' || !*list ? DEFAULT_PORT : strtoul(list, &end, 10);

		st = reach_port(r, port, err);
		list += strcspn(list, ",");
	} while (st == OFA_OK && *list++ == ',');
	return st;
}

static enum ofa_status add_files(struct reach *r, const PQconninfoOption *url, const PQconninfoOption *defaults,
				 struct ofa_error *err)
{
	static const char *const files[] = {"passfile", "sslcert", "sslkey", "sslrootcert", "sslcrl", "sslcrldir"};
	static const char *const of_home[] = {".pgpass", ".postgresql", ".pg_service.conf"};
	const char *home = getenv("HOME"), *services = getenv("PGSERVICEFILE");
	char path[PATH_BYTES];
	enum ofa_status st = OFA_OK;

	for (size_t i = 0; i < OFA_ARRAY_LEN(files) && st == OFA_OK; i++) {
		value_or_default(url, defaults, files[i], path);
		st = reach_path(r, path, err);
	}
	for (size_t i = 0; i < OFA_ARRAY_LEN(of_home) && st == OFA_OK && home; i++) {
		snprintf(path, sizeof(path), "%s/%s", home, of_home[i]);
		st = reach_path(r, path, err);
	}
	return st == OFA_OK && services ? reach_path(r, services, err) : st;
}

enum ofa_status pg_reach(const char *text, struct reach *r, struct ofa_error *err)
{
	enum ofa_status st = pg_url_check(text, err);
	PQconninfoOption *url, *defaults;
	char ports[PATH_BYTES];

	if (st != OFA_OK)
		return st;
	url = PQconninfoParse(text, NULL);
	defaults = PQconndefaults();
	if (!url || !defaults) {
		PQconninfoFree(url);
		PQconninfoFree(defaults);
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	}
	value_or_default(url, defaults, "port", ports);
	st = add_ports(r, ports, err);
	if (st == OFA_OK)
		st = add_files(r, url, defaults, err);
	if (st == OFA_OK)
		st = reach_names(r, err);
	if (st == OFA_OK)
		st = reach_certificates(r, err);
	PQconninfoFree(url);
	PQconninfoFree(defaults);
	return st;
}
