/* The log: one JSON object per line on stderr, each written by a single write(2), so lines of
 * different threads never mix.  Values that come from outside are escaped and cut to fit. */
#ifndef OFAD_LOG_H
#define OFAD_LOG_H

#include <stdbool.h>
#include <stddef.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG, LOG_LEVEL_COUNT };

const char *log_level_name(enum log_level level); /* "error", ... */
int log_level_find(const char *name);             /* or -1 */

struct log {
	enum log_level level; /* the most verbose one that is written */
	int fd;
};

#define LOG_LINE_MAX 2048

/* One line under construction, on the caller's stack.  When the level is not wanted every call on it
 * does nothing. */
struct log_line {
	const struct log *log; /* NULL: not wanted */
	size_t len;
	char text[LOG_LINE_MAX];
};

/* {"time":..,"level":..,"msg":message */
void log_begin(struct log_line *line, const struct log *log, enum log_level level, const char *message);
void log_string(struct log_line *line, const char *key, const char *value); /* NULL is left out */
/* The same, written with at most max bytes between its quotes. */
void log_string_cut(struct log_line *line, const char *key, const char *value, size_t max);
void log_integer(struct log_line *line, const char *key, long long value);
void log_real(struct log_line *line, const char *key, double value); /* three decimals */
void log_end(struct log_line *line);

/* A line of another file than the log, without level and message: {"time":..  log_record_end() closes it with a newline
 * and leaves it to the caller to write its `len` bytes of `text`. */
void log_record_begin(struct log_line *line);
void log_record_end(struct log_line *line);

/* A line that has only a message. */
void log_message(const struct log *log, enum log_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
