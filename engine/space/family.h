/* The families of spaces: what each reads and writes of a space's JSON; used inside engine/space only. */
#ifndef OFA_SPACE_FAMILY_H
#define OFA_SPACE_FAMILY_H

#include "space/fields.h"

/* s is all zero but for the fields that all families share; the whole is checked, sizes included. */
enum ofa_status ofa_mbconv_parse(const struct ofa_fields *root, struct ofa_space *s) OFA_MUST_CHECK;
enum ofa_status ofa_resnet_parse(const struct ofa_fields *root, struct ofa_space *s) OFA_MUST_CHECK;
/* The family's own members; new reference or NULL. */
json_t *ofa_mbconv_format(const struct ofa_space *s);
json_t *ofa_resnet_format(const struct ofa_space *s);

/* Counts s->stages[s->n_stages], whose depths are set, in; refuses too many blocks. */
enum ofa_status ofa_space_add_stage(const struct ofa_fields *root, struct ofa_space *s) OFA_MUST_CHECK;

#endif
