/* TLS by GnuTLS, 1.2 and 1.3 with forward secrecy and authenticated ciphers only.
 *
 * libmicrohttpd takes one certificate for ever.  Each connection's session is therefore given the credentials that are
 * current when it begins, before its handshake, and holds a reference to them: files can be read again at any time, and
 * connections that exist go on with what they began with.  Thread-safe. */
#ifndef OFAD_HTTP_TLS_H
#define OFAD_HTTP_TLS_H

#include "access/principal.h"
#include "base/status.h"

struct tls;
struct tls_session;        /* of one connection */
struct gnutls_session_int; /* GnuTLS' own */

struct tls_options {
	const char *cert, *key; /* PEM files: the chain, the server's own certificate first, and its key */
	const char *client_ca;  /* PEM file: who signs clients' certificates; NULL: they are not asked for */
	bool client_required;   /* without a certificate no handshake succeeds */
	unsigned client_scopes; /* what a client with a certificate may do */
};

/* The options' strings are borrowed.  Errors name option and file. */
enum ofa_status tls_new(const struct tls_options *opt, struct tls **ret, struct ofa_error *err) OFA_MUST_CHECK;
void tls_free(struct tls *t); /* NULL is allowed */
/* Reads the files again, for connections to come.  What cannot be used leaves everything as it was. */
enum ofa_status tls_reload(struct tls *t, struct ofa_error *err) OFA_MUST_CHECK;

/* What may be negotiated, in GnuTLS' words. */
const char *tls_priorities(void);
/* A gnutls_certificate_retrieve_function2 for libmicrohttpd, which wants to know of one: it has no certificate, so that
 * a connection whose session could not begin gets none. */
void *tls_no_certificate(void);

/* A connection begins; before its handshake.  NULL when memory is out: the handshake then fails. */
struct tls_session *tls_session_begin(struct tls *t, struct gnutls_session_int *gnutls);
/* After GnuTLS' session is gone.  NULL is allowed. */
void tls_session_end(struct tls_session *s);
/* Whom does the client's certificate stand for?  It is verified at the first call and after each reload.  False: there
 * is none, or none that is valid any more.  One thread at a time, after the handshake. */
bool tls_session_principal(struct tls_session *s, struct principal *ret);

#endif
