/* Device profiles as the daemon keeps them: parsed once, shared by every request that names them. */
#ifndef OFAD_SERVICE_PROFILES_H
#define OFAD_SERVICE_PROFILES_H

#include "cost/profile.h"
#include "jobs/lru.h"
#include "service/networks.h"
#include "shared.h"
#include "store/store.h"

/* A parsed profile and what its content is known by. */
struct known_profile {
	struct shared shared;
	struct ofa_profile profile;
	char *content; /* canonical JSON */
	size_t content_size;
	uint8_t sha256[OFA_SHA256_BYTES]; /* of the content */
	uint64_t revision;                /* 0: not kept here */
};

/* Names of profiles that are kept here: as ofa_profile_name_ok(), and no part but the first is a word that paths have
 * after a name ("revisions", "calibration"). */
bool profile_name_ok(const char *name);
/* How requests refer to one: NAME, or NAME@N for its revision N. */
bool profile_reference_ok(const char *reference);
#define PROFILE_REFERENCE_FORM \
	"1 to 127 of A-Z a-z 0-9 . _ - with '/' between parts, and perhaps @ and the number of a revision"

/* From a JSON object; when it has no "name" it gets default_name (the object is changed).  Errors as
 * ofa_profile_parse(). */
enum ofa_status known_profile_new(json_t *json, const char *default_name, struct known_profile **ret,
				  struct ofa_error *err) OFA_MUST_CHECK;
void known_profile_unref(struct known_profile *p); /* NULL is allowed */
/* Does its table tell latencies of packages of this precision?  p may be NULL. */
bool known_profile_times(const struct known_profile *p, enum ofa_precision precision);

struct profiles;

/* Profiles in `store` (borrowed), the parsed ones cached in at most cache_bytes. */
enum ofa_status profiles_new(struct store *store, size_t cache_bytes, struct profiles **ret,
			     struct ofa_error *err) OFA_MUST_CHECK;
void profiles_free(struct profiles *s); /* NULL is allowed */
struct lru *profiles_cache(struct profiles *s); /* borrowed, for its size */

/* Changes whenever a profile does, before the change is acknowledged; never takes a value again. */
uint64_t profiles_generation(struct profiles *s);
/* A new reference to what is in memory, or NULL: for threads that may not wait for the store. */
struct known_profile *profiles_peek(struct profiles *s, const char *reference);
/* A new reference, or OFA_ERR_NOT_FOUND.  `reference`: NAME or NAME@N; revisions outlive their profile's deletion. */
enum ofa_status profiles_get(struct profiles *s, const char *reference, struct known_profile **ret,
			     struct ofa_error *err) OFA_MUST_CHECK;
/* Stores it under its name and sets p->revision, unless the gate is closed; nobody else may have p yet. */
enum ofa_status profiles_put(struct profiles *s, struct known_profile *p, const char *author,
			     const struct store_gate *gate, enum store_written *ret,
			     struct store_profile_state *ret_state, struct ofa_error *err) OFA_MUST_CHECK;
/* It was changed by another server that shares the store: what is remembered of it is out of date. */
void profiles_forget(struct profiles *s, const char *name);
/* Any of them may have been. */
void profiles_forget_all(struct profiles *s);
enum ofa_status profiles_delete(struct profiles *s, const char *name, const struct store_gate *gate,
				enum store_written *ret, struct store_profile_state *ret_state,
				struct ofa_error *err) OFA_MUST_CHECK;

/* Does the profile's table serve at least one of the networks?  One without a table serves all.
 * OFA_ERR_MISMATCH says for each network what is missing. */
enum ofa_status profile_check_coverage(const struct ofa_profile *p, const struct networks *networks,
				       struct ofa_error *err) OFA_MUST_CHECK;

#endif
