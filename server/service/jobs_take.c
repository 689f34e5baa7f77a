/* Jobs whose replica is gone: they are asked again here. */
#include <stdlib.h>
#include <string.h>
#include "service/job_text.h"
#include "service/jobs_table.h"

#define OWNERS_MAX 64
#define BATCH 16     /* of one owner's in one sweep */
#define DEATHS_MAX 5 /* of owners: a question that takes every server down with it is not asked for ever */
#define TERMS_MAX 200

/* ---- taking ---- */

/* The job if it is under way here, with a reference. */
static struct job *here_already(struct jobs *s, const char *id)
{
	struct job *j;

	pthread_mutex_lock(&s->lock);
	j = *jobs_at(s, id);
	if (j && j->mirror)
		j = NULL;
	if (j)
		shared_ref(&j->shared);
	pthread_mutex_unlock(&s->lock);
	return j;
}

/* It will have no answer. */
static enum ofa_status give_up(struct jobs *s, const struct job_row *row, enum ofa_status status,
			       const struct ofa_error *why, struct ofa_error *err)
{
	struct job_row end = *row;
	struct job *j;
	char *text;
	bool written;
	enum ofa_status st;

	end.question = NULL;
	end.over = true;
	end.view.state = JOB_FAILED;
	end.view.version = (row->term + 1) * JOB_TERM_VERSIONS - 1;
	end.view.status = status;
	end.view.error = *why;
	text = job_view_text(&end.view);
	if (!text)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	st = s->sharing->job_write(s->opt.store, end.view.id, row->term, text, true, &written, err);
	free(text);
	j = st == OFA_OK && written ? jobs_mirror(s, &end) : NULL;
	job_unref(j);
	return st;
}

static enum ofa_status worn_out(struct jobs *s, const struct job_row *row, struct ofa_error *err)
{
	struct ofa_error why = {0};

	if (row->deaths >= DEATHS_MAX)
		ofa_fail(&why, OFA_ERR_IO, NULL, "%u servers ended while they worked at it", row->deaths);
	else
		ofa_fail(&why, OFA_ERR_UNAVAILABLE, NULL, "%u times no server could go on with it", row->term);
	log_message(s->opt.log, LOG_LEVEL_ERROR, "job %s is given up: %s", row->view.id, why.message);
	return give_up(s, row, why.status, &why, err);
}

/* With the lock held: one of this server's, of the mirror that is there or anew; a new reference, or NULL. */
static struct job *make_ours(struct jobs *s, const struct job_row *row)
{
	struct job *j = *jobs_at(s, row->view.id);

	if (!j) {
		j = jobs_make_room(s) ? job_new(s, &row->view) : NULL;
		if (j)
			jobs_insert(s, j);
	} else if (j->mirror && !j->over && jobs_make_room(s) && job_prepare(j)) {
		shared_ref(&j->shared);
		j->mirror = false;
		s->n_mirrors--;
	} else {
		j = NULL;
	}
	s->n += j != NULL;
	return j;
}

/* The row is ours, and its question was asked.  NULL: there is no place for it. */
static struct job *begin_term(struct jobs *s, const struct job_row *row, struct answer *a)
{
	struct landing *l = NULL;
	struct job *j;

	pthread_mutex_lock(&s->lock);
	j = make_ours(s, row);
	if (j) {
		j->term = row->term + 1;
		j->base = j->term * JOB_TERM_VERSIONS;
		j->written = 0;
		j->view.elsewhere = false;
		job_begin(j, a);
		l = j->landings;
	}
	pthread_mutex_unlock(&s->lock);
	if (j)
		job_await(j, a, l);
	return j;
}

/* Takes the row, then the question over, whatever comes of it. */
static enum ofa_status take_row(struct jobs *s, const struct job_row *row, struct question *q, struct job **ret,
				struct ofa_error *err)
{
	struct ofa_error refusal = {0};
	struct answer *a;
	bool taken = false;
	enum ofa_status st = s->sharing->job_take(s->opt.store, row->view.id, row->term, &taken, err);

	if (st != OFA_OK || !taken) {
		question_release(q);
		return st;
	}
	if (deliveries_ask(s->opt.deliveries, q, &a, &refusal) == OFA_OK) {
		*ret = begin_term(s, row, a);
		if (!*ret)
			deliveries_leave(s->opt.deliveries, a);
	}
	if (!*ret)
		return s->sharing->job_release(s->opt.store, row->view.id, err);
	log_message(s->opt.log, LOG_LEVEL_INFO, "job %s goes on here, in term %u", row->view.id, row->term + 1);
	return OFA_OK;
}

