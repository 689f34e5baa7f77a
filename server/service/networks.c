#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "ofa_device.h"
#include "pack/pack.h"
#include "service/networks.h"

static bool name_ok(const char *name)
{
	return ofa_profile_name_ok(name) && !strchr(name, '/');
}

static enum ofa_status load_one(struct networks *s, const char *path, struct ofa_error *err)
{
	struct network *n = &s->list[s->n];
	enum ofa_status st = ofa_supernet_load(path, &n->net, err);

	if (st != OFA_OK)
		return st;
	s->n++; /* from here on networks_free() cleans up */
	atomic_init(&n->state, NETWORK_UNTESTED);
	if (!name_ok(n->net->name))
		return ofa_fail(
			err, OFA_ERR_INVALID, "--network",
			"%s: the network's name \"%s\" cannot be part of a path; A-Z a-z 0-9 . _ - are accepted", path,
			n->net->name);
	for (size_t i = 0; i + 1 < s->n; i++)
		if (strcmp(s->list[i].net->name, n->net->name) == 0)
			return ofa_fail(err, OFA_ERR_INVALID, "--network",
					"%s: there is a network named \"%s\" already", path, n->net->name);
	st = ofa_predictor_load(n->net, &n->predictor, err);
	if (st == OFA_OK)
		st = ofa_history_load(n->net, &n->history, err);
	if (st == OFA_OK)
		st = ofa_references_load(n->net, &n->references, err);
	if (st == OFA_OK)
		st = ofa_search_problem_new(n->net, &n->predictor, NULL, OFA_FLOAT32, &n->problem, err);
	if (st != OFA_OK)
		ofa_error_prefix(err, "%s", path);
	return st;
}

enum ofa_status networks_load(const char *const *paths, size_t n, struct networks **ret, struct ofa_error *err)
{
	struct networks *s;
	enum ofa_status st = OFA_OK;

	if (n > NETWORKS_MAX)
		return ofa_fail(err, OFA_ERR_LIMIT, "--network", "%zu networks were given; at most %d are held", n,
				NETWORKS_MAX);
	s = calloc(1, sizeof(*s));
	if (!s)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	for (size_t i = 0; st == OFA_OK && i < n; i++)
		st = load_one(s, paths[i], err);
	if (st != OFA_OK) {
		networks_free(s);
		return st;
	}
	*ret = s;
	return OFA_OK;
}

void networks_free(struct networks *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n; i++) {
		struct network *n = &s->list[i];

		ofa_search_problem_free(n->problem);
		ofa_references_release(&n->references);
		ofa_predictor_release(&n->predictor);
		ofa_supernet_free(n->net);
	}
	free(s);
}

static enum ofa_status not_found(struct networks *s, const char *name, struct ofa_error *err)
{
	char known[256] = "";
	size_t len = 0;

	for (size_t i = 0; i < s->n && len < sizeof(known); i++)
		len += (size_t)snprintf(known + len, sizeof(known) - len, "%s%s", i ? ", " : "", s->list[i].net->name);
	return ofa_fail(err, OFA_ERR_NOT_FOUND, "/network", "there is no network \"%.64s\"; there is %s", name, known);
}

enum ofa_status networks_find(struct networks *s, const char *name, struct network **ret, struct ofa_error *err)
{
	size_t i = 0;

	while (name && i < s->n && strcmp(s->list[i].net->name, name) != 0)
		i++;
	if (i == s->n)
		return not_found(s, name, err);
	*ret = &s->list[i];
	return OFA_OK;
}

/* As every device does it before it trusts a package. */
static enum ofa_status verify(const uint8_t *data, size_t size, struct ofa_error *err)
{
	struct ofa_device_model model;
	enum ofa_device_status status = ofa_device_load(data, size, &model, NULL);

	if (status == OFA_DEVICE_OK)
		status = ofa_device_verify(&model, NULL);
	if (status != OFA_DEVICE_OK)
		return ofa_fail(err, OFA_ERR_FORMAT, NULL, "the device runtime refuses the package: %s",
				ofa_device_strerror(status));
	return OFA_OK;
}

void network_self_test(struct network *n)
{
	const struct ofa_pack_info info = {.predicted_accuracy = NAN, .latency_ms = NAN};
	struct ofa_pack_timing timing;
	struct ofa_error err = {0};
	struct ofa_arch arch;
	uint8_t *data = NULL;
	size_t size = 0;
	enum ofa_status st;

	ofa_arch_smallest(&n->net->space, &arch);
	st = ofa_pack_build(n->net, &arch, &info, NULL, &data, &size, &timing, &err);
	if (st == OFA_OK)
		st = verify(data, size, &err);
	free(data);
	n->failure = err;
	atomic_store(&n->state, st == OFA_OK ? NETWORK_READY : NETWORK_FAILED);
}

bool networks_ready(struct networks *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (atomic_load(&s->list[i].state) != NETWORK_READY)
			return false;
	return true;
}
