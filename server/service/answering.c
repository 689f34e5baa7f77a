#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "clock.h"
#include "cost/pointer.h"
#include "service/answering.h"
#include "service/ledger.h"
#include "service/manifest.h"

/* ---- without a search ---- */

/* Takes the member "id" of a stored manifest. */
static enum ofa_status read_id(const struct ofa_buf *manifest, char id[PACKAGE_ID_CHARS + 1], struct ofa_error *err)
{
	json_t *json = json_loadb((const char *)manifest->data, manifest->len, 0, NULL);
	const char *value = json_string_value(json_object_get(json, "id"));
	bool ok = value && strlen(value) == PACKAGE_ID_CHARS;

	if (ok)
		memcpy(id, value, PACKAGE_ID_CHARS + 1);
	json_decref(json);
	return ok ? OFA_OK : ofa_fail(err, OFA_ERR_FORMAT, NULL, "a stored manifest has no id");
}

enum ofa_status deliveries_find(struct deliveries *d, const struct job_key *key, struct ledger_account *account,
				struct delivery **ret, struct ofa_error *err)
{
	char id[PACKAGE_ID_CHARS + 1];
	struct ofa_buf manifest;
	enum ofa_status st;

	ofa_buf_init(&manifest, MANIFEST_MAX);
	st = d->opt.store->driver->delivery_by_question(d->opt.store, key->bytes, &manifest, err);
	if (st == OFA_OK)
		st = read_id(&manifest, id, err);
	if (st == OFA_OK) {
		*ret = delivery_new(id, account, strndup((const char *)manifest.data, manifest.len));
		st = *ret ? OFA_OK : ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	}
	ofa_buf_release(&manifest);
	return st;
}

/* The subnet that the question gives, with its figures. */
static enum ofa_status look_at_given(struct answer *a, struct ofa_search_result *ret)
{
	enum ofa_status st = ofa_search_given(binding_problem(a->binding), &a->question.arch, ret, &a->error);

	if (st != OFA_OK)
		ofa_pointer_place(&a->error, "/arch");
	return st;
}

static enum ofa_status check_given(struct answer *a)
{
	struct ofa_search_result given;
	enum ofa_status st = look_at_given(a, &given);

	return st == OFA_OK ? question_check_costs(&a->question, given.value, &a->error) : st;
}

static enum ofa_status check_searched(struct answer *a)
{
	const struct ofa_limits limits = question_table_limits(&a->question);
	enum ofa_status st = ofa_search_check(binding_problem(a->binding), &limits, &a->error);

	question_restate_error(&a->question, &a->feasible, &a->error);
	if (st == OFA_ERR_INFEASIBLE)
		metrics_add(a->deliveries->opt.metrics, METRICS_SEARCH_INFEASIBLE, 1);
	return st;
}

/* What no subnet keeps, or not the one that is given, is told before the question waits for its turn. */
static enum ofa_status check_limits(struct answer *a)
{
	enum ofa_status st = bindings_get(a->deliveries->opt.bindings, a->question.network, a->question.profile,
					  a->question.precision, &a->binding, &a->error);

	if (st != OFA_OK)
		return st;
	ofa_search_feasible(binding_problem(a->binding), &a->feasible);
	question_restate_feasible(&a->question, &a->feasible);
	return a->question.given ? check_given(a) : check_searched(a);
}

/* The stored answer with its package, or with a->rebuild where that was dropped. */
static enum ofa_status find_stored(struct answer *a, struct ofa_error *err)
{
	struct ofa_error absent = {0};
	struct deliveries *d = a->deliveries;
	enum ofa_status st = deliveries_find(d, &a->question.key, a->question.network->account, &a->delivery, err);

	if (st != OFA_OK)
		return st;
	if (strcmp(a->delivery->id, a->lost) == 0)
		return OFA_ERR_NOT_FOUND;
	st = packages_get(d->opt.packages, a->delivery->id, &a->package, &absent);
	if (st == OFA_ERR_NOT_FOUND)
		return rebuilds_ask(d->opt.rebuilds, a->delivery->id, a->delivery->manifest, &a->rebuild, err);
	return st == OFA_OK ? st : ofa_fail(err, st, NULL, "%s", absent.message);
}

