/* Files DIR/ID.ofa.  Several servers may share the directory, also over a network. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <time.h>
#include <unistd.h>
#include "packages/package_store.h"
#include "packages/spool.h"

#define SUFFIX ".ofa"
#define PART ".tmp."           /* what ofa_file_write_atomic() puts into a name */
#define PART_AGE_S (24 * 3600) /* after which nobody is writing it any more */
#define CHUNK ((size_t)256 << 10)

struct dir_store {
	struct package_store base;
	char path[PACKAGE_DIR_MAX];
};

static struct dir_store *dir_of(struct package_store *s)
{
	return (struct dir_store *)(void *)s;
}

/* A file there may be taken away by another machine while it is mapped here, which is then killed (SIGBUS) by its next
 * look at it: what is there is copied first. */
static bool on_network(const char *path)
{
	/* those that <linux/magic.h> of Debian 12 has no names for: CIFS, Ceph, NFS by FUSE and the like */
	static const unsigned long kinds[] = {NFS_SUPER_MAGIC, SMB_SUPER_MAGIC, AFS_SUPER_MAGIC, CODA_SUPER_MAGIC,
					      V9FS_MAGIC,      OCFS2_SUPER_MAGIC, 0xff534d42,	 0xfe534d42,
					      0x00c36400,      0x65735546,	  0x01161970};
	struct statfs info;

	if (statfs(path, &info))
		return false;
	for (size_t i = 0; i < OFA_ARRAY_LEN(kinds); i++)
		if (((unsigned long)info.f_type & 0xffffffff) == kinds[i])
			return true;
	return false;
}

/* What a crash left half written was never announced to anybody.  Another server may be writing one where the directory
 * is not ours alone. */
static void remove_parts(const char *path, bool ours)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	struct stat info;

	while (dir && (entry = readdir(dir))) {
		if (!strstr(entry->d_name, PART))
			continue;
		if (ours || (fstatat(dirfd(dir), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
			     time(NULL) - info.st_mtime > PART_AGE_S))
			(void)unlinkat(dirfd(dir), entry->d_name, 0);
	}
	if (dir)
		closedir(dir);
}

static void dir_close(struct package_store *base)
{
	package_store_release(base);
	free(dir_of(base));
}

static enum ofa_status dir_open(const struct package_location *at, const struct package_store_options *opt,
				struct package_store **ret, struct ofa_error *err)
{
	struct dir_store *s = calloc(1, sizeof(*s));
	enum ofa_status st;

	if (!s)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	st = package_store_init(&s->base, &package_store_dir, opt, err);
	memcpy(s->path, at->dir, sizeof(s->path));
	if (st == OFA_OK && mkdir(s->path, 0777) && errno != EEXIST)
		st = ofa_fail(err, OFA_ERR_IO, at->in_data ? "--data" : "--packages", "cannot make %.300s: %s",
			      s->path, strerror(errno));
	if (st != OFA_OK) {
		dir_close(&s->base);
		return st;
	}
	s->base.remote = on_network(s->path);
	remove_parts(s->path, at->in_data);
	*ret = &s->base;
	return OFA_OK;
}

static void path_of(const struct dir_store *s, const char *id, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/%s" SUFFIX, s->path, id);
}

/* Where two put the same one at once the later file takes the other's place, with the same bytes. */
static enum ofa_status dir_put(struct package_store *base, const char *id, const uint8_t *data, size_t size,
			       enum package_put how, bool *ret_present, struct ofa_error *err)
{
	char path[PATH_MAX];
	enum ofa_status st;

	path_of(dir_of(base), id, path);
	if (how == PACKAGE_PUT_NEW && access(path, F_OK) == 0) {
		*ret_present = true;
		return OFA_OK;
	}
	st = ofa_file_write_atomic(path, data, size, err);
	if (st == OFA_OK)
		*ret_present = false;
	return st;
}

