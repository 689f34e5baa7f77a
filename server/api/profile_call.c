#include <stdio.h>
#include "api/problem.h"
#include "api/profile_call.h"
#include "service/profiles.h"

const char *profile_path_name(struct http_call *call)
{
	const char *name = http_param(&call->request.params, "name");

	if (profile_name_ok(name))
		return name;
	problem_reply(call, PROBLEM_INVALID, "name",
		      "\"%.64s\" cannot be the name of a profile; 1 to %d of A-Z a-z 0-9 . _ - are accepted, "
		      "with '/' between parts, none but the first being revisions or calibration",
		      name, OFA_PROFILE_NAME_MAX - 1);
	return NULL;
}

bool profile_call_owns(struct http_call *call, const char *name)
{
	if (principal_owns(&call->principal, name))
		return true;
	problem_reply(call, PROBLEM_FORBIDDEN, "name", "this token may only write profiles whose names begin with %s/",
		      call->principal.owner);
	return false;
}

static void format_etag(const struct store_profile_state *state, char out[HTTP_ETAG_MAX])
{
	char hex[2 * OFA_SHA256_BYTES + 1];

	ofa_hex(state->sha256, OFA_SHA256_BYTES, hex);
	snprintf(out, HTTP_ETAG_MAX, "\"sha256-%s\"", hex);
}

static bool gate_open(void *ctx, const struct store_profile_state *state, bool same)
{
	struct profile_gate *g = ctx;
	bool there = state->revision > 0;
	char etag[HTTP_ETAG_MAX];

	if (there)
		format_etag(state, etag);
	g->outcome = http_precondition(g->request, there ? etag : NULL);
	switch (g->outcome) {
	case HTTP_PRECONDITION_NONE:
		return same || !there || !g->required;
	case HTTP_PRECONDITION_HOLDS:
		return true;
	case HTTP_PRECONDITION_IF_MATCH_FAILS:
		/* done already, by this client whose first answer was lost or by another (RFC 9110, 13.1.1) */
		return same;
	case HTTP_PRECONDITION_IF_NONE_MATCH_FAILS:
		break;
	}
	return false;
}

bool profile_gate_init(struct profile_gate *g, struct http_call *call, bool required)
{
	static const enum http_header fields[] = {HTTP_IF_MATCH, HTTP_IF_NONE_MATCH};

	for (size_t i = 0; i < OFA_ARRAY_LEN(fields); i++) {
		const char *value = call->request.header[fields[i]];

		if (value && !http_etag_list_ok(value)) {
			problem_reply(call, PROBLEM_BAD_REQUEST, http_header_name(fields[i]),
				      "%s must be * or entity tags in quotes, with commas between",
				      http_header_name(fields[i]));
			return false;
		}
	}
	*g = (struct profile_gate){.request = &call->request, .required = required};
	g->gate = (struct store_gate){.open = gate_open, .ctx = g};
	return true;
}

/* {"revision","etag"}, or null where there is nothing. */
static json_t *state_json(const struct store_profile_state *state)
{
	char etag[HTTP_ETAG_MAX];

	if (state->revision == 0)
		return json_null();
	format_etag(state, etag);
	return json_pack("{s:I, s:s}", "revision", (json_int_t)state->revision, "etag", etag);
}

void profile_gate_refuse(const struct profile_gate *g, struct http_call *call, const char *name,
			 const struct store_profile_state *state)
{
	char detail[512];

	if (g->outcome == HTTP_PRECONDITION_NONE) {
		snprintf(detail, sizeof(detail),
			 "there is a profile \"%s\", revision %llu: replace it with If-Match: its entity tag, or \"*\" "
			 "for whatever is there",
			 name, (unsigned long long)state->revision);
		problem_reply_with(call, PROBLEM_PRECONDITION_REQUIRED, "If-Match", detail, "current",
				   state_json(state));
		return;
	}
	if (state->revision > 0)
		snprintf(detail, sizeof(detail), "the profile \"%s\" is at revision %llu", name,
			 (unsigned long long)state->revision);
	else
		snprintf(detail, sizeof(detail), "there is no profile \"%s\" that could match", name);
	problem_reply_with(call, PROBLEM_PRECONDITION_FAILED,
			   g->outcome == HTTP_PRECONDITION_IF_MATCH_FAILS ? "If-Match" : "If-None-Match", detail,
			   "current", state_json(state));
}
