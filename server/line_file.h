/* A file of lines, e.g. JSON objects, that many threads add to and one of its own writes.
 *
 * Threads that add only copy their line into a buffer; what has gathered is written by write(2), whole lines at a time,
 * within some 20 ms.  A disk that stalls therefore holds up nobody: when the buffer is full, or the disk, lines are
 * dropped and counted, and a line {"time":..,"lost_lines":N} stands in the gap once there is room again. */
#ifndef OFAD_LINE_FILE_H
#define OFAD_LINE_FILE_H

#include <stddef.h>
#include <stdint.h>
#include "base/status.h"
#include "log.h"

struct line_file;

/* All borrowed. */
struct line_file_options {
	const char *what,
		*option;       /* what messages call it and the option that names it: "access log", "--access-log" */
	const char *path;      /* a file that is appended to, "-" for standard error, or "off" */
	size_t buffer_bytes;   /* of lines that wait; two of that size are taken */
	const struct log *log; /* for what goes wrong */
};

/* *ret is NULL for "off", which all functions take.  OFA_ERR_IO names the option. */
enum ofa_status line_file_open(const struct line_file_options *opt, struct line_file **ret,
			       struct ofa_error *err) OFA_MUST_CHECK;
/* What was added is written first. */
void line_file_close(struct line_file *f);
/* Opens the file by its name anew before the next write, after it was rotated away; until a new one can be opened the
 * old one is written on.  Any thread. */
void line_file_reopen(struct line_file *f);

/* One line with its newline.  Any thread; never waits for the disk. */
void line_file_add(struct line_file *f, const char *line, size_t n);
/* Waits until everything that was added before is written, or given up: for threads that may. */
void line_file_flush(struct line_file *f);

struct line_file_stats {
	uint64_t lines;   /* written */
	uint64_t dropped; /* for lack of room, or because writing failed */
};
void line_file_stats(struct line_file *f, struct line_file_stats *ret);

#endif
