#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "clock.h"
#include "service/ledger.h"
#include "service/manifest.h"
#include "service/rebuilding.h"

static void rebuild_destroy(struct shared *self)
{
	struct rebuild *b = (struct rebuild *)(void *)self;

	package_unref(b->package);
	free(b);
}

void rebuild_unref(struct rebuild *b)
{
	if (b)
		shared_unref(&b->flight.shared);
}

void rebuilds_init(struct rebuilds *r, const struct rebuilds_options *opt)
{
	r->opt = *opt;
	flights_init(&r->flights);
}

void rebuilds_release(struct rebuilds *r)
{
	flights_release(&r->flights);
}

/* ---- from what it was made ---- */

static double number_or_nan(const json_t *value)
{
	return json_is_number(value) ? json_number_value(value) : NAN;
}

/* What the package says of its latency: the table's prediction, before any calibration. */
static double table_latency(const json_t *manifest)
{
	const json_t *calibration = json_object_get(manifest, "calibration");

	return number_or_nan(calibration ? json_object_get(calibration, "predicted_ms")
					 : json_object_get(manifest, "latency_ms"));
}

static enum ofa_status malformed(const char *id, const char *member, struct ofa_error *err)
{
	return ofa_fail(err, OFA_ERR_FORMAT, NULL, "the stored manifest of subnet %s has no usable \"%s\"", id,
			member);
}

static enum ofa_status gone(const char *id, const char *why, const char *name, struct ofa_error *err)
{
	return ofa_fail(err, OFA_ERR_GONE, NULL, "the package of subnet %s was dropped, and %s \"%.100s\"", id, why,
			name);
}

static enum ofa_status find_network(struct rebuild *b, const char *name, struct ofa_error *err)
{
	struct network *network;

	if (networks_find(b->all->opt.networks, name, &network, NULL) != OFA_OK)
		return gone(b->id, "this server does not have the network that it was made from,", name, err);
	b->network = network;
	return OFA_OK;
}

/* Of the file that the package was made from, where that was noted. */
struct noted_network {
	const struct rebuild *rebuild;
	struct ofa_error *err;
};

static enum ofa_status check_digest(void *ctx, const struct store_indexed *p)
{
	struct noted_network *n = ctx;
	char served[2 * OFA_SHA256_BYTES + 1];

	ofa_hex(n->rebuild->network->net->sha256, OFA_SHA256_BYTES, served);
	if (!*p->network_sha256 || strcmp(p->network_sha256, served) == 0)
		return OFA_OK;
	return ofa_fail(n->err, OFA_ERR_GONE, NULL,
			"the package of subnet %s was dropped, and network \"%.100s\" is another file now: %.64s "
			"instead of %.64s",
			n->rebuild->id, n->rebuild->network->net->name, served, p->network_sha256);
}

static enum ofa_status check_network(struct rebuild *b, struct ofa_error *err)
{
	struct store *store = b->all->opt.store;
	struct noted_network n = {.rebuild = b, .err = err};
	enum ofa_status st = store->driver->package_find(store, b->id, check_digest, &n, err);

	return st == OFA_ERR_NOT_FOUND ? OFA_OK : st;
}

static enum ofa_status read_recipe(struct rebuild *b, const json_t *manifest, struct ofa_error *err)
{
	const char *network = json_string_value(json_object_get(manifest, "network"));
	const char *dtype = json_string_value(json_object_get(manifest, "dtype"));
	const char *profile = json_string_value(json_object_get(manifest, "profile"));
	struct ofa_error inner = {0};
	enum ofa_status st;

	if (!network)
		return malformed(b->id, "network", err);
	if (!dtype || !ofa_precision_find(dtype, &b->info.precision))
		return malformed(b->id, "dtype", err);
	if (profile && strlen(profile) >= sizeof(b->profile))
		return malformed(b->id, "profile", err);
	if (profile)
		b->info.profile = memcpy(b->profile, profile, strlen(profile) + 1);
	b->info.predicted_accuracy = number_or_nan(json_object_get(manifest, "predicted_accuracy"));
	b->info.latency_ms = table_latency(manifest);
	st = find_network(b, network, err);
	if (st == OFA_OK)
		st = check_network(b, err);
	if (st == OFA_OK &&
	    ofa_arch_parse(&b->network->net->space, json_object_get(manifest, "arch"), &b->arch, &inner) != OFA_OK)
		st = gone(b->id, "its arch is none of network", network, err);
	return st;
}

static enum ofa_status look_up(struct rebuilds *r, const char *id, const char *manifest, json_t **ret,
			       struct ofa_error *err)
{
	struct ofa_buf buf;
	enum ofa_status st = OFA_OK;

	ofa_buf_init(&buf, MANIFEST_MAX);
	if (!manifest)
		st = r->opt.store->driver->delivery_by_subnet(r->opt.store, id, &buf, err);
	if (st == OFA_ERR_NOT_FOUND)
		ofa_fail(err, st, NULL, "there is no subnet %s", id);
	if (st == OFA_OK) {
		*ret = manifest ? json_loads(manifest, 0, NULL)
				: json_loadb((const char *)buf.data, buf.len, 0, NULL);
		st = *ret ? OFA_OK : malformed(id, "network", err);
	}
	ofa_buf_release(&buf);
	return st;
}

