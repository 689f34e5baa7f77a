/* A number in the data directory that every process maps: `ofad token` raises it when it has changed the tokens, the
 * daemon compares it with the one that it has loaded.  Reading it costs what reading memory costs.  Like SQLite's
 * write-ahead log it needs a file system of one machine. */
#ifndef OFAD_ACCESS_GENERATION_H
#define OFAD_ACCESS_GENERATION_H

#include <stdatomic.h>
#include <stdint.h>
#include "base/status.h"

struct generation {
	_Atomic uint64_t *shared;
};

/* `dir` exists; the file in it is made when it is missing. */
enum ofa_status generation_open(const char *dir, struct generation *ret, struct ofa_error *err) OFA_MUST_CHECK;
/* The number in that directory without making a file; 0: no token was ever made, or it cannot be told. */
uint64_t generation_peek(const char *dir);
void generation_close(struct generation *g);
uint64_t generation_read(const struct generation *g);
void generation_raise(const struct generation *g);

#endif
