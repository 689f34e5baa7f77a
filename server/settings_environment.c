#include <stdio.h>
#include <string.h>
#include "settings_table.h"

#define PREFIX "OFAD_"

/* Several values are separated by colons, like those of PATH. */
static enum ofa_status take_paths(struct settings *s, const struct option *o, const struct settings_origin *origin,
				  char *paths, struct ofa_error *err)
{
	enum ofa_status st = OFA_OK;

	for (char *end; paths && st == OFA_OK; paths = end) {
		end = strchr(paths, ':');
		if (end)
			*end++ = '\0';
		if (*paths)
			st = option_set(s, o, origin, paths, err);
	}
	return st;
}

static enum ofa_status take_variable(struct settings *s, const char *variable, struct ofa_error *err)
{
	static const struct settings_origin origin = {.source = SETTINGS_ENVIRONMENT};
	size_t len = strcspn(variable, "=");
	const struct option *o = option_find(SETTINGS_ENVIRONMENT, variable, len);
	char *value;

	if (!o || variable[len] == '\0')
		return OFA_OK;
	value = settings_keep(s, variable + len + 1);
	if (!value)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	return o->kind == OPTION_PATHS ? take_paths(s, o, &origin, value, err) : option_set(s, o, &origin, value, err);
}

enum ofa_status settings_read_environment(struct settings *s, char *const *environment, struct ofa_error *err)
{
	enum ofa_status st = OFA_OK;

	for (; *environment && st == OFA_OK; environment++)
		st = take_variable(s, *environment, err);
	return st;
}

void settings_doubts(char *const *environment, void (*say)(void *ctx, const char *message), void *ctx)
{
	for (; *environment; environment++) {
		const char *variable = *environment;
		size_t len = strcspn(variable, "=");
		char suggestion[OPTION_LABEL_MAX + 32], message[256];

		if (strncmp(variable, PREFIX, strlen(PREFIX)) != 0 || option_find(SETTINGS_ENVIRONMENT, variable, len))
			continue;
		/* others may name variables so: Kubernetes does for a service called ofad */
		option_suggestion(SETTINGS_ENVIRONMENT, variable, len, suggestion);
		if (!suggestion[0])
			continue;
		snprintf(message, sizeof(message), "the variable %.*s is no option%s", len < 128 ? (int)len : 128,
			 variable, suggestion);
		say(ctx, message);
	}
}
