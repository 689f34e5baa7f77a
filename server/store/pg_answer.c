/* libpq's own waiting has no end: a peer that holds the connection and says nothing would keep a worker for good. */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include "clock.h"
#include "store/pg.h"

/* Waits until the connection can be read, or written to when `out`; false: not by then. */
static bool await(PGconn *pq, bool out, double until_ms)
{
	struct pollfd fd = {.fd = PQsocket(pq), .events = (short)(POLLIN | (out ? POLLOUT : 0))};
	double left = until_ms - clock_ms();

	if (left <= 0 || (poll(&fd, 1, (int)left + 1) < 0 && errno != EINTR))
		return false;
	return !(fd.revents & (POLLIN | POLLERR | POLLHUP)) || PQconsumeInput(pq);
}

/* What libpq still holds is sent. */
static bool send_rest(PGconn *pq, double until_ms)
{
	int rest;

	while ((rest = PQflush(pq)) > 0)
		if (!await(pq, true, until_ms))
			return false;
	return rest == 0;
}

static bool is_ready(PGconn *pq, double until_ms)
{
	while (PQisBusy(pq))
		if (!await(pq, false, until_ms))
			return false;
	return true;
}

PGresult *pg_answer(PGconn *pq, int sent, double ms)
{
	double until = clock_ms() + ms;
	PGresult *last = NULL, *next;

	if (!sent)
		return NULL;
	if (send_rest(pq, until))
		while (is_ready(pq, until)) {
			next = PQgetResult(pq);
			if (!next)
				return last;
			PQclear(last);
			last = next;
		}
	PQclear(last);
	/* libpq finds it closed */
	if (PQsocket(pq) >= 0)
		(void)shutdown(PQsocket(pq), SHUT_RDWR);
	while (PQstatus(pq) == CONNECTION_OK && PQconsumeInput(pq))
		;
	return NULL;
}
