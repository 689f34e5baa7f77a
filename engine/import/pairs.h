/* Measured (arch, accuracy) pairs from a CSV file, whoever measured them.
 *
 *	r,d,ks,e,top1_pct,batch
 *	224,2 4 3 4 4,7 3 .. 3,3 3 .. 4,75.64,first
 *
 * The first line names the columns, in any order: r (pixels), d, ks, e, w (lists of numbers with spaces between, as far
 * as the space has such genes; as in an arch's JSON, space/arch.h), top1_pct (0 to 100) and, if there is one, batch
 * (what rows were measured together).  Other columns are not looked at.  Lines end with LF or CR LF; empty ones and
 * those that begin with "#" are skipped.  There are no quotes. */
#ifndef OFA_IMPORT_PAIRS_H
#define OFA_IMPORT_PAIRS_H

#include "predict/pairwise_fit.h"

#define OFA_PAIRS_MAX_BYTES (64u << 20)
#define OFA_PAIRS_MAX_NAME 64 /* of a batch, with its NUL */

struct ofa_pairs_file {
	struct ofa_pairs pairs; /* borrows from the arrays below */
	struct ofa_arch *archs;
	float *accuracy;
	uint8_t *batch;
	char names[OFA_PAIRS_MAX_BATCHES][OFA_PAIRS_MAX_NAME]; /* in order of appearance; one "" without a column */
	bool has_batches;                                      /* is there such a column? */
};

/* Errors begin with "line N": OFA_ERR_FORMAT what is no such table, OFA_ERR_INVALID a value that is none or that the
 * space does not have (the field is the column), OFA_ERR_LIMIT too long a line, too many rows or batches. */
enum ofa_status ofa_pairs_parse(const struct ofa_space *s, const char *text, size_t size, struct ofa_pairs_file *ret,
				struct ofa_error *err) OFA_MUST_CHECK;
enum ofa_status ofa_pairs_load(const struct ofa_space *s, const char *path, struct ofa_pairs_file *ret,
			       struct ofa_error *err) OFA_MUST_CHECK;
void ofa_pairs_file_release(struct ofa_pairs_file *f);

#endif
