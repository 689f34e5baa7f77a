#include "cost/history.h"

#include <math.h>
#include <string.h>

#include "cost/members.h"
#include "cost/pointer.h"

#define KEY "ofa.history"
/* How much an epoch may be off: they are quotients of steps, and files keep some digits of them. */
static double slack(double epoch)
{
	return 1e-6 * (1 + epoch);
}

static enum ofa_status parse_phase_name(const json_t *json, const char *field, void *out, struct ofa_error *err)
{
	struct ofa_history_phase *p = out;

	return ofa_members_text(json, field, p->name, sizeof(p->name), err);
}

static enum ofa_status parse_begin(const json_t *json, const char *field, void *out, struct ofa_error *err)
{
	struct ofa_history_phase *p = out;

	return ofa_members_number(json, field, 0, OFA_HISTORY_MAX_EPOCHS, &p->begin_epoch, err);
}

static enum ofa_status parse_epochs(const json_t *json, const char *field, void *out, struct ofa_error *err)
{
	struct ofa_history_phase *p = out;

	return ofa_members_number(json, field, 0, OFA_HISTORY_MAX_EPOCHS, &p->epochs, err);
}

static const struct ofa_member phase_members[] = {
	{"name", true, parse_phase_name},
	{"begin_epoch", true, parse_begin},
	{"epochs", true, parse_epochs},
};

static enum ofa_status parse_phase(const json_t *json, const char *field, void *out, struct ofa_error *err)
{
	return ofa_members_parse(json, field, phase_members, OFA_ARRAY_LEN(phase_members), out, err);
}

/* An evaluation as it is written, its phase by name. */
struct written {
	struct ofa_history_evaluation e;
	char phase[OFA_HISTORY_NAME_MAX];
};

static enum ofa_status parse_epoch(const json_t *json, const char *field, void *out, struct ofa_error *err)
{
	struct written *w = out;

	return ofa_members_number(json, field, 0, OFA_HISTORY_MAX_EPOCHS, &w->e.epoch, err);
}

static enum ofa_status parse_which(const json_t *json, const char *field, void *out, struct ofa_error *err)
{
	struct written *w = out;

	return ofa_members_text(json, field, w->phase, sizeof(w->phase), err);
}

static enum ofa_status parse_largest(const json_t *json, const char *field, void *out, struct ofa_error *err)
{
	struct written *w = out;

	return ofa_members_number(json, field, 0, 1, &w->e.largest, err);
}

static enum ofa_status parse_smallest(const json_t *json, const char *field, void *out, struct ofa_error *err)
{
	struct written *w = out;

	w->e.smallest = NAN;
	return json_is_null(json) ? OFA_OK : ofa_members_number(json, field, 0, 1, &w->e.smallest, err);
}

static const struct ofa_member evaluation_members[] = {
	{"epoch", true, parse_epoch},
	{"phase", true, parse_which},
	{"largest", true, parse_largest},
	{"smallest", true, parse_smallest},
};

static enum ofa_status parse_evaluation(const json_t *json, const char *field, void *out, struct ofa_error *err)
{
	return ofa_members_parse(json, field, evaluation_members, OFA_ARRAY_LEN(evaluation_members), out, err);
}

/* ---- the whole ---- */

struct reading {
	struct ofa_history h;
	struct written written[OFA_HISTORY_MAX_EVALUATIONS];
};

static enum ofa_status parse_measured(const json_t *json, const char *field, void *out, struct ofa_error *err)
{
	struct reading *r = out;

	return ofa_members_text(json, field, r->h.measured_on, sizeof(r->h.measured_on), err);
}

static enum ofa_status parse_phases(const json_t *json, const char *field, void *out, struct ofa_error *err)
{
	struct reading *r = out;

	return ofa_members_list(json, field, OFA_HISTORY_MAX_PHASES, r->h.phases, sizeof(*r->h.phases), parse_phase,
				&r->h.n_phases, err);
}

static enum ofa_status parse_evaluations(const json_t *json, const char *field, void *out, struct ofa_error *err)
{
	struct reading *r = out;

	return ofa_members_list(json, field, OFA_HISTORY_MAX_EVALUATIONS, r->written, sizeof(*r->written),
				parse_evaluation, &r->h.n_evaluations, err);
}

static const struct ofa_member members[] = {
	{"measured_on", true, parse_measured},
	{"phases", true, parse_phases},
	{"evaluations", true, parse_evaluations},
};

