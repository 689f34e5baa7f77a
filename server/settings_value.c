#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "settings_table.h"

#define SHOWN_BYTES 4096

_Static_assert(sizeof(enum log_level) == sizeof(unsigned), "an enum is set like an unsigned");

/* ---- names ---- */

void option_label(const struct option *o, enum settings_source source, char out[OPTION_LABEL_MAX])
{
	static const char *const prefix[] = {
		[SETTINGS_DEFAULT] = "",
		[SETTINGS_FILE] = "",
		[SETTINGS_ENVIRONMENT] = "OFAD_",
		[SETTINGS_ARGUMENT] = "--",
	};

	snprintf(out, OPTION_LABEL_MAX, "%s%s", prefix[source], o->name);
	if (source == SETTINGS_ENVIRONMENT)
		for (char *c = out; *c; c++)
			*c = (char)(*c == '-' ? '_' : toupper((unsigned char)*c));
}

static bool belongs(const struct option *o, enum settings_source source)
{
	return source == SETTINGS_ARGUMENT || !o->argument_only;
}

const struct option *option_find(enum settings_source source, const char *label, size_t len)
{
	for (size_t i = 0; i < n_settings_options; i++) {
		const struct option *o = &settings_options[i];
		char own[OPTION_LABEL_MAX];

		option_label(o, source, own);
		if (belongs(o, source) && strlen(own) == len && memcmp(own, label, len) == 0)
			return o;
	}
	return NULL;
}

/* Insertions, deletions and replacements that turn one text into the other; both shorter than OPTION_LABEL_MAX.
 * (V. Levenshtein, 1966; one row of the table at a time.) */
static unsigned distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	unsigned row[OPTION_LABEL_MAX + 1];

	for (size_t j = 0; j <= b_len; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= a_len; i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b_len; j++) {
			unsigned replaced = diagonal + (a[i - 1] != b[j - 1]);
			unsigned changed = 1 + (row[j] < row[j - 1] ? row[j] : row[j - 1]);

			diagonal = row[j];
			row[j] = replaced < changed ? replaced : changed;
		}
	}
	return row[b_len];
}

const struct option *option_suggest(enum settings_source source, const char *label, size_t len)
{
	unsigned best = 3; /* more slips than two make another word */
	const struct option *ret = NULL;

	if (len < 3 || len >= OPTION_LABEL_MAX)
		return NULL;
	for (size_t i = 0; i < n_settings_options; i++) {
		const struct option *o = &settings_options[i];
		char own[OPTION_LABEL_MAX];
		unsigned d;

		option_label(o, source, own);
		d = belongs(o, source) ? distance(label, len, own, strlen(own)) : best;
		if (d < best) {
			best = d;
			ret = o;
		}
	}
	return ret;
}

void option_suggestion(enum settings_source source, const char *label, size_t len, char out[OPTION_LABEL_MAX + 32])
{
	const struct option *near = option_suggest(source, label, len);
	char own[OPTION_LABEL_MAX];

	out[0] = '\0';
	if (!near)
		return;
	option_label(near, source, own);
	snprintf(out, OPTION_LABEL_MAX + 32, ", did you mean %s?", own);
}

/* ---- values from texts ---- */

struct value {
	const struct option *option;
	const struct settings_origin *origin;
	const char *text;
};

static enum ofa_status bad_value(const struct value *v, const char *accepted, struct ofa_error *err)
{
	char label[OPTION_LABEL_MAX];

	option_label(v->option, v->origin->source, label);
	return ofa_fail(err, OFA_ERR_INVALID, label, "%s is \"%.64s\"; %s is accepted", label, v->text, accepted);
}

static bool parse_number(const char *s, unsigned long *ret, char **end)
{
	if (*s < '0' || *s > '9')
		return false;
	errno = 0;
	*ret = strtoul(s, end, 10);
	return errno == 0;
}

static enum ofa_status set_flag(const struct value *v, bool *out, struct ofa_error *err)
{
	bool on = strcmp(v->text, "true") == 0;

	if (!on && strcmp(v->text, "false") != 0)
		return bad_value(v, "true or false", err);
	*out = on;
	return OFA_OK;
}

static enum ofa_status set_count(const struct value *v, unsigned *out, struct ofa_error *err)
{
	const struct option *o = v->option;
	char accepted[80], *end;
	unsigned long n;

	snprintf(accepted, sizeof(accepted), "a whole number from %lu to %lu", o->min, o->max);
	if (!parse_number(v->text, &n, &end) || *end || n < o->min || n > o->max)
		return bad_value(v, accepted, err);
	*out = (unsigned)n;
	return OFA_OK;
}

static enum ofa_status set_real(const struct value *v, double *out, struct ofa_error *err)
{
	const struct option *o = v->option;
	char accepted[80], *end = NULL;
	bool decimal = v->text[0] != '\0' && strspn(v->text, "0123456789.") == strlen(v->text);
	double x = decimal ? strtod(v->text, &end) : -1;

	snprintf(accepted, sizeof(accepted), "a number from %lu to %lu", o->min, o->max);
	if (!decimal || *end || x < (double)o->min || x > (double)o->max)
		return bad_value(v, accepted, err);
	*out = x;
	return OFA_OK;
}

static enum ofa_status set_bytes(const struct value *v, size_t *out, struct ofa_error *err)
{
	static const char units[] = "KMG", accepted[] = "a number of bytes, with K, M or G after it or without,";
	unsigned long n;
	const char *unit;
	char *end;
	int shift = 0;

