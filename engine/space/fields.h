/* Reading and writing the JSON of a space, field by field; used inside engine/space only. */
#ifndef OFA_SPACE_FIELDS_H
#define OFA_SPACE_FIELDS_H

#include "space/space.h"

#define OFA_FIELDS_POINTER 64
#define OFA_MAX_EXPAND 16.0

/* A JSON object being read and its JSON pointer ("" for the root). */
struct ofa_fields {
	const json_t *json;
	char pointer[OFA_FIELDS_POINTER];
	struct ofa_error *err;
};

/* OFA_ERR_INVALID at one field: "POINTER/key what". */
enum ofa_status ofa_fields_refuse(const struct ofa_fields *o, const char *key, const char *what);
enum ofa_status ofa_fields_refuse_range(const struct ofa_fields *o, const char *key, const char *kind, double lo,
					double hi);

/* The object must have no other fields.  `known`: their names between and around spaces. */
enum ofa_status ofa_fields_only(const struct ofa_fields *o, const char *known) OFA_MUST_CHECK;
enum ofa_status ofa_fields_object(const struct ofa_fields *o, const char *key, const char *known,
				  struct ofa_fields *ret) OFA_MUST_CHECK;
enum ofa_status ofa_fields_int(const struct ofa_fields *o, const char *key, int lo, int hi, int *ret) OFA_MUST_CHECK;
enum ofa_status ofa_fields_bool(const struct ofa_fields *o, const char *key, bool *ret) OFA_MUST_CHECK;
enum ofa_status ofa_fields_act(const struct ofa_fields *o, const char *key, enum ofa_act *ret) OFA_MUST_CHECK;

/* What a list may hold: 1 to max_n ascending numbers. */
struct ofa_list_rule {
	int max_n;
	double lo, hi;
	bool integers, repeats; /* repeats: neighbours may be equal */
	const char *kind;       /* "kernel sizes", for messages */
};
enum ofa_status ofa_fields_list(const struct ofa_fields *o, const char *key, const struct ofa_list_rule *rule,
				double *ret, int *ret_n) OFA_MUST_CHECK;
/* At most OFA_MAX_CHOICES integers below 256. */
enum ofa_status ofa_fields_bytes(const struct ofa_fields *o, const char *key, const struct ofa_list_rule *rule,
				 uint8_t *ret, int *ret_n) OFA_MUST_CHECK;
enum ofa_status ofa_fields_expands(const struct ofa_fields *o, struct ofa_stage *t) OFA_MUST_CHECK;

/* The stage when it has the field, else the root: stages override the space's defaults. */
const struct ofa_fields *ofa_fields_having(const struct ofa_fields *stage, const struct ofa_fields *root,
					   const char *key);

/* One activation of the largest subnet; keeps every size in the program inside its type. */
enum ofa_status ofa_fields_check_value(const struct ofa_fields *root, const char *field, int size,
				       int channels) OFA_MUST_CHECK;

/* New references, NULL when out of memory. */
json_t *ofa_fields_format_float(float x);
json_t *ofa_fields_format_bytes(const uint8_t *x, int n);
json_t *ofa_fields_format_expands(const struct ofa_stage *t);
json_t *ofa_fields_format_resolutions(const struct ofa_space *s);

#endif
