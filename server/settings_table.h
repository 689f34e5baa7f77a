/* The options as data: one row is a flag, a variable of the environment and a key of the configuration file.
 * For the sources of settings_*.c and the sandbox. */
#ifndef OFAD_SETTINGS_TABLE_H
#define OFAD_SETTINGS_TABLE_H

#include <stddef.h>
#include "base/buf.h"
#include "settings.h"

enum option_kind {
	OPTION_FLAG,   /* bool: true or false; as an argument without a value, for true */
	OPTION_TEXT,   /* const char * */
	OPTION_COUNT,  /* unsigned, min to max */
	OPTION_REAL,   /* double, min to max, in decimals */
	OPTION_BYTES,  /* size_t; K, M or G may follow */
	OPTION_CHOICE, /* unsigned, or an enum: the place in `choices` */
	OPTION_PATHS,  /* settings.networks: several values */
};

/* What is done with the path that a value names while the daemon serves: that much a sandbox leaves. */
enum option_reopened {
	REOPENED_NOT,
	REOPENED_READ,      /* a file, which others may replace by one of the same name: its directory is read */
	REOPENED_READ_DIR,  /* a directory */
	REOPENED_APPEND,    /* a log, made anew after it was moved away; "-" and "off" are none */
	REOPENED_WRITE_DIR, /* a directory that is our own */
	REOPENED_WRITE_URL, /* dir:PATH is such a directory, sqlite:FILE is in one; other URLs name none */
};

struct option {
	const char *name;     /* "max-queue": --max-queue, OFAD_MAX_QUEUE, max-queue: */
	const char *argument; /* what its value is called in --help; NULL for a flag */
	const char *initial;  /* the default, read like any value; NULL: none, or one that set_defaults() works out */
	const char *help;     /* the default is put after it */
	const char *section;  /* a heading before it, in --help and --print-config; or NULL */
	enum option_kind kind;
	size_t offset; /* of the member in struct settings */
	unsigned long min, max;
	const char *const *choices; /* up to NULL */
	enum option_reopened reopened;
	bool argument_only;         /* neither in the environment nor in the file */
	/* How its value is shown where it holds a secret; NULL: as it is. */
	void (*shown)(const char *value, char *out, size_t cap);
};

extern const struct option settings_options[];
extern const size_t n_settings_options;

#define OPTION_LABEL_MAX 64
/* How a source spells an option: --max-queue, OFAD_MAX_QUEUE, max-queue. */
void option_label(const struct option *o, enum settings_source source, char out[OPTION_LABEL_MAX]);
/* The option of which `label` is the spelling in that source, len bytes; NULL when there is none. */
const struct option *option_find(enum settings_source source, const char *label, size_t len);
/* The option whose spelling is so near that the label may be a slip of it, or NULL. */
const struct option *option_suggest(enum settings_source source, const char *label, size_t len);
/* ", did you mean --listen?" or "", in out, for the end of a message. */
void option_suggestion(enum settings_source source, const char *label, size_t len, char out[OPTION_LABEL_MAX + 32]);

/* Sets the value, which is borrowed as long as s lives.  A list grows, unless what it has came from another source.
 * Errors name the option as its source spells it, the value and what is accepted. */
enum ofa_status option_set(struct settings *s, const struct option *o, const struct settings_origin *origin,
			   const char *value, struct ofa_error *err) OFA_MUST_CHECK;
/* Appends the value as YAML; false when there is none. */
bool option_format(const struct settings *s, const struct option *o, struct ofa_buf *out);

/* Appends a text as YAML, in quotes where it needs them. */
enum ofa_status option_format_text(struct ofa_buf *out, const char *text) OFA_MUST_CHECK;

/* Calls allow() for each directory in which something is reopened, until it fails. */
enum ofa_status settings_reopened(const struct settings *s,
				  enum ofa_status (*allow)(void *ctx, const char *directory, enum option_reopened how),
				  void *ctx) OFA_MUST_CHECK;

/* A copy of the text that lives as long as s; NULL when out of memory. */
char *settings_keep(struct settings *s, const char *text);
/* Reads s->config.  Errors name file and line, key, value and what is accepted. */
enum ofa_status settings_read_file(struct settings *s, struct ofa_error *err) OFA_MUST_CHECK;
enum ofa_status settings_read_environment(struct settings *s, char *const *environment,
					  struct ofa_error *err) OFA_MUST_CHECK;

#endif
