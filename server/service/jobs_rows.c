/* Rows of jobs: what they say, and what a job makes of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "service/job_text.h"
#include "service/jobs_table.h"

#define CANCEL_ATTEMPTS 3 /* while the row is another one each time */

/* ---- reading rows ---- */

static void copy_row(void *ctx, const struct store_job *from)
{
	struct job_row *row = ctx;

	row->unread = job_view_parse(from->view, &row->view, NULL) != OFA_OK;
	if (row->unread)
		return;
	row->found = true;
	row->over = from->over;
	row->term = from->term;
	row->deaths = from->deaths;
	snprintf(row->owner, sizeof(row->owner), "%s", from->owner ? from->owner : "");
	row->question = from->question ? strdup(from->question) : NULL;
}

enum ofa_status job_row_get(struct jobs *s, const char *id, bool question, struct job_row *ret,
			    struct ofa_error *err)
{
	*ret = (struct job_row){0};
	return s->sharing->job_get(s->opt.store, &id, 1, question, copy_row, ret, err);
}

void job_row_release(struct job_row *row)
{
	free(row->question);
	row->question = NULL;
}

/* One that the store does not know any more: it was kept for long enough after it was over. */
static void forgotten(const struct job *j, struct job_view *ret)
{
	job_final(j, JOB_FAILED, ret);
	ret->status = ofa_fail(&ret->error, OFA_ERR_NOT_FOUND, NULL, "the job was forgotten meanwhile");
}

/* With the lock held: another replica's from now on, or for longer. */
static void follow(struct job *j, const struct job_row *row)
{
	if (!j->mirror)
		job_to_mirror(j);
	j->term = row->term;
	if (row->view.version > j->view.version)
		j->view = row->view;
	j->view.elsewhere = true;
}

/* What was read or told before another term began, which is known here: whoever applies it comes late. */
static bool outdated(const struct job *j, const struct job_row *row)
{
	return row->found && !row->over && row->term < j->term;
}

void job_apply(struct job *j, const struct job_row *row)
{
	struct jobs *s = j->jobs;
	const char *me = s->sharing->replica(s->opt.store);
	struct job_listener *listeners = NULL;
	struct landing *l = NULL;
	struct answer *a = NULL;
	struct job_view view;
	bool here;

	if (row->unread)
		return;
	pthread_mutex_lock(&s->lock);
	here = !j->mirror && row->term == j->term && strcmp(row->owner, me) == 0;
	if (j->over || outdated(j, row) || (!row->found && !j->mirror) || (row->found && !row->over && here)) {
		pthread_mutex_unlock(&s->lock);
		return;
	}
	if (!j->landed)
		job_current(j, &j->view);
	a = job_detach(j, &l);
	if (!row->found) {
		forgotten(j, &view);
		listeners = job_end(j, &view);
	} else if (row->over) {
		listeners = job_end(j, &row->view);
	} else {
		follow(j, row);
	}
	pthread_mutex_unlock(&s->lock);
	jobs_wake(listeners);
	job_leave(j, a, l);
}

enum ofa_status job_look_again(struct job *j, struct ofa_error *err)
{
	struct job_row row;
	enum ofa_status st = job_row_get(j->jobs, j->view.id, false, &row, err);

	if (st == OFA_OK)
		job_apply(j, &row);
	job_row_release(&row);
	return st;
}

void jobs_look(struct jobs *s, struct job *j)
{
	bool over;

	pthread_mutex_lock(&s->lock);
	over = j->over;
	pthread_mutex_unlock(&s->lock);
	if (!over)
		(void)!job_look_again(j, NULL);
}

/* ---- writing rows ---- */

enum ofa_status job_add_row(struct job *j, const struct answer *a, bool released, struct ofa_error *err)
{
	struct jobs *s = j->jobs;
	struct store_job row = {.id = j->view.id, .owner = released ? NULL : s->sharing->replica(s->opt.store)};
	char *question = question_text(&a->question), *view;
	enum ofa_status st;

	j->view.version = 1;
	j->written = 1;
	view = job_view_text(&j->view);
	row.question = question;
	row.view = view;
	st = question && view ? s->sharing->job_add(s->opt.store, &row, err)
			      : ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	free(question);
	free(view);
	return st;
}

