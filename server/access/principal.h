/* Who is calling, and what they may do. */
#ifndef OFAD_ACCESS_PRINCIPAL_H
#define OFAD_ACCESS_PRINCIPAL_H

#include <stdbool.h>
#include <stdint.h>

/* What a token may be for; a token may have several.  A route names those of which a caller needs one; a route that
 * names none is the admin's. */
enum access_scope {
	SCOPE_READ = 1 << 0,           /* look: networks, profiles, jobs, the ledger */
	SCOPE_PROVISION = 1 << 1,      /* ask for subnets, take them, report measurements */
	SCOPE_PROFILES_WRITE = 1 << 2, /* write profiles of the token's owner */
	SCOPE_ADMIN = 1 << 3,          /* everything, in every namespace */
	SCOPE_PUBLIC = 1 << 4,         /* of a route only: anybody, with or without a token */
};

#define PRINCIPAL_ID_MAX 80
#define PRINCIPAL_OWNER_MAX 64

/* Fixed for the duration of a call. */
struct principal {
	char id[PRINCIPAL_ID_MAX];       /* of the token or the client's certificate, for logs; "" = anonymous */
	char owner[PRINCIPAL_OWNER_MAX]; /* first part of the names it may write; "" = any */
	unsigned scopes;                 /* enum access_scope, combined */
	uint64_t number;                 /* tells callers apart; 0 = anonymous */
};

/* Nothing but what is public. */
void principal_nobody(struct principal *p);
/* Everything: who calls a server that has no tokens. */
void principal_anonymous(struct principal *p);
/* One of the scopes asked for (a combination), or the admin's. */
bool principal_may(const struct principal *p, unsigned scopes);
/* May it write the profile of this name?  "acme/cam-m7" belongs to "acme"; a name without a slash belongs to no
 * vendor, so a vendor's token cannot write it. */
bool principal_owns(const struct principal *p, const char *profile_name);

#endif
