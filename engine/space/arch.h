/* One subnet's genes.  JSON as the field writes it:
 *   mbconv: {"ks":[..n_blocks],"e":[..n_blocks],"d":[..n_stages],"image_size":R}
 *   resnet: {"d":[..n_stages],"e":[..n_blocks - 1],"w":[..n_width_genes],"image_size":R}; "w" holds indices,
 *   and stage 0 (the stem) has no expand ratio
 * In memory a gene is the INDEX of its choice (0 = smallest), so every family fits and the
 * all-zero genes are the smallest subnet. */
#ifndef OFA_SPACE_ARCH_H
#define OFA_SPACE_ARCH_H

#include "base/rng.h"
#include "space/space.h"

struct ofa_arch {
	uint16_t image_size;       /* pixels, one of space.resolutions */
	uint8_t k[OFA_MAX_BLOCKS]; /* index into the stage's kernels */
	uint8_t e[OFA_MAX_BLOCKS]; /* index into the stage's expands */
	uint8_t d[OFA_MAX_STAGES]; /* index into depths */
	uint8_t w[OFA_MAX_WIDTH_GENES]; /* index into the gene's channels; 0 where the space has no such gene */
};

int ofa_arch_depth(const struct ofa_space *s, const struct ofa_arch *a, int stage);
/* Channels of a width gene. */
int ofa_arch_width(const struct ofa_space *s, const struct ofa_arch *a, int gene);
/* Is elastic block b (0-based) present? */
bool ofa_arch_active(const struct ofa_space *s, const struct ofa_arch *a, int block);

/* Values in the JSON that are not choices: OFA_ERR_INVALID with field "/ks/3" and the legal ones.
 * Skipped blocks' genes must still be legal values; the result is canonical.  As in the reference, a
 * stage with one depth takes the larger depths of other stages too (clipped), and "wid":null is ignored. */
enum ofa_status ofa_arch_parse(const struct ofa_space *s, const json_t *json, struct ofa_arch *ret,
                               struct ofa_error *err) OFA_MUST_CHECK;
json_t *ofa_arch_format(const struct ofa_space *s, const struct ofa_arch *a); /* new reference */
/* The same as one compact line, written to out, at most cap bytes
 * with the NUL; returns its whole length, as snprintf does. */
size_t ofa_arch_snprint(const struct ofa_space *s, const struct ofa_arch *a, char *out, size_t cap);

/* Genes of skipped blocks become 0, so equal subnets compare equal with ofa_arch_equal(). */
void ofa_arch_canonical(const struct ofa_space *s, struct ofa_arch *a);
bool ofa_arch_equal(const struct ofa_arch *a, const struct ofa_arch *b); /* both canonical */
uint64_t ofa_arch_hash(const struct ofa_arch *a);                        /* of the canonical form */

void ofa_arch_smallest(const struct ofa_space *s, struct ofa_arch *ret); /* lowest resolution too */
void ofa_arch_largest(const struct ofa_space *s, struct ofa_arch *ret);
/* Uniform over every gene (skipped ones included, then canonical); image_size uniform over the list. */
void ofa_arch_sample(const struct ofa_space *s, struct ofa_rng *rng, struct ofa_arch *ret);
/* Each block's kernel, each block's expand, each stage's depth, each width and the resolution are redrawn
 * with probabilities p_gene and p_resolution.  Canonical. */
void ofa_arch_mutate(const struct ofa_space *s, struct ofa_rng *rng, double p_gene, double p_resolution,
                     struct ofa_arch *a);
/* Whole stages (depth with its blocks and the widths they write) from either parent, resolution from either. */
void ofa_arch_cross(const struct ofa_space *s, struct ofa_rng *rng, const struct ofa_arch *a, const struct ofa_arch *b,
                    struct ofa_arch *ret);

#endif
