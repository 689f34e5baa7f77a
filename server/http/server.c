#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>
#include <microhttpd.h>
#include "clock.h"
#include "http/calls.h"
#include "http/conditional.h"
#include "http/connections.h"
#include "http/negotiate.h"
#include "http/send.h"
#include "http/server.h"

/* How long each phase of a connection may take, milliseconds. */
#define HEADER_MS 10e3     /* from the connection to its first complete header section */
#define IDLE_MS 60e3       /* between requests, the next header section included */
#define TRANSFER_MS 30e3   /* of a body, either way, plus its size at the slowest rate that is served: */
#define BYTES_PER_MS 8.0   /* 64 kbit/s */
#define SILENCE_SECONDS 60 /* libmicrohttpd's own inactivity limit */
/* Of an answer, what the kernel takes ahead of what the other end reads: left to itself it is megabytes for each
 * connection, and a thousand that read nothing keep a thread copying for seconds.  What is under way does not count, so
 * that long lines are filled as ever. */
#define UNSENT_MAX (512 * 1024)
/* The library clears all of it for every request, and so touches it: 5,000 idle connections hold 80 MB. */
#define CONNECTION_MEMORY (16 * 1024)
/* A body that grows past its maximum is read on this far, so that the refusal reaches the client. */
#define OVERRUN_MAX (1 << 20)

struct http_server {
	struct http_server_options opt;
	struct MHD_Daemon *daemon;
	struct connections *connections;
	struct http_calls calls;
	atomic_uint active, n_connections;
	atomic_ullong accepted;
	atomic_size_t body_bytes;
	atomic_ullong next_id;
	atomic_bool closing;
	uint32_t id_prefix; /* random, so that ids of two runs differ */
	bool quiesced;
};

