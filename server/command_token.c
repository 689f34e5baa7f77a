#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "access/generation.h"
#include "access/scopes.h"
#include "access/token.h"
#include "access/tokens.h"
#include "audit.h"
#include "command_token.h"
#include "cost/profile.h"
#include "data_dir.h"
#include "settings.h"
#include "store/location.h"

#define NAME_MAX_BYTES 64

#define FORWARDED_MAX 8

struct token_args {
	const char *name, *owner;
	unsigned scopes;
	int64_t expires; /* Unix seconds; 0: never */
	const char *id;  /* what follows the verb */
	/* options of the server, which say where its data directory is */
	char *forwarded[FORWARDED_MAX + 1];
	int n_forwarded;
};

/* ---- the command line ---- */

static const char usage[] = "Usage: ofad token add --scope SCOPE... [--owner NAME] [--name TEXT] [--expires WHEN] "
			    "[WHERE]\n"
			    "       ofad token list [WHERE]\n"
			    "       ofad token revoke ID [WHERE]\n"
			    "       ofad token purge [WHERE]\n"
			    "Who may use the server; a running ofad sees every change at once, and every replica "
			    "within a second.\n\n"
			    "  add       make a token and print it; it is kept nowhere and cannot be shown again\n"
			    "  list      what tokens there are\n"
			    "  revoke    refuse this one from now on\n"
			    "  purge     forget those that are revoked or expired; without any, callers need none\n\n"
			    "  --scope SCOPE     read, provision, profiles:write or admin; may be repeated\n"
			    "  --owner NAME      profiles:write is for NAME/... alone\n"
			    "  --name TEXT       what the token is for, shown by list\n"
			    "  --expires WHEN    30m, 12h, 90d from now, 2027-01-31 or 2027-01-31T12:00:00Z (never)\n"
			    "  --data DIR        the server's data directory, as for ofad\n"
			    "  --store URL       its database where that is not in the data directory, as for ofad\n"
			    "  --config FILE     its configuration, which says where both are\n";

/* "90d" from now; a date, or a date and time, in UTC. */
static enum ofa_status parse_expires(const char *text, int64_t *ret, struct ofa_error *err)
{
	static const struct {
		char unit;
		int64_t seconds;
	} units[] = {{'m', 60}, {'h', 3600}, {'d', 86400}};
	int64_t now = (int64_t)time(NULL), when = 0;
	struct tm tm = {.tm_mday = 1};
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	for (size_t i = 0; i < OFA_ARRAY_LEN(units); i++)
		if (errno == 0 && end > text && end[0] == units[i].unit && !end[1] && n > 0 && n < 1000000)
			when = now + n * units[i].seconds;
	if ((end = strptime(text, "%Y-%m-%d", &tm)) && *end == '\0')
		when = timegm(&tm);
	else if ((end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm)) && *end == '\0')
		when = timegm(&tm);
	if (when <= now)
		return ofa_fail(err, OFA_ERR_INVALID, "--expires",
				"--expires is \"%.40s\"; a time from now as 30m, 12h or 90d, or a date to come as "
				"2027-01-31 or 2027-01-31T12:00:00Z, is accepted",
				text);
	*ret = when;
	return OFA_OK;
}

/* Shown on terminals and written into logs: nothing that could do harm there. */
static enum ofa_status parse_name(const char *text, const char **ret, struct ofa_error *err)
{
	size_t n = strlen(text);

	for (size_t i = 0; i < n; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			n = NAME_MAX_BYTES + 1;
	if (n > NAME_MAX_BYTES)
		return ofa_fail(err, OFA_ERR_INVALID, "--name", "--name may have %d bytes and no control characters",
				NAME_MAX_BYTES);
	*ret = text;
	return OFA_OK;
}

static enum ofa_status parse_owner(const char *text, const char **ret, struct ofa_error *err)
{
	if (!ofa_profile_name_ok(text) || strchr(text, '/') || strlen(text) >= PRINCIPAL_OWNER_MAX)
		return ofa_fail(err, OFA_ERR_INVALID, "--owner",
				"--owner is \"%.64s\"; the first part of profile names, 1 to %d of A-Z a-z 0-9 . _ -, "
				"is accepted",
				text, PRINCIPAL_OWNER_MAX - 1);
	*ret = text;
	return OFA_OK;
}

static enum ofa_status set_option(struct token_args *a, const char *name, const char *value, struct ofa_error *err)
{
	unsigned scopes = 0;
	enum ofa_status st;

