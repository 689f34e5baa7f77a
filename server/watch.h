/* The service manager's eye on a daemon that serves: ready, what it is doing, and whether it is alive. */
#ifndef OFAD_WATCH_H
#define OFAD_WATCH_H

#include "app.h"
#include "http/probe.h"
#include "notify.h"

struct watch {
	struct app *app;
	const struct notify *notify;
	struct http_probe *probe;  /* NULL when the manager does not watch */
	enum network_state status; /* of all networks together, as last told */
	double next_ms;            /* clock_ms() of the next look at the threads */
	bool failing;
};

/* Tells that the daemon is ready to take requests. */
void watch_begin(struct watch *w, struct app *app, const struct notify *notify);
/* To be called about as often as it asks for: milliseconds until the next call.  The manager hears that the daemon is
 * alive only if every HTTP thread answered a request and no worker has been at one task for as long as the manager
 * would wait. */
double watch_look(struct watch *w);
void watch_end(struct watch *w);

#endif