static struct connection *connection_of(const struct http_call *call)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(call->connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

/* ---- the phases of a call ---- */

static enum MHD_Result finish(struct http_call *call)
{
	struct http_server *s = call->server;

	if (call->reply.failed || call->reply.status == 0) {
		http_reply_reset(&call->reply);
		call->reply.status = 500;
	}
	http_reply_condition(&call->request, &call->reply);
	if (call->reply.status == 416)
		s->opt.fault(call->app, call, HTTP_FAULT_RANGE, "");
	if (atomic_load_explicit(&s->closing, memory_order_relaxed))
		call->reply.close = true;
	call->phase = HTTP_PHASE_SENDING;
	connection_deadline(connection_of(call), TRANSFER_MS + (double)call->reply.size / BYTES_PER_MS);
	return http_send(call) ? MHD_YES : MHD_NO;
}

static enum MHD_Result refuse(struct http_call *call, enum http_fault fault, const char *detail)
{
	call->server->opt.fault(call->app, call, fault, detail);
	return finish(call);
}

/* The refusal of a request whose body is not read: the connection cannot be used again. */
static enum MHD_Result refuse_unread(struct http_call *call, enum http_fault fault, const char *detail)
{
	call->server->opt.fault(call->app, call, fault, detail);
	call->reply.close = true;
	return finish(call);
}

static enum MHD_Result suspend(struct http_call *call, enum http_phase phase)
{
	call->phase = phase;
	connection_deadline(connection_of(call), 0);
	MHD_suspend_connection(call->connection);
	return MHD_YES;
}

/* The call is suspended.  False: there is no room, and the reply says so; else the call must not be touched. */
static bool queue_up(struct http_call *call)
{
	const struct http_server_options *opt = &call->server->opt;

	if (opt->offload(call->app, call))
		return true;
	opt->fault(call->app, call, HTTP_FAULT_OVERLOAD, "too much work is waiting");
	return false;
}

static enum MHD_Result offload(struct http_call *call)
{
	suspend(call, HTTP_PHASE_WORKER);
	if (!queue_up(call))
		http_call_resume(call);
	return MHD_YES;
}

static enum MHD_Result run_handler(struct http_call *call)
{
	switch (call->route->handle(call->app, call)) {
	case HTTP_REPLY:
		return finish(call);
	case HTTP_OFFLOAD:
		return offload(call);
	case HTTP_SUSPEND:
		/* the other way round the resumption could come before the suspension, and be lost */
		suspend(call, HTTP_PHASE_WAITING);
		call->on_suspended(call);
		return MHD_YES;
	case HTTP_RETURN: /* no worker's: there is nowhere to return to */
		break;
	}
	return MHD_NO;
}

bool http_call_certificate(const struct http_call *call, struct principal *ret)
{
	struct tls_session *tls = connection_tls(connection_of(call));

	return tls && tls_session_principal(tls, ret);
}

bool http_call_on_worker(const struct http_call *call)
{
	return call->phase == HTTP_PHASE_WORKER;
}

void http_call_work(struct http_call *call)
{
	const struct http_server_options *opt = &call->server->opt;
	enum http_next next = call->route->handle(call->app, call);

	call->lengthy = next == HTTP_OFFLOAD;
	if (call->lengthy && queue_up(call))
		return;
	if (next == HTTP_RETURN)
		call->phase = HTTP_PHASE_WAITING;
	else if (opt->worked)
		opt->worked(call->app, call);
	http_call_resume(call);
}

void http_call_resume(struct http_call *call)
{
	MHD_resume_connection(call->connection);
}

/* ---- the header section ---- */

static enum MHD_Result take_header(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct http_call *call = cls;

	(void)kind;
	if (http_request_header(&call->request, name, value ? value : "") != OFA_OK) {
		call->reply.failed = true;
		return MHD_NO;
	}
	return MHD_YES;
}

/* Who calls, where a trusted proxy says so. */
static void read_client(struct http_call *call, const struct connection *conn)
{
	const char *field = call->request.header[HTTP_X_FORWARDED_FOR];
	struct access_client client;

	if (!field || !connection_trusted(conn) || !access_forwarded(call->server->opt.proxies, field, &client))
		return;
	call->address = client.address;
	memcpy(call->request.peer, client.text, sizeof(client.text));
}

static void read_headers(struct http_call *call)
{
	struct http_server *s = call->server;
	const struct connection *conn = connection_of(call);
	const char *peer = connection_peer(conn);
	char id[HTTP_REQUEST_ID_MAX];

	MHD_get_connection_values(call->connection, MHD_HEADER_KIND, take_header, call);
	http_request_format_id(s->id_prefix, atomic_fetch_add(&s->next_id, 1), id);
	http_request_headers_end(&call->request, id);
	memcpy(call->request.peer, peer, strlen(peer) + 1);
	connection_address(conn, &call->address);
	call->adopted = peer[0] == '\0';
	read_client(call, conn);
}

/* The refusal of a caller, whose body, if there is one, is not read. */
static enum MHD_Result refuse_admission(struct http_call *call, bool has_body)
{
	call->reply.close = has_body;
	return finish(call);
}

/* The header section is complete: everything that can be refused without the body is. */
static enum MHD_Result phase_headers(struct http_call *call)
{
	const struct http_server_options *opt = &call->server->opt;
	struct http_request *r = &call->request;
	char allow[HTTP_ALLOW_MAX];
	enum http_match match;
	uint64_t length;
	bool has_body;

	read_headers(call);
	if (call->reply.failed)
		return MHD_NO;
	if (r->fault)
		return refuse_unread(call, HTTP_FAULT_BAD_REQUEST, r->fault);
	has_body = http_request_has_body(r, &length);
	match = http_route_find(opt->routes, opt->n_routes, r->method, r->target, &call->route, &r->params, allow);
	if (opt->admit && !opt->admit(call->app, call))
		return refuse_admission(call, has_body);
	switch (match) {
	case HTTP_MATCH:
		break;
	case HTTP_NO_PATH:
		return has_body ? refuse_unread(call, HTTP_FAULT_NO_PATH, "") : refuse(call, HTTP_FAULT_NO_PATH, "");
	case HTTP_NO_METHOD:
		http_reply_header(&call->reply, "Allow", "%s", allow);
		return has_body ? refuse_unread(call, HTTP_FAULT_NO_METHOD, allow)
				: refuse(call, HTTP_FAULT_NO_METHOD, allow);
	}
	if (has_body && (call->route->max_body == 0 || (length != UINT64_MAX && length > call->route->max_body)))
		return refuse_unread(call, HTTP_FAULT_TOO_LARGE, "");
	if (call->route->body_types[0] &&
	    !http_media_type_in(r->header[HTTP_CONTENT_TYPE], call->route->body_types, HTTP_BODY_TYPES_MAX))
		return refuse_unread(call, HTTP_FAULT_NOT_TYPE, "");
	ofa_buf_init(&r->body, call->route->max_body);
	call->phase = HTTP_PHASE_BODY;
	connection_expect(connection_of(call), TRANSFER_MS + (double)call->route->max_body / BYTES_PER_MS);
	return MHD_YES;
}

/* ---- the body ---- */

static void discard_body(struct http_call *call, enum http_fault fault, const char *detail)
{
	ofa_buf_release(&call->request.body);
	ofa_buf_init(&call->request.body, 0);
	call->server->opt.fault(call->app, call, fault, detail);
	call->reply.close = true;
}

/* One piece of the body.  libmicrohttpd takes an answer only before the body or after it, so one that is
 * found wanting half way is read to its end, within limits. */
static enum MHD_Result take_body(struct http_call *call, const char *data, size_t size)
{
	struct http_server *s = call->server;

	call->body_charged += size;
	if (call->body_charged > call->route->max_body + OVERRUN_MAX) {
		atomic_fetch_add(&s->body_bytes, size);
		return MHD_NO;
	}
	if (atomic_fetch_add(&s->body_bytes, size) + size > s->opt.max_body_bytes && call->reply.status == 0)
		discard_body(call, HTTP_FAULT_OVERLOAD, "too many request bodies are being received");
	if (call->reply.status != 0)
		return MHD_YES;
	switch (ofa_buf_append(&call->request.body, data, size)) {
	case OFA_OK:
		break;
	case OFA_ERR_LIMIT:
		discard_body(call, HTTP_FAULT_TOO_LARGE, "");
		break;
	default:
		discard_body(call, HTTP_FAULT_OVERLOAD, "out of memory");
		break;
	}
	return MHD_YES;
}

static enum MHD_Result phase_body(struct http_call *call, const char *data, size_t *size)
{
	size_t n = *size;

	if (n > 0) {
		*size = 0;
		return take_body(call, data, n);
	}
	if (call->reply.status != 0)
		return finish(call);
	return call->route->in_worker ? offload(call) : run_handler(call);
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
				  const char *version, const char *data, size_t *size, void **state)
{
	struct http_call *call = *state;

	(void)cls;
	(void)url;
	(void)version;
	if (!call)
		return MHD_NO; /* memory ran out when the request line came */
	switch (call->phase) {
	case HTTP_PHASE_HEADERS:
		call->connection = connection;
		call->request.method = method;
		return phase_headers(call);
	case HTTP_PHASE_BODY:
		return phase_body(call, data, size);
	case HTTP_PHASE_WORKER:
		return finish(call);
	case HTTP_PHASE_WAITING:
		return run_handler(call);
	case HTTP_PHASE_SENDING:
		break;
	}
	return MHD_NO;
}

/* ---- libmicrohttpd's notifications ---- */

static void end_call(struct http_call *call, bool cut)
{
	struct http_server *s = call->server;

	if ((call->wait || call->rebuild) && call->on_dropped)
		call->on_dropped(call);
	call->note.cut = cut;
	if (call->phase != HTTP_PHASE_HEADERS && !call->adopted)
		s->opt.completed(call->app, call);
	atomic_fetch_sub(&s->body_bytes, call->body_charged);
	http_request_release(&call->request);
	http_reply_release(&call->reply);
	http_calls_put(&s->calls, call);
	atomic_fetch_sub(&s->active, 1);
}

/* libmicrohttpd 0.9.75 forgets to tell of the end of a request when it has no memory left to refuse it with, for
 * example after hundreds of cookies. */
static void end_forgotten_call(struct connection *conn)
{
	struct http_call *call = connection_call(conn);

	connection_set_call(conn, NULL);
	if (call)
		end_call(call, true);
}

/* The only place that shows the request target before it is decoded. */
static void *on_request_line(void *cls, const char *target, struct MHD_Connection *connection)
{
	struct http_server *s = cls;
	struct http_call *call = http_calls_take(&s->calls);

	if (!call)
		return NULL;
	if (http_request_init(&call->request, "", target) != OFA_OK) {
		http_calls_put(&s->calls, call);
		return NULL;
	}
	http_reply_init(&call->reply);
	principal_nobody(&call->principal);
	call->app = s->opt.app;
	call->server = s;
	call->connection = connection;
	call->started_ms = clock_ms();
	atomic_fetch_add(&s->active, 1);
	end_forgotten_call(connection_of(call));
	connection_set_call(connection_of(call), call);
	return call;
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **state,
			 enum MHD_RequestTerminationCode how)
{
	struct http_call *call = *state;

	(void)cls;
	(void)connection;
	if (!call)
		return;
	connection_expect(connection_of(call), IDLE_MS);
	connection_set_call(connection_of(call), NULL);
	end_call(call, how != MHD_REQUEST_TERMINATED_COMPLETED_OK);
	*state = NULL;
}

static const struct sockaddr *peer_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

	return info ? info->client_addr : NULL;
}

