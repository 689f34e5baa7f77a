#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include "clock.h"
#include "service/parking.h"

#define BUCKETS 256
#define SWEEP_MS 250.0

struct parking {
	struct parking_options opt;
	struct timer timer;   /* looks whose patience is over, as long as there is anybody */
	pthread_mutex_t lock; /* what follows, and all who are inside */
	unsigned n;
	bool closed, sweeping;
	struct parked *bucket[BUCKETS];
};

/* ---- with the lock ---- */

static void take_out(struct parking *g, struct parked *p)
{
	*p->link = p->next;
	if (p->next)
		p->next->link = p->link;
	p->staying = false;
	g->n--;
}

/* Moves those who are to be handed back into a list of their own; who does not stay yet will not. */
static void call_back(struct parking *g, struct parked *p, struct parked **list)
{
	if (!p->staying) {
		p->told = true;
		return;
	}
	take_out(g, p);
	p->next = *list;
	*list = p;
}

/* ---- without it ---- */

static void hand_back(struct parking *g, struct parked *list)
{
	struct parked *next;

	for (; list; list = next) {
		next = list->next; /* it may be gone */
		g->opt.handed_back(g->opt.ctx, list);
	}
}

static void sweep(struct timer *timer);

/* Without room among the timers those who wait are told all the same, unless the other server has died: then they wait
 * until a later one sets the timer. */
static void sweep_later(struct parking *g)
{
	bool set = timers_set(g->opt.timers, &g->timer, SWEEP_MS);

	if (set)
		return;
	pthread_mutex_lock(&g->lock);
	g->sweeping = false;
	pthread_mutex_unlock(&g->lock);
}

static struct parking *parking_of(struct timer *timer)
{
	return (struct parking *)(void *)((char *)timer - offsetof(struct parking, timer));
}

static void sweep(struct timer *timer)
{
	struct parking *g = parking_of(timer);
	double before = clock_ms() - g->opt.patience_ms;
	struct parked *list = NULL, *p, *next;
	bool more;

	pthread_mutex_lock(&g->lock);
	for (int b = 0; b < BUCKETS; b++)
		for (p = g->bucket[b]; p; p = next) {
			next = p->next;
			if (p->staying && p->since_ms <= before)
				call_back(g, p, &list);
		}
	more = g->sweeping = g->n > 0;
	pthread_mutex_unlock(&g->lock);
	hand_back(g, list);
	if (more)
		sweep_later(g);
}

/* ---- the interface ---- */

enum ofa_status parking_new(const struct parking_options *opt, struct parking **ret, struct ofa_error *err)
{
	struct parking *g = calloc(1, sizeof(*g));

	if (!g)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	g->opt = *opt;
	g->timer.fire = sweep;
	pthread_mutex_init(&g->lock, NULL);
	*ret = g;
	return OFA_OK;
}

void parking_free(struct parking *g)
{
	if (!g)
		return;
	pthread_mutex_destroy(&g->lock);
	free(g);
}

bool parking_enter(struct parking *g, struct parked *p)
{
	struct parked **at = &g->bucket[job_key_bucket(&p->key, BUCKETS)];
	bool room;

	pthread_mutex_lock(&g->lock);
	room = !g->closed && g->n < g->opt.max;
	if (room) {
		p->next = *at;
		p->link = at;
		if (p->next)
			p->next->link = &p->next;
		*at = p;
		p->staying = p->told = false;
		g->n++;
	}
	pthread_mutex_unlock(&g->lock);
	return room;
}

bool parking_stay(struct parking *g, struct parked *p)
{
	bool stays, begin = false;

	pthread_mutex_lock(&g->lock);
	stays = !p->told && !g->closed;
	if (stays) {
		p->since_ms = clock_ms();
		p->staying = true;
		begin = !g->sweeping;
		g->sweeping = true;
	} else {
		take_out(g, p);
	}
	pthread_mutex_unlock(&g->lock);
	/* from here on p may be somebody else's */
	if (begin)
		sweep_later(g);
	return stays;
}

void parking_exit(struct parking *g, struct parked *p)
{
	pthread_mutex_lock(&g->lock);
	take_out(g, p);
	pthread_mutex_unlock(&g->lock);
}

bool parking_withdraw(struct parking *g, struct parked *p)
{
	bool stayed;

	pthread_mutex_lock(&g->lock);
	stayed = p->staying;
	p->told = true;
	if (stayed)
		take_out(g, p);
	pthread_mutex_unlock(&g->lock);
	return stayed;
}

void parking_tell(struct parking *g, const struct job_key *key)
{
	struct parked *list = NULL, *p, *next;

	pthread_mutex_lock(&g->lock);
	for (p = g->bucket[job_key_bucket(key, BUCKETS)]; p; p = next) {
		next = p->next;
		if (job_key_equal(&p->key, key))
			call_back(g, p, &list);
	}
	pthread_mutex_unlock(&g->lock);
	hand_back(g, list);
}

void parking_close(struct parking *g)
{
	struct parked *list = NULL, *p, *next;

	pthread_mutex_lock(&g->lock);
	g->closed = true;
	for (int b = 0; b < BUCKETS; b++)
		for (p = g->bucket[b]; p; p = next) {
			next = p->next;
			call_back(g, p, &list);
		}
	pthread_mutex_unlock(&g->lock);
	hand_back(g, list);
}