static enum ofa_status check_phases(const struct ofa_history *h, struct ofa_error *err)
{
	char field[OFA_POINTER_MAX];

	if (h->n_phases == 0)
		return ofa_fail(err, OFA_ERR_INVALID, "/phases", "there must be a phase");
	for (size_t i = 1; i < h->n_phases; i++) {
		const double end = h->phases[i - 1].begin_epoch + h->phases[i - 1].epochs;

		if (h->phases[i].begin_epoch >= end - slack(end))
			continue;
		snprintf(field, sizeof(field), "/phases/%zu/begin_epoch", i);
		return ofa_fail(err, OFA_ERR_INVALID, field, "begin_epoch is %g, but the phase before ends at %g",
				h->phases[i].begin_epoch, end);
	}
	return OFA_OK;
}

/* The first phase of that name that has the epoch, which may be where the next one begins; else any of that name; -1:
 * there is none. */
static int find_phase(const struct ofa_history *h, const struct written *w)
{
	int found = -1;

	for (size_t i = 0; i < h->n_phases; i++) {
		const struct ofa_history_phase *p = &h->phases[i];
		const double end = p->begin_epoch + p->epochs;

		if (strcmp(p->name, w->phase) != 0)
			continue;
		found = (int)i;
		if (w->e.epoch >= p->begin_epoch - slack(end) && w->e.epoch <= end + slack(end))
			break;
	}
	return found;
}

static enum ofa_status place_evaluations(struct reading *r, struct ofa_error *err)
{
	char field[OFA_POINTER_MAX];

	for (size_t i = 0; i < r->h.n_evaluations; i++) {
		struct written *w = &r->written[i];

		w->e.phase = find_phase(&r->h, w);
		snprintf(field, sizeof(field), "/evaluations/%zu/%s", i, w->e.phase < 0 ? "phase" : "epoch");
		if (w->e.phase < 0)
			return ofa_fail(err, OFA_ERR_INVALID, field, "there is no phase \"%s\"", w->phase);
		if (i > 0 && w->e.epoch < r->written[i - 1].e.epoch)
			return ofa_fail(err, OFA_ERR_INVALID, field, "epoch is %g, after %g", w->e.epoch,
					r->written[i - 1].e.epoch);
		r->h.evaluations[i] = w->e;
	}
	return OFA_OK;
}

enum ofa_status ofa_history_parse(const json_t *json, struct ofa_history *ret, struct ofa_error *err)
{
	struct reading r = {0};
	enum ofa_status st = ofa_members_parse(json, "", members, OFA_ARRAY_LEN(members), &r, err);

	if (!st)
		st = check_phases(&r.h, err);
	if (!st)
		st = place_evaluations(&r, err);
	if (!st)
		*ret = r.h;
	return st;
}

static json_t *format_phases(const struct ofa_history *h)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < h->n_phases; i++) {
		const struct ofa_history_phase *p = &h->phases[i];

		if (json_array_append_new(list, json_pack("{s:s, s:f, s:f}", "name", p->name, "begin_epoch",
							  p->begin_epoch, "epochs", p->epochs))) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *format_evaluations(const struct ofa_history *h)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < h->n_evaluations; i++) {
		const struct ofa_history_evaluation *e = &h->evaluations[i];

		if (json_array_append_new(list, json_pack("{s:f, s:s, s:f, s:o}", "epoch", e->epoch, "phase",
							  h->phases[e->phase].name, "largest", e->largest, "smallest",
							  isnan(e->smallest) ? json_null() : json_real(e->smallest)))) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

json_t *ofa_history_format(const struct ofa_history *h)
{
	return json_pack("{s:s, s:o, s:o}", "measured_on", h->measured_on, "phases", format_phases(h), "evaluations",
			 format_evaluations(h));
}

enum ofa_status ofa_history_load(const struct ofa_supernet *net, struct ofa_history *ret, struct ofa_error *err)
{
	struct ofa_error inner = {0};
	json_t *json;
	enum ofa_status st = ofa_members_metadata(net, KEY, &json, err);

	if (st)
		return st;
	if (!json)
		*ret = (struct ofa_history){.n_phases = 0};
	else if (ofa_history_parse(json, ret, &inner))
		st = ofa_members_misfit(KEY, &inner, err);
	json_decref(json);
	return st;
}
