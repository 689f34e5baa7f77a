#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "data_dir.h"

/* What to do next. */
static const char *advice(int error)
{
	switch (error) {
	case ENOENT:
		return "; the directory above it is to be made first";
	case EACCES:
	case EPERM:
		return "; it must belong to the user that ofad runs as";
	case EROFS:
		return "; choose another one with --data, or mount the file system for writing";
	case ENOTDIR:
		return "; choose another one with --data";
	case ENOSPC:
	case EDQUOT:
		return "; make room first";
	default:
		return "";
	}
}

enum ofa_status data_dir_make(const char *dir, struct ofa_error *err)
{
	if (mkdir(dir, 0700) == 0 || errno == EEXIST)
		return OFA_OK;
	return ofa_fail(err, OFA_ERR_IO, "--data", "cannot make the data directory %.200s: %s%s", dir, strerror(errno),
			advice(errno));
}

static enum ofa_status in_use(const char *option, const char *what, const char *of, int fd, struct ofa_error *err)
{
	char holder[32] = "";
	ssize_t n = pread(fd, holder, sizeof(holder) - 1, 0);

	holder[n > 0 ? strspn(holder, "0123456789") : 0] = '\0';
	return ofa_fail(err, OFA_ERR_IO, option,
			"the %s %.200s is in use by another ofad (process %s); each needs its own, or that one is to "
			"be stopped first",
			what, of, holder[0] ? holder : "unknown");
}

/* `path` is locked for the sake of `of`, which `option` names. */
static enum ofa_status lock(const char *path, const char *option, const char *what, const char *of, int *ret_fd,
			    struct ofa_error *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600), n;
	char holder[32];

	if (fd < 0)
		return ofa_fail(err, OFA_ERR_IO, option, "the %s %.200s is not writable: %s%s", what, of,
				strerror(errno), advice(errno));
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		enum ofa_status st = in_use(option, what, of, fd, err);

		close(fd);
		return st;
	}
	/* who holds it, for the message to the next one; without it that is only less clear */
	n = snprintf(holder, sizeof(holder), "%ld\n", (long)getpid());
	if (ftruncate(fd, 0) || pwrite(fd, holder, (size_t)n, 0) != n)
		(void)!ftruncate(fd, 0);
	*ret_fd = fd;
	return OFA_OK;
}

enum ofa_status data_dir_lock(const char *dir, int *ret_fd, struct ofa_error *err)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/ofad.lock", dir) >= (int)sizeof(path))
		return ofa_fail(err, OFA_ERR_INVALID, "--data", "the path of the data directory is too long");
	return lock(path, "--data", "data directory", dir, ret_fd, err);
}

enum ofa_status database_lock(const char *database, int *ret_fd, struct ofa_error *err)
{
	char path[PATH_MAX];

	if (!*database)
		return OFA_OK;
	if (snprintf(path, sizeof(path), "%s.lock", database) >= (int)sizeof(path))
		return ofa_fail(err, OFA_ERR_INVALID, "--store", "the path of the database is too long");
	return lock(path, "--store", "database", database, ret_fd, err);
}
