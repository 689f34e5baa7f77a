#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"

#define READ_CHUNK (64u << 10)

static enum ofa_status os_failure(struct ofa_error *err, const char *what, const char *path)
{
	int e = errno;
	enum ofa_status st = OFA_ERR_IO;

	if (e == ENOENT)
		st = OFA_ERR_NOT_FOUND;
	else if (e == ENOSPC || e == EDQUOT || e == EMFILE || e == ENFILE)
		st = OFA_ERR_EXHAUSTED;
	return ofa_fail(err, st, NULL, "cannot %s %s: %s", what, path, strerror(e));
}

enum ofa_status ofa_map_open(const char *path, struct ofa_map *ret_map, struct ofa_error *err)
{
	enum ofa_status st = OFA_OK;
	void *data = NULL;
	struct stat sb;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return os_failure(err, "open", path);
	if (fstat(fd, &sb) < 0) {
		st = os_failure(err, "stat", path);
		goto out;
	}
	if (!S_ISREG(sb.st_mode)) {
		st = ofa_fail(err, OFA_ERR_IO, NULL, "%s is not a regular file", path);
		goto out;
	}
	if (sb.st_size > 0) {
		data = mmap(NULL, (size_t)sb.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (data == MAP_FAILED) {
			st = os_failure(err, "map", path);
			goto out;
		}
	}
	*ret_map = (struct ofa_map){.data = data, .size = (size_t)sb.st_size};
out:
	close(fd);
	return st;
}

void ofa_map_close(struct ofa_map *map)
{
	if (map->data)
		munmap((void *)(uintptr_t)map->data, map->size);
	*map = (struct ofa_map){0};
}

static enum ofa_status read_all(int fd, const char *path, struct ofa_buf *b, struct ofa_error *err)
{
	enum ofa_status st = OFA_OK;
	uint8_t *chunk = malloc(READ_CHUNK);
	ssize_t n;

	if (!chunk)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory reading %s", path);
	while (st == OFA_OK && (n = read(fd, chunk, READ_CHUNK)) != 0) {
		if (n > 0)
			st = ofa_buf_append(b, chunk, (size_t)n);
		else if (errno != EINTR)
			st = os_failure(err, "read", path);
	}
	free(chunk);
	if (st == OFA_ERR_LIMIT)
		return ofa_fail(err, st, NULL, "%s is larger than %zu bytes", path, b->max);
	if (st == OFA_ERR_NOMEM)
		return ofa_fail(err, st, NULL, "out of memory reading %s", path);
	return st;
}

enum ofa_status ofa_file_read(const char *path, size_t max_bytes, uint8_t **ret_data, size_t *ret_size,
			      struct ofa_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	enum ofa_status st;
	struct ofa_buf b;
	const char *text;

	if (fd < 0)
		return os_failure(err, "open", path);
	ofa_buf_init(&b, max_bytes);
	st = read_all(fd, path, &b, err);
	close(fd);
	if (st == OFA_OK && ofa_buf_cstr(&b, &text) != OFA_OK)
		st = ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory reading %s", path);
	if (st != OFA_OK) {
		ofa_buf_release(&b);
		return st;
	}
	*ret_data = b.data;
	*ret_size = b.len;
	return OFA_OK;
}

static enum ofa_status write_all(int fd, const char *path, const uint8_t *p, size_t size, struct ofa_error *err)
{
	while (size) {
		ssize_t n = write(fd, p, size);

		if (n < 0 && errno != EINTR)
			return os_failure(err, "write", path);
		if (n > 0) {
			p += n;
			size -= (size_t)n;
		}
	}
	if (fsync(fd) < 0)
		return os_failure(err, "sync", path);
	return OFA_OK;
}

/* The new name itself must reach the disk, too. */
static enum ofa_status sync_folder(const char *path, char *buffer, struct ofa_error *err)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) + 1 : 0;
	enum ofa_status st = OFA_OK;
	int fd;

	memcpy(buffer, path, n);
	memcpy(buffer + n, ".", 2);
	fd = open(buffer, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return os_failure(err, "open", buffer);
	/* file systems that cannot sync a folder need not be told to */
	if (fsync(fd) < 0 && errno != EINVAL)
		st = os_failure(err, "sync", buffer);
	close(fd);
	return st;
}

enum ofa_status ofa_file_write_atomic(const char *path, const void *data, size_t size, struct ofa_error *err)
{
	size_t cap = strlen(path) + 32;
	char *tmp = malloc(cap);
	uint64_t number = 0;
	enum ofa_status st;
	int fd;

	if (!tmp)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory writing %s", path);
	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		number = (uint64_t)getpid();
	snprintf(tmp, cap, "%s.tmp.%016llx", path, (unsigned long long)number);
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0) {
		st = os_failure(err, "create", tmp);
		goto out;
	}
	st = write_all(fd, tmp, data, size, err);
	if (close(fd) < 0 && st == OFA_OK)
		st = os_failure(err, "close", tmp);
	if (st == OFA_OK && rename(tmp, path) < 0)
		st = os_failure(err, "replace", path);
	if (st != OFA_OK)
		unlink(tmp);
	else
		st = sync_folder(path, tmp, err);
out:
	free(tmp);
	return st;
}
