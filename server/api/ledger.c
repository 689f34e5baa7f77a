/* GET /ledger: what was spent on the devices served, beside what a search and a training for each of them would have
 * cost. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "api/body.h"
#include "api/problem.h"
#include "api/resources.h"

#define DEVICES_MAX 1000000000000ull

/* Row MnasNet of the table in Cai et al., "Once-for-All", ICLR 2020 (arXiv:1908.09791), that compares hardware-aware
 * search on the Pixel 1: 40,000 GPU hours for each device, and 453.8 thousand pounds of CO2 for the 1.6 million hours
 * of forty devices. */
#define CONVENTIONAL_GPU_HOURS 40000.0
#define CONVENTIONAL_LBS_PER_GPU_HOUR 0.284
#define KG_PER_LB 0.45359237

static const char conventional_source[] =
	"MnasNet, 40,000 GPU hours per device and 0.284 lbs of CO2 per GPU hour, in the comparison of hardware-aware "
	"search on the Pixel 1 in Cai et al., Once-for-All, ICLR 2020 (arXiv:1908.09791)";

/* A factor that is an option: its default (settings.c), and whence that is. */
struct factor {
	double initial;
	const char *source;
};
static const struct factor watts = {12, "a core of any processor in the table of Lannelongue et al., Green Algorithms, "
					"Advanced Science 2021 (doi:10.1002/advs.202100707)"};
static const struct factor pue = {1.58, "mean of data centres in 2018, Strubell et al., ACL 2019 (arXiv:1906.02243)"};
static const struct factor co2 = {0.433, "0.954 lbs, mean of the USA, Strubell et al., ACL 2019 (arXiv:1906.02243)"};
static const struct factor lb = {KG_PER_LB, "by definition"};

/* Processor time and what follows from it. */
struct spending {
	double training, work[LEDGER_WORK_COUNT]; /* CPU seconds; training NAN: not recorded */
	uint64_t deliveries, n[LEDGER_WORK_COUNT];
};

/* ---- numbers ---- */

/* Nine digits: what follows them is noise of the arithmetic. */
static json_t *real(double v)
{
	char text[32];

	if (!isfinite(v))
		return json_null();
	snprintf(text, sizeof(text), "%.9g", v);
	return json_real(strtod(text, NULL));
}

static json_t *hours(double seconds)
{
	return real(seconds / 3600);
}

static double marginal_seconds(const struct spending *s)
{
	double seconds = 0;

	for (int w = 0; w < LEDGER_WORK_COUNT; w++)
		seconds += s->work[w];
	return seconds;
}

static double per_delivery(const struct spending *s)
{
	return s->deliveries ? marginal_seconds(s) / (double)s->deliveries : NAN;
}

/* {"cpu_hours","kwh","kg_co2"} of processor time; all null for NAN. */
static json_t *footprint(const struct settings *f, double cpu_seconds)
{
	double kwh = cpu_seconds / 3600 * f->watts_per_core / 1000 * f->pue;

	return json_pack("{s:o, s:o, s:o}", "cpu_hours", hours(cpu_seconds), "kwh", real(kwh), "kg_co2",
			 real(kwh * f->kg_co2_per_kwh));
}

/* ---- members ---- */

static json_t *counts(const struct spending *s)
{
	return json_pack("{s:I, s:I, s:I, s:I}", "deliveries", (json_int_t)s->deliveries, "searches",
			 (json_int_t)s->n[LEDGER_SEARCH], "fronts", (json_int_t)s->n[LEDGER_FRONT], "packages",
			 (json_int_t)s->n[LEDGER_PACK]);
}

static json_t *cpu_hours(const struct spending *s)
{
	return json_pack("{s:o, s:o, s:o, s:o}", "training", hours(s->training), "search",
			 hours(s->work[LEDGER_SEARCH]), "fronts", hours(s->work[LEDGER_FRONT]), "packing",
			 hours(s->work[LEDGER_PACK]));
}

static json_t *network_entry(const struct network *n, const struct ledger_sums *sums, struct spending *total)
{
	struct spending s = {.training = ledger_training_cpu_seconds(n->net)};
	char sha256[2 * OFA_SHA256_BYTES + 1];

	ofa_hex(n->net->sha256, OFA_SHA256_BYTES, sha256);
	s.deliveries = sums->deliveries;
	total->training += s.training; /* NAN as soon as one is not known */
	total->deliveries += s.deliveries;
	for (int w = 0; w < LEDGER_WORK_COUNT; w++) {
		s.work[w] = sums->cpu_seconds[w];
		s.n[w] = sums->n[w];
		total->work[w] += s.work[w];
		total->n[w] += s.n[w];
	}
	return json_pack("{s:s, s:s, s:s, s:o, s:o}", "name", n->net->name, "sha256", sha256, "since", sums->since,
			 "counts", counts(&s), "cpu_hours", cpu_hours(&s));
}