enum ofa_status job_write_view(struct jobs *s, unsigned term, const struct job_view *view, bool *ret_written,
				  struct ofa_error *err)
{
	char *text = job_view_text(view);
	enum ofa_status st;

	if (!text)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	st = s->sharing->job_write(s->opt.store, view->id, term, text, job_view_over(view), ret_written, err);
	free(text);
	return st;
}

/* Unless it has become another replica's, who will say what comes of it. */
static void settle(struct job *j, const struct job_view *view)
{
	struct jobs *s = j->jobs;
	struct job_listener *listeners = NULL;

	pthread_mutex_lock(&s->lock);
	if (!j->over && !j->mirror)
		listeners = job_end(j, view);
	pthread_mutex_unlock(&s->lock);
	jobs_wake(listeners);
}

/* Whatever the row says now is what the job is; without a row nobody contradicts. */
static enum ofa_status write_result(struct job *j, unsigned term, const struct job_view *result, struct ofa_error *err)
{
	bool written;
	enum ofa_status st = job_write_view(j->jobs, term, result, &written, err);

	if (st == OFA_OK && !written)
		st = job_look_again(j, err);
	if (st == OFA_OK)
		settle(j, result);
	return st;
}

/* No answer, for reasons that are this server's own. */
static bool no_result(const struct job_view *v)
{
	return v->state == JOB_FAILED && (v->status == OFA_ERR_CANCELLED || v->status == OFA_ERR_UNAVAILABLE);
}

static enum ofa_status give_away(struct job *j, struct ofa_error *err)
{
	struct jobs *s = j->jobs;
	enum ofa_status st = s->sharing->job_release(s->opt.store, j->view.id, err);

	return st == OFA_OK ? job_look_again(j, err) : st;
}

enum ofa_status job_write_due(struct job *j, struct ofa_error *err)
{
	struct jobs *s = j->jobs;
	struct job_view result;
	unsigned term;
	bool over, landed;

	pthread_mutex_lock(&s->lock);
	over = j->over;
	landed = j->landed;
	term = j->term;
	result = j->result;
	pthread_mutex_unlock(&s->lock);
	if (over)
		return OFA_OK;
	if (!landed)
		return job_look_again(j, err);
	return no_result(&result) ? give_away(j, err) : write_result(j, term, &result, err);
}

/* ---- cancelling ---- */

/* What the job would say if it ended now, as far as anybody knows here. */
static void cancelled_view(struct job *j, const struct job_row *row, struct job_view *ret)
{
	struct jobs *s = j->jobs;

	pthread_mutex_lock(&s->lock);
	job_current(j, ret);
	pthread_mutex_unlock(&s->lock);
	if (ret->version < row->view.version)
		*ret = row->view;
	ret->state = JOB_CANCELLED;
	ret->version = (row->term + 1) * JOB_TERM_VERSIONS - 1;
	ret->elsewhere = false;
}

static enum ofa_status try_cancel(struct job *j, bool *ret_settled, struct ofa_error *err)
{
	struct jobs *s = j->jobs;
	struct job_view view;
	struct job_row row;
	enum ofa_status st = job_row_get(s, j->view.id, false, &row, err);

	job_row_release(&row);
	if (st != OFA_OK)
		return st;
	*ret_settled = !row.found || row.over;
	if (!*ret_settled) {
		cancelled_view(j, &row, &view);
		st = job_write_view(s, row.term, &view, ret_settled, err);
		row.over = true;
		row.view = view;
	}
	if (st == OFA_OK && *ret_settled)
		job_apply(j, &row);
	return st;
}

enum ofa_status job_cancel_row(struct job *j, struct ofa_error *err)
{
	bool settled = false;
	enum ofa_status st = OFA_OK;

	for (int i = 0; i < CANCEL_ATTEMPTS && st == OFA_OK && !settled; i++)
		st = try_cancel(j, &settled, err);
	if (st == OFA_OK && !settled)
		st = ofa_fail(err, OFA_ERR_EXHAUSTED, NULL, "the job goes from one server to another; try again");
	return st;
}