/* ---- making it ---- */

static enum ofa_status keep(struct rebuild *b, const uint8_t *data, size_t size, struct ofa_error *err)
{
	const struct rebuilds_options *opt = &b->all->opt;
	uint8_t sha256[OFA_SHA256_BYTES];
	enum ofa_status st;

	ofa_sha256(data, size, sha256);
	if (memcmp(sha256, b->flight.key.bytes, sizeof(sha256)) != 0)
		return gone(b->id, "this version of the server packs it in other bytes, from network",
			    b->network->net->name, err);
	st = package_keeper_add(opt->keeper, b->id, size, b->network, err);
	return st == OFA_OK ? packages_add(opt->packages, data, size, sha256, &b->package, err) : st;
}

static enum ofa_status make(struct rebuild *b, struct ofa_error *err)
{
	const struct rebuilds_options *opt = &b->all->opt;
	const double begin = clock_thread_cpu();
	struct ofa_pack_timing timing = {0};
	struct ofa_error inner = {0};
	uint8_t *data;
	size_t size;
	enum ofa_status st = packages_get(opt->packages, b->id, &b->package, &inner);

	if (st != OFA_ERR_NOT_FOUND) /* another server was faster */
		return st == OFA_OK ? st : ofa_fail(err, st, NULL, "%s", inner.message);
	if (atomic_load(opt->closing))
		return ofa_fail(err, OFA_ERR_CANCELLED, NULL, "the server is shutting down");
	st = ofa_pack_build(b->network->net, &b->arch, &b->info, NULL, &data, &size, &timing, err);
	if (st != OFA_OK)
		return st;
	st = keep(b, data, size, err);
	free(data);
	ledger_spend(b->network->account, LEDGER_PACK, clock_thread_cpu() - begin + timing.helpers_cpu_ms * 1e-3);
	if (st == OFA_OK)
		metrics_add(opt->metrics, METRICS_PACKAGES_REBUILT, 1);
	return st;
}

static void land(struct rebuild *b, enum ofa_status st)
{
	b->status = st;
	flight_land(&b->all->flights, &b->flight);
	rebuild_unref(b); /* the worker's */
}

static void run(struct task *task)
{
	struct rebuild *b = (struct rebuild *)(void *)((char *)task - offsetof(struct rebuild, task));
	const double begin = clock_ms();
	struct log_line line;
	enum ofa_status st = make(b, &b->error);

	log_begin(&line, b->all->opt.log, st == OFA_OK ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR, "rebuild");
	log_string(&line, "subnet", b->id);
	log_string(&line, "network", b->network->net->name);
	log_string(&line, "outcome", ofa_status_name(st));
	log_string(&line, "error", st == OFA_OK ? NULL : b->error.message);
	log_real(&line, "ms", clock_ms() - begin);
	log_end(&line);
	land(b, st);
}

/* ---- asking ---- */

static void key_of(const char *id, struct job_key *ret)
{
	for (int i = 0; i < OFA_SHA256_BYTES; i++) {
		const char pair[3] = {id[2 * i], id[2 * i + 1], '\0'};

		ret->bytes[i] = (uint8_t)strtoul(pair, NULL, 16);
	}
}

static struct rebuild *rebuild_new(struct rebuilds *r, const char *id)
{
	struct rebuild *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	shared_init(&b->flight.shared, rebuild_destroy);
	b->task.run = run;
	b->all = r;
	memcpy(b->id, id, sizeof(b->id));
	key_of(id, &b->flight.key);
	return b;
}

enum ofa_status rebuilds_ask(struct rebuilds *r, const char *id, const char *manifest, struct rebuild **ret,
			     struct ofa_error *err)
{
	struct rebuild *candidate = rebuild_new(r, id), *b;
	json_t *json = NULL;
	bool leader;
	enum ofa_status st;

	if (!candidate)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	st = look_up(r, id, manifest, &json, err);
	if (st == OFA_OK)
		st = read_recipe(candidate, json, err);
	json_decref(json);
	if (st != OFA_OK) {
		rebuild_unref(candidate);
		return st;
	}
	b = (struct rebuild *)(void *)flight_join(&r->flights, &candidate->flight, &leader);
	if (!leader) {
		rebuild_unref(candidate);
		*ret = b;
		return OFA_OK;
	}
	shared_ref(&b->flight.shared); /* the worker's */
	if (!workers_submit(r->opt.workers, TASK_PROVISION, &b->task)) {
		/* others may have joined: they are told the same */
		land(b, ofa_fail(&b->error, OFA_ERR_LIMIT, NULL, "the queue of searches is full"));
		rebuild_unref(b);
		return ofa_fail(err, OFA_ERR_LIMIT, NULL, "the queue of searches is full");
	}
	*ret = b;
	return OFA_OK;
}

bool rebuild_wait(struct rebuild *b, struct flight_waiter *w)
{
	return flight_wait(&b->all->flights, &b->flight, w);
}

bool rebuild_unwait(struct rebuild *b, struct flight_waiter *w)
{
	return flight_unwait(&b->all->flights, w);
}
