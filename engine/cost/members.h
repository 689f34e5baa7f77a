/* Reading a JSON object by a table of its members. */
#ifndef OFA_COST_MEMBERS_H
#define OFA_COST_MEMBERS_H

#include <jansson.h>
#include "net/supernet.h"

/* One member: what it is called and who reads it into `out`; `field` is its JSON pointer, for errors. */
struct ofa_member {
	const char *name;
	bool required;
	enum ofa_status (*parse)(const json_t *json, const char *field, void *out, struct ofa_error *err);
};

/* OFA_ERR_INVALID for what is no object (field: `pointer`), a member that is not in the table, and one that is required
 * and missing; else what the member's parser says.  `out` is for the parsers. */
enum ofa_status ofa_members_parse(const json_t *json, const char *pointer, const struct ofa_member *members, size_t n,
				  void *out, struct ofa_error *err) OFA_MUST_CHECK;

/* A string of 1 to cap - 1 bytes without control characters, into out. */
enum ofa_status ofa_members_text(const json_t *json, const char *field, char *out, size_t cap,
				 struct ofa_error *err) OFA_MUST_CHECK;
/* A number from lo to hi. */
enum ofa_status ofa_members_number(const json_t *json, const char *field, double lo, double hi, double *ret,
				   struct ofa_error *err) OFA_MUST_CHECK;
/* A list of at most `most` items, each read by `parse` into out + i * size under the pointer field/i. */
enum ofa_status ofa_members_list(const json_t *json, const char *field, size_t most, void *out, size_t size,
				 enum ofa_status (*parse)(const json_t *json, const char *field, void *out,
							  struct ofa_error *err),
				 size_t *ret_n, struct ofa_error *err) OFA_MUST_CHECK;

/* The JSON text under a key of a network file's metadata; a new reference, NULL where there is none.  OFA_ERR_FORMAT
 * (field: the key) for what is no JSON. */
enum ofa_status ofa_members_metadata(const struct ofa_supernet *net, const char *key, json_t **ret,
				     struct ofa_error *err) OFA_MUST_CHECK;
/* An error of what the text says becomes OFA_ERR_FORMAT, its field the key's and the pointer's. */
enum ofa_status ofa_members_misfit(const char *key, const struct ofa_error *inner, struct ofa_error *err);

#endif