/* Before the handshake: the session gets what is current now. */
static void begin_tls(struct http_server *s, struct MHD_Connection *connection, struct connection *conn)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);

	if (conn && info && info->tls_session)
		connection_set_tls(conn, tls_session_begin(s->opt.tls, info->tls_session));
}

static void on_connection(void *cls, struct MHD_Connection *connection, void **context,
			  enum MHD_ConnectionNotificationCode what)
{
	struct http_server *s = cls;
	const union MHD_ConnectionInfo *info;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		atomic_fetch_sub(&s->n_connections, 1);
		end_forgotten_call(*context);
		/* libmicrohttpd has ended GnuTLS' session by now */
		tls_session_end(connection_tls(*context));
		connection_close(s->connections, *context);
		*context = NULL;
		return;
	}
	atomic_fetch_add(&s->n_connections, 1);
	atomic_fetch_add(&s->accepted, 1);
	info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	if (info) {
		const struct sockaddr *peer = peer_of(connection);
		struct connection *conn = connection_open(s->connections, info->connect_fd, peer);

		if (conn && s->opt.proxies)
			connection_set_trusted(conn, access_proxies_have(s->opt.proxies, peer));
		connection_expect(conn, HEADER_MS);
		if (s->opt.tls)
			begin_tls(s, connection, conn);
		*context = conn;
	}
}

