#include <string.h>
#include "service/calibration_gauges.h"

void calibration_gauges_init(struct calibration_gauges *g)
{
	pthread_mutex_init(&g->lock, NULL);
	g->n = 0;
}

void calibration_gauges_release(struct calibration_gauges *g)
{
	pthread_mutex_destroy(&g->lock);
}

void calibration_gauges_set(struct calibration_gauges *g, const struct calibration_gauge *gauge)
{
	size_t at = 0;

	pthread_mutex_lock(&g->lock);
	while (at < g->n && strcmp(g->list[at].profile, gauge->profile) != 0)
		at++;
	if (at == g->n || g->list[at].revision <= gauge->revision) {
		if (at == g->n && g->n < CALIBRATION_GAUGES_MAX)
			g->n++;
		if (at == CALIBRATION_GAUGES_MAX)
			at--;
		memmove(&g->list[1], &g->list[0], at * sizeof(g->list[0]));
		g->list[0] = *gauge;
	}
	pthread_mutex_unlock(&g->lock);
}

size_t calibration_gauges_read(struct calibration_gauges *g, struct calibration_gauge ret[CALIBRATION_GAUGES_MAX])
{
	size_t n;

	pthread_mutex_lock(&g->lock);
	n = g->n;
	memcpy(ret, g->list, n * sizeof(ret[0]));
	pthread_mutex_unlock(&g->lock);
	return n;
}
