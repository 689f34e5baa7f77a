/* Labelled images at one size, and how many of them a model gets right. */
#ifndef OFA_CLI_ACCURACY_H
#define OFA_CLI_ACCURACY_H

#include "base/pool.h"
#include "net/subnet.h"
#include "train/dataset.h"

enum cli_split { CLI_SPLIT_TEST, CLI_SPLIT_HOLDOUT };
enum ofa_status cli_split_parse(const char *name, enum cli_split *ret, struct ofa_error *err) OFA_MUST_CHECK;

/* One part of the data set in `dir`.  The hold-out is the one that training left out: its size and seed
 * are those of the recipe in `lineage` (of the network file; NULL refuses CLI_SPLIT_HOLDOUT). */
enum ofa_status cli_load_split(const char *dir, enum cli_split split, const json_t *lineage, struct ofa_dataset *ret,
                               struct ofa_error *err) OFA_MUST_CHECK;

/* The first n images of a data set as a model takes them. */
struct cli_examples {
	int n, size, channels;
	float *x;        /* (n,size,size,channels) normalised; owned */
	uint8_t *labels; /* owned */
};
enum ofa_status cli_examples_init(const struct ofa_dataset *d, int n, int size, const float *mean, const float *std,
                                  struct cli_examples *ret, struct ofa_error *err) OFA_MUST_CHECK;
void cli_examples_release(struct cli_examples *e);

/* Fraction classified rightly, in [0,1]. */
enum ofa_status cli_subnet_accuracy(const struct ofa_subnet *sub, const struct cli_examples *e, struct ofa_pool *pool,
                                    double *ret_accuracy, struct ofa_error *err) OFA_MUST_CHECK;
/* Is the largest of the logits, the first of equal ones, the label's? */
bool cli_is_right(const float *logits, int classes, uint8_t label);

#endif
