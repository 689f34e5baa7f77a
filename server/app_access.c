#include "access/scopes.h"
#include "app_access.h"
#include "store/location.h"

enum ofa_status access_tls(const struct settings *s, struct tls **ret, struct ofa_error *err)
{
	struct tls_options options = {
		.cert = s->tls_cert,
		.key = s->tls_key,
		.client_ca = s->tls_client_ca,
		.client_required = s->tls_client_required,
	};
	enum ofa_status st;

	*ret = NULL;
	if (!s->tls_cert)
		return OFA_OK;
	st = scopes_parse(s->tls_client_scopes, &options.client_scopes, err);
	if (st != OFA_OK) {
		ofa_error_prefix(err, "--tls-client-scopes");
		return st;
	}
	return tls_new(&options, ret, err);
}

enum ofa_status access_exposure(const struct settings *s, const char *address, bool local, bool no_tokens,
				struct ofa_error *err)
{
	if (local || !no_tokens || s->allow_anonymous || s->tls_client_ca)
		return OFA_OK;
	return ofa_fail(err, OFA_ERR_INVALID, "--listen",
			"%.100s is no loopback address, and without tokens anybody could do anything; make one first: "
			"ofad token add --scope admin --data %.200s (or start with --allow-anonymous)",
			address, s->data);
}

/* Whom the server is for when there are no tokens: those on this machine, unless told otherwise. */
static enum ofa_status check_exposure(struct app *app, struct ofa_error *err)
{
	const struct settings *s = app->settings;
	bool local = app->listener.local;

	app->anonymous_allowed = (local || s->allow_anonymous) && !s->tls_client_ca;
	return access_exposure(s, app->listener.url, local, tokens_none(app->tokens), err);
}

static void warn_of_strangers(const struct app *app)
{
	if (!app->tls)
		log_message(&app->log, LOG_LEVEL_WARN,
			    "%s is plain HTTP: tokens can be read on the way, unless a proxy before it speaks TLS",
			    app->listener.url);
	if (app->anonymous_allowed && tokens_none(app->tokens))
		log_message(&app->log, LOG_LEVEL_WARN,
			    "whoever reaches %s may do anything: there are no tokens, and --allow-anonymous is given",
			    app->listener.url);
}

enum ofa_status access_start(struct app *app, struct ofa_error *err)
{
	const struct settings *s = app->settings;
	const struct limits_options address = {.per_second = s->rate_per_address, .burst = s->burst_per_address};
	const struct limits_options token = {.per_second = s->rate_per_token, .burst = s->burst_per_token};
	char directory[STORE_PATH_MAX];
	const struct tokens_options tokens = {
		.store = app->store,
		.dir = directory,
		.stale_ms = (double)s->stale_seconds * 1e3,
	};
	enum ofa_status st = access_proxies_parse(s->trust_proxy, &app->proxies, err);

	if (st == OFA_OK)
		st = store_directory(s->store, s->data, directory, err);
	if (st == OFA_OK)
		st = tokens_open(&tokens, &app->tokens, err);
	if (st == OFA_OK)
		st = limits_new(&address, &app->address_limits, err);
	if (st == OFA_OK)
		st = limits_new(&token, &app->token_limits, err);
	if (st == OFA_OK)
		st = access_tls(s, &app->tls, err);
	if (st == OFA_OK && app->tls)
		listener_secure(&app->listener);
	if (st == OFA_OK)
		st = check_exposure(app, err);
	if (st == OFA_OK && !app->listener.local)
		warn_of_strangers(app);
	return st;
}

void access_reload(struct app *app)
{
	struct ofa_error err = {0};

	if (app->tls && tls_reload(app->tls, &err) != OFA_OK)
		log_message(&app->log, LOG_LEVEL_ERROR, "the certificates stay as they were: %s", err.message);
	err = (struct ofa_error){0};
	if (tokens_reload(app->tokens, &err) != OFA_OK)
		log_message(&app->log, LOG_LEVEL_ERROR, "no token is accepted until they can be read: %s", err.message);
}

void access_stop(struct app *app)
{
	tls_free(app->tls);
	limits_free(app->address_limits);
	limits_free(app->token_limits);
	tokens_close(app->tokens);
}
