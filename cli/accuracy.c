#include "accuracy.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK 256 /* images whose logits are held at a time */

enum ofa_status cli_split_parse(const char *name, enum cli_split *ret, struct ofa_error *err)
{
	if (strcmp(name, "test") == 0)
		*ret = CLI_SPLIT_TEST;
	else if (strcmp(name, "holdout") == 0)
		*ret = CLI_SPLIT_HOLDOUT;
	else
		return ofa_fail(err, OFA_ERR_INVALID, "--split", "'%s'; test and holdout are accepted", name);
	return OFA_OK;
}

static enum ofa_status cut_holdout(struct ofa_dataset *train, const json_t *lineage, struct ofa_dataset *ret,
                                   struct ofa_error *err)
{
	const json_t *recipe = json_object_get(lineage, "recipe");
	const json_t *holdout = json_object_get(recipe, "holdout"), *seed = json_object_get(recipe, "seed");

	if (!json_is_integer(holdout) || !json_is_integer(seed))
		return ofa_fail(err, OFA_ERR_NOT_FOUND, "/lineage/recipe",
		                "the file does not say which images its training held out; use a network that "
		                "`ofa train` wrote, or the test split");
	return ofa_dataset_split(train, (int)json_integer_value(holdout), (uint64_t)json_integer_value(seed), ret, err);
}

enum ofa_status cli_load_split(const char *dir, enum cli_split split, const json_t *lineage, struct ofa_dataset *ret,
                               struct ofa_error *err)
{
	struct ofa_dataset train = {0}, test = {0};
	enum ofa_status st = ofa_dataset_load(dir, &train, &test, err);

	if (st != OFA_OK)
		return st;
	if (split == CLI_SPLIT_TEST) {
		*ret = test;
	} else {
		st = cut_holdout(&train, lineage, ret, err);
		ofa_dataset_release(&test);
	}
	ofa_dataset_release(&train);
	return st;
}

enum ofa_status cli_examples_init(const struct ofa_dataset *d, int n, int size, const float *mean, const float *std,
                                  struct cli_examples *ret, struct ofa_error *err)
{
	struct cli_examples e = {.n = n, .size = size, .channels = d->c};
	uint32_t *index = malloc((size_t)n * sizeof *index);

	e.x = malloc((size_t)n * (size_t)size * (size_t)size * (size_t)d->c * sizeof *e.x);
	e.labels = malloc((size_t)n);
	if (!index || !e.x || !e.labels) {
		free(index);
		cli_examples_release(&e);
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory for %d images of %dx%d", n, size, size);
	}
	for (int i = 0; i < n; i++)
		index[i] = (uint32_t)i;
	ofa_dataset_batch(d, index, n, size, mean, std, NULL, 0, 0, e.x, e.labels);
	free(index);
	*ret = e;
	return OFA_OK;
}

void cli_examples_release(struct cli_examples *e)
{
	free(e->x);
	free(e->labels);
	*e = (struct cli_examples){0};
}

static const float *example(const struct cli_examples *e, int i)
{
	return e->x + (size_t)i * (size_t)e->size * (size_t)e->size * (size_t)e->channels;
}

bool cli_is_right(const float *logits, int classes, uint8_t label)
{
	int best = 0;

	for (int j = 1; j < classes; j++)
		if (logits[j] > logits[best])
			best = j;
	return best == label;
}

enum ofa_status cli_subnet_accuracy(const struct ofa_subnet *sub, const struct cli_examples *e, struct ofa_pool *pool,
                                    double *ret_accuracy, struct ofa_error *err)
{
	int classes = sub->plan.classes, right = 0;
	float *logits = malloc(CHUNK * (size_t)classes * sizeof *logits);
	enum ofa_status st = OFA_OK;

	if (!logits)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory for the logits");
	for (int at = 0; st == OFA_OK && at < e->n; at += CHUNK) {
		int n = e->n - at < CHUNK ? e->n - at : CHUNK;
		st = ofa_subnet_forward(sub, example(e, at), n, pool, logits, err);
		for (int i = 0; st == OFA_OK && i < n; i++)
			right += cli_is_right(logits + (size_t)i * (size_t)classes, classes, e->labels[at + i]);
	}
	free(logits);
	if (st == OFA_OK)
		*ret_accuracy = (double)right / e->n;
	return st;
}
