/* Deadlines for connections.  libmicrohttpd only ends connections that are silent; a client that sends
 * a byte a second holds one for ever (slowloris).  Here each phase of a connection has a moment by which
 * it must be over, and a thread that shuts down the sockets of those who missed it. */
#ifndef OFAD_HTTP_CONNECTIONS_H
#define OFAD_HTTP_CONNECTIONS_H

#include "access/address.h"
#include "base/status.h"

struct connections;
struct connection;

enum ofa_status connections_new(struct connections **ret, struct ofa_error *err) OFA_MUST_CHECK;
void connections_free(struct connections *c); /* every connection was closed; NULL is allowed */

#define CONNECTION_PEER_MAX 64

/* A connection begins; the other end's address is NULL when it has none.  NULL when memory is out (it then has no
 * deadline). */
struct connection *connection_open(struct connections *c, int fd, const struct sockaddr *peer);
/* The other end's address as text; "" when the connection is NULL. */
const char *connection_peer(const struct connection *conn);
/* The same for limits. */
void connection_address(const struct connection *conn, struct access_address *ret);
/* Is the other end a proxy whose word is taken for who the client is?  Not unless it was said; false for NULL. */
void connection_set_trusted(struct connection *conn, bool trusted);
bool connection_trusted(const struct connection *conn);
/* What its TLS is kept in, owned by the caller; NULL at first. */
struct tls_session;
void connection_set_tls(struct connection *conn, struct tls_session *tls);
struct tls_session *connection_tls(const struct connection *conn);
/* The request that is under way on it, NULL: none.  NULL is allowed as connection: it has none then. */
struct http_call;
void connection_set_call(struct connection *conn, struct http_call *call);
struct http_call *connection_call(const struct connection *conn);
/* Must be called before the socket is closed.  NULL is allowed. */
void connection_close(struct connections *c, struct connection *conn);
/* The present phase must be over in `ms` milliseconds; 0: it takes as long as it takes.  NULL is allowed. */
void connection_deadline(struct connection *conn, double ms);
/* The same of a phase in which something must come from the other end: when that end has closed instead, the phase is
 * over within two seconds. */
void connection_expect(struct connection *conn, double ms);

#endif