void answer_lose(struct answer *a, const struct ofa_error *err)
{
	if (err->status != OFA_OK)
		log_message(a->deliveries->opt.log, LOG_LEVEL_WARN, "a stored delivery cannot be used: %s",
			    err->message);
	if (a->delivery && err->status == OFA_ERR_GONE)
		memcpy(a->lost, a->delivery->id, sizeof(a->lost));
	delivery_unref(a->delivery);
	a->delivery = NULL;
	a->source = FROM_SEARCH;
}

/* In the store.  *ret_settled: an answer, or that the store is out of reach: an answer could not be kept there either,
 * and somebody else may have it.  An answer whose package is being made again is not settled. */
static enum ofa_status look_into_store(struct answer *a, bool *ret_settled)
{
	struct ofa_error err = {0};
	enum ofa_status st = find_stored(a, &err);

	*ret_settled = (st == OFA_OK && !a->rebuild) || st == OFA_ERR_UNAVAILABLE || st == OFA_ERR_LIMIT;
	if (st == OFA_OK) {
		a->source = FROM_STORE;
		return st;
	}
	if (*ret_settled) {
		a->error = err; /* of the store, not of what it has */
		err = (struct ofa_error){0};
	}
	answer_lose(a, &err);
	return st;
}

enum ofa_status answer_look(struct answer *a, bool *ret_settled)
{
	enum ofa_status st;

	*ret_settled = true;
	/* somebody else's flight may have landed between our look into memory and our take-off */
	if (deliveries_recall(a->deliveries, &a->question.key, &a->delivery, &a->package)) {
		a->source = FROM_MEMORY;
		return OFA_OK;
	}
	st = look_into_store(a, ret_settled);
	if (st == OFA_OK)
		metrics_add(a->deliveries->opt.metrics, METRICS_LOOKUP_STORE, 1);
	if (*ret_settled || a->rebuild)
		return st;
	metrics_add(a->deliveries->opt.metrics, METRICS_LOOKUP_MISS, 1);
	return answer_check(a, ret_settled);
}

enum ofa_status answer_check(struct answer *a, bool *ret_settled)
{
	enum ofa_status st = a->binding ? OFA_OK : check_limits(a);

	*ret_settled = st != OFA_OK;
	return st;
}

enum ofa_status answer_look_again(struct answer *a, bool *ret_settled)
{
	enum ofa_status st = look_into_store(a, ret_settled);

	if (st == OFA_OK)
		metrics_add(a->deliveries->opt.metrics, METRICS_REPLICA_ANSWERS, 1);
	return st;
}

/* ---- the search ---- */

/* Is latency the one resource that is limited, for a profile whose front is kept?  It depends on the question alone,
 * so that equal questions have equal answers. */
static bool looked_up(const struct answer *a)
{
	const struct question *q = &a->question;

	for (int r = 0; r < OFA_RESOURCE_COUNT; r++)
		if ((r == OFA_LATENCY_MS) == isinf(q->limits.max[r]))
			return false;
	return q->stored && a->deliveries->opt.keep_fronts;
}

static enum ofa_status look_up(struct answer *a, const struct ofa_search_options *options,
			       struct ofa_search_result *found)
{
	const struct ofa_front *front;
	enum ofa_status st;

	progress_enter(&a->progress, PROGRESS_FRONT);
	st = binding_front(a->binding, OFA_LATENCY_MS, &a->progress, &front, &a->error);
	a->cpu_begin = clock_thread_cpu(); /* the front was booked for itself */
	return st == OFA_OK ? ofa_front_answer(binding_problem(a->binding), front, options, found, NULL, &a->error)
			    : st;
}

static void count_search(const struct answer *a, enum ofa_status st, const struct ofa_search_result *found)
{
	static const enum metrics_counter by_stop[] = {
		[OFA_STOP_BUDGET] = METRICS_SEARCH_BUDGET,
		[OFA_STOP_CONVERGED] = METRICS_SEARCH_CONVERGED,
		[OFA_STOP_FRONT] = METRICS_SEARCH_FRONT,
	};
	struct metrics *m = a->deliveries->opt.metrics;

	if (st == OFA_OK) {
		metrics_add(m, by_stop[found->stop], 1);
		metrics_add(m, METRICS_EVALUATIONS, (uint64_t)found->evaluations);
	} else {
		metrics_add(m,
			    st == OFA_ERR_INFEASIBLE  ? METRICS_SEARCH_INFEASIBLE
			    : st == OFA_ERR_CANCELLED ? METRICS_SEARCH_CANCELLED
						      : METRICS_SEARCH_FAILED,
			    1);
	}
	metrics_observe_ms(m, METRICS_SEARCH_SECONDS, a->timing.search_ms);
}

