#include <stdio.h>
#include <string.h>
#include "service/job_text.h"
#include "service/jobs_table.h"

void job_to_mirror(struct job *j)
{
	struct jobs *s = j->jobs;

	job_not_here(j);
	j->landed = false;
	j->mirror = true;
	j->view.elsewhere = true;
	s->n--;
	s->n_mirrors++;
}

static struct job *mirror_new(struct jobs *s, const struct job_row *row)
{
	struct job *j = s->n_mirrors < s->opt.max ? job_new(s, &row->view) : NULL;

	if (!j)
		return NULL;
	j->mirror = true;
	j->term = row->term;
	j->over = row->over;
	j->view.elsewhere = !row->over;
	jobs_insert(s, j);
	s->n_mirrors++;
	return j;
}

struct job *jobs_mirror(struct jobs *s, const struct job_row *row)
{
	struct job *j;

	pthread_mutex_lock(&s->lock);
	j = *jobs_at(s, row->view.id);
	if (j)
		shared_ref(&j->shared);
	else
		j = mirror_new(s, row);
	pthread_mutex_unlock(&s->lock);
	if (j)
		job_apply(j, row);
	return j;
}

/* One whose row says that it is another's, or over. */
static enum ofa_status fetch_mirror(struct jobs *s, const struct job_row *row, struct job **ret, struct ofa_error *err)
{
	struct job *j = jobs_mirror(s, row);

	if (!j)
		return ofa_fail(err, OFA_ERR_EXHAUSTED, NULL, "too many jobs of other servers are looked at");
	*ret = j;
	return OFA_OK;
}

enum ofa_status jobs_fetch(struct jobs *s, const char *id, struct job **ret, struct ofa_error *err)
{
	struct job *j = NULL;
	struct job_row row;
	bool gone = false;
	enum ofa_status st;

	if (!jobs_id_ok(id))
		return ofa_fail(err, OFA_ERR_NOT_FOUND, NULL, "there is no such job");
	st = job_row_get(s, id, false, &row, err);
	if (st == OFA_OK && !row.found)
		st = ofa_fail(err, OFA_ERR_NOT_FOUND, NULL, "there is no such job");
	if (st == OFA_OK && !row.over)
		st = suspects_gone(s->suspects, row.owner, &gone, err);
	if (st == OFA_OK && gone)
		st = jobs_take(s, id, &j, err);
	if (st == OFA_OK && !j)
		st = fetch_mirror(s, &row, &j, err);
	if (st == OFA_OK)
		*ret = j;
	return st;
}

/* ---- what is told of them ---- */

static bool concerns_us(struct jobs *s, const char *id)
{
	struct job *j;
	bool concerned;

	pthread_mutex_lock(&s->lock);
	j = *jobs_at(s, id);
	concerned = j && !j->over && !j->landed;
	pthread_mutex_unlock(&s->lock);
	return concerned;
}

/* One of ours that says what we did not write is looked at by the clerk. */
static void hear_view(struct jobs *s, const struct job_view *view)
{
	struct job_row row = {.found = true, .over = job_view_over(view), .term = view->version / JOB_TERM_VERSIONS};
	struct job *j;
	bool mirror = false;

	row.view = *view;
	pthread_mutex_lock(&s->lock);
	j = *jobs_at(s, view->id);
	if (j && !j->over && !j->landed) {
		mirror = j->mirror;
		if (!mirror && (row.over || row.term > j->term))
			job_is_due(j);
	}
	if (mirror)
		shared_ref(&j->shared);
	pthread_mutex_unlock(&s->lock);
	if (!mirror)
		return;
	job_apply(j, &row);
	job_unref(j);
}