/* Paths are decoded by the route matcher, which knows where a slash may come from. */
static size_t keep_escapes(void *cls, struct MHD_Connection *connection, char *s)
{
	(void)cls;
	(void)connection;
	return strlen(s);
}

static void on_message(void *cls, const char *format, va_list ap) __attribute__((format(printf, 2, 0)));
static void on_message(void *cls, const char *format, va_list ap)
{
	struct http_server *s = cls;
	char text[256];

	vsnprintf(text, sizeof(text), format, ap);
	text[strcspn(text, "\n")] = '\0';
	log_message(s->opt.log, LOG_LEVEL_DEBUG, "libmicrohttpd: %s", text);
}

/* ---- life ---- */

/* Connections inherit it; a socket of another kind needs none. */
static void limit_unsent(int listen_fd)
{
	const int most = UNSENT_MAX;

	(void)setsockopt(listen_fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &most, sizeof(most));
}

static struct MHD_Daemon *start_daemon(struct http_server *s)
{
	const struct http_server_options *o = &s->opt;
	/* libmicrohttpd reads a pool of one as a mistake */
	enum MHD_OPTION pool = o->threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END;
	const struct MHD_OptionItem https[] = {
		{MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)tls_priorities()},
		{MHD_OPTION_HTTPS_CERT_CALLBACK, 0, tls_no_certificate()},
		{MHD_OPTION_END, 0, NULL},
	};
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;

	/* clang-format off */
	return MHD_start_daemon(o->tls ? flags | MHD_USE_TLS : flags,
	                        0, NULL, NULL, on_request, s,
	                        MHD_OPTION_EXTERNAL_LOGGER, on_message, s,
	                        MHD_OPTION_ARRAY, o->tls ? https : &https[2],
	                        MHD_OPTION_LISTEN_SOCKET, o->listen_fd,
	                        MHD_OPTION_URI_LOG_CALLBACK, on_request_line, s,
	                        MHD_OPTION_NOTIFY_COMPLETED, on_completed, s,
	                        MHD_OPTION_NOTIFY_CONNECTION, on_connection, s,
	                        MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, s,
	                        MHD_OPTION_CONNECTION_LIMIT, o->max_connections,
	                        MHD_OPTION_PER_IP_CONNECTION_LIMIT, o->max_connections_per_address,
	                        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)SILENCE_SECONDS,
	                        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
	                        MHD_OPTION_STRICT_FOR_CLIENT, 1,
	                        pool, o->threads,
	                        MHD_OPTION_END);
	/* clang-format on */
}