/* Has nobody had what it is about for as long as a job that is over is remembered? */
static bool too_old(const struct jobs *s, const struct job_row *row)
{
	char oldest[CLOCK_RFC3339_MAX];
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_sec -= (time_t)(s->opt.keep_ms / 1e3);
	clock_format(&t, oldest);
	return strcmp(row->view.created_at, oldest) < 0;
}

static enum ofa_status take_found(struct jobs *s, const struct job_row *row, struct job **ret, struct ofa_error *err)
{
	struct ofa_error why = {0};
	struct question q;
	enum ofa_status st;

	if (row->deaths >= DEATHS_MAX || row->term >= TERMS_MAX)
		return worn_out(s, row, err);
	st = question_parse(row->question ? row->question : "", s->opt.networks, s->opt.profiles, &q, &why);
	if (st == OFA_OK)
		return take_row(s, row, &q, ret, err);
	if (st == OFA_ERR_UNAVAILABLE || st == OFA_ERR_NOMEM)
		return ofa_fail(err, st, NULL, "%s", why.message);
	/* a replica that serves another file of the network leaves it to one that serves the same */
	if ((st == OFA_ERR_NOT_FOUND || st == OFA_ERR_MISMATCH) && !too_old(s, row))
		return OFA_OK;
	log_message(s->opt.log, LOG_LEVEL_ERROR, "job %s cannot go on here: %s", row->view.id, why.message);
	return give_up(s, row, st, &why, err);
}

enum ofa_status jobs_take(struct jobs *s, const char *id, struct job **ret, struct ofa_error *err)
{
	struct job_row row = {0};
	bool gone = false;
	enum ofa_status st;

	*ret = NULL;
	if (s->opt.draining && atomic_load(s->opt.draining))
		return OFA_OK;
	pthread_mutex_lock(&s->taking);
	*ret = here_already(s, id);
	st = *ret ? OFA_OK : job_row_get(s, id, true, &row, err);
	if (st == OFA_OK && row.found && !row.over)
		st = suspects_gone(s->suspects, row.owner, &gone, err);
	if (st == OFA_OK && gone)
		st = take_found(s, &row, ret, err);
	pthread_mutex_unlock(&s->taking);
	job_row_release(&row);
	return st;
}

/* ---- the sweep ---- */

struct owners {
	size_t n;
	char list[OWNERS_MAX][STORE_REPLICA_CHARS + 1];
};

static void note_owner(void *ctx, const char *owner)
{
	struct owners *o = ctx;

	if (o->n < OWNERS_MAX && (!owner || strlen(owner) <= STORE_REPLICA_CHARS))
		memcpy(o->list[o->n++], owner ? owner : "", owner ? strlen(owner) + 1 : 1);
}

struct ids {
	struct jobs *jobs;
	size_t n;
	char list[BATCH][JOB_ID_CHARS + 1];
};

static void note_id(void *ctx, const char *id)
{
	struct ids *ids = ctx;
	struct job *here = ids->n < BATCH && jobs_id_ok(id) ? here_already(ids->jobs, id) : NULL;

	if (ids->n < BATCH && jobs_id_ok(id) && !here)
		memcpy(ids->list[ids->n++], id, JOB_ID_CHARS + 1);
	job_unref(here);
}

static bool has_room(struct jobs *s)
{
	struct workers_stats stats;

	workers_stats(s->opt.workers, &stats);
	return stats.of[TASK_PROVISION].queued < (stats.max_queue + 1) / 2;
}

static enum ofa_status take_of(struct jobs *s, const char *owner, unsigned limit, struct ofa_error *err)
{
	struct ids ids = {.jobs = s};
	enum ofa_status st = s->sharing->job_of(s->opt.store, *owner ? owner : NULL, limit, note_id, &ids, err);

	for (size_t i = 0; i < ids.n && st == OFA_OK && has_room(s); i++) {
		struct job *j;

		st = jobs_take(s, ids.list[i], &j, err);
		if (st == OFA_OK)
			job_unref(j);
	}
	return st;
}

enum ofa_status jobs_sweep(struct jobs *s, struct ofa_error *err)
{
	struct owners owners = {0};
	enum ofa_status st = s->sharing->job_owners(s->opt.store, note_owner, &owners, err);

	for (size_t i = 0; i < owners.n && st == OFA_OK; i++) {
		bool gone;

		st = suspects_gone(s->suspects, owners.list[i], &gone, err);
		if (st == OFA_OK && gone)
			st = take_of(s, owners.list[i], BATCH, err);
	}
	return st;
}

enum ofa_status jobs_reclaim(struct jobs *s, struct ofa_error *err)
{
	return take_of(s, s->sharing->replica(s->opt.store), s->opt.max, err);
}
