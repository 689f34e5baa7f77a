#include <stdlib.h>
#include <string.h>
#include "store/pg.h"

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
