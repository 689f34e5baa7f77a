#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include "clock.h"
#include "http/connections.h"

#define SWEEP_SECONDS 1

struct connection {
	struct connection *next, **link;
	int fd;
	_Atomic double deadline_ms; /* clock_ms(); 0: none */
	_Atomic double reading_ms;  /* since when something is expected from the other end; 0: nothing is */
	char peer[CONNECTION_PEER_MAX];
	struct access_address address;
	bool trusted;
	struct tls_session *tls;
	struct http_call *call; /* of the connection's own thread */
};

struct connections {
	pthread_mutex_t lock; /* the list, and that a listed fd is open */
	pthread_cond_t stop_now;
	struct connection *list;
	bool stop;
	pthread_t sweeper;
};

/* Has the other end closed, with nothing left to read?  libmicrohttpd 0.9.75 does not see it when the end came
 * together with the data it read last: edge-triggered, it is not told again. */
static bool is_over(const struct connection *conn)
{
	char c;

	return recv(conn->fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static void sweep(struct connections *c)
{
	double now = clock_ms();

	for (struct connection *conn = c->list; conn; conn = conn->next) {
		double deadline = atomic_load_explicit(&conn->deadline_ms, memory_order_relaxed);
		double reading = atomic_load_explicit(&conn->reading_ms, memory_order_relaxed);
		bool late = deadline > 0 && now > deadline;

		/* for some time already, so that what was read last is no longer being looked at */
		if (late || (reading > 0 && now - reading > SWEEP_SECONDS * 1e3 && is_over(conn))) {
			/* libmicrohttpd sees the end of the stream and closes in its own thread */
			shutdown(conn->fd, SHUT_RDWR);
			connection_deadline(conn, 0);
		}
	}
}

static void *sweeper_main(void *arg)
{
	struct connections *c = arg;

	pthread_mutex_lock(&c->lock);
	while (!c->stop) {
		struct timespec until;

		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += SWEEP_SECONDS;
		if (pthread_cond_timedwait(&c->stop_now, &c->lock, &until) == ETIMEDOUT)
			sweep(c);
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

enum ofa_status connections_new(struct connections **ret, struct ofa_error *err)
{
	struct connections *c = calloc(1, sizeof(*c));
	pthread_condattr_t attr;
	int rc;

	if (!c)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	pthread_mutex_init(&c->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&c->stop_now, &attr);
	pthread_condattr_destroy(&attr);
	rc = pthread_create(&c->sweeper, NULL, sweeper_main, c);
	if (rc) {
		free(c);
		return ofa_fail(err, OFA_ERR_IO, NULL, "cannot start the connection sweeper: %s", strerror(rc));
	}
	*ret = c;
	return OFA_OK;
}

void connections_free(struct connections *c)
{
	if (!c)
		return;
	pthread_mutex_lock(&c->lock);
	c->stop = true;
	pthread_cond_signal(&c->stop_now);
	pthread_mutex_unlock(&c->lock);
	pthread_join(c->sweeper, NULL);
	pthread_cond_destroy(&c->stop_now);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static void format_peer(const struct sockaddr *peer, char out[CONNECTION_PEER_MAX])
{
	const void *any = peer;

	out[0] = '\0';
	if (peer && peer->sa_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *)any)->sin_addr, out, CONNECTION_PEER_MAX);
	else if (peer && peer->sa_family == AF_INET6)
		inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)any)->sin6_addr, out, CONNECTION_PEER_MAX);
	else if (peer && peer->sa_family == AF_UNIX)
		snprintf(out, CONNECTION_PEER_MAX, "unix");
}

struct connection *connection_open(struct connections *c, int fd, const struct sockaddr *peer)
{
	struct connection *conn = malloc(sizeof(*conn));

	if (!conn)
		return NULL;
	conn->fd = fd;
	conn->trusted = false;
	conn->tls = NULL;
	conn->call = NULL;
	format_peer(peer, conn->peer);
	access_address_read(peer, &conn->address);
	atomic_init(&conn->deadline_ms, 0);
	atomic_init(&conn->reading_ms, 0);
	pthread_mutex_lock(&c->lock);
	conn->next = c->list;
	conn->link = &c->list;
	if (conn->next)
		conn->next->link = &conn->next;
	c->list = conn;
	pthread_mutex_unlock(&c->lock);
	return conn;
}

const char *connection_peer(const struct connection *conn)
{
	return conn ? conn->peer : "";
}

void connection_address(const struct connection *conn, struct access_address *ret)
{
	*ret = conn ? conn->address : (struct access_address){.loopback = false};
}

void connection_set_trusted(struct connection *conn, bool trusted)
{
	conn->trusted = trusted;
}

bool connection_trusted(const struct connection *conn)
{
	return conn && conn->trusted;
}

void connection_set_tls(struct connection *conn, struct tls_session *tls)
{
	conn->tls = tls;
}

struct tls_session *connection_tls(const struct connection *conn)
{
	return conn ? conn->tls : NULL;
}

void connection_set_call(struct connection *conn, struct http_call *call)
{
	if (conn)
		conn->call = call;
}

struct http_call *connection_call(const struct connection *conn)
{
	return conn ? conn->call : NULL;
}

void connection_close(struct connections *c, struct connection *conn)
{
	if (!conn)
		return;
	pthread_mutex_lock(&c->lock);
	*conn->link = conn->next;
	if (conn->next)
		conn->next->link = conn->link;
	pthread_mutex_unlock(&c->lock);
	free(conn);
}

static void set_phase(struct connection *conn, double ms, bool reading)
{
	double now = clock_ms();

	if (!conn)
		return;
	atomic_store_explicit(&conn->deadline_ms, ms > 0 ? now + ms : 0, memory_order_relaxed);
	atomic_store_explicit(&conn->reading_ms, reading ? now : 0, memory_order_relaxed);
}

void connection_deadline(struct connection *conn, double ms)
{
	set_phase(conn, ms, false);
}

void connection_expect(struct connection *conn, double ms)
{
	set_phase(conn, ms, true);
}
