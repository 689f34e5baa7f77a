/* Which published family a state dict is of, and the space that its names and shapes tell: widths, classes, kernels,
 * largest depth and expand ratio.  What shapes cannot tell (strides, activations, squeeze-and-excite, the smaller
 * ratios and depths, image sizes) are the family's rules, as ofa_space_preset() has them.
 *
 * A family is a row of the table in family.c and a file family_<name>.c with its two functions. */
#ifndef OFA_IMPORT_FAMILY_H
#define OFA_IMPORT_FAMILY_H

#include "import/names.h"
#include "space/space.h"

struct ofa_import_space {
	struct ofa_space space; /* its name is the network's default name, e.g. "mbv3_w1.2" */
	const char *family;     /* "mbv3", "proxyless", "resnet50"; static */
	double width;           /* multiplier of the family's base widths, 0 when there is no such one */
	const char *base;       /* which base widths: "" the family's own, "google" Proxyless' other list; static */
};

struct ofa_import_family {
	const char *name;
	/* Looks at a few names only. */
	bool (*recognise)(const struct ofa_import_names *names);
	/* OFA_ERR_MISMATCH names the tensor that does not fit and says what would.  Names are not marked as used. */
	enum ofa_status (*infer)(const struct ofa_import_names *names, struct ofa_import_space *ret,
				 struct ofa_error *err);
};

/* OFA_ERR_MISMATCH when no family recognises the names. */
enum ofa_status ofa_import_infer(const struct ofa_import_names *names, struct ofa_import_space *ret,
				 struct ofa_error *err) OFA_MUST_CHECK;

/* What families share.  A convolution's (rank 4) or linear layer's (rank 2) outputs, inputs and kernel side;
 * OFA_ERR_MISMATCH where it is missing or has another shape. */
enum ofa_status ofa_import_layer(const struct ofa_import_names *names, const char *name, int rank, int *ret_out,
				 int *ret_in, int *ret_kernel, struct ofa_error *err) OFA_MUST_CHECK;
/* The space's derived members follow from its JSON form, whose parser also checks the whole. */
enum ofa_status ofa_import_complete(struct ofa_space *s, struct ofa_error *err) OFA_MUST_CHECK;

/* family_mbconv.c */
bool ofa_family_mbv3_recognise(const struct ofa_import_names *names);
bool ofa_family_proxyless_recognise(const struct ofa_import_names *names);
enum ofa_status ofa_family_mbv3_infer(const struct ofa_import_names *names, struct ofa_import_space *ret,
				      struct ofa_error *err) OFA_MUST_CHECK;
enum ofa_status ofa_family_proxyless_infer(const struct ofa_import_names *names, struct ofa_import_space *ret,
					   struct ofa_error *err) OFA_MUST_CHECK;
/* family_resnet.c */
bool ofa_family_resnet50_recognise(const struct ofa_import_names *names);
enum ofa_status ofa_family_resnet50_infer(const struct ofa_import_names *names, struct ofa_import_space *ret,
					  struct ofa_error *err) OFA_MUST_CHECK;

#endif