static enum ofa_status search(struct answer *a, struct ofa_search_result *found)
{
	const struct ofa_search_options options = {
		.limits = question_table_limits(&a->question),
		.seed = a->question.seed,
		.cancel = &a->progress.cancel,
		.progress = progress_told,
		.ctx = &a->progress,
	};
	double begin = clock_ms();
	enum ofa_status st;

	a->cpu_begin = clock_thread_cpu();
	if (looked_up(a)) {
		st = look_up(a, &options, found);
	} else {
		progress_enter(&a->progress, PROGRESS_SEARCH);
		st = ofa_search_run(binding_problem(a->binding), &options, found, NULL, &a->error);
	}
	question_restate_error(&a->question, &a->feasible, &a->error);
	a->timing.search_ms = clock_ms() - begin;
	ledger_spend(a->question.network->account, LEDGER_SEARCH, clock_thread_cpu() - a->cpu_begin);
	count_search(a, st, found);
	return st;
}

/* The subnet that answers. */
static enum ofa_status choose(struct answer *a, struct ofa_search_result *found)
{
	return a->question.given ? look_at_given(a, found) : search(a, found);
}

/* ---- the package ---- */

/* What the type cannot hold is to be blamed on the question, not on a lack of room. */
static enum ofa_status blame(struct answer *a, enum ofa_status st)
{
	const struct ofa_error err = a->error;

	if (st != OFA_ERR_LIMIT || a->question.precision == OFA_FLOAT32)
		return st;
	a->error = (struct ofa_error){0};
	return ofa_fail(&a->error, OFA_ERR_INVALID, "/dtype", "%s: %s", err.field, err.message);
}

/* Builds the package, which the device runtime tries before anybody else does, and checks its digests as they are in
 * memory.  What is written from there is the file; that is not read again. */
static enum ofa_status build(struct answer *a, const struct ofa_search_result *found, uint8_t **ret_data,
			     struct ofa_package_summary *ret)
{
	const struct ofa_pack_info info = {
		.predicted_accuracy = found->predicted_accuracy,
		.latency_ms = found->value[OFA_LATENCY_MS],
		.profile = a->question.profile ? a->question.profile->profile.name : NULL,
		.precision = a->question.precision,
	};
	double begin = clock_ms();
	struct ofa_pack_timing timing = {0};
	uint8_t *data;
	size_t size;
	enum ofa_status st;

	if (progress_over(&a->progress))
		return ofa_fail(&a->error, OFA_ERR_CANCELLED, NULL, "the search was stopped");
	progress_enter(&a->progress, PROGRESS_PACK);
	a->cpu_begin = clock_thread_cpu();
	st = ofa_pack_build(a->question.network->net, &found->arch, &info, NULL, &data, &size, &timing, &a->error);
	if (st != OFA_OK)
		return blame(a, st);
	st = ofa_package_read(data, size, ret, &a->error);
	ledger_spend(a->question.network->account, LEDGER_PACK,
		     clock_thread_cpu() - a->cpu_begin + timing.helpers_cpu_ms * 1e-3);
	a->timing.calibrate_ms = timing.calibrate_ms;
	a->timing.pack_ms = clock_ms() - begin - timing.calibrate_ms;
	metrics_observe_ms(a->deliveries->opt.metrics, METRICS_CALIBRATE_SECONDS, a->timing.calibrate_ms);
	metrics_observe_ms(a->deliveries->opt.metrics, METRICS_PACK_SECONDS, a->timing.pack_ms);
	if (st != OFA_OK) {
		free(data);
		return st;
	}
	*ret_data = data;
	return OFA_OK;
}

/* Makes the delivery durable: first the file, then the row that speaks of it. */
static enum ofa_status keep(struct answer *a, const struct ofa_search_result *found)
{
	struct deliveries *d = a->deliveries;
	const struct question *q = &a->question;
	json_t *limits = ofa_limits_format(&q->limits);
	char *limits_text = limits ? json_dumps(limits, JSON_COMPACT) : NULL;
	char arch[1024];
	enum ofa_status st;

