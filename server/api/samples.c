#include "api/body.h"
#include "api/problem.h"
#include "api/query.h"
#include "api/resources.h"
#include "clock.h"
#include "service/question.h"

static enum ofa_status read_query(struct app *app, struct http_call *call, struct samples_question *q,
				  struct known_profile **ret_profile, struct ofa_error *err)
{
	struct network *network;
	uint64_t n = SAMPLES_DEFAULT;
	enum ofa_status st = networks_find(app->networks, http_param(&call->request.params, "name"), &network, err);

	if (st == OFA_OK)
		st = query_number(call, "n", 1, OFA_SAMPLES_MAX, &n, err);
	if (st == OFA_OK)
		st = query_number(call, "seed", 0, QUESTION_SEED_MAX, &q->seed, err);
	if (st == OFA_OK)
		st = query_dtype(call, &q->precision, err);
	if (st == OFA_OK)
		st = query_profile(app, call, ret_profile, err);
	if (st != OFA_OK)
		return st;
	q->network = network;
	q->profile = *ret_profile;
	q->n = (int)n;
	return OFA_OK;
}

/* And what was spent on it. */
static enum ofa_status find_or_draw(struct app *app, struct http_call *call, const struct samples_question *q,
				    struct sampled **ret, struct ofa_error *err)
{
	const double begun_ms = clock_ms();
	enum ofa_status st;

	*ret = samples_peek(app->samples, q);
	if (*ret) {
		http_reply_header_lasting(&call->reply, "Server-Timing", "draw;dur=0.000, cache;desc=\"memory\"");
		return OFA_OK;
	}
	st = samples_of(app->samples, q, ret, err);
	if (st == OFA_OK)
		http_reply_header(&call->reply, "Server-Timing", "draw;dur=%.3f", clock_ms() - begun_ms);
	return st;
}

enum http_next samples_get(struct app *app, struct http_call *call)
{
	static const char *const types[] = {SAMPLES_TYPE};
	struct known_profile *profile = NULL;
	struct samples_question q = {0};
	struct sampled *x = NULL;
	struct ofa_error err = {0};
	enum ofa_status st;

	if (choose_type(call, types, OFA_ARRAY_LEN(types)) < 0)
		return HTTP_REPLY;
	st = read_query(app, call, &q, &profile, &err);
	if (st == OFA_OK)
		st = find_or_draw(app, call, &q, &x, &err);
	if (st == OFA_OK) {
		http_reply_shared(&call->reply, 200, SAMPLES_TYPE, &x->shared, x->data, x->size);
		http_reply_etag(&call->reply, x->sha256);
		http_reply_header_lasting(&call->reply, "Cache-Control", "no-cache");
	} else {
		problem_reply_error(call, st, &err);
	}
	sampled_unref(x);
	known_profile_unref(profile);
	return HTTP_REPLY;
}