	if (strcmp(name, "--name") == 0)
		return parse_name(value, &a->name, err);
	if (strcmp(name, "--owner") == 0)
		return parse_owner(value, &a->owner, err);
	if (strcmp(name, "--expires") == 0)
		return parse_expires(value, &a->expires, err);
	if (strcmp(name, "--scope") != 0)
		return ofa_fail(err, OFA_ERR_INVALID, NULL, "there is no option %s; ofad token --help lists them",
				name);
	st = scopes_parse(value, &scopes, err);
	a->scopes |= scopes;
	return st;
}

/* Reads the option at argv[*at] with its value and moves past them. */
static enum ofa_status parse_option(struct token_args *a, int argc, char **argv, int *at, struct ofa_error *err)
{
	char *arg = argv[(*at)++], name[32];
	size_t n = strcspn(arg, "=");
	char *value = arg[n] ? arg + n + 1 : NULL;

	snprintf(name, sizeof(name), "%.*s", (int)(n < 31 ? n : 31), arg);
	if (!value && *at == argc)
		return ofa_fail(err, OFA_ERR_INVALID, NULL, "%s needs a value", name);
	if (!value)
		value = argv[(*at)++];
	if (strcmp(name, "--data") != 0 && strcmp(name, "--config") != 0 && strcmp(name, "--store") != 0)
		return set_option(a, name, value, err);
	if (a->n_forwarded + 2 > FORWARDED_MAX)
		return ofa_fail(err, OFA_ERR_LIMIT, NULL, "%s was given too often", name);
	a->forwarded[a->n_forwarded++] = arg;
	if (!arg[n])
		a->forwarded[a->n_forwarded++] = value;
	return OFA_OK;
}

static enum ofa_status parse_args(struct token_args *a, int argc, char **argv, struct ofa_error *err)
{
	enum ofa_status st = OFA_OK;

	*a = (struct token_args){.name = "", .owner = "", .forwarded = {argv[0]}, .n_forwarded = 1};
	for (int at = 2; at < argc && st == OFA_OK;) {
		if (argv[at][0] == '-')
			st = parse_option(a, argc, argv, &at, err);
		else if (a->id)
			st = ofa_fail(err, OFA_ERR_INVALID, NULL, "one token at a time; \"%.40s\" is too many",
				      argv[at]);
		else
			a->id = argv[at++];
	}
	return st;
}

/* ---- the verbs ---- */

/* What a verb works on. */
struct place {
	const struct settings *settings;
	struct store *store;
	struct generation generation;
};

/* Tells the daemon and the record.  A record that cannot be written does not undo what was done. */
static void changed(const struct place *at, const char *action, const char *id)
{
	struct ofa_error err = {0};

	if (at->generation.shared) /* else the database tells by itself */
		generation_raise(&at->generation);
	if (audit_command(at->settings, action, id, &err) != OFA_OK)
		fprintf(stderr, "ofad: %s\n", err.message);
}

static enum ofa_status check_add(const struct token_args *a, struct ofa_error *err)
{
	if (a->id)
		return ofa_fail(err, OFA_ERR_INVALID, NULL,
				"\"%.40s\" has no meaning here; --name TEXT says what a "
				"token is for",
				a->id);
	if (!a->scopes)
		return ofa_fail(err, OFA_ERR_INVALID, "--scope",
				"--scope is needed: read, provision, profiles:write or admin");
	if (*a->owner && !(a->scopes & SCOPE_PROFILES_WRITE))
		return ofa_fail(err, OFA_ERR_INVALID, "--owner",
				"--owner says whose profiles --scope profiles:write is "
				"for; that scope is not given");
	if (*a->owner && a->scopes & SCOPE_ADMIN)
		return ofa_fail(err, OFA_ERR_INVALID, "--owner",
				"an admin's token has no owner: it may write every "
				"profile");
	return OFA_OK;
}

static enum ofa_status count_row(void *ctx, const struct store_token *t)
{
	(void)t;
	++*(size_t *)ctx;
	return OFA_OK;
}

/* A daemon that finds more than it takes would take none. */
static enum ofa_status check_room(const struct place *at, struct ofa_error *err)
{
	size_t n = 0;
	enum ofa_status st = at->store->driver->token_list(at->store, count_row, &n, err);

