#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "packages/spool.h"

static enum ofa_status refused(const char *what, struct ofa_error *err)
{
	int e = errno;
	bool room = e == ENOSPC || e == EDQUOT || e == EMFILE || e == ENFILE || e == ENOMEM;

	return ofa_fail(err, room ? OFA_ERR_EXHAUSTED : OFA_ERR_IO, NULL,
			"a fetched package cannot be %s in the data directory: %s", what, strerror(e));
}

/* Where the file system knows no files without names, one loses its name at once. */
static int open_named(const char *dir)
{
	char path[PATH_MAX];
	int fd;

	if (snprintf(path, sizeof(path), "%s/fetched.tmp.XXXXXX", dir) >= (int)sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	return fd;
}

enum ofa_status spool_open(const char *dir, size_t max_bytes, struct spool *ret, struct ofa_error *err)
{
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL))
		fd = open_named(dir);
	if (fd < 0)
		return refused("made room for", err);
	*ret = (struct spool){.fd = fd, .max_bytes = max_bytes};
	return OFA_OK;
}

enum ofa_status spool_write(struct spool *s, const void *data, size_t size, struct ofa_error *err)
{
	const uint8_t *p = data;

	if (size > s->max_bytes - s->size)
		return ofa_fail(err, OFA_ERR_LIMIT, NULL, "a package has more than %zu bytes", s->max_bytes);
	while (size) {
		ssize_t n = pwrite(s->fd, p, size, (off_t)s->size);

		if (n < 0 && errno != EINTR)
			return refused("written", err);
		if (n > 0) {
			p += n;
			s->size += (size_t)n;
			size -= (size_t)n;
		}
	}
	return OFA_OK;
}

enum ofa_status spool_rewind(struct spool *s, struct ofa_error *err)
{
	if (ftruncate(s->fd, 0))
		return refused("written", err);
	s->size = 0;
	return OFA_OK;
}

enum ofa_status spool_map(const struct spool *s, struct ofa_map *ret, struct ofa_error *err)
{
	void *data = NULL;

	if (s->size) {
		data = mmap(NULL, s->size, PROT_READ, MAP_SHARED, s->fd, 0);
		if (data == MAP_FAILED)
			return refused("mapped", err);
	}
	*ret = (struct ofa_map){.data = data, .size = s->size};
	return OFA_OK;
}

void spool_close(struct spool *s)
{
	close(s->fd);
}

enum ofa_status spool_bytes(const char *dir, const void *data, size_t size, struct ofa_map *ret, struct ofa_error *err)
{
	struct spool s;
	enum ofa_status st = spool_open(dir, size, &s, err);

	if (st != OFA_OK)
		return st;
	st = spool_write(&s, data, size, err);
	if (st == OFA_OK)
		st = spool_map(&s, ret, err);
	spool_close(&s);
	return st;
}
