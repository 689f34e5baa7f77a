#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "access/generation.h"

#define FILE_NAME "tokens.generation"

static enum ofa_status map(int fd, const char *path, struct generation *ret, struct ofa_error *err)
{
	void *shared = MAP_FAILED;
	struct stat info;

	/* never made shorter: others have it mapped */
	if (fstat(fd, &info) == 0 &&
	    ((size_t)info.st_size >= sizeof(*ret->shared) || ftruncate(fd, (off_t)sizeof(*ret->shared)) == 0))
		shared = mmap(NULL, sizeof(*ret->shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (shared == MAP_FAILED)
		return ofa_fail(err, OFA_ERR_IO, NULL, "cannot map %s: %s", path, strerror(errno));
	ret->shared = shared;
	return OFA_OK;
}

enum ofa_status generation_open(const char *dir, struct generation *ret, struct ofa_error *err)
{
	char path[4096];
	enum ofa_status st;
	int fd;

	if (snprintf(path, sizeof(path), "%s/" FILE_NAME, dir) >= (int)sizeof(path))
		return ofa_fail(err, OFA_ERR_INVALID, NULL, "the path of the data directory is too long");
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return ofa_fail(err, OFA_ERR_IO, NULL, "cannot open %s: %s", path, strerror(errno));
	st = map(fd, path, ret, err);
	close(fd);
	return st;
}

uint64_t generation_peek(const char *dir)
{
	char path[4096];
	uint64_t value = 0;
	int fd;

	if (snprintf(path, sizeof(path), "%s/" FILE_NAME, dir) >= (int)sizeof(path))
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && read(fd, &value, sizeof(value)) != (ssize_t)sizeof(value))
		value = 0;
	if (fd >= 0)
		close(fd);
	return value;
}

void generation_close(struct generation *g)
{
	if (g->shared)
		munmap(g->shared, sizeof(*g->shared));
	g->shared = NULL;
}

uint64_t generation_read(const struct generation *g)
{
	return atomic_load(g->shared);
}

void generation_raise(const struct generation *g)
{
	atomic_fetch_add(g->shared, 1);
}
