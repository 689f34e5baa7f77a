#include <string.h>
#include <strings.h>
#include "http/authorization.h"

#define SCHEME "Bearer"
#define SCHEME_LEN (sizeof(SCHEME) - 1)

/* b64token of RFC 6750. */
static size_t span_token(const char *s)
{
	size_t n = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/");

	return n ? n + strspn(s + n, "=") : 0;
}

enum http_credentials http_authorization_parse(const char *field, const char **ret_token, size_t *ret_len)
{
	size_t n;

	if (!field)
		return HTTP_CREDENTIALS_NONE;
	if (strncasecmp(field, SCHEME, SCHEME_LEN) != 0 || (field[SCHEME_LEN] && field[SCHEME_LEN] != ' '))
		return HTTP_CREDENTIALS_OTHER;
	field += SCHEME_LEN;
	field += strspn(field, " ");
	n = span_token(field);
	if (n == 0 || field[n])
		return HTTP_CREDENTIALS_MALFORMED;
	*ret_token = field;
	*ret_len = n;
	return HTTP_CREDENTIALS_BEARER;
}
