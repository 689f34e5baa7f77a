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

static enum ofa_status in_use(const char *dir, int fd, struct ofa_error *err)
{
	char holder[32] = "";
	ssize_t n = pread(fd, holder, sizeof(holder) - 1, 0);

	holder[n > 0 ? strspn(holder, "0123456789") : 0] = '\0';
	return ofa_fail(err, OFA_ERR_IO, "--data",
			"the data directory %.200s is in use by another ofad (process %s); each needs its own, or that "
			"one is to be stopped first",
			dir, holder[0] ? holder : "unknown");
}

enum ofa_status data_dir_lock(const char *dir, int *ret_fd, struct ofa_error *err)
{
	char path[PATH_MAX], holder[32];
	int fd, n = snprintf(holder, sizeof(holder), "%ld\n", (long)getpid());

	if (snprintf(path, sizeof(path), "%s/ofad.lock", dir) >= (int)sizeof(path))
		return ofa_fail(err, OFA_ERR_INVALID, "--data", "the path of the data directory is too long");
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return ofa_fail(err, OFA_ERR_IO, "--data", "the data directory %.200s is not writable: %s%s", dir,
				strerror(errno), advice(errno));
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		enum ofa_status st = in_use(dir, fd, err);

		close(fd);
		return st;
	}
	/* who holds it, for the message to the next one; without it that is only less clear */
	if (ftruncate(fd, 0) || pwrite(fd, holder, (size_t)n, 0) != n)
		(void)!ftruncate(fd, 0);
	*ret_fd = fd;
	return OFA_OK;
}
