/* Measuring many subnets' accuracy on held-out images, to fit the predictor on. */
#ifndef OFA_CLI_SURVEY_H
#define OFA_CLI_SURVEY_H

#include "base/precision.h"
#include "net/supernet.h"
#include "train/dataset.h"

struct cli_survey {
	const struct ofa_supernet *net;    /* borrowed */
	const struct ofa_dataset *holdout; /* borrowed */
	int images;                        /* of the hold-out, the first so many */
	int n_samples, n_unseen;
	struct ofa_arch *archs; /* n_samples to fit on, then n_unseen to judge by; owned */
	enum ofa_precision precision; /* of what is measured */
	float *accuracy; /* by arch, in [0,1]; NAN: not measured yet; owned */
	float *plain;    /* the same in float32, where precision is another */
	void (*progress)(void *ctx, int done, int total); /* after each arch, from any thread, one at a time; or NULL */
	void *ctx;
};

/* Draws the archs from the seed.  Of those to fit on half are uniform over every gene and the resolution,
 * a quarter redraws the genes of the smallest subnet with a probability that is itself uniform, a quarter
 * those of the largest: uniform draws alone hardly ever come near the ends of the front, where a search
 * goes.  Unseen ones are uniform and none of them is among the others.  Other types than float32 draw other archs. */
enum ofa_status cli_survey_init(const struct ofa_supernet *net, const struct ofa_dataset *holdout, int images,
                                enum ofa_precision precision, int n_samples, int n_unseen, uint64_t seed,
                                struct cli_survey *ret, struct ofa_error *err) OFA_MUST_CHECK;
void cli_survey_release(struct cli_survey *s);

/* Measures what is not measured yet, one arch per thread, after batch norm recalibration, as packages of the
 * precision compute: OFA_ERR_NOT_FOUND for int8 when the network has no calibration images.  With a pairs
 * file (NULL: none) measurements found there are taken over, and each new one is appended at once, so an
 * interrupted survey goes on where it stopped.
 *   # weights SHA256 images N
 *   r,d,ks,e,top1_pct
 *   28,2 3 2,7 3 ..,3 6 ..,93.1
 * and of another type than float32, with " dtype TYPE" in the first line,
 *   r,d,ks,e,float32_pct,TYPE_pct
 * OFA_ERR_MISMATCH when the file was measured with other weights, another number of images or another type. */
enum ofa_status cli_survey_run(struct cli_survey *s, unsigned threads, const char *pairs_path,
                               struct ofa_error *err) OFA_MUST_CHECK;

#endif
