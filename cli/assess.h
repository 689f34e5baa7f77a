/* What can be said of a subnet before it is built: costs from its plan, accuracy from the network's
 * predictor, latency from a profile's table. */
#ifndef OFA_CLI_ASSESS_H
#define OFA_CLI_ASSESS_H

#include "cost/costs.h"
#include "cost/profile.h"
#include "net/supernet.h"
#include "options.h"
#include "predict/predictor.h"
#include "search/search.h"

struct cli_assessor {
	const struct ofa_supernet *net;   /* borrowed */
	enum ofa_precision precision;     /* of the packages that are spoken of */
	bool has_predictor, has_profile;
	struct ofa_predictor predictor;
	struct ofa_profile profile;
	struct ofa_latency_model *latency; /* NULL without a profile that has a table of this precision */
	float *workspace;                  /* of the predictor, for one arch */
};

/* profile_path may be NULL.  A network without a predictor is fine. */
enum ofa_status cli_assessor_init(const struct ofa_supernet *net, const char *profile_path,
                                  enum ofa_precision precision, struct cli_assessor *ret,
                                  struct ofa_error *err) OFA_MUST_CHECK;
void cli_assessor_release(struct cli_assessor *a);
/* The same for a network file and a type by their names, as a command is given them. */
enum ofa_status cli_assessor_open(const char *network_path, const char *profile_path, const char *dtype,
                                  struct ofa_supernet **ret_net, struct cli_assessor *ret,
                                  struct ofa_error *err) OFA_MUST_CHECK;
/* What searches run on; OFA_ERR_NOT_FOUND without a predictor.  Freed before the assessor. */
enum ofa_status cli_assessor_problem(const struct cli_assessor *a, struct ofa_search_problem **ret,
                                     struct ofa_error *err) OFA_MUST_CHECK;

/* OFA_ERR_INVALID naming the option that needs a latency table, when there is none of this precision. */
enum ofa_status cli_require_latency(const struct cli_assessor *a, const char *option,
                                    struct ofa_error *err) OFA_MUST_CHECK;
/* The limits of the command line and of the profile, the smaller of each. */
enum ofa_status cli_gather_limits(const struct cli_assessor *a, const struct opt_list *items, struct ofa_limits *ret,
                                  struct ofa_error *err) OFA_MUST_CHECK;

struct cli_figures {
	enum ofa_precision precision;
	double accuracy;   /* predicted, in [0,1]; NAN without a predictor for the image size and the type */
	double latency_ms; /* NAN without a table for the image size and the type */
	struct ofa_costs costs;
};
/* One assessor serves one thread. */
void cli_assess(const struct cli_assessor *a, const struct ofa_arch *arch, struct cli_figures *ret);

/* {"arch","dtype","predicted_accuracy","macs","params","storage_bytes","peak_memory_bytes",
 *  "peak_activation_int8_bytes","latency_ms"}; unknown figures are null.  New reference or NULL. */
json_t *cli_figures_json(const struct ofa_space *s, const struct ofa_arch *arch, const struct cli_figures *f);

/* The same for people, as lines "  name  value". */
void cli_figures_print(const struct ofa_space *s, const struct ofa_arch *arch, const struct cli_figures *f);

#endif
