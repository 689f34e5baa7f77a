/* What `ofa import` says about the network that it wrote. */
#ifndef OFA_CLI_IMPORT_REPORT_H
#define OFA_CLI_IMPORT_REPORT_H

#include "import/calibration.h"
#include "import/import.h"
#include "predict/predictor.h"

struct cli_import_report {
	const char *source, *out;
	const struct ofa_supernet_parts *parts; /* of the written network */
	const struct ofa_import *import;        /* NULL when the source was a network file of ours */
	const struct ofa_predictor *predictor;  /* attached now, or NULL */
	bool has_predictor;                     /* attached now or kept from the source */
	const struct ofa_calibration *calibration; /* attached now, or NULL */
	const char *calibration_source;
};

void cli_import_print(const struct cli_import_report *r);
json_t *cli_import_json(const struct cli_import_report *r); /* new reference, NULL without memory */

#endif
