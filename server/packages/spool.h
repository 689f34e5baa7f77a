/* A file without a name, for bytes that come from elsewhere: the kernel writes them back when memory is short, and
 * nothing is left of them when the last map is closed, or the process ends in whatever way. */
#ifndef OFAD_SPOOL_H
#define OFAD_SPOOL_H

#include "base/file.h"

struct spool {
	int fd;
	size_t size, max_bytes;
};

enum ofa_status spool_open(const char *dir, size_t max_bytes, struct spool *ret, struct ofa_error *err) OFA_MUST_CHECK;
/* OFA_ERR_LIMIT beyond max_bytes; OFA_ERR_EXHAUSTED when the disk is full. */
enum ofa_status spool_write(struct spool *s, const void *data, size_t size, struct ofa_error *err) OFA_MUST_CHECK;
enum ofa_status spool_rewind(struct spool *s, struct ofa_error *err) OFA_MUST_CHECK; /* empty again */
/* What was written, read-only; the file lives as long as the map. */
enum ofa_status spool_map(const struct spool *s, struct ofa_map *ret, struct ofa_error *err) OFA_MUST_CHECK;
void spool_close(struct spool *s);

/* All at once. */
enum ofa_status spool_bytes(const char *dir, const void *data, size_t size, struct ofa_map *ret,
			    struct ofa_error *err) OFA_MUST_CHECK;

#endif
