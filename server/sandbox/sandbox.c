#include <dirent.h>
#include <sys/prctl.h>
#include "packages/s3_account.h"
#include "sandbox/sandbox.h"
#include "store/location.h"

/* Sanitizers start threads, read files of /proc and trace the process at its end. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED true
#endif
#endif
#ifndef SANITIZED
#define SANITIZED false
#endif

/* 0 where /proc is not to be had. */
static int count_threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *entry;
	int n = 0;

	while (dir && (entry = readdir(dir)))
		n += entry->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return n;
}

static enum ofa_status check_threads(struct ofa_error *err)
{
	int n = count_threads();

	return n <= 1 ? OFA_OK
		      : ofa_fail(err, OFA_ERR_UNSUPPORTED, "--sandbox",
				 "%d threads run already, started by a library: they would not be bound", n);
}

enum ofa_status sandbox_check(const struct settings *s, struct ofa_error *err)
{
	if (s->sandbox != SANDBOX_ON || (landlock_version() > 0 && prctl(PR_GET_SECCOMP) >= 0))
		return OFA_OK;
	return ofa_fail(err, OFA_ERR_UNSUPPORTED, "--sandbox",
			"this kernel lacks %s, on which --sandbox on insists; auto takes what there is",
			landlock_version() > 0 ? "seccomp" : "Landlock");
}

/* What is on another machine. */
static enum ofa_status reach_all(const struct settings *s, struct reach *r, struct ofa_error *err)
{
	struct package_location at = {.kind = PACKAGES_IN_DIR};
	enum ofa_status st = store_reach(s->store, r, err);

	if (st == OFA_OK && s->packages)
		st = package_location_parse(s->packages, &at, err);
	return st == OFA_OK && at.kind == PACKAGES_IN_S3 ? s3_reach(&at, r, err) : st;
}

enum ofa_status sandbox_enter(const struct settings *s, const struct log *log, struct ofa_error *err)
{
	struct ofa_error reasons[3] = {{.status = OFA_OK}};
	struct reach reach = {.n_paths = 0};
	bool whole = true;
	enum ofa_status st;

	if (s->sandbox == SANDBOX_OFF || (s->sandbox == SANDBOX_AUTO && SANITIZED)) {
		log_message(log, LOG_LEVEL_WARN, "there is no sandbox: --sandbox is off");
		return OFA_OK;
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return ofa_fail(err, OFA_ERR_IO, "--sandbox", "privileges cannot be given up for good");
	st = reach_all(s, &reach, err);
	if (st == OFA_OK) {
		(void)!check_threads(&reasons[0]);
		(void)!landlock_enter(s, &reach, &reasons[1]);
		(void)!seccomp_enter(reach.connects, &reasons[2]);
	}
	reach_release(&reach);
	if (st != OFA_OK)
		return st;
	for (size_t i = 0; i < OFA_ARRAY_LEN(reasons); i++) {
		st = reasons[i].status;
		if (st == OFA_OK)
			continue;
		if (s->sandbox == SANDBOX_ON || st != OFA_ERR_UNSUPPORTED)
			return ofa_fail(err, st, "--sandbox", "%s", reasons[i].message);
		log_message(log, LOG_LEVEL_WARN, "the sandbox has a gap: %s", reasons[i].message);
		whole = false;
	}
	log_message(log, LOG_LEVEL_INFO, whole ? "sandboxed" : "sandboxed in part");
	return OFA_OK;
}
