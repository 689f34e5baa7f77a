#include <stdio.h>
#include <string.h>
#include "access/principal.h"
#include "access/scopes.h"

static const struct {
	const char *name;
	unsigned scope;
} names[] = {
	{"read", SCOPE_READ},
	{"provision", SCOPE_PROVISION},
	{"profiles:write", SCOPE_PROFILES_WRITE},
	{"admin", SCOPE_ADMIN},
};

static bool add(const char *name, size_t n, unsigned *scopes)
{
	for (size_t i = 0; i < OFA_ARRAY_LEN(names); i++) {
		if (strlen(names[i].name) == n && memcmp(names[i].name, name, n) == 0) {
			*scopes |= names[i].scope;
			return true;
		}
	}
	return false;
}

bool scope_add(const char *name, unsigned *scopes)
{
	return add(name, strlen(name), scopes);
}

enum ofa_status scopes_parse(const char *text, unsigned *ret, struct ofa_error *err)
{
	unsigned scopes = 0;

	for (text += strspn(text, " ,"); *text; text += strspn(text, " ,")) {
		size_t n = strcspn(text, " ,");

		if (!add(text, n, &scopes))
			return ofa_fail(err, OFA_ERR_INVALID, "scope",
					"there is no scope \"%.*s\"; read, provision, profiles:write and admin are "
					"accepted",
					(int)(n < 64 ? n : 64), text);
		text += n;
	}
	if (!scopes)
		return ofa_fail(err, OFA_ERR_INVALID, "scope",
				"no scope is given; read, provision, profiles:write and admin are accepted");
	*ret = scopes;
	return OFA_OK;
}

void scopes_format(unsigned scopes, char out[SCOPES_TEXT_MAX])
{
	size_t len = 0;

	out[0] = '\0';
	for (size_t i = 0; i < OFA_ARRAY_LEN(names); i++)
		if (scopes & names[i].scope)
			len += (size_t)snprintf(out + len, SCOPES_TEXT_MAX - len, "%s%s", len ? " " : "",
						names[i].name);
}