	json_decref(limits);
	if (!limits_text)
		return ofa_fail(&a->error, OFA_ERR_NOMEM, NULL, "out of memory");
	ofa_arch_snprint(&q->network->net->space, &found->arch, arch, sizeof(arch));
	st = d->opt.store->driver->delivery_put(d->opt.store,
						&(struct store_delivery){
							.question = q->key.bytes,
							.subnet = a->package->id,
							.size_bytes = a->package->size,
							.network = q->network->net->name,
							.arch = arch,
							.profile = q->profile ? q->profile->profile.name : NULL,
							.profile_revision = question_revision(q),
							.latency_ms = found->value[OFA_LATENCY_MS],
							.limits = limits_text,
							.seed = q->seed,
							.evaluations = found->evaluations,
							.manifest = a->delivery->manifest,
							.replaces = *a->lost ? a->lost : NULL,
						},
						&a->error);
	free(limits_text);
	return st;
}

static enum ofa_status make_delivery(struct answer *a, const struct ofa_search_result *found,
				     const struct ofa_package_summary *summary)
{
	a->delivery = delivery_new(a->package->id, a->question.network->account,
				   manifest_format(&a->question, found, summary, a->package));
	return a->delivery ? OFA_OK : ofa_fail(&a->error, OFA_ERR_NOMEM, NULL, "out of memory");
}

/* Another server may have answered the same question meanwhile, in other words or, where its processor rounds
 * otherwise, with another subnet.  The first answer that was stored is everybody's. */
static enum ofa_status adopt(struct answer *a)
{
	struct deliveries *d = a->deliveries;
	struct delivery *first;
	struct package *package;
	enum ofa_status st;

	if (!d->sharing)
		return OFA_OK;
	st = deliveries_find(d, &a->question.key, a->question.network->account, &first, &a->error);
	if (st != OFA_OK)
		return st;
	if (strcmp(first->id, a->delivery->id) != 0) {
		st = packages_get(d->opt.packages, first->id, &package, &a->error);
		if (st != OFA_OK) {
			delivery_unref(first);
			return st;
		}
		package_unref(a->package);
		a->package = package;
	}
	delivery_unref(a->delivery);
	a->delivery = first;
	return OFA_OK;
}

static enum ofa_status store_package(struct answer *a, const uint8_t *data, const struct ofa_package_summary *summary)
{
	char id[PACKAGE_ID_CHARS + 1];
	enum ofa_status st;

	ofa_hex(summary->sha256, OFA_SHA256_BYTES, id);
	st = package_keeper_add(a->deliveries->opt.keeper, id, summary->size_bytes, a->question.network, &a->error);
	return st == OFA_OK ? packages_add(a->deliveries->opt.packages, data, summary->size_bytes, summary->sha256,
					   &a->package, &a->error)
			    : st;
}

enum ofa_status answer_find(struct answer *a)
{
	struct ofa_package_summary summary;
	struct ofa_search_result found;
	uint8_t *data = NULL;
	enum ofa_status st = choose(a, &found);

	if (st == OFA_OK)
		st = build(a, &found, &data, &summary);
	if (st != OFA_OK)
		return st;
	st = store_package(a, data, &summary);
	free(data);
	if (st == OFA_OK)
		st = make_delivery(a, &found, &summary);
	ofa_package_summary_release(&summary);
	if (st == OFA_OK)
		st = keep(a, &found);
	return st == OFA_OK ? adopt(a) : st;
}

static bool waits_for_front(const struct answer *a)
{
	return !a->question.given && looked_up(a) && !binding_has_front(a->binding, OFA_LATENCY_MS);
}

enum ofa_status answer_foretell(struct answer *a, bool patient, char **ret_manifest, bool *ret_put_off)
{
	struct ofa_search_result found;
	enum ofa_status st = check_limits(a);
	char *manifest;

	if (st == OFA_OK && !patient && waits_for_front(a)) {
		*ret_put_off = true;
		return OFA_OK;
	}
	if (st == OFA_OK)
		st = choose(a, &found);
	if (st != OFA_OK)
		return st;
	manifest = manifest_foretell(&a->question, &found);
	if (!manifest)
		return ofa_fail(&a->error, OFA_ERR_NOMEM, NULL, "out of memory");
	*ret_manifest = manifest;
	return OFA_OK;
}