	if (st == OFA_OK && n >= TOKENS_MAX)
		return ofa_fail(err, OFA_ERR_LIMIT, NULL,
				"there are %zu tokens, no more are taken; ofad token purge forgets the revoked and "
				"expired ones",
				n);
	return st;
}

/* Alone on standard output, for scripts. */
static enum ofa_status print_token(const char *text, const char *id, struct ofa_error *err)
{
	if (printf("%s\n", text) > 0 && fflush(stdout) == 0)
		return OFA_OK;
	return ofa_fail(err, OFA_ERR_IO, NULL, "the token could not be printed and is lost: ofad token revoke %s", id);
}

static enum ofa_status run_add(const struct place *at, const struct token_args *a, struct ofa_error *err)
{
	char text[TOKEN_TEXT_MAX], id[TOKEN_ID_MAX], scopes[SCOPES_TEXT_MAX];
	uint8_t sha256[OFA_SHA256_BYTES];
	const struct store_token row = {
		.id = id,
		.sha256 = sha256,
		.name = a->name,
		.owner = a->owner,
		.scopes = scopes,
		.expires = a->expires,
	};
	enum ofa_status st = check_room(at, err);

	if (st == OFA_OK)
		st = token_make(text, err);
	if (st != OFA_OK)
		return st;
	token_hash(text, strlen(text), sha256);
	token_id(sha256, id);
	scopes_format(a->scopes, scopes);
	st = at->store->driver->token_add(at->store, &row, err);
	if (st != OFA_OK)
		return st;
	changed(at, "token.add", id);
	fprintf(stderr, "ofad: token %s for %s; this is the only time it is shown\n", id, scopes);
	st = print_token(text, id, err);
	explicit_bzero(text, sizeof(text));
	return st;
}

static void print_time(int64_t when, char out[STORE_TIME_MAX])
{
	time_t t = (time_t)when;
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(out, STORE_TIME_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

static enum ofa_status print_row(void *ctx, const struct store_token *t)
{
	char expires[STORE_TIME_MAX] = "never";
	const char *state = "valid";

	if (t->expires)
		print_time(t->expires, expires);
	if (t->revoked_at)
		state = "revoked";
	else if (t->expires && t->expires <= *(const int64_t *)ctx)
		state = "expired";
	printf("%s  %-7s  %.19sZ  %-20s  %-16s  %s%s%s\n", t->id, state, t->created_at, expires,
	       *t->owner ? t->owner : "-", t->scopes, *t->name ? "  " : "", t->name);
	return OFA_OK;
}

static enum ofa_status run_list(const struct place *at, const struct token_args *a, struct ofa_error *err)
{
	int64_t now = (int64_t)time(NULL);

	(void)a;
	printf("%-12s  %-7s  %-20s  %-20s  %-16s  %s\n", "ID", "STATE", "CREATED", "EXPIRES", "OWNER", "SCOPES, NAME");
	return at->store->driver->token_list(at->store, print_row, &now, err);
}

static enum ofa_status check_revoke(const struct token_args *a, struct ofa_error *err)
{
	return a->id ? OFA_OK : ofa_fail(err, OFA_ERR_INVALID, NULL, "which one?  ofad token list shows their ids");
}

static enum ofa_status run_revoke(const struct place *at, const struct token_args *a, struct ofa_error *err)
{
	enum ofa_status st = at->store->driver->token_revoke(at->store, a->id, err);

	if (st != OFA_OK)
		return st;
	changed(at, "token.revoke", a->id);
	fprintf(stderr, "ofad: token %s is refused from now on\n", a->id);
	return OFA_OK;
}

static enum ofa_status run_purge(const struct place *at, const struct token_args *a, struct ofa_error *err)
{
	unsigned n;
	enum ofa_status st = at->store->driver->token_purge(at->store, (int64_t)time(NULL), &n, err);

	(void)a;
	if (st != OFA_OK)
		return st;
	changed(at, "token.purge", NULL);
	fprintf(stderr, "ofad: %u token%s forgotten\n", n, n == 1 ? "" : "s");
	return OFA_OK;
}

static const struct verb {
	const char *name;
	bool makes_dir; /* before the daemon first runs */
	bool records;   /* in the data directory, which need not be any daemon's where the database is shared */
	enum ofa_status (*check)(const struct token_args *a, struct ofa_error *err); /* NULL: nothing to check */
	enum ofa_status (*run)(const struct place *at, const struct token_args *a, struct ofa_error *err);
} verbs[] = {
	{"add", true, true, check_add, run_add},
	{"list", false, false, NULL, run_list},
	{"revoke", false, true, check_revoke, run_revoke},
	{"purge", false, true, NULL, run_purge},
};

/* On a data directory that a daemon may be using. */
static enum ofa_status run_in(const struct settings *settings, const struct verb *v, const struct token_args *a,
			      struct ofa_error *err)
{
	struct place at = {.settings = settings};
	char directory[STORE_PATH_MAX];
	enum ofa_status st = store_directory(settings->store, settings->data, directory, err);

	if (st == OFA_OK && v->makes_dir)
		st = data_dir_make(settings->data, err);
	if (st == OFA_OK)
		st = store_open(settings->store, settings->data, &(struct store_options){.connections = 1}, &at.store,
				err);
	if (st == OFA_OK && store_sharing(at.store) && v->records)
		st = data_dir_make(settings->data, err);
	if (st == OFA_OK && !store_sharing(at.store))
		st = generation_open(directory, &at.generation, err);
	if (st == OFA_OK)
		st = v->run(&at, a, err);
	generation_close(&at.generation);
	store_close(at.store);
	return st;
}

static enum ofa_status run(const struct verb *v, const struct token_args *a, struct ofa_error *err)
{
	struct settings settings;
	enum ofa_status st = settings_parse(&settings, a->n_forwarded, (char **)a->forwarded, environ, err);

	if (st == OFA_OK)
		st = run_in(&settings, v, a, err);
	settings_release(&settings);
	return st;
}

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < OFA_ARRAY_LEN(verbs); i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

int command_token(int argc, char **argv)
{
	struct ofa_error err = {0};
	struct token_args args;
	const struct verb *v;

	if (argc < 2 || strcmp(argv[argc - 1], "--help") == 0) {
		fputs(usage, argc < 2 ? stderr : stdout);
		return argc < 2 ? 2 : 0;
	}
	v = find_verb(argv[1]);
	if (!v) {
		fprintf(stderr, "ofad: token: there is no \"%.40s\"; add, list, revoke and purge are accepted\n",
			argv[1]);
		return 2;
	}
	if (parse_args(&args, argc, argv, &err) != OFA_OK || (v->check && v->check(&args, &err) != OFA_OK)) {
		fprintf(stderr, "ofad: token %s: %s\n", v->name, err.message);
		return 2;
	}
	if (run(v, &args, &err) != OFA_OK) {
		fprintf(stderr, "ofad: token %s: %s\n", v->name, err.message);
		return 1;
	}
	return 0;
}