enum ofa_status http_server_start(const struct http_server_options *opt, struct http_server **ret,
				  struct ofa_error *err)
{
	struct http_server *s = calloc(1, sizeof(*s));
	enum ofa_status st;

	if (!s)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	s->opt = *opt;
	http_calls_init(&s->calls);
	limit_unsent(s->opt.listen_fd);
	if (getrandom(&s->id_prefix, sizeof(s->id_prefix), 0) != sizeof(s->id_prefix))
		s->id_prefix = (uint32_t)getpid();
	st = connections_new(&s->connections, err);
	if (st != OFA_OK) {
		http_calls_release(&s->calls);
		free(s);
		return st;
	}
	*ret = s; /* before its threads exist, which may look for it there */
	s->daemon = start_daemon(s);
	if (!s->daemon) {
		*ret = NULL;
		connections_free(s->connections);
		http_calls_release(&s->calls);
		free(s);
		return ofa_fail(err, OFA_ERR_IO, NULL, "the HTTP server did not start");
	}
	return OFA_OK;
}

void http_server_quiesce(struct http_server *s)
{
	atomic_store(&s->closing, true);
	/* The socket stays open until the threads are gone, who may still look at it; shut down, it has the kernel
	 * refuse newcomers, whom the backlog would keep: they belong there only if somebody else will take them. */
	s->quiesced = MHD_quiesce_daemon(s->daemon) != MHD_INVALID_SOCKET;
	if (!s->opt.listen_shared)
		shutdown(s->opt.listen_fd, SHUT_RDWR);
}

bool http_server_adopt(struct http_server *s, int fd)
{
	/* an address of no family: libmicrohttpd takes the lack of any for an empty one */
	const struct sockaddr address = {.sa_family = AF_UNSPEC};

	return MHD_add_connection(s->daemon, fd, &address, sizeof(address.sa_family)) == MHD_YES;
}

bool http_server_is_secure(const struct http_server *s)
{
	return s->opt.tls != NULL;
}

unsigned http_server_threads(const struct http_server *s)
{
	return s->opt.threads;
}

const char *http_server_name(const struct http_server *s)
{
	return s->opt.name;
}

void http_server_stats(struct http_server *s, struct http_server_stats *ret)
{
	*ret = (struct http_server_stats){
		.active = atomic_load(&s->active),
		.connections = atomic_load(&s->n_connections),
		.max_connections = s->opt.max_connections,
		.accepted = atomic_load(&s->accepted),
	};
}

unsigned http_server_active(struct http_server *s)
{
	return atomic_load(&s->active);
}

void http_server_stop(struct http_server *s)
{
	MHD_stop_daemon(s->daemon);
	if (s->quiesced)
		close(s->opt.listen_fd);
	connections_free(s->connections);
	http_calls_release(&s->calls);
	free(s);
}
