#include "import/yaml.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

struct ofa_yaml {
	yaml_parser_t parser;
	const struct ofa_yaml_dialect *dialect;
	int depth;
	int documents;
};

static enum ofa_status refuse(const struct ofa_yaml_dialect *d, int line, const char *what, struct ofa_error *err)
{
	return ofa_fail(err, OFA_ERR_INVALID, NULL, "line %d: %s; %s", line, what, d->rule);
}

/* Bytes of the line break at s, 0 when there is none; as libyaml sees them, which knows those of Unicode too. */
static size_t line_break(const char *s, size_t size)
{
	if (size >= 2 && (memcmp(s, "\r\n", 2) == 0 || memcmp(s, "\xc2\x85", 2) == 0))
		return 2;
	if (size >= 3 && (memcmp(s, "\xe2\x80\xa8", 3) == 0 || memcmp(s, "\xe2\x80\xa9", 3) == 0))
		return 3;
	return size >= 1 && (*s == '\n' || *s == '\r');
}

/* libyaml takes time in the square of the number of directives before it gives any event. */
static enum ofa_status refuse_directives(const struct ofa_yaml_dialect *d, const char *text, size_t size,
					 struct ofa_error *err)
{
	bool starts_line = true;
	int line = 1;

	for (size_t i = 0; i < size;) {
		size_t n = line_break(text + i, size - i);

		if (starts_line && text[i] == '%')
			return refuse(d, line, "a directive (%)", err);
		starts_line = n > 0;
		line += starts_line;
		i += n ? n : 1;
	}
	return OFA_OK;
}

enum ofa_status ofa_yaml_open(const char *text, size_t size, const struct ofa_yaml_dialect *dialect,
			      struct ofa_yaml **ret, struct ofa_error *err)
{
	struct ofa_yaml *y;
	enum ofa_status st;

	if (size > OFA_YAML_MAX_BYTES)
		return ofa_fail(err, OFA_ERR_LIMIT, NULL, "the text has %zu bytes; at most %zu are accepted", size,
				OFA_YAML_MAX_BYTES);
	st = refuse_directives(dialect, text, size, err);
	if (st)
		return st;
	y = calloc(1, sizeof(*y));
	if (!y || !yaml_parser_initialize(&y->parser)) {
		free(y);
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	}
	y->dialect = dialect;
	yaml_parser_set_encoding(&y->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&y->parser, (const unsigned char *)text, size);
	*ret = y;
	return OFA_OK;
}

void ofa_yaml_close(struct ofa_yaml *y)
{
	if (!y)
		return;
	yaml_parser_delete(&y->parser);
	free(y);
}

static enum ofa_status parse_error(const struct ofa_yaml *y, struct ofa_error *err)
{
	const yaml_parser_t *p = &y->parser;

	if (p->error == YAML_MEMORY_ERROR)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	if (p->error == YAML_READER_ERROR)
		return ofa_fail(err, OFA_ERR_FORMAT, NULL, "not YAML: %s at byte %zu", p->problem, p->problem_offset);
	return ofa_fail(err, OFA_ERR_FORMAT, NULL, "line %zu: not YAML: %s", p->problem_mark.line + 1,
			p->problem ? p->problem : "malformed");
}

static enum ofa_status take_scalar(const struct ofa_yaml *y, const yaml_event_t *e, int line,
				   struct ofa_yaml_event *ret, struct ofa_error *err)
{
	const char *text = (const char *)e->data.scalar.value;
	size_t length = e->data.scalar.length;

	if (e->data.scalar.anchor)
		return refuse(y->dialect, line, "an anchor (&)", err);
	if (e->data.scalar.tag)
		return refuse(y->dialect, line, "a tag (!)", err);
	if (length >= OFA_YAML_MAX_SCALAR)
		return ofa_fail(err, OFA_ERR_LIMIT, NULL, "line %d: a text of %zu bytes; at most %d are accepted", line,
				length, OFA_YAML_MAX_SCALAR - 1);
	if (memchr(text, '\0', length))
		return refuse(y->dialect, line, "a text with a NUL in it", err);
	ret->kind = OFA_YAML_SCALAR;
	ret->plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	memcpy(ret->text, text, length);
	ret->text[length] = '\0';
	return OFA_OK;
}

static enum ofa_status enter(struct ofa_yaml *y, int line, bool anchor, bool tag, struct ofa_error *err)
{
	if (anchor)
		return refuse(y->dialect, line, "an anchor (&)", err);
	if (tag)
		return refuse(y->dialect, line, "a tag (!)", err);
	if (y->depth == OFA_YAML_MAX_DEPTH)
		return ofa_fail(err, OFA_ERR_LIMIT, NULL, "line %d: mappings inside each other more than %d deep", line,
				OFA_YAML_MAX_DEPTH);
	y->depth++;
	return OFA_OK;
}

static enum ofa_status take_sequence(struct ofa_yaml *y, const yaml_event_t *e, int line, struct ofa_yaml_event *ret,
				     struct ofa_error *err)
{
	if (!y->dialect->sequences || y->depth == 0)
		return refuse(y->dialect, line, "a sequence", err);
	ret->kind = OFA_YAML_SEQUENCE;
	return enter(y, line, e->data.sequence_start.anchor, e->data.sequence_start.tag, err);
}

/* False: an event that says nothing to the reader. */
static bool take_event(struct ofa_yaml *y, const yaml_event_t *e, struct ofa_yaml_event *ret, enum ofa_status *ret_st,
		       struct ofa_error *err)
{
	int line = (int)e->start_mark.line + 1;

	ret->line = line;
	ret->text[0] = '\0';
	ret->plain = false;
	*ret_st = OFA_OK;
	switch (e->type) {
	case YAML_SCALAR_EVENT:
		*ret_st = y->depth ? take_scalar(y, e, line, ret, err) : refuse(y->dialect, line, "a text alone", err);
		return true;
	case YAML_MAPPING_START_EVENT:
		ret->kind = OFA_YAML_MAP;
		*ret_st = enter(y, line, e->data.mapping_start.anchor, e->data.mapping_start.tag, err);
		return true;
	case YAML_MAPPING_END_EVENT:
		y->depth--;
		ret->kind = OFA_YAML_MAP_END;
		return true;
	case YAML_SEQUENCE_START_EVENT:
		*ret_st = take_sequence(y, e, line, ret, err);
		return true;
	case YAML_SEQUENCE_END_EVENT:
		y->depth--;
		ret->kind = OFA_YAML_SEQUENCE_END;
		return true;
	case YAML_ALIAS_EVENT:
		*ret_st = refuse(y->dialect, line, "an alias (*)", err);
		return true;
	case YAML_DOCUMENT_START_EVENT:
		if (y->documents++)
			*ret_st = refuse(y->dialect, line, "a second document", err);
		return *ret_st != OFA_OK;
	case YAML_STREAM_END_EVENT:
		if (y->documents == 0)
			*ret_st = refuse(y->dialect, line, "nothing but comments and white space", err);
		ret->kind = OFA_YAML_END;
		return true;
	default:
		return false;
	}
}

enum ofa_status ofa_yaml_next(struct ofa_yaml *y, struct ofa_yaml_event *ret, struct ofa_error *err)
{
	enum ofa_status st = OFA_OK;
	bool taken = false;

	while (!taken) {
		yaml_event_t event;

		if (!yaml_parser_parse(&y->parser, &event))
			return parse_error(y, err);
		taken = take_event(y, &event, ret, &st, err);
		yaml_event_delete(&event);
	}
	return st;
}
