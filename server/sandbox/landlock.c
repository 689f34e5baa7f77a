/* Landlock, by its system calls: the C library has no functions for them, and the headers at hand may be older than
 * the kernel.  (Linux, Documentation/userspace-api/landlock.rst.) */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "sandbox/sandbox.h"
#include "settings_table.h"

/* Since which version of the interface there is what. */
#define FS_REFER_VERSION 2
#define FS_TRUNCATE_VERSION 3
#define NET_VERSION 4
#define FS_IOCTL_DEV_VERSION 5
#define SCOPE_VERSION 6

#define FS_OF_VERSION_1 ((1ULL << 13) - 1)
#define FS_REFER (1ULL << 13)
#define FS_TRUNCATE (1ULL << 14)
#define FS_IOCTL_DEV (1ULL << 15)
#define NET_BIND_TCP (1ULL << 0)
#define NET_CONNECT_TCP (1ULL << 1)
#define SCOPE_ABSTRACT_UNIX_SOCKET (1ULL << 0)
#define SCOPE_SIGNAL (1ULL << 1)

#define READING (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define APPENDING (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG)
#define OWNING                                                                                                         \
	(READING | APPENDING | FS_TRUNCATE | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |            \
	 LANDLOCK_ACCESS_FS_REMOVE_DIR)

/* struct landlock_ruleset_attr as it is since version 6; older kernels want what they do not know to be zero. */
struct ruleset {
	uint64_t fs, net, scoped;
};

static struct ruleset everything(int version)
{
	struct ruleset r = {.fs = FS_OF_VERSION_1};

	if (version >= FS_REFER_VERSION)
		r.fs |= FS_REFER;
	if (version >= FS_TRUNCATE_VERSION)
		r.fs |= FS_TRUNCATE;
	if (version >= FS_IOCTL_DEV_VERSION)
		r.fs |= FS_IOCTL_DEV;
	if (version >= NET_VERSION)
		r.net = NET_BIND_TCP | NET_CONNECT_TCP;
	if (version >= SCOPE_VERSION)
		r.scoped = SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL;
	return r;
}

/* A rule of a port (struct landlock_net_port_attr, LANDLOCK_RULE_NET_PORT), since version 4. */
struct port_rule {
	uint64_t access, port;
};
#define RULE_NET_PORT 2

struct building {
	int fd;
	uint64_t handled;
	struct ofa_error *err;
};

static enum ofa_status allow(const struct building *b, const char *path, uint64_t access)
{
	struct landlock_path_beneath_attr rule = {.allowed_access = access & b->handled};
	enum ofa_status st = OFA_OK;

	rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
	if (rule.parent_fd < 0 && errno == ENOENT)
		return OFA_OK; /* whoever opens something there says so better */
	if (rule.parent_fd < 0)
		return ofa_fail(b->err, OFA_ERR_IO, "--sandbox", "cannot open %.200s, which is to stay allowed: %s",
				path, strerror(errno));
	if (syscall(SYS_landlock_add_rule, b->fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0))
		st = ofa_fail(b->err, OFA_ERR_IO, "--sandbox", "Landlock refuses a rule for %.200s: %s", path,
			      strerror(errno));
	close(rule.parent_fd);
	return st;
}

/* What libraries read on their way: a file, or a directory with what is in it.  What may not be opened now need not be
 * later. */
static enum ofa_status allow_reading(const struct building *b, const char *path)
{
	struct stat info;

	if (stat(path, &info) != 0)
		return OFA_OK;
	return allow(b, path, S_ISDIR(info.st_mode) ? READING : LANDLOCK_ACCESS_FS_READ_FILE);
}

static enum ofa_status allow_reopened(void *ctx, const char *directory, enum option_reopened how)
{
	static const uint64_t access[] = {
		[REOPENED_NOT] = 0,
		[REOPENED_READ] = READING,
		[REOPENED_READ_DIR] = READING,
		[REOPENED_APPEND] = APPENDING,
		[REOPENED_WRITE_DIR] = OWNING,
	};

	return allow(ctx, directory, access[how]);
}

/* What metrics and the C library read of this process.  The descriptor is kept for good: it holds the directory's
 * entry in memory, without which the kernel would make another one, that the rule is not for. */
static enum ofa_status allow_proc(const struct building *b)
{
	struct landlock_path_beneath_attr rule = {.allowed_access = READING & b->handled};

	rule.parent_fd = open("/proc/self", O_PATH | O_CLOEXEC);
	if (rule.parent_fd >= 0 && syscall(SYS_landlock_add_rule, b->fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0))
		close(rule.parent_fd);
	return OFA_OK;
}

static enum ofa_status allow_reach(const struct building *b, const struct ruleset *ruleset, const struct reach *reach)
{
	enum ofa_status st = OFA_OK;

	for (size_t i = 0; i < reach->n_paths && st == OFA_OK; i++)
		st = allow_reading(b, reach->paths[i]);
	for (size_t i = 0; i < reach->n_ports && st == OFA_OK && ruleset->net; i++) {
		const struct port_rule rule = {.access = NET_CONNECT_TCP, .port = reach->ports[i]};

		if (syscall(SYS_landlock_add_rule, b->fd, RULE_NET_PORT, &rule, 0))
			st = ofa_fail(b->err, OFA_ERR_IO, "--sandbox", "Landlock refuses a rule for port %u: %s",
				      reach->ports[i], strerror(errno));
	}
	return st;
}

int landlock_version(void)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	return version > 0 ? (int)version : 0;
}

enum ofa_status landlock_enter(const struct settings *s, const struct reach *reach, struct ofa_error *err)
{
	int version = landlock_version();
	struct ruleset ruleset;
	struct building b = {.err = err};
	enum ofa_status st;

	if (version == 0)
		return ofa_fail(err, OFA_ERR_UNSUPPORTED, "--sandbox", "this kernel has no Landlock (%s)",
				strerror(errno));
	ruleset = everything(version);
	b.handled = ruleset.fs;
	b.fd = (int)syscall(SYS_landlock_create_ruleset, &ruleset, sizeof(ruleset), 0);
	if (b.fd < 0)
		return ofa_fail(err, OFA_ERR_IO, "--sandbox", "Landlock refuses a ruleset: %s", strerror(errno));
	st = settings_reopened(s, allow_reopened, &b);
	if (st == OFA_OK)
		st = allow_proc(&b);
	if (st == OFA_OK)
		st = allow_reach(&b, &ruleset, reach);
	/* how much of the processors there is for us, which may change */
	if (st == OFA_OK)
		st = allow(&b, "/sys/fs/cgroup", LANDLOCK_ACCESS_FS_READ_FILE);
	if (st == OFA_OK && syscall(SYS_landlock_restrict_self, b.fd, 0))
		st = ofa_fail(err, OFA_ERR_IO, "--sandbox", "Landlock does not take the ruleset: %s", strerror(errno));
	close(b.fd);
	return st;
}
