#include "options.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"

static void print_option(const struct opt *o)
{
	const char *space = o->value ? " " : "", *value = o->value ? o->value : "";
	char left[64];

	if (o->letter)
		snprintf(left, sizeof left, "-%c, --%s%s%s", o->letter, o->name, space, value);
	else
		snprintf(left, sizeof left, "--%s%s%s", o->name, space, value);
	printf("  %-30s %s%s\n", left, o->help, o->required ? " (required)" : "");
}

static void print_help(const struct opt_spec *spec)
{
	printf("usage: ofa %s%s%s", spec->command, spec->n_operands ? " " : "", spec->operands);
	for (size_t i = 0; i < spec->n_options; i++)
		if (spec->options[i].required)
			printf(" --%s %s", spec->options[i].name, spec->options[i].value);
	printf(" [options]\n\n%s\noptions:\n", spec->about);
	for (size_t i = 0; i < spec->n_options; i++)
		print_option(&spec->options[i]);
	printf("  %-30s %s\n\nexamples:\n%s", "--help", "this text", spec->examples);
}

static bool OFA_PRINTF(2, 3) wrong(const struct opt_spec *spec, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "ofa: %s: ", spec->command);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "; see: ofa %s --help\n", spec->command);
	return false;
}

/* The option that an argument names; *ret_value is what follows "=", or NULL. */
static const struct opt *find_option(const struct opt_spec *spec, const char *arg, const char **ret_value)
{
	bool is_long = arg[1] == '-';
	const char *name = arg + (is_long ? 2 : 1);
	size_t len = is_long ? strcspn(name, "=") : 1;

	*ret_value = NULL;
	if (name[len] == '=')
		*ret_value = name + len + 1;
	else if (name[len] != '\0')
		return NULL;
	for (size_t i = 0; i < spec->n_options; i++) {
		const struct opt *o = &spec->options[i];
		if (is_long ? strlen(o->name) == len && memcmp(o->name, name, len) == 0 : o->letter == *name)
			return o;
	}
	return NULL;
}

static bool in_range(const struct opt *o, double v)
{
	return isfinite(v) && ((o->min == 0 && o->max == 0) || (v >= o->min && v <= o->max));
}

static bool store_number(const struct opt_spec *spec, const struct opt *o, const char *text)
{
	char *end;
	double v = strtod(text, &end);
	bool whole = o->kind != OPT_INT || (v == floor(v) && fabs(v) <= INT32_MAX);

	if (end == text || *end || !whole || !in_range(o, v)) {
		const char *what = o->kind == OPT_INT ? "a whole number" : "a number";
		if (o->min == 0 && o->max == 0)
			return wrong(spec, "--%s takes %s, not '%s'", o->name, what, text);
		return wrong(spec, "--%s takes %s from %g to %g, not '%s'", o->name, what, o->min, o->max, text);
	}
	if (o->kind == OPT_INT)
		*o->to.integer = (int)v;
	else
		*o->to.number = v;
	return true;
}

static bool store_u64(const struct opt_spec *spec, const struct opt *o, const char *text)
{
	char *end;
	unsigned long long v;

	errno = 0;
	v = strtoull(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end || errno || v > INT64_MAX)
		return wrong(spec, "--%s takes a whole number from 0 to 2^63-1, not '%s'", o->name, text);
	*o->to.u64 = v;
	return true;
}

static bool store(const struct opt_spec *spec, const struct opt *o, const char *text)
{
	switch (o->kind) {
	case OPT_FLAG:
		*o->to.flag = true;
		return true;
	case OPT_TEXT:
		*o->to.text = text;
		return true;
	case OPT_INT:
	case OPT_NUMBER:
		return store_number(spec, o, text);
	case OPT_U64:
		return store_u64(spec, o, text);
	case OPT_LIST:
		if (o->to.list->n == OPT_LIST_MAX)
			return wrong(spec, "--%s was given more than %d times", o->name, OPT_LIST_MAX);
		o->to.list->item[o->to.list->n++] = text;
		return true;
	}
	return false;
}

/* One option at argv[*i], with its value; moves *i to the last word used. */
static bool take_option(const struct opt_spec *spec, int argc, char **argv, int *i, bool *seen)
{
	const char *value;
	const struct opt *o = find_option(spec, argv[*i], &value);

	if (!o)
		return wrong(spec, "unknown option '%s'", argv[*i]);
	if (o->kind == OPT_FLAG && value)
		return wrong(spec, "--%s takes no value", o->name);
	if (o->kind != OPT_FLAG && !value) {
		if (*i + 1 >= argc)
			return wrong(spec, "--%s needs a value: --%s %s", o->name, o->name, o->value);
		value = argv[++*i];
	}
	seen[o - spec->options] = true;
	return store(spec, o, value);
}

static bool check_complete(const struct opt_spec *spec, int n_operands, const bool *seen)
{
	if (n_operands < spec->n_operands)
		return wrong(spec, "expected %s", spec->operands);
	for (size_t i = 0; i < spec->n_options; i++)
		if (spec->options[i].required && !seen[i])
			return wrong(spec, "--%s %s is required", spec->options[i].name, spec->options[i].value);
	return true;
}

bool opt_parse(const struct opt_spec *spec, int argc, char **argv, const char *operand[OPT_MAX_OPERANDS], int *ret_exit)
{
	bool seen[OPT_MAX] = {false};
	bool options_end = false;
	int n = 0, max = spec->max_operands ? spec->max_operands : spec->n_operands;

	assert(spec->n_options <= OPT_MAX && spec->n_operands <= max && max <= OPT_MAX_OPERANDS);
	for (int i = 0; i < OPT_MAX_OPERANDS; i++)
		operand[i] = NULL;
	*ret_exit = CLI_EXIT_USAGE;
	for (int i = 1; i < argc; i++) {
		bool is_option = !options_end && argv[i][0] == '-' && argv[i][1] != '\0';
		if (is_option && strcmp(argv[i], "--") == 0) {
			options_end = true;
		} else if (is_option && strcmp(argv[i], "--help") == 0) {
			print_help(spec);
			*ret_exit = CLI_EXIT_OK;
			return false;
		} else if (is_option) {
			if (!take_option(spec, argc, argv, &i, seen))
				return false;
		} else if (n == max) {
			return wrong(spec, "unexpected argument '%s'", argv[i]);
		} else {
			operand[n++] = argv[i];
		}
	}
	return check_complete(spec, n, seen);
}
