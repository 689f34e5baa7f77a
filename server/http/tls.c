#include <ctype.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include "base/sha256.h"
#include "http/tls.h"

#define CHAIN_MAX 8
#define NAME_MAX_BYTES 65 /* with its NUL */

struct credentials {
	gnutls_certificate_credentials_t gnutls;
	atomic_uint references;
};

struct tls {
	struct tls_options opt;
	gnutls_datum_t ticket_key; /* sessions are resumed for as long as the process lives */
	pthread_mutex_t lock;      /* the pointer */
	struct credentials *current;
};

struct tls_session {
	struct tls *tls;
	gnutls_session_t gnutls;
	struct credentials *credentials; /* a reference: the ones of its handshake */
	struct credentials *verified_by; /* a reference, or NULL: it was not looked at yet */
	bool valid;
	struct principal principal;
};

const char *tls_priorities(void)
{
	return "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:-MAC-ALL:+AEAD:"
	       "%SERVER_PRECEDENCE";
}

static int no_certificate(gnutls_session_t session, const gnutls_datum_t *authorities, int n_authorities,
			  const gnutls_pk_algorithm_t *algorithms, int n_algorithms, gnutls_pcert_st **ret,
			  unsigned *ret_n, gnutls_privkey_t *ret_key)
{
	(void)session;
	(void)authorities;
	(void)n_authorities;
	(void)algorithms;
	(void)n_algorithms;
	(void)ret;
	(void)ret_n;
	(void)ret_key;
	return -1;
}

void *tls_no_certificate(void)
{
	return (void *)no_certificate;
}

/* ---- credentials ---- */

static void credentials_unref(struct credentials *c)
{
	if (!c || atomic_fetch_sub(&c->references, 1) != 1)
		return;
	gnutls_certificate_free_credentials(c->gnutls);
	free(c);
}

static struct credentials *credentials_current(struct tls *t)
{
	struct credentials *c;

	pthread_mutex_lock(&t->lock);
	c = t->current;
	atomic_fetch_add(&c->references, 1);
	pthread_mutex_unlock(&t->lock);
	return c;
}

static enum ofa_status load_files(const struct tls_options *o, gnutls_certificate_credentials_t c,
				  struct ofa_error *err)
{
	int rc = gnutls_certificate_set_x509_key_file(c, o->cert, o->key, GNUTLS_X509_FMT_PEM);

	if (rc < 0)
		return ofa_fail(
			err, OFA_ERR_IO, "--tls-cert",
			"--tls-cert %.150s with --tls-key %.150s: %s; a chain of certificates and its key, both PEM, "
			"are accepted",
			o->cert, o->key, gnutls_strerror(rc));
	if (!o->client_ca)
		return OFA_OK;
	rc = gnutls_certificate_set_x509_trust_file(c, o->client_ca, GNUTLS_X509_FMT_PEM);
	if (rc > 0)
		return OFA_OK;
	return ofa_fail(err, OFA_ERR_IO, "--tls-client-ca",
			"--tls-client-ca %.150s: %s; certificates of authorities in PEM are accepted", o->client_ca,
			rc < 0 ? gnutls_strerror(rc) : "there is no certificate in it");
}

