/* A growing byte buffer with a ceiling fixed at init. */
#ifndef OFA_BASE_BUF_H
#define OFA_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>
#include "base/status.h"

struct ofa_buf {
	uint8_t *data; /* owned; NULL while empty */
	size_t len, cap, max;
};

void ofa_buf_init(struct ofa_buf *b, size_t max_bytes);
void ofa_buf_release(struct ofa_buf *b);
void ofa_buf_reset(struct ofa_buf *b); /* len = 0, keeps the memory */
/* OFA_ERR_LIMIT past the ceiling, OFA_ERR_NOMEM; the content stays as it was. */
enum ofa_status ofa_buf_append(struct ofa_buf *b, const void *p, size_t n) OFA_MUST_CHECK;
enum ofa_status ofa_buf_printf(struct ofa_buf *b, const char *fmt, ...) OFA_PRINTF(2, 3) OFA_MUST_CHECK;
/* The content as a NUL-terminated string (the NUL is not counted in len). */
enum ofa_status ofa_buf_cstr(struct ofa_buf *b, const char **ret_s) OFA_MUST_CHECK;

/* Memory for a few large things that live briefly, at a multiple of 64; free() it.  In huge pages where the system has
 * them: the first touch of a small page costs more than filling it.  NULL when out of memory. */
void *ofa_large_alloc(size_t bytes);

#endif
