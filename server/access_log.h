/* The access log: one JSON object per line for each request. */
#ifndef OFAD_ACCESS_LOG_H
#define OFAD_ACCESS_LOG_H

#include "http/call.h"
#include "line_file.h"

#define ACCESS_LOG_BYTES ((size_t)4 << 20)

/* A call that is complete, which took ms.  Any thread; never waits for the disk. */
void access_log_call(struct line_file *f, const struct http_call *call, double ms);

#endif