/* Of all networks; adds up what was spent on them. */
static enum ofa_status network_entries(const struct app *app, json_t *list, struct spending *total,
				       struct ofa_error *err)
{
	enum ofa_status st = OFA_OK;

	for (size_t i = 0; i < app->networks->n && st == OFA_OK; i++) {
		const struct network *n = &app->networks->list[i];
		struct ledger_sums sums;

		st = ledger_read(app->ledger, n->account, &sums, err);
		if (st == OFA_OK)
			json_array_append_new(list, network_entry(n, &sums, total));
	}
	return st;
}

static json_t *factor_format(const struct factor *f, double value)
{
	bool own = value < f->initial || value > f->initial;

	return json_pack("{s:o, s:s}", "value", real(value), "source", own ? "the operator's" : f->source);
}

static json_t *factors(const struct settings *f)
{
	return json_pack("{s:o, s:o, s:o, s:o}", "watts_per_core", factor_format(&watts, f->watts_per_core), "pue",
			 factor_format(&pue, f->pue), "kg_co2_per_kwh", factor_format(&co2, f->kg_co2_per_kwh),
			 "kg_per_lb", factor_format(&lb, KG_PER_LB));
}

static json_t *conventional(double devices)
{
	double gpu_hours = CONVENTIONAL_GPU_HOURS * devices, lbs = gpu_hours * CONVENTIONAL_LBS_PER_GPU_HOUR;

	return json_pack("{s:o, s:o, s:o}", "gpu_hours", real(gpu_hours), "lbs_co2", real(lbs), "kg_co2",
			 real(lbs * KG_PER_LB));
}

/* What this many devices cost: the training once, where it is recorded, and the average of a delivery for each.  The
 * average is not known before the first delivery. */
static json_t *projection(const struct settings *f, const struct spending *s, uint64_t devices)
{
	double each = devices ? per_delivery(s) : 0;
	double seconds = each * (double)devices + (isnan(s->training) ? 0 : s->training);

	return json_pack("{s:I, s:b, s:o, s:o}", "devices", (json_int_t)devices, "training_included",
			 !isnan(s->training), "once_for_all", footprint(f, seconds), "conventional",
			 conventional((double)devices));
}

/* Takes the list over. */
static json_t *format(const struct settings *f, json_t *networks, const struct spending *total, bool asked,
		      uint64_t devices)
{
	double training = isnan(total->training) ? 0 : total->training;

	/* clang-format off */
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:{s:o, s:s}, s:o}",
			 "networks", networks,
			 "counts", counts(total),
			 "cpu_hours", cpu_hours(total),
			 "spent", footprint(f, marginal_seconds(total) + training),
			 "per_delivery", footprint(f, per_delivery(total)),
			 "comparison", projection(f, total, asked ? devices : total->deliveries),
			 "conventional", "per_device", conventional(1), "source", conventional_source,
			 "factors", factors(f));
	/* clang-format on */
}

/* False: it is no number of devices. */
static bool read_devices(const char *query, bool *ret_asked, uint64_t *ret)
{
	char text[32], *end;

	if (!http_query(query, "devices", text, sizeof(text)))
		return false;
	*ret_asked = text[0] != '\0';
	if (!*ret_asked)
		return true;
	errno = 0;
	*ret = strtoull(text, &end, 10);
	return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && *ret <= DEVICES_MAX;
}

static void reply_ledger(const struct app *app, struct http_call *call, bool asked, uint64_t devices)
{
	struct spending total = {0};
	json_t *networks = json_array();
	struct ofa_error err = {0};
	enum ofa_status st = network_entries(app, networks, &total, &err);

	if (st != OFA_OK) {
		json_decref(networks);
		problem_reply_error(call, st, &err);
		return;
	}
	http_reply_json(&call->reply, 200, "application/json",
			format(app->settings, networks, &total, asked, devices));
	http_reply_header(&call->reply, "Cache-Control", "no-cache");
}

enum http_next ledger_get(struct app *app, struct http_call *call)
{
	uint64_t devices = 0;
	bool asked;

	if (!accepts_json(call))
		return HTTP_REPLY;
	if (!read_devices(call->request.query, &asked, &devices)) {
		problem_reply(call, PROBLEM_INVALID, "devices", "devices must be a whole number from 0 to %llu",
			      DEVICES_MAX);
		return HTTP_REPLY;
	}
	if (store_sharing(app->store) && !http_call_on_worker(call))
		return HTTP_OFFLOAD;
	reply_ledger(app, call, asked, devices);
	return HTTP_REPLY;
}
