#include "clock.h"
#include "watch.h"

/* Looks within the time that the manager waits: one or two may find a thread late. */
#define LOOKS 4
/* A connection that is silent for longer is closed (http/server.c). */
#define LOOK_MS_MAX 20e3
#define TEST_LOOK_MS 100
#define IDLE_LOOK_MS 60e3

static enum network_state state_of_networks(struct networks *s)
{
	enum network_state state = NETWORK_READY;

	for (size_t i = 0; i < s->n; i++) {
		enum network_state one = (enum network_state)atomic_load(&s->list[i].state);

		if (one == NETWORK_FAILED)
			return NETWORK_FAILED;
		if (one == NETWORK_UNTESTED)
			state = NETWORK_UNTESTED;
	}
	return state;
}

static void tell_status(struct watch *w, const char *first)
{
	static const char *const texts[] = {
		[NETWORK_UNTESTED] = "testing the networks",
		[NETWORK_READY] = "ready",
		[NETWORK_FAILED] = "not ready: a network failed its self-test, the log says why",
	};

	notify_send(w->notify, "%sSTATUS=%s; %s, %zu networks\n", first, w->app->listener.url, texts[w->status],
		    w->app->networks->n);
}

void watch_begin(struct watch *w, struct app *app, const struct notify *notify)
{
	struct ofa_error err = {0};

	*w = (struct watch){.app = app, .notify = notify, .status = state_of_networks(app->networks)};
	if (notify->watchdog_ms > 0 && http_probe_new(app->server, &w->probe, &err) != OFA_OK)
		log_message(&app->log, LOG_LEVEL_ERROR, "nothing can be told to the watchdog: %s", err.message);
	tell_status(w, "READY=1\n");
}

void watch_end(struct watch *w)
{
	http_probe_free(w->probe);
	w->probe = NULL;
}

/* NULL: all is well.  Who fetches waits for other machines, which may take as long as it likes. */
static const char *what_hangs(struct watch *w)
{
	if (!http_probe_ask(w->probe))
		return "an HTTP thread does not answer";
	if (workers_longest_ms(w->app->workers) > w->notify->watchdog_ms ||
	    workers_longest_ms(w->app->background) > w->notify->watchdog_ms)
		return "a worker does not come to an end";
	return NULL;
}

static double look_at_threads(struct watch *w)
{
	double now = clock_ms(), pause = w->notify->watchdog_ms / LOOKS;
	const char *hangs;

	if (pause > LOOK_MS_MAX)
		pause = LOOK_MS_MAX;
	if (now < w->next_ms)
		return w->next_ms - now;
	/* the first look only asks */
	hangs = w->next_ms > 0 ? what_hangs(w) : NULL;
	w->next_ms = now + pause;
	if (!hangs)
		notify_send(w->notify, "WATCHDOG=1\n");
	else if (!w->failing)
		log_message(&w->app->log, LOG_LEVEL_ERROR, "the watchdog is not told that all is well: %s", hangs);
	w->failing = hangs != NULL;
	return pause;
}

double watch_look(struct watch *w)
{
	enum network_state status = state_of_networks(w->app->networks);
	double pause = w->probe ? look_at_threads(w) : IDLE_LOOK_MS;

	if (status != w->status) {
		w->status = status;
		tell_status(w, "");
	}
	return status == NETWORK_UNTESTED && pause > TEST_LOOK_MS ? TEST_LOOK_MS : pause;
}
