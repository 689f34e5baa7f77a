#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include "clock.h"
#include "store/notification.h"
#include "store/pg_session.h"

/* Waits until something comes, the moment does, or it is time to stop. */
static void wait_until(struct pg_session *p, double ms)
{
	struct pollfd fds[] = {
		{.fd = p->stop, .events = POLLIN},
		{.fd = p->hearing ? PQsocket(p->hearing) : -1, .events = POLLIN},
	};
	double left = ms - clock_ms();

	(void)poll(fds, OFA_ARRAY_LEN(fds), left > 0 ? (int)left + 1 : 0);
}

static void lose(struct pg_session *p, const char *why)
{
	PQfinish(p->hearing);
	p->hearing = NULL;
	if (!atomic_exchange(&p->lost, true))
		p->listener.lost(p->listener.ctx, why);
}

static void answered(struct pg_session *p)
{
	atomic_store_explicit(&p->answered_ms, clock_ms(), memory_order_relaxed);
}

/* ---- connecting ---- */

static enum ofa_status begin(struct pg_session *p, struct ofa_error *err)
{
	enum ofa_status st = pg_connect(p->store, &p->hearing, err);

	return st == OFA_OK ? pg_session_ask(p->hearing, "LISTEN " PG_CHANNEL, 0, NULL, NULL, err) : st;
}

static void connect_again(struct pg_session *p)
{
	struct ofa_error err = {0};

	if (begin(p, &err) != OFA_OK) {
		lose(p, err.message);
		wait_until(p, clock_ms() + p->pause_ms);
		p->pause_ms = p->pause_ms < PG_PAUSE_MS_MAX / 2 ? 2 * p->pause_ms : PG_PAUSE_MS_MAX;
		return;
	}
	p->pause_ms = PG_PAUSE_MS;
	atomic_store(&p->lost, false);
	p->next_look_ms = 0;
	answered(p);
	/* what is told from here on is heard; what was told before is asked for */
	p->listener.missed(p->listener.ctx);
}

/* ---- hearing ---- */

static void hear(struct pg_session *p)
{
	PGnotify *n;

	while (!atomic_load(&p->stopping) && (n = PQnotifies(p->hearing))) {
		enum store_topic topic;
		const char *text;

		if (strcmp(n->relname, PG_CHANNEL) == 0 && notification_parse(n->extra, &topic, &text))
			p->listener.heard(p->listener.ctx, topic, text);
		PQfreemem(n);
	}
}

/* Is the database there? */
static void look(struct pg_session *p)
{
	struct ofa_error err = {0};
	PGresult *res;

	if (pg_session_ask(p->hearing, "SELECT coalesce(max(number), 0) FROM measurements", 0, NULL, &res, &err) !=
	    OFA_OK) {
		lose(p, err.message);
		return;
	}
	answered(p);
	p->listener.answered(p->listener.ctx, (uint64_t)pg_get_integer(res, 0, 0));
	PQclear(res);
	p->next_look_ms = clock_ms() + PG_LOOK_MS;
}

static void *listener_main(void *arg)
{
	struct pg_session *p = arg;

	while (!atomic_load(&p->stopping)) {
		if (!p->hearing) {
			connect_again(p);
			continue;
		}
		hear(p);
		if (clock_ms() >= p->next_look_ms) {
			look(p);
			pg_locks_tend(p);
			continue;
		}
		wait_until(p, p->next_look_ms);
		if (!PQconsumeInput(p->hearing))
			lose(p, "database: the connection was closed");
	}
	PQfinish(p->hearing);
	p->hearing = NULL;
	return NULL;
}

/* ---- life ---- */

enum ofa_status pg_listener_start(struct pg_session *p, const struct store_listener *l, struct ofa_error *err)
{
	int rc;

	p->listener = *l;
	p->pause_ms = PG_PAUSE_MS;
	rc = pthread_create(&p->thread, NULL, listener_main, p);
	if (rc)
		return ofa_fail(err, OFA_ERR_IO, NULL, "cannot start the thread that listens to the database: %s",
				strerror(rc));
	p->started = true;
	return OFA_OK;
}

void pg_listener_stop(struct pg_session *p)
{
	if (!p->started)
		return;
	atomic_store(&p->stopping, true);
	(void)eventfd_write(p->stop, 1);
	pthread_join(p->thread, NULL);
	p->started = false;
}
