#include <stdio.h>
#include <string.h>
#include "settings_table.h"

#define HELP_COLUMN 34
#define VALUE_BYTES_MAX (NETWORKS_MAX * 4200)

void settings_help(FILE *out)
{
	fprintf(out, "Usage: ofad --network FILE... [OPTION]...\n"
		     "Serves subnets of once-for-all networks over HTTP.\n");
	for (size_t i = 0; i < n_settings_options; i++) {
		const struct option *o = &settings_options[i];
		const char *value = o->argument ? o->argument : "";
		int n;

		if (o->section)
			fprintf(out, "\n%s\n", o->section);
		n = fprintf(out, "  --%s%s%s", o->name, o->argument ? " " : "", value);
		fprintf(out, "%*s%s", n < HELP_COLUMN ? HELP_COLUMN - n : 1, "", o->help);
		fprintf(out, o->initial ? " (%s)\n" : "\n", o->initial);
	}
	fprintf(out, "\nEach option but these is also a variable (--max-queue: OFAD_MAX_QUEUE) and a key of the\n"
		     "configuration file (max-queue).  Arguments win over variables, these over the file.\n");
}

/* ---- the example ---- */

/* A text is in quotes where YAML needs them; numbers and words of ours do not. */
static void example_text(const char *text, FILE *out)
{
	struct ofa_buf value;
	const char *yaml;

	ofa_buf_init(&value, VALUE_BYTES_MAX);
	if (option_format_text(&value, text) == OFA_OK && ofa_buf_cstr(&value, &yaml) == OFA_OK)
		fputs(yaml, out);
	ofa_buf_release(&value);
}

static void example_value(const struct option *o, FILE *out)
{
	fprintf(out, "#%s: ", o->name);
	if (o->kind == OPTION_FLAG)
		fputs("false", out);
	else if (o->kind == OPTION_PATHS)
		fprintf(out, "[%s]", o->argument);
	else if (o->initial)
		example_text(o->initial, out);
	else
		fputs(o->argument, out);
	fputc('\n', out);
}

void settings_print_example(FILE *out)
{
	fprintf(out, "# The configuration of ofad, for ofad --config FILE; made by ofad --print-config.\n"
		     "# What is commented out has the value shown, or none where a word in capitals stands.\n"
		     "# ofad --config FILE --check-config says what a file comes to.\n");
	for (size_t i = 0; i < n_settings_options; i++) {
		const struct option *o = &settings_options[i];

		if (o->argument_only)
			continue;
		if (o->section)
			fprintf(out, "\n# ---- %s ----\n", o->section);
		fprintf(out, "\n# %s\n", o->help);
		example_value(o, out);
	}
}

/* ---- what is in force ---- */

static void print_origin(const struct settings *s, const struct option *o, FILE *out)
{
	const struct settings_origin *origin = &s->origins[o - settings_options];
	char label[OPTION_LABEL_MAX];

	option_label(o, origin->source, label);
	if (origin->source == SETTINGS_FILE)
		fprintf(out, " # %s, line %d\n", s->config, origin->line);
	else
		fprintf(out, " # %s\n", origin->source == SETTINGS_DEFAULT ? "default" : label);
}

void settings_print(const struct settings *s, FILE *out)
{
	for (size_t i = 0; i < n_settings_options; i++) {
		const struct option *o = &settings_options[i];
		struct ofa_buf value;
		const char *text;

		if (o->argument_only)
			continue;
		ofa_buf_init(&value, VALUE_BYTES_MAX);
		if (!option_format(s, o, &value)) {
			fprintf(out, "#%s: %s # not set\n", o->name, o->argument);
		} else if (ofa_buf_cstr(&value, &text) == OFA_OK) {
			fprintf(out, "%s: %s", o->name, text);
			print_origin(s, o, out);
		}
		ofa_buf_release(&value);
	}
}
