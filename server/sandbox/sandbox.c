#include <dirent.h>
#include <sys/prctl.h>
#include <string.h>
#include "sandbox/sandbox.h"
#include "store/store.h"

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

bool sandbox_connects(const struct settings *s)
{
	return store_url_shared(s->store) || (s->packages && strncmp(s->packages, "s3:", 3) == 0);
}

enum ofa_status sandbox_check(const struct settings *s, struct ofa_error *err)
{
	if (s->sandbox != SANDBOX_ON || (landlock_version() > 0 && prctl(PR_GET_SECCOMP) >= 0))
		return OFA_OK;
	return ofa_fail(err, OFA_ERR_UNSUPPORTED, "--sandbox",
			"this kernel lacks %s, on which --sandbox on insists; auto takes what there is",
			landlock_version() > 0 ? "seccomp" : "Landlock");
}

enum ofa_status sandbox_enter(const struct settings *s, const struct log *log, struct ofa_error *err)
{
	struct ofa_error reasons[3] = {{.status = OFA_OK}};
	bool whole = true;

	if (s->sandbox == SANDBOX_OFF || (s->sandbox == SANDBOX_AUTO && SANITIZED)) {
		log_message(log, LOG_LEVEL_WARN, "there is no sandbox: --sandbox is off");
		return OFA_OK;
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return ofa_fail(err, OFA_ERR_IO, "--sandbox", "privileges cannot be given up for good");
	(void)!check_threads(&reasons[0]);
	(void)!landlock_enter(s, &reasons[1]);
	(void)!seccomp_enter(s, &reasons[2]);
	for (size_t i = 0; i < OFA_ARRAY_LEN(reasons); i++) {
		enum ofa_status st = reasons[i].status;

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
