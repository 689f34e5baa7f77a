/* A file of measured (arch, accuracy) pairs, appended to as they are measured; form in survey.h. */
#ifndef OFA_CLI_PAIRS_H
#define OFA_CLI_PAIRS_H

#include <stdio.h>

#include "base/precision.h"
#include "net/supernet.h"

struct cli_pairs {
	const struct ofa_space *space; /* borrowed */
	enum ofa_precision precision;
	FILE *file; /* open for appending */
};

/* Opens or creates the file for measurements of these weights on so many images.  Every pair in it whose
 * arch is among archs[n] sets accuracy[i], in [0,1], and that of float32 beside it; plain is NULL when the type is
 * float32. */
enum ofa_status cli_pairs_open(const char *path, const struct ofa_supernet *net, int images,
                               enum ofa_precision precision, const struct ofa_arch *archs, int n, float *accuracy,
                               float *plain, struct cli_pairs *ret, struct ofa_error *err) OFA_MUST_CHECK;
/* One line, flushed.  plain is not read when the type is float32. */
enum ofa_status cli_pairs_append(struct cli_pairs *p, const struct ofa_arch *arch, double accuracy, double plain,
                                 struct ofa_error *err) OFA_MUST_CHECK;
void cli_pairs_close(struct cli_pairs *p);

#endif
