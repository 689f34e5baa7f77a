#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>
#include "clock.h"
#include "store/notification.h"
#include "store/pg_driver.h"
#include "store/pg_session.h"

static struct pg_session *session_of(struct store *s)
{
	return pg_of(s)->session;
}

/* ---- life ---- */

static bool set_replica(struct pg_session *p)
{
	uint8_t bytes[STORE_REPLICA_CHARS / 2];
	uint64_t number = 0;

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return false;
	ofa_hex(bytes, sizeof(bytes), p->replica);
	for (size_t i = 0; i < sizeof(bytes); i++)
		number = number << 8 | bytes[i];
	memcpy(&p->number, &number, sizeof(number));
	return true;
}

enum ofa_status pg_session_new(struct store_pg *s, struct ofa_error *err)
{
	struct pg_session *p = calloc(1, sizeof(*p));

	if (!p)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	p->store = s;
	atomic_init(&p->lost, false); /* the pool has just been in contact */
	atomic_init(&p->stopping, false);
	atomic_init(&p->answered_ms, clock_ms());
	p->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (p->stop < 0 || !set_replica(p)) {
		enum ofa_status st = ofa_fail(err, OFA_ERR_IO, NULL, "cannot make a name or a descriptor: %s",
					      strerror(errno));

		if (p->stop >= 0)
			close(p->stop);
		free(p);
		return st;
	}
	pthread_mutex_init(&p->locking, NULL);
	s->session = p;
	return OFA_OK;
}

void pg_session_free(struct pg_session *p)
{
	if (!p)
		return;
	pg_listener_stop(p);
	PQfinish(p->locks); /* NULL is allowed */
	pthread_mutex_destroy(&p->locking);
	close(p->stop);
	free(p);
}

bool pg_session_lost(const struct pg_session *p)
{
	return p && atomic_load_explicit(&p->lost, memory_order_relaxed) &&
	       clock_ms() - atomic_load_explicit(&p->answered_ms, memory_order_relaxed) > PG_ANSWER_MS;
}

/* ---- asking ---- */

bool pg_session_usable(const PGconn *pq)
{
	return pq && PQstatus(pq) == CONNECTION_OK && PQtransactionStatus(pq) == PQTRANS_IDLE;
}

enum ofa_status pg_session_ask(PGconn *pq, const char *sql, int n, const char *const *values, PGresult **ret,
			       struct ofa_error *err)
{
	PGresult *res;
	enum ofa_status st;

	res = pg_answer(pq, PQsendQueryParams(pq, sql, n, NULL, values, NULL, NULL, 0), PG_ANSWER_MS);
	if (PQresultStatus(res) == PGRES_TUPLES_OK || PQresultStatus(res) == PGRES_COMMAND_OK) {
		if (ret)
			*ret = res;
		else
			PQclear(res);
		return OFA_OK;
	}
	st = pg_fail(pq, res, err);
	PQclear(res);
	return st;
}

/* ---- what replicas need of each other ---- */

static const char *get_replica(struct store *s)
{
	return session_of(s)->replica;
}

static enum ofa_status begin_listening(struct store *s, const struct store_listener *l, struct ofa_error *err)
{
	return pg_listener_start(session_of(s), l, err);
}

static void end_listening(struct store *s)
{
	pg_listener_stop(session_of(s));
}

static double get_silence_ms(struct store *s)
{
	return clock_ms() - atomic_load_explicit(&session_of(s)->answered_ms, memory_order_relaxed);
}

static enum ofa_status replica_lives(struct store *s, const char *replica, bool *ret, struct ofa_error *err)
{
	return pg_locks_lives(session_of(s), replica, ret, err);
}

static enum ofa_status publish(struct store *s, enum store_topic topic, const char *text, struct ofa_error *err)
{
	static const struct pg_statement notify = {"publish", "SELECT pg_notify('" PG_CHANNEL "', $1)", false};
	char payload[NOTIFICATION_MAX];
	struct pg_args args = {0};

	if (!notification_format(topic, text, payload))
		return ofa_fail(err, OFA_ERR_INVALID, NULL, "\"%.100s\" is not what replicas tell each other of a %s",
				text, store_topic_name(topic));
	pg_text(&args, payload);
	/* what is heard twice does no harm */
	return pg_run(pg_of(s), &notify, &args, PG_AGAIN, NULL, err);
}

static enum ofa_status question_lock(struct store *s, const uint8_t question[OFA_SHA256_BYTES], bool *ret_held,
				     struct ofa_error *err)
{
	return pg_locks_take(session_of(s), question, ret_held, err);
}

static void question_unlock(struct store *s, const uint8_t question[OFA_SHA256_BYTES])
{
	pg_locks_give(session_of(s), question);
}

const struct store_sharing pg_sharing = {
	.replica = get_replica,
	.listen = begin_listening,
	.unlisten = end_listening,
	.silence_ms = get_silence_ms,
	.replica_lives = replica_lives,
	.publish = publish,
	.question_lock = question_lock,
	.question_unlock = question_unlock,
	.job_add = pg_job_add,
	.job_write = pg_job_write,
	.job_get = pg_job_get,
	.job_take = pg_job_take,
	.job_release = pg_job_release,
	.job_owners = pg_job_owners,
	.job_of = pg_job_of,
	.job_prune = pg_job_prune,
	.key_begin = pg_key_begin,
	.key_take = pg_key_take,
	.key_settle = pg_key_settle,
	.key_drop = pg_key_drop,
	.key_prune = pg_key_prune,
};
