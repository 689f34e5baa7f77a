/* The card of a network: how it was trained, and published points to compare it with. */
#ifndef OFA_CLI_CARD_H
#define OFA_CLI_CARD_H

#include "cost/history.h"
#include "cost/references.h"

struct cli_card {
	struct ofa_history history;       /* n_phases 0: none */
	struct ofa_references references; /* n 0: none */
};

enum ofa_status cli_card_load(const struct ofa_supernet *net, struct cli_card *ret,
                              struct ofa_error *err) OFA_MUST_CHECK;
void cli_card_release(struct cli_card *c);

/* New references, JSON null where there is none. */
json_t *cli_card_history(const struct cli_card *c);
json_t *cli_card_references(const struct cli_card *c);

/* For people: in whole, and in a line. */
void cli_card_print(const struct cli_card *c);
void cli_card_summarise(const struct cli_card *c);

#endif