static enum ofa_status copy(int fd, struct spool *to, struct ofa_error *err)
{
	uint8_t *chunk = malloc(CHUNK);
	enum ofa_status st = OFA_OK;
	ssize_t n;

	if (!chunk)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	while (st == OFA_OK && (n = read(fd, chunk, CHUNK)) != 0) {
		if (n > 0)
			st = spool_write(to, chunk, (size_t)n, err);
		else if (errno != EINTR)
			st = ofa_fail(err, OFA_ERR_IO, NULL, "a package cannot be read: %s", strerror(errno));
	}
	free(chunk);
	return st;
}

static enum ofa_status get_copy(const struct dir_store *s, const char *id, struct ofa_map *ret, struct ofa_error *err)
{
	struct spool to;
	char path[PATH_MAX];
	enum ofa_status st;
	int fd;

	path_of(s, id, path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? package_absent(id, err)
				       : ofa_fail(err, OFA_ERR_IO, NULL, "a package cannot be read: %s",
						  strerror(errno));
	st = spool_open(s->base.fetched_in, PACKAGE_BYTES_MAX, &to, err);
	if (st == OFA_OK) {
		st = copy(fd, &to, err);
		if (st == OFA_OK)
			st = spool_map(&to, ret, err);
		spool_close(&to);
	}
	close(fd);
	return st;
}

static enum ofa_status dir_get(struct package_store *base, const char *id, struct ofa_map *ret, struct ofa_error *err)
{
	struct ofa_error inner = {0};
	char path[PATH_MAX];
	enum ofa_status st;

	if (base->remote)
		return get_copy(dir_of(base), id, ret, err);
	path_of(dir_of(base), id, path);
	st = ofa_map_open(path, ret, &inner);
	if (st == OFA_ERR_NOT_FOUND)
		return package_absent(id, err);
	return st == OFA_OK ? st : ofa_fail(err, st, NULL, "%s", inner.message);
}

static enum ofa_status dir_drop(struct package_store *base, const char *id, struct ofa_error *err)
{
	char path[PATH_MAX];

	path_of(dir_of(base), id, path);
	if (unlink(path) == 0 || errno == ENOENT)
		return OFA_OK;
	return ofa_fail(err, OFA_ERR_IO, NULL, "a package cannot be dropped: %s", strerror(errno));
}

/* Does the name belong to a package?  Then its id is in id. */
static bool id_of(const char *name, char id[PACKAGE_ID_CHARS + 1])
{
	if (strlen(name) != PACKAGE_ID_CHARS + strlen(SUFFIX) || strcmp(name + PACKAGE_ID_CHARS, SUFFIX) != 0)
		return false;
	memcpy(id, name, PACKAGE_ID_CHARS);
	id[PACKAGE_ID_CHARS] = '\0';
	return package_id_valid(id);
}

static enum ofa_status dir_list(struct package_store *base,
				enum ofa_status (*each)(void *ctx, const char *id, uint64_t size_bytes), void *ctx,
				struct ofa_error *err)
{
	DIR *dir = opendir(dir_of(base)->path);
	char id[PACKAGE_ID_CHARS + 1];
	enum ofa_status st = OFA_OK;
	struct dirent *entry;
	struct stat info;

	if (!dir)
		return ofa_fail(err, OFA_ERR_IO, NULL, "cannot list %.300s: %s", dir_of(base)->path, strerror(errno));
	while (st == OFA_OK && (entry = readdir(dir)))
		if (id_of(entry->d_name, id) &&
		    fstatat(dirfd(dir), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(info.st_mode))
			st = each(ctx, id, (uint64_t)info.st_size);
	closedir(dir);
	return st;
}

const struct package_store_driver package_store_dir = {
	.name = "dir",
	.open = dir_open,
	.close = dir_close,
	.put = dir_put,
	.get = dir_get,
	.drop = dir_drop,
	.list = dir_list,
};
