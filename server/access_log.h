/* The access log: one JSON object per line for each request, in a file of its own or on standard error.
 *
 * Threads that serve only copy their line into a buffer of ACCESS_LOG_BYTES; a thread of the log's own writes what has
 * gathered, whole lines at a time.  A disk that stalls therefore holds up nobody: when the buffer is full, lines are
 * dropped and counted.  Lines reach the file within some 20 ms, and all of them before access_log_close() returns. */
#ifndef OFAD_ACCESS_LOG_H
#define OFAD_ACCESS_LOG_H

#include <stdint.h>
#include "http/call.h"
#include "log.h"

#define ACCESS_LOG_BYTES ((size_t)4 << 20)

struct access_log;

/* `path`: a file that is appended to, "-" for standard error, or "off": *ret is then NULL, which all functions take.
 * path and log (for what goes wrong) are borrowed.  OFA_ERR_IO names the option --access-log. */
enum ofa_status access_log_open(const char *path, const struct log *log, struct access_log **ret,
				struct ofa_error *err) OFA_MUST_CHECK;
void access_log_close(struct access_log *a);
/* Opens the file by its name anew before the next write, after it was rotated away; until a new one can be opened the
 * old one is written on.  Any thread. */
void access_log_reopen(struct access_log *a);

/* A call that is complete, which took ms.  Any thread; never waits for the disk. */
void access_log_call(struct access_log *a, const struct http_call *call, double ms);

struct access_log_stats {
	uint64_t lines;   /* written */
	uint64_t dropped; /* for lack of room, or because writing failed */
};
void access_log_stats(struct access_log *a, struct access_log_stats *ret);

#endif
