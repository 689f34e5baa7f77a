#include <string.h>
#include "access/principal.h"

void principal_nobody(struct principal *p)
{
	*p = (struct principal){.scopes = 0};
}

void principal_anonymous(struct principal *p)
{
	*p = (struct principal){.scopes = SCOPE_READ | SCOPE_PROVISION | SCOPE_PROFILES_WRITE | SCOPE_ADMIN};
}

bool principal_may(const struct principal *p, unsigned scopes)
{
	return (scopes & SCOPE_PUBLIC) || (p->scopes & (scopes | SCOPE_ADMIN));
}

bool principal_owns(const struct principal *p, const char *profile_name)
{
	size_t n = strlen(p->owner);

	if (n == 0)
		return true;
	return strncmp(profile_name, p->owner, n) == 0 && profile_name[n] == '/';
}
