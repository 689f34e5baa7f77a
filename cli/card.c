#include "card.h"

#include <math.h>
#include <stdio.h>

#include "output.h"

enum ofa_status cli_card_load(const struct ofa_supernet *net, struct cli_card *ret, struct ofa_error *err)
{
	struct cli_card c = {0};
	enum ofa_status st = ofa_history_load(net, &c.history, err);

	if (st == OFA_OK)
		st = ofa_references_load(net, &c.references, err);
	if (st == OFA_OK)
		*ret = c;
	return st;
}

void cli_card_release(struct cli_card *c)
{
	ofa_references_release(&c->references);
}

json_t *cli_card_history(const struct cli_card *c)
{
	return c->history.n_phases ? ofa_history_format(&c->history) : json_null();
}

json_t *cli_card_references(const struct cli_card *c)
{
	return c->references.n ? ofa_references_format(&c->references) : json_null();
}

static double last_epoch(const struct ofa_history *h)
{
	const struct ofa_history_phase *p = &h->phases[h->n_phases - 1];

	return p->begin_epoch + p->epochs;
}

/* An accuracy in percent, or "-". */
static void print_accuracy(double v)
{
	if (isnan(v))
		printf("  %9s", "-");
	else
		printf("  %7.2f %%", 100 * v);
}

static void print_history(const struct ofa_history *h)
{
	printf("accuracy over the training, on %s:\n", h->measured_on);
	printf("  %10s  %-20s  %9s  %9s\n", "epoch", "phase", "largest", "smallest");
	for (size_t i = 0; i < h->n_evaluations; i++) {
		const struct ofa_history_evaluation *e = &h->evaluations[i];

		printf("  %10.4g  %-20s", e->epoch, h->phases[e->phase].name);
		print_accuracy(e->largest);
		print_accuracy(e->smallest);
		putchar('\n');
	}
	printf("  %.4g epochs in %zu phases\n", last_epoch(h), h->n_phases);
}

static void print_reference(const struct ofa_reference *r)
{
	char text[CLI_SHORT_MAX];

	printf("  %s: %.2f %%", r->name, 100 * r->accuracy);
	for (int i = 0; i < OFA_RESOURCE_COUNT; i++)
		if (!isnan(r->value[i]))
			printf(", %s %s", ofa_resource_name((enum ofa_resource)i), cli_short_count(r->value[i], text));
	if (!isnan(r->params))
		printf(", params %s", cli_short_count(r->params, text));
	for (int i = 0; i < r->n_latencies; i++)
		printf(", %.3f ms on %s", r->latencies[i].ms, r->latencies[i].profile);
	if (r->dtype >= 0)
		printf(", %s", ofa_precision_name((enum ofa_precision)r->dtype));
	printf(" (%s)\n", r->source);
}

void cli_card_print(const struct cli_card *c)
{
	if (c->history.n_phases)
		print_history(&c->history);
	else
		printf("nothing is told of its training; --history FILE adds it from the log of `ofa train`\n");
	if (c->references.n)
		printf("published points:\n");
	for (size_t i = 0; i < c->references.n; i++)
		print_reference(&c->references.list[i]);
}

void cli_card_summarise(const struct cli_card *c)
{
	const struct ofa_history *h = &c->history;

	if (h->n_phases)
		printf("trained for %.4g epochs in %zu phases", last_epoch(h), h->n_phases);
	if (c->references.n)
		printf("%s%zu published points", h->n_phases ? ", " : "", c->references.n);
	if (h->n_phases || c->references.n)
		printf("; `ofa card` shows them\n");
}