/* Is the chain signed by an authority, for clients, and valid now? */
static bool trusted(gnutls_certificate_credentials_t c, gnutls_x509_crt_t *chain, unsigned n)
{
	gnutls_typed_vdata_st purpose = {.type = GNUTLS_DT_KEY_PURPOSE_OID};
	gnutls_x509_trust_list_t authorities;
	unsigned status = GNUTLS_CERT_INVALID;

	purpose.data = (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_CLIENT;
	gnutls_certificate_get_trust_list(c, &authorities);
	return gnutls_x509_trust_list_verify_crt2(authorities, chain, n, &purpose, 1, 0, &status, NULL) == 0 &&
	       status == 0;
}

/* The client's chain; 0: there is none.  The certificates are the caller's. */
static unsigned take_chain(gnutls_session_t session, gnutls_x509_crt_t chain[CHAIN_MAX])
{
	unsigned n = 0, n_peers = 0;
	const gnutls_datum_t *peers = gnutls_certificate_get_peers(session, &n_peers);

	while (peers && n < n_peers && n < CHAIN_MAX && gnutls_x509_crt_init(&chain[n]) == 0) {
		n++;
		if (gnutls_x509_crt_import(chain[n - 1], &peers[n - 1], GNUTLS_X509_FMT_DER) < 0)
			break;
	}
	if (peers && n == n_peers)
		return n;
	while (n > 0)
		gnutls_x509_crt_deinit(chain[--n]);
	return 0;
}

/* During the handshake: a certificate that is no good ends it, with an alert that says so.  Whether there has to be one
 * is GnuTLS' to see to. */
static int verify_peer(gnutls_session_t session)
{
	gnutls_certificate_credentials_t c;
	gnutls_x509_crt_t chain[CHAIN_MAX];
	unsigned n = 0;
	bool ok;

	if (!gnutls_certificate_get_peers(session, &n))
		return 0;
	n = take_chain(session, chain);
	ok = n > 0 && gnutls_credentials_get(session, GNUTLS_CRD_CERTIFICATE, (void **)&c) == 0 && trusted(c, chain, n);
	while (n > 0)
		gnutls_x509_crt_deinit(chain[--n]);
	return ok ? 0 : GNUTLS_E_CERTIFICATE_ERROR;
}

static enum ofa_status credentials_load(const struct tls_options *o, struct credentials **ret, struct ofa_error *err)
{
	struct credentials *c = malloc(sizeof(*c));
	enum ofa_status st;

	if (!c || gnutls_certificate_allocate_credentials(&c->gnutls) < 0) {
		free(c);
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	}
	atomic_init(&c->references, 1);
	st = load_files(o, c->gnutls, err);
	if (st != OFA_OK) {
		credentials_unref(c);
		return st;
	}
	if (o->client_ca)
		gnutls_certificate_set_verify_function(c->gnutls, verify_peer);
	*ret = c;
	return OFA_OK;
}

/* ---- life ---- */

enum ofa_status tls_new(const struct tls_options *opt, struct tls **ret, struct ofa_error *err)
{
	struct tls *t = calloc(1, sizeof(*t));
	enum ofa_status st;

	if (!t)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	t->opt = *opt;
	pthread_mutex_init(&t->lock, NULL);
	st = credentials_load(&t->opt, &t->current, err);
	if (st == OFA_OK && gnutls_session_ticket_key_generate(&t->ticket_key) < 0)
		st = ofa_fail(err, OFA_ERR_IO, NULL, "no random bits for TLS tickets");
	if (st != OFA_OK) {
		tls_free(t);
		return st;
	}
	*ret = t;
	return OFA_OK;
}

void tls_free(struct tls *t)
{
	if (!t)
		return;
	credentials_unref(t->current);
	if (t->ticket_key.data)
		gnutls_memset(t->ticket_key.data, 0, t->ticket_key.size);
	gnutls_free(t->ticket_key.data);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

enum ofa_status tls_reload(struct tls *t, struct ofa_error *err)
{
	struct credentials *fresh, *old;
	enum ofa_status st = credentials_load(&t->opt, &fresh, err);

	if (st != OFA_OK)
		return st;
	pthread_mutex_lock(&t->lock);
	old = t->current;
	t->current = fresh;
	pthread_mutex_unlock(&t->lock);
	credentials_unref(old);
	return OFA_OK;
}

/* ---- connections ---- */

struct tls_session *tls_session_begin(struct tls *t, struct gnutls_session_int *gnutls)
{
	struct tls_session *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->tls = t;
	s->gnutls = gnutls;
	s->credentials = credentials_current(t);
	gnutls_credentials_set(gnutls, GNUTLS_CRD_CERTIFICATE, s->credentials->gnutls);
	(void)gnutls_session_ticket_enable_server(gnutls, &t->ticket_key);
	if (t->opt.client_ca)
		gnutls_certificate_server_set_request(gnutls, t->opt.client_required ? GNUTLS_CERT_REQUIRE
										     : GNUTLS_CERT_REQUEST);
	return s;
}

void tls_session_end(struct tls_session *s)
{
	if (!s)
		return;
	credentials_unref(s->credentials);
	credentials_unref(s->verified_by);
	free(s);
}

/* ---- clients' certificates ---- */

/* Names go into logs and records. */
static bool harmless(const char *name)
{
	if (!*name)
		return false;
	for (const char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr(" ._:@/-", *c))
			return false;
	return true;
}

/* The common name, else the first alternative one, else the digest's first digits. */
static void name_of(gnutls_x509_crt_t cert, const uint8_t sha256[OFA_SHA256_BYTES], char out[NAME_MAX_BYTES])
{
	size_t n = NAME_MAX_BYTES;

	memset(out, 0, NAME_MAX_BYTES);
	if (gnutls_x509_crt_get_dn_by_oid(cert, GNUTLS_OID_X520_COMMON_NAME, 0, 0, out, &n) >= 0 && harmless(out))
		return;
	memset(out, 0, NAME_MAX_BYTES);
	n = NAME_MAX_BYTES - 1;
	if (gnutls_x509_crt_get_subject_alt_name(cert, 0, out, &n, NULL) >= 0 && harmless(out))
		return;
	ofa_hex(sha256, 6, out);
}

static bool fill_principal(const struct tls *t, gnutls_x509_crt_t cert, struct principal *ret)
{
	uint8_t sha256[OFA_SHA256_BYTES];
	char name[NAME_MAX_BYTES];
	gnutls_datum_t der;

	if (gnutls_x509_crt_export2(cert, GNUTLS_X509_FMT_DER, &der) < 0)
		return false;
	ofa_sha256(der.data, der.size, sha256);
	gnutls_free(der.data);
	name_of(cert, sha256, name);
	*ret = (struct principal){.scopes = t->opt.client_scopes};
	snprintf(ret->id, sizeof(ret->id), "cert:%s", name);
	memcpy(&ret->number, sha256, sizeof(ret->number));
	return true;
}

static bool identify(struct tls_session *s, struct credentials *by)
{
	gnutls_x509_crt_t chain[CHAIN_MAX];
	unsigned n = take_chain(s->gnutls, chain);
	bool valid = n > 0 && trusted(by->gnutls, chain, n) && fill_principal(s->tls, chain[0], &s->principal);

	while (n > 0)
		gnutls_x509_crt_deinit(chain[--n]);
	return valid;
}

bool tls_session_principal(struct tls_session *s, struct principal *ret)
{
	struct credentials *current;

	if (!s->tls->opt.client_ca)
		return false;
	current = credentials_current(s->tls);
	if (s->verified_by == current) {
		credentials_unref(current);
	} else {
		s->valid = identify(s, current);
		credentials_unref(s->verified_by);
		s->verified_by = current;
	}
	if (s->valid)
		*ret = s->principal;
	return s->valid;
}