	if (!parse_number(v->text, &n, &end))
		return bad_value(v, accepted, err);
	unit = *end ? strchr(units, *end) : NULL;
	if (unit) {
		shift = 10 * (int)(unit - units + 1);
		end++;
	}
	if (*end || n > SIZE_MAX >> shift)
		return bad_value(v, accepted, err);
	*out = (size_t)n << shift;
	return OFA_OK;
}

static enum ofa_status set_choice(const struct value *v, unsigned *out, struct ofa_error *err)
{
	const char *const *choices = v->option->choices;
	char accepted[128] = "";
	size_t len = 0;

	for (unsigned i = 0; choices[i]; i++) {
		if (strcmp(choices[i], v->text) == 0) {
			*out = i;
			return OFA_OK;
		}
		if (len < sizeof(accepted))
			len += (size_t)snprintf(accepted + len, sizeof(accepted) - len, "%s%s",
						i == 0           ? ""
						: choices[i + 1] ? ", "
								 : " or ",
						choices[i]);
	}
	return bad_value(v, accepted, err);
}

static enum ofa_status add_network(struct settings *s, const struct value *v, enum settings_source before,
				   struct ofa_error *err)
{
	char label[OPTION_LABEL_MAX];

	option_label(v->option, v->origin->source, label);
	if (before != v->origin->source)
		s->n_networks = 0;
	if (s->n_networks == NETWORKS_MAX)
		return ofa_fail(err, OFA_ERR_LIMIT, label, "at most %d networks are served", NETWORKS_MAX);
	s->networks[s->n_networks++] = v->text;
	return OFA_OK;
}

enum ofa_status option_set(struct settings *s, const struct option *o, const struct settings_origin *origin,
			   const char *value, struct ofa_error *err)
{
	struct settings_origin *own = &s->origins[o - settings_options], before = *own;
	const struct value v = {o, origin, value};
	void *member = (char *)s + o->offset;

	*own = *origin;
	switch (o->kind) {
	case OPTION_FLAG:
		return set_flag(&v, member, err);
	case OPTION_TEXT:
		*(const char **)member = value;
		return OFA_OK;
	case OPTION_COUNT:
		return set_count(&v, member, err);
	case OPTION_REAL:
		return set_real(&v, member, err);
	case OPTION_BYTES:
		return set_bytes(&v, member, err);
	case OPTION_CHOICE:
		return set_choice(&v, member, err);
	case OPTION_PATHS:
		return add_network(s, &v, before.source, err);
	}
	return OFA_ERR_UNSUPPORTED;
}

/* ---- values as texts ---- */

static bool is_plain(const char *text)
{
	size_t len = strlen(text);

	/* a colon at the end would make it a key */
	return (isalnum((unsigned char)text[0]) || text[0] == '/') && text[len - 1] != ':' &&
	       strcmp(text, "null") != 0 &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./_-+@:") == len;
}

enum ofa_status option_format_text(struct ofa_buf *out, const char *text)
{
	enum ofa_status st = OFA_OK;

	if (is_plain(text))
		return ofa_buf_append(out, text, strlen(text));
	st = ofa_buf_append(out, "\"", 1);
	for (; *text && st == OFA_OK; text++) {
		if (*text == '"' || *text == '\\')
			st = ofa_buf_printf(out, "\\%c", *text);
		else if ((unsigned char)*text < 0x20 || *text == 0x7f)
			st = ofa_buf_printf(out, "\\x%02x", (unsigned char)*text);
		else
			st = ofa_buf_append(out, text, 1);
	}
	return st ? st : ofa_buf_append(out, "\"", 1);
}

static enum ofa_status put_networks(const struct settings *s, struct ofa_buf *out)
{
	enum ofa_status st = ofa_buf_append(out, "[", 1);

	for (size_t i = 0; i < s->n_networks && st == OFA_OK; i++) {
		st = ofa_buf_printf(out, "%s", i ? ", " : "");
		if (st == OFA_OK)
			st = option_format_text(out, s->networks[i]);
	}
	return st ? st : ofa_buf_append(out, "]", 1);
}

static enum ofa_status put_bytes(struct ofa_buf *out, size_t bytes)
{
	static const char *const units[] = {"", "K", "M", "G"};
	unsigned i = 0;

	for (; i < 3 && bytes && bytes % 1024 == 0; i++)
		bytes /= 1024;
	return ofa_buf_printf(out, "%zu%s", bytes, units[i]);
}

bool option_format(const struct settings *s, const struct option *o, struct ofa_buf *out)
{
	const void *member = (const char *)s + o->offset;
	char shown[SHOWN_BYTES];
	const char *text;

	switch (o->kind) {
	case OPTION_FLAG:
		return ofa_buf_printf(out, "%s", *(const bool *)member ? "true" : "false") == OFA_OK;
	case OPTION_TEXT:
		text = *(const char *const *)member;
		if (text && o->shown) {
			o->shown(text, shown, sizeof(shown));
			text = shown;
		}
		return text && option_format_text(out, text) == OFA_OK;
	case OPTION_COUNT:
		return ofa_buf_printf(out, "%u", *(const unsigned *)member) == OFA_OK;
	case OPTION_REAL:
		return ofa_buf_printf(out, "%.9g", *(const double *)member) == OFA_OK;
	case OPTION_BYTES:
		return put_bytes(out, *(const size_t *)member) == OFA_OK;
	case OPTION_CHOICE:
		return ofa_buf_printf(out, "%s", o->choices[*(const unsigned *)member]) == OFA_OK;
	case OPTION_PATHS:
		return s->n_networks > 0 && put_networks(s, out) == OFA_OK;
	}
	return false;
}
