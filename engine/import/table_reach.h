/* Which rows of a table belong to one image size: those that a chain of rows leads to from the stem.
 * A row leads from its input's shape to its output's; a row that includes the global pool leads to a 1x1 map. */
#ifndef OFA_IMPORT_TABLE_REACH_H
#define OFA_IMPORT_TABLE_REACH_H

#include "import/table_rows.h"

/* A row and what image size through size of its output is. */
struct ofa_table_step {
	size_t row;
	int output_stride;
};

struct ofa_table_reach {
	const struct ofa_table_rows *rows;
	enum ofa_table_dialect dialect;
	size_t *by_input; /* rows ordered by the shape of their input */
	unsigned *queued; /* by position in by_input of the first row of a shape: the last turn that took them */
	unsigned turn;    /* counts ofa_table_reach_from() */
	size_t n;
	struct ofa_table_step *steps; /* of the last image size; room for every row */
};

/* `rows` is borrowed. */
enum ofa_status ofa_table_reach_init(struct ofa_table_reach *r, const struct ofa_table_rows *rows,
				     enum ofa_table_dialect dialect, struct ofa_error *err) OFA_MUST_CHECK;
void ofa_table_reach_release(struct ofa_table_reach *r);

/* Fills r->steps and r->n. */
void ofa_table_reach_from(struct ofa_table_reach *r, int image_size);

#endif
