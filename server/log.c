#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "clock.h"
#include "log.h"

/* Kept free at the end of a line for the closing brace and newline. */
#define TAIL 3

static const char *const level_names[LOG_LEVEL_COUNT] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARN] = "warn",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

const char *log_level_name(enum log_level level)
{
	return level_names[level];
}

int log_level_find(const char *name)
{
	for (int i = 0; i < LOG_LEVEL_COUNT; i++)
		if (strcmp(level_names[i], name) == 0)
			return i;
	return -1;
}

/* Appends n bytes or nothing, so that a member is never cut in half. */
static bool put(struct log_line *line, const char *text, size_t n)
{
	if (line->len + n > sizeof(line->text) - TAIL)
		return false;
	memcpy(line->text + line->len, text, n);
	line->len += n;
	return true;
}

/* Escapes one byte for a JSON string; bytes that are not ASCII become '?', whatever their encoding. */
static size_t escape(unsigned char c, char out[8])
{
	if (c == '"' || c == '\\') {
		out[0] = '\\';
		out[1] = (char)c;
		return 2;
	}
	if (c < 0x20 || c == 0x7f)
		return (size_t)snprintf(out, 8, "\\u%04x", c);
	out[0] = c < 0x80 ? (char)c : '?';
	return 1;
}

/* Most values are harmless: their letters are counted, then copied at once. */
static size_t plain_length(const char *s, size_t max)
{
	size_t n = 0;

	while (n < max && s[n] >= 0x20 && s[n] < 0x7f && s[n] != '"' && s[n] != '\\')
		n++;
	return n;
}

/* At most max bytes between the quotes: what does not fit whole ends the value. */
static void put_string(struct log_line *line, const char *value, size_t max)
{
	/* room for the closing quote is kept while the content is cut to fit */
	size_t last = sizeof(line->text) - TAIL - 1;
	char piece[8];

	if (!put(line, "\"", 1))
		return;
	if (line->len < last && max < last - line->len)
		last = line->len + max;
	while (*value) {
		size_t room = line->len < last ? last - line->len : 0, plain = plain_length(value, room), n;

		memcpy(line->text + line->len, value, plain);
		line->len += plain;
		value += plain;
		if (!*value)
			break;
		n = escape((unsigned char)*value++, piece);
		if (line->len + n > last)
			break;
		memcpy(line->text + line->len, piece, n);
		line->len += n;
	}
	line->text[line->len++] = '"';
}

static bool put_key(struct log_line *line, const char *key)
{
	size_t n = strlen(key);

	/* 32: the least a value needs to be worth its key */
	if (line->len + n + 4 + 32 > sizeof(line->text) - TAIL)
		return false;
	return put(line, ",\"", 2) && put(line, key, n) && put(line, "\":", 2);
}

static void put_number(struct log_line *line, bool negative, unsigned long long v, unsigned decimals)
{
	char text[32], *at = text + sizeof(text);

	for (unsigned i = 0; i <= decimals || v > 0; i++, v /= 10) {
		if (i > 0 && i == decimals)
			*--at = '.';
		*--at = (char)('0' + v % 10);
	}
	if (negative)
		*--at = '-';
	put(line, at, (size_t)(text + sizeof(text) - at));
}

static void put_time(struct log_line *line)
{
	char now[CLOCK_RFC3339_MAX];

	clock_rfc3339(now);
	put(line, "{\"time\":\"", 9);
	put(line, now, strlen(now));
	put(line, "\"", 1);
}

void log_begin(struct log_line *line, const struct log *log, enum log_level level, const char *message)
{
	line->len = 0;
	line->log = level <= log->level ? log : NULL;
	if (!line->log)
		return;
	put_time(line);
	put(line, ",\"level\":\"", 10);
	put(line, level_names[level], strlen(level_names[level]));
	put(line, "\",\"msg\":", 8);
	put_string(line, message, SIZE_MAX);
}

void log_string_cut(struct log_line *line, const char *key, const char *value, size_t max)
{
	if (line->log && value && put_key(line, key))
		put_string(line, value, max);
}

void log_string(struct log_line *line, const char *key, const char *value)
{
	log_string_cut(line, key, value, SIZE_MAX);
}

void log_integer(struct log_line *line, const char *key, long long value)
{
	if (line->log && put_key(line, key))
		put_number(line, value < 0, value < 0 ? 0 - (unsigned long long)value : (unsigned long long)value, 0);
}

void log_real(struct log_line *line, const char *key, double value)
{
	if (line->log && isfinite(value) && fabs(value) < 1e15 && put_key(line, key)) {
		unsigned long long thousandths = (unsigned long long)(fabs(value) * 1e3 + 0.5);

		put_number(line, value < 0 && thousandths > 0, thousandths, 3);
	}
}

void log_record_begin(struct log_line *line)
{
	static const struct log wanted = {.level = LOG_LEVEL_DEBUG, .fd = -1};

	line->log = &wanted;
	line->len = 0;
	put_time(line);
}

void log_record_end(struct log_line *line)
{
	line->text[line->len++] = '}';
	line->text[line->len++] = '\n';
}

void log_end(struct log_line *line)
{
	size_t done = 0;

	if (!line->log)
		return;
	log_record_end(line);
	while (done < line->len) {
		ssize_t n = write(line->log->fd, line->text + done, line->len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return; /* nowhere left to report that the log is gone */
		done += (size_t)n;
	}
}

void log_message(const struct log *log, enum log_level level, const char *format, ...)
{
	struct log_line line;
	char text[LOG_LINE_MAX / 2];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	log_begin(&line, log, level, text);
	log_end(&line);
}
