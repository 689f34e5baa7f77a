/* The tokens of a running daemon: a table in memory, read again from the store by the first check after `ofad token`
 * changed them, so that a token that was revoked before a request came is refused.  Thread-safe. */
#ifndef OFAD_ACCESS_TOKENS_H
#define OFAD_ACCESS_TOKENS_H

#include "access/principal.h"
#include "store/store.h"

/* Rows, those of revoked and expired tokens included: `ofad token add` makes no more, `purge` makes room. */
#define TOKENS_MAX 10000

struct tokens;

/* `store` and the data directory `dir` are those that `ofad token` works on. */
enum ofa_status tokens_open(struct store *store, const char *dir, struct tokens **ret,
			    struct ofa_error *err) OFA_MUST_CHECK;
void tokens_close(struct tokens *t); /* NULL is allowed */

enum token_verdict {
	TOKEN_VALID,
	TOKEN_UNKNOWN,
	TOKEN_EXPIRED,
	TOKEN_REVOKED,
	TOKEN_UNSURE, /* the table cannot be read now: nothing is allowed */
};
/* Whose token is this?  *ret is filled in for TOKEN_VALID. */
enum token_verdict tokens_check(struct tokens *t, const char *text, size_t n, struct principal *ret);
/* Was none ever made?  Revoked and expired ones count as made, as does a table that cannot be read: what was closed
 * does not open by itself. */
bool tokens_none(struct tokens *t);
/* Reads the table again, whether or not it seems to have changed. */
enum ofa_status tokens_reload(struct tokens *t, struct ofa_error *err) OFA_MUST_CHECK;

#endif
