#include <stdlib.h>
#include <string.h>
#include "base/file.h"
#include "import/yaml.h"
#include "settings_table.h"

#define FILE_BYTES_MAX ((size_t)1 << 20)

struct reading {
	struct settings *settings;
	struct ofa_yaml *yaml;
	struct ofa_yaml_event event;
};

static enum ofa_status next(struct reading *r, struct ofa_error *err)
{
	return ofa_yaml_next(r->yaml, &r->event, err);
}

/* "line 3: max-queue is a mapping; ..." */
static enum ofa_status refuse(const struct option *o, int line, const char *what, struct ofa_error *err)
{
	return ofa_fail(err, OFA_ERR_INVALID, o->name, "line %d: %s %s", line, o->name, what);
}

static enum ofa_status take_value(struct reading *r, const struct option *o, struct ofa_error *err)
{
	const struct settings_origin origin = {.source = SETTINGS_FILE, .line = r->event.line};
	char *text = r->event.text;
	enum ofa_status st;

	if (r->event.plain && (*text == '\0' || strcmp(text, "~") == 0 || strcmp(text, "null") == 0))
		return refuse(o, origin.line, "has no value; leave the line out for the default", err);
	text = settings_keep(r->settings, text);
	if (!text)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	st = option_set(r->settings, o, &origin, text, err);
	if (st != OFA_OK)
		ofa_error_prefix(err, "line %d", origin.line);
	return st;
}

static enum ofa_status take_list(struct reading *r, const struct option *o, struct ofa_error *err)
{
	enum ofa_status st = OFA_OK;

	if (o->kind != OPTION_PATHS)
		return refuse(o, r->event.line, "is a list; one value is accepted", err);
	while (st == OFA_OK && (st = next(r, err)) == OFA_OK && r->event.kind != OFA_YAML_SEQUENCE_END)
		st = r->event.kind == OFA_YAML_SCALAR
			     ? take_value(r, o, err)
			     : refuse(o, r->event.line, "has an element that is no file name", err);
	return st;
}

static enum ofa_status unknown_key(const struct ofa_yaml_event *key, struct ofa_error *err)
{
	char suggestion[OPTION_LABEL_MAX + 32];
	size_t len = strlen(key->text);

	if (option_find(SETTINGS_ARGUMENT, key->text, len))
		return ofa_fail(err, OFA_ERR_INVALID, key->text, "line %d: keys are written without dashes before them",
				key->line);
	option_suggestion(SETTINGS_FILE, key->text, len, suggestion);
	return ofa_fail(err, OFA_ERR_INVALID, key->text,
			"line %d: there is no option \"%.64s\"%s; ofad --print-config lists them", key->line, key->text,
			suggestion);
}

static enum ofa_status take_option(struct reading *r, struct ofa_error *err)
{
	const struct option *o = option_find(SETTINGS_FILE, r->event.text, strlen(r->event.text));
	const struct settings_origin *before;
	enum ofa_status st;

	if (!o)
		return unknown_key(&r->event, err);
	before = &r->settings->origins[o - settings_options];
	if (before->source == SETTINGS_FILE)
		return ofa_fail(err, OFA_ERR_INVALID, o->name, "line %d: %s is given a second time, first in line %d",
				r->event.line, o->name, before->line);
	st = next(r, err);
	if (st != OFA_OK)
		return st;
	switch (r->event.kind) {
	case OFA_YAML_SCALAR:
		return take_value(r, o, err);
	case OFA_YAML_SEQUENCE:
		return take_list(r, o, err);
	default:
		return refuse(o, r->event.line, "is a mapping; one value is accepted", err);
	}
}

static enum ofa_status take_options(struct reading *r, struct ofa_error *err)
{
	enum ofa_status st = next(r, err);

	while (st == OFA_OK && (st = next(r, err)) == OFA_OK && r->event.kind == OFA_YAML_SCALAR)
		st = take_option(r, err);
	if (st == OFA_OK && r->event.kind != OFA_YAML_MAP_END)
		st = ofa_fail(err, OFA_ERR_INVALID, NULL, "line %d: a key is not a word", r->event.line);
	return st ? st : next(r, err);
}

/* A file in which all is commented out is one that changes nothing. */
static bool only_comments(const char *text)
{
	for (;;) {
		text += strspn(text, " \t\r\n");
		if (*text != '#')
			return *text == '\0';
		text += strcspn(text, "\n");
	}
}

enum ofa_status settings_read_file(struct settings *s, struct ofa_error *err)
{
	static const struct ofa_yaml_dialect dialect = {
		.rule = "a configuration is one mapping of options to their values",
		.sequences = true,
	};
	struct reading r = {.settings = s};
	uint8_t *text = NULL;
	size_t size;
	enum ofa_status st = ofa_file_read(s->config, FILE_BYTES_MAX, &text, &size, err);

	if (st != OFA_OK)
		return st;
	if (strlen((const char *)text) == size && only_comments((const char *)text))
		goto out;
	st = ofa_yaml_open((const char *)text, size, &dialect, &r.yaml, err);
	if (st == OFA_OK)
		st = take_options(&r, err);
	ofa_yaml_close(r.yaml);
	if (st != OFA_OK)
		ofa_error_prefix(err, "%s", s->config);
out:
	free(text);
	return st;
}
