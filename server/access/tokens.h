/* The tokens of a running daemon: a table in memory.  Thread-safe.
 *
 * Where the store is this machine's it is read again by the first check after `ofad token` changed them, so that a
 * token that was revoked before a request came is refused.  A store that several servers share is never asked by a
 * check: tokens_changed() reads it, and what is known holds for a while when it cannot be read. */
#ifndef OFAD_ACCESS_TOKENS_H
#define OFAD_ACCESS_TOKENS_H

#include "access/principal.h"
#include "store/store.h"

/* Rows, those of revoked and expired tokens included: `ofad token add` makes no more, `purge` makes room. */
#define TOKENS_MAX 10000

struct tokens;

struct tokens_options {
	struct store *store; /* borrowed; and the data directory `dir`: those that `ofad token` works on */
	const char *dir;     /* of no use where the store is shared */
	double stale_ms;     /* for how long known tokens hold while a shared store cannot be reached */
};
enum ofa_status tokens_open(const struct tokens_options *opt, struct tokens **ret,
			    struct ofa_error *err) OFA_MUST_CHECK;
void tokens_close(struct tokens *t); /* NULL is allowed */

enum token_verdict {
	TOKEN_VALID,
	TOKEN_UNKNOWN,
	TOKEN_EXPIRED,
	TOKEN_REVOKED,
	TOKEN_UNSURE, /* the table cannot be read now: nothing is allowed */
	TOKEN_UNREACHABLE, /* the shared store has been out of reach for too long: likewise */
};
/* Whose token is this?  *ret is filled in for TOKEN_VALID. */
enum token_verdict tokens_check(struct tokens *t, const char *text, size_t n, struct principal *ret);
/* Was none ever made?  Revoked and expired ones count as made, as does a table that cannot be read: what was closed
 * does not open by itself.  Of a shared store it is told what was known last. */
bool tokens_none(struct tokens *t);
/* Reads the table again, whether or not it seems to have changed; not in a thread that may not wait for the store. */
enum ofa_status tokens_reload(struct tokens *t, struct ofa_error *err) OFA_MUST_CHECK;
/* The tokens of a shared store have changed, or may have: the same, and if it fails what is known is in doubt from now
 * on. */
enum ofa_status tokens_changed(struct tokens *t, struct ofa_error *err) OFA_MUST_CHECK;
/* A shared store was lost: what is known is in doubt since it answered last. */
void tokens_lost(struct tokens *t);
/* Is what is known in doubt, so that reading again should be tried? */
bool tokens_in_doubt(struct tokens *t);

#endif
