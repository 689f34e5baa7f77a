/* What subcommands print: JSON answers, errors, sizes for people. */
#ifndef OFA_CLI_OUTPUT_H
#define OFA_CLI_OUTPUT_H

#include <jansson.h>
#include <stdint.h>

#include "base/status.h"
#include "options.h"

/* Prints one line of compact JSON on stdout and drops the reference.  NULL (jansson ran out of memory)
 * is OFA_ERR_NOMEM. */
enum ofa_status cli_print_json(json_t *owned, struct ofa_error *err) OFA_MUST_CHECK;

/* The only element of an array, or the array when it has several; the reference stays the caller's. */
enum ofa_status cli_print_one_or_all(json_t *answers, struct ofa_error *err) OFA_MUST_CHECK;

/* The exit code of a subcommand that ended with `status`.  An error goes to stderr in one line,
 * "ofa: COMMAND: FIELD: MESSAGE" (FIELD unless the message names it), and with `json` to stdout too:
 * {"error":{"status":"invalid","field":"/ks/3","message":"..."}}. */
int cli_finish(const char *command, bool json, enum ofa_status status, const struct ofa_error *err);

/* The same with what limits could be met, put into an error's JSON as its member "feasible"; `feasible` may be
 * NULL, the reference is dropped. */
int cli_finish_feasible(const char *command, bool json, enum ofa_status status, const struct ofa_error *err,
                        json_t *feasible);

/* JSON number, or null when it is not finite. */
json_t *cli_number(double v);

#define CLI_SHORT_MAX 24
/* "1.24 M", "312 k", "17"; decimal multiples, three significant digits.  Returns out. */
const char *cli_short_count(double v, char out[CLI_SHORT_MAX]);

#endif
