#include <math.h>
#include "access/scopes.h"
#include "api/admission.h"
#include "api/problem.h"
#include "app.h"
#include "http/authorization.h"

#define CHALLENGE "Bearer realm=\"ofad\""

/* What a client can do about a token that is refused; only its holder learns which of them it is. */
static const char *const verdict_text[] = {
	[TOKEN_UNKNOWN] = "the token is not one of this server's",
	[TOKEN_EXPIRED] = "the token has expired",
	[TOKEN_REVOKED] = "the token was revoked",
};

static bool refuse_token(struct http_call *call, const char *why)
{
	http_reply_header(&call->reply, "WWW-Authenticate",
			  CHALLENGE ", error=\"invalid_token\", error_description=\"%s\"", why);
	problem_reply(call, PROBLEM_UNAUTHENTICATED, "Authorization", "%s", why);
	return false;
}

static bool refuse_scope(struct http_call *call)
{
	char needed[SCOPES_TEXT_MAX], given[SCOPES_TEXT_MAX];

	scopes_format(call->route->scopes | SCOPE_ADMIN, needed);
	scopes_format(call->principal.scopes, given);
	http_reply_header(&call->reply, "WWW-Authenticate", CHALLENGE ", error=\"insufficient_scope\", scope=\"%s\"",
			  needed);
	problem_reply(call, PROBLEM_FORBIDDEN, "Authorization",
		      "this needs a token with one of the scopes: %s; the caller has: %s", needed, given);
	return false;
}

static bool check_token(struct app *app, struct http_call *call, const char *token, size_t n)
{
	enum token_verdict verdict = tokens_check(app->tokens, token, n, &call->principal);

	/* nothing that would make a client think that its token is bad */
	if (verdict == TOKEN_UNSURE || verdict == TOKEN_UNREACHABLE) {
		problem_reply(call, verdict == TOKEN_UNSURE ? PROBLEM_OVERLOAD : PROBLEM_UNAVAILABLE, NULL,
			      "tokens cannot be checked now");
		return false;
	}
	return verdict == TOKEN_VALID || refuse_token(call, verdict_text[verdict]);
}

/* Who is it? */
static bool authenticate(struct app *app, struct http_call *call)
{
	const char *token = NULL;
	size_t n = 0;

	switch (http_authorization_parse(call->request.header[HTTP_AUTHORIZATION], &token, &n)) {
	case HTTP_CREDENTIALS_BEARER:
		return check_token(app, call, token, n);
	case HTTP_CREDENTIALS_MALFORMED:
		http_reply_header(&call->reply, "WWW-Authenticate", CHALLENGE ", error=\"invalid_request\"");
		problem_reply(call, PROBLEM_BAD_REQUEST, "Authorization", "what follows Bearer is not a token");
		return false;
	case HTTP_CREDENTIALS_NONE:
	case HTTP_CREDENTIALS_OTHER:
		break;
	}
	if (http_call_certificate(call, &call->principal))
		return true;
	http_reply_header(&call->reply, "WWW-Authenticate", CHALLENGE);
	problem_reply(call, PROBLEM_UNAUTHENTICATED, "Authorization",
		      "a token is needed: Authorization: Bearer TOKEN; the server's operator makes one");
	return false;
}

/* Does one more call by this caller stay within the limit, which may be NULL? */
static bool within(struct limits *limits, uint64_t caller, struct http_call *call)
{
	double wait_ms = limits ? limits_take(limits, caller, call->started_ms) : 0;

	if (wait_ms <= 0)
		return true;
	http_reply_header(&call->reply, "Retry-After", "%.0f", ceil(wait_ms * 1e-3));
	problem_reply(call, PROBLEM_TOO_MANY, NULL, "too many requests from %s; the next one in %.0f s",
		      call->principal.number ? "this token" : "this address", ceil(wait_ms * 1e-3));
	return false;
}

static bool metered(const struct app *app, const struct http_call *call)
{
	return !(call->route && call->route->unmetered) && (!call->address.loopback || app->settings->limit_loopback);
}

bool admit(struct app *app, struct http_call *call)
{
	if (metered(app, call) && !within(app->address_limits, call->address.network, call))
		return false;
	if (!call->route || call->route->scopes & SCOPE_PUBLIC)
		return true;
	/* asked at each call: the first token closes the server, whoever is connected */
	if (app->anonymous_allowed && tokens_none(app->tokens)) {
		principal_anonymous(&call->principal);
		return true;
	}
	if (!authenticate(app, call) || !within(app->token_limits, call->principal.number, call))
		return false;
	return principal_may(&call->principal, call->route->scopes) || refuse_scope(call);
}
