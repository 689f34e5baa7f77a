/* The audit log: who wrote or took what, when, by which request, and how it ended.  One JSON object per line, for calls
 * of routes that have a name for it (struct http_route.audit), whatever was answered, and for what `ofad token` does.
 */
#ifndef OFAD_AUDIT_H
#define OFAD_AUDIT_H

#include "http/call.h"
#include "line_file.h"
#include "settings.h"

/* Nearly a second of deliveries at the rate that is served from memory; what is not used is not touched. */
#define AUDIT_BYTES ((size_t)16 << 20)
#define AUDIT_PATH_MAX 4096

/* Where the settings have it; OFA_ERR_INVALID when the path is too long. */
enum ofa_status audit_path(const struct settings *s, char out[AUDIT_PATH_MAX], struct ofa_error *err) OFA_MUST_CHECK;

/* A write that a worker has done, before its answer goes out: its record is in the file, or known to be lost, on
 * return. Records nothing for other calls. */
void audit_write(struct line_file *f, struct http_call *call);
/* A call that is complete; nothing when audit_write() recorded it.  Never waits for the disk. */
void audit_call(struct line_file *f, const struct http_call *call);

/* What a command on this machine has done: one line, in the file on return. */
enum ofa_status audit_command(const struct settings *s, const char *action, const char *what,
			      struct ofa_error *err) OFA_MUST_CHECK;

#endif
