/* The Prometheus text format, version 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format). */
#ifndef OFAD_METRICS_TEXT_H
#define OFAD_METRICS_TEXT_H

#include "base/buf.h"
#include "metrics/metrics.h"

#define METRICS_TEXT_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define METRICS_LABELS_MAX 6

struct metrics_label {
	const char *name;
	const char *value; /* from wherever: escaped here, and what is no UTF-8 replaced */
};

/* Under construction; the first failure is kept and ends the writing. */
struct metrics_text {
	struct ofa_buf *buf; /* borrowed */
	enum ofa_status status;
	const char *family;  /* the one whose samples come */
};

void metrics_text_init(struct metrics_text *t, struct ofa_buf *buf);
/* # HELP and # TYPE ("counter", "gauge" or "histogram"); all samples of a family follow its head at once. */
void metrics_text_family(struct metrics_text *t, const char *name, const char *type, const char *help);
/* One sample of the family; labels up to the first whose name is NULL, at most METRICS_LABELS_MAX, or none (NULL). */
void metrics_text_sample(struct metrics_text *t, const struct metrics_label *labels, double value);
/* One histogram of the family, buckets cumulative; at most METRICS_LABELS_MAX - 1 labels. */
void metrics_text_histogram(struct metrics_text *t, const struct metrics_label *labels,
			    const struct metrics_histogram_reading *h);
/* A family of one sample without labels. */
void metrics_text_single(struct metrics_text *t, const char *name, const char *type, const char *help, double value);

#endif