void jobs_heard(struct jobs *s, const char *text)
{
	char id[JOB_ID_CHARS + 1];
	struct job_view view;

	snprintf(id, sizeof(id), "%s", text);
	if (!jobs_id_ok(id)) { /* some were given away */
		pthread_mutex_lock(&s->lock);
		s->sweep = true;
		pthread_cond_signal(&s->wake);
		pthread_mutex_unlock(&s->lock);
		return;
	}
	if (!concerns_us(s, id))
		return;
	if (text[JOB_ID_CHARS] == ' ' && job_view_parse(text + JOB_ID_CHARS + 1, &view, NULL) == OFA_OK &&
	    strcmp(view.id, id) == 0) {
		hear_view(s, &view);
		return;
	}
	pthread_mutex_lock(&s->lock);
	if (*jobs_at(s, id))
		job_is_due(*jobs_at(s, id));
	pthread_mutex_unlock(&s->lock);
}

void jobs_missed(struct jobs *s)
{
	pthread_mutex_lock(&s->lock);
	s->missed = s->sweep = s->reclaim = true;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
}

/* ---- asking again ---- */

/* Some of them, at once. */
struct mirror_batch {
	size_t n;
	struct job *job[STORE_JOBS_MAX]; /* references */
	bool seen[STORE_JOBS_MAX];
};

static void apply_to_batch(void *ctx, const struct store_job *from)
{
	struct mirror_batch *b = ctx;
	struct job_row row = {.found = true, .over = from->over, .term = from->term};

	row.unread = job_view_parse(from->view, &row.view, NULL) != OFA_OK;
	snprintf(row.owner, sizeof(row.owner), "%s", from->owner ? from->owner : "");
	for (size_t i = 0; i < b->n; i++)
		if (strcmp(b->job[i]->view.id, from->id) == 0) {
			job_apply(b->job[i], &row);
			b->seen[i] = true;
		}
}

static enum ofa_status refresh_batch(struct jobs *s, struct mirror_batch *b, struct ofa_error *err)
{
	const char *ids[STORE_JOBS_MAX];
	enum ofa_status st;

	for (size_t i = 0; i < b->n; i++) {
		ids[i] = b->job[i]->view.id;
		b->seen[i] = false;
	}
	st = b->n ? s->sharing->job_get(s->opt.store, ids, b->n, false, apply_to_batch, b, err) : OFA_OK;
	for (size_t i = 0; i < b->n; i++) {
		if (st == OFA_OK && !b->seen[i])
			job_apply(b->job[i], &(struct job_row){0});
		job_unref(b->job[i]);
	}
	b->n = 0;
	return st;
}

/* Of one bucket, which has a few jobs at most, as many as there is room for. */
static void collect_bucket(struct jobs *s, int bucket, struct mirror_batch *b)
{
	pthread_mutex_lock(&s->lock);
	for (struct job *j = s->bucket[bucket]; j && b->n < STORE_JOBS_MAX; j = j->chain)
		if (j->mirror && !j->over) {
			shared_ref(&j->shared);
			b->job[b->n++] = j;
		}
	pthread_mutex_unlock(&s->lock);
}

enum ofa_status jobs_refresh(struct jobs *s, struct ofa_error *err)
{
	struct mirror_batch b = {0};
	enum ofa_status st = OFA_OK;

	for (int i = 0; i < JOBS_BUCKETS && st == OFA_OK; i++) {
		collect_bucket(s, i, &b);
		if (b.n > STORE_JOBS_MAX / 2)
			st = refresh_batch(s, &b, err);
	}
	if (st == OFA_OK)
		st = refresh_batch(s, &b, err);
	return st;
}

void jobs_drop_mirrors(struct jobs *s)
{
	struct job *dropped = NULL, *j;

	pthread_mutex_lock(&s->lock);
	for (int i = 0; s->n_mirrors > 0 && i < JOBS_BUCKETS; i++)
		for (struct job **at = &s->bucket[i]; *at;) {
			j = *at;
			/* the table's own reference: nobody gets another one without the lock */
			if (!j->mirror || atomic_load(&j->shared.refs) > 1) {
				at = &j->chain;
				continue;
			}
			*at = j->chain;
			j->chain = dropped;
			dropped = j;
			s->n_mirrors--;
		}
	pthread_mutex_unlock(&s->lock);
	while (dropped) {
		j = dropped;
		dropped = j->chain;
		job_unref(j);
	}
}
