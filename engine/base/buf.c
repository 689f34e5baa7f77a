#define _GNU_SOURCE /* madvise() */

#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)

#define FIRST_CAPACITY 256

void ofa_buf_init(struct ofa_buf *b, size_t max_bytes)
{
	*b = (struct ofa_buf){.max = max_bytes};
}

void ofa_buf_release(struct ofa_buf *b)
{
	free(b->data);
	*b = (struct ofa_buf){.max = b->max};
}

void ofa_buf_reset(struct ofa_buf *b)
{
	b->len = 0;
}

/* Room for n more bytes and, beyond the ceiling, for the NUL that cstr and printf put after them. */
static enum ofa_status reserve(struct ofa_buf *b, size_t n)
{
	size_t cap = b->cap ? b->cap : FIRST_CAPACITY;
	uint8_t *data;

	if (n > b->max - b->len)
		return OFA_ERR_LIMIT;
	if (b->len + n < b->cap)
		return OFA_OK;
	while (cap <= b->len + n)
		cap = cap <= SIZE_MAX / 2 ? cap * 2 : SIZE_MAX;
	if (cap > b->max)
		cap = b->max < SIZE_MAX ? b->max + 1 : SIZE_MAX;
	data = realloc(b->data, cap);
	if (!data)
		return OFA_ERR_NOMEM;
	b->data = data;
	b->cap = cap;
	return OFA_OK;
}

enum ofa_status ofa_buf_append(struct ofa_buf *b, const void *p, size_t n)
{
	enum ofa_status st = reserve(b, n);

	if (st == OFA_OK && n) {
		memcpy(b->data + b->len, p, n);
		b->len += n;
	}
	return st;
}

enum ofa_status ofa_buf_printf(struct ofa_buf *b, const char *fmt, ...)
{
	enum ofa_status st;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return OFA_ERR_LIMIT;
	st = reserve(b, (size_t)n);
	if (st != OFA_OK)
		return st;
	va_start(ap, fmt);
	vsnprintf((char *)b->data + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
	return OFA_OK;
}

enum ofa_status ofa_buf_cstr(struct ofa_buf *b, const char **ret_s)
{
	enum ofa_status st = reserve(b, 0);

	if (st != OFA_OK)
		return st;
	b->data[b->len] = 0;
	*ret_s = (const char *)b->data;
	return OFA_OK;
}

void *ofa_large_alloc(size_t bytes)
{
	const size_t align = bytes >= HUGE_PAGE ? HUGE_PAGE : 64;
	size_t rounded = bytes > SIZE_MAX - align ? SIZE_MAX : (bytes + align - 1) / align * align;
	void *p = NULL;

	if (posix_memalign(&p, align, rounded) != 0)
		return NULL;
#ifdef MADV_HUGEPAGE
	if (align == HUGE_PAGE)
		(void)madvise(p, rounded, MADV_HUGEPAGE); /* advice: without it the memory is as good, if slower */
#endif
	return p;
}
