/* Storing a fitted predictor in a network file. */
#ifndef OFA_CLI_PREDICTOR_SAVE_H
#define OFA_CLI_PREDICTOR_SAVE_H

#include "predict/predictor.h"

/* "mlp" or "pairwise"; NULL is `otherwise`. */
enum ofa_status cli_parse_predictor_kind(const char *text, enum ofa_predictor_kind otherwise,
                                         enum ofa_predictor_kind *ret, struct ofa_error *err) OFA_MUST_CHECK;
const char *cli_predictor_kind_name(enum ofa_predictor_kind kind);

/* Writes the network with this predictor instead of its own to `out`, which may be its own file.  The figures of the
 * fit (an object; the reference is taken, NULL is out of memory) go into its description. */
enum ofa_status cli_save_predictor(const struct ofa_supernet *net, const struct ofa_predictor *p, json_t *figures,
                                   const char *out, struct ofa_error *err) OFA_MUST_CHECK;

/* Writes the network as it is, with what packages of one type promise beside its predictor; likewise. */
enum ofa_status cli_save_promise(const struct ofa_supernet *net, enum ofa_precision precision,
                                 const struct ofa_promise *promise, json_t *figures, const char *out,
                                 struct ofa_error *err) OFA_MUST_CHECK;

#endif
