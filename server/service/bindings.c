#include <stdlib.h>
#include <string.h>
#include "service/bindings.h"

/* Additive tables of a problem, per resolution; an estimate for the cache's balance only. */
#define PROBLEM_BYTES ((size_t)128 << 10)

static void binding_destroy(struct shared *self)
{
	struct binding *b = (struct binding *)(void *)self;

	ofa_search_problem_free(b->own_problem);
	ofa_latency_model_free(b->latency);
	free(b);
}

void binding_unref(struct binding *b)
{
	if (b)
		shared_unref(&b->shared);
}

static enum ofa_status bind_table(struct binding *b, const struct network *network, const struct ofa_profile *profile,
				  struct ofa_error *err)
{
	const struct ofa_supernet *net = network->net;
	enum ofa_status st = ofa_latency_model_new(&net->space, &net->params, &profile->table, &b->latency, err);

	if (st == OFA_OK)
		st = ofa_search_problem_new(net, &network->predictor, b->latency, &b->own_problem, err);
	if (st == OFA_OK)
		b->problem = b->own_problem;
	return st;
}

static enum ofa_status binding_new(const struct network *network, const struct known_profile *profile,
				   struct binding **ret, struct ofa_error *err)
{
	struct binding *b = calloc(1, sizeof(*b));
	enum ofa_status st = OFA_OK;

	if (!b)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	shared_init(&b->shared, binding_destroy);
	b->problem = network->problem;
	if (profile && profile->profile.has_table)
		st = bind_table(b, network, &profile->profile, err);
	if (st != OFA_OK) {
		binding_unref(b);
		return st;
	}
	*ret = b;
	return OFA_OK;
}

static struct job_key key_of(const struct network *network, const struct known_profile *profile)
{
	uint8_t both[2 * OFA_SHA256_BYTES] = {0};
	struct job_key key;

	memcpy(both, network->net->sha256, OFA_SHA256_BYTES);
	if (profile)
		memcpy(both + OFA_SHA256_BYTES, profile->sha256, OFA_SHA256_BYTES);
	ofa_sha256(both, sizeof(both), key.bytes);
	return key;
}

enum ofa_status binding_get(struct lru *cache, const struct network *network, const struct known_profile *profile,
			    struct binding **ret, struct ofa_error *err)
{
	struct job_key key = key_of(network, profile);
	struct binding *b = (struct binding *)(void *)lru_get(cache, &key);
	enum ofa_status st = OFA_OK;

	if (!b) {
		st = binding_new(network, profile, &b, err);
		if (st == OFA_OK)
			lru_put(cache, &key, &b->shared, sizeof(*b) + PROBLEM_BYTES);
	}
	if (st == OFA_OK)
		*ret = b;
	return st;
}
