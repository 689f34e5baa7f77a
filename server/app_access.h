/* Whom the daemon lets in: tokens, limits and TLS as the settings ask for them. */
#ifndef OFAD_APP_ACCESS_H
#define OFAD_APP_ACCESS_H

#include "app.h"

/* The store is open and the listeners are.  Fills in app's tokens, limits and TLS, and refuses to serve strangers who
 * need not say who they are, unless told to. */
enum ofa_status access_start(struct app *app, struct ofa_error *err) OFA_MUST_CHECK;
/* Reads tokens and certificates again; what cannot be read is logged. */
void access_reload(struct app *app);
/* The HTTP servers are gone. */
void access_stop(struct app *app);
/* May the address be served, on which there are tokens or none?  Else err says how. */
enum ofa_status access_exposure(const struct settings *s, const char *address, bool local, bool no_tokens,
				struct ofa_error *err) OFA_MUST_CHECK;
/* *ret is NULL without --tls-cert. */
enum ofa_status access_tls(const struct settings *s, struct tls **ret, struct ofa_error *err) OFA_MUST_CHECK;

#endif
