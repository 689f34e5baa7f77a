/* A list of what is denied, not of what is allowed: which harmless calls the C library, OpenBLAS, SQLite and GnuTLS
 * make differs between their versions, and the unit's SystemCallFilter= is there for the coarse net. */
#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include "sandbox/sandbox.h"

/* clang-format off */
static const int denied[] = {
	/* other programs and processes */
	SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(fork), SCMP_SYS(vfork), SCMP_SYS(ptrace),
	SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev), SCMP_SYS(process_madvise), SCMP_SYS(kcmp),
	SCMP_SYS(pidfd_open), SCMP_SYS(pidfd_getfd), SCMP_SYS(pidfd_send_signal), SCMP_SYS(kill), SCMP_SYS(tkill),
	SCMP_SYS(rt_sigqueueinfo), SCMP_SYS(rt_tgsigqueueinfo),
	/* sockets of its own: what it listens on is open, connections are accepted */
	SCMP_SYS(bind), SCMP_SYS(listen),
	/* another root, other mounts, other name spaces */
	SCMP_SYS(mount), SCMP_SYS(umount2), SCMP_SYS(pivot_root), SCMP_SYS(chroot), SCMP_SYS(move_mount),
	SCMP_SYS(open_tree), SCMP_SYS(fsopen), SCMP_SYS(fsconfig), SCMP_SYS(fsmount), SCMP_SYS(fspick),
	SCMP_SYS(mount_setattr), SCMP_SYS(unshare), SCMP_SYS(setns), SCMP_SYS(swapon), SCMP_SYS(swapoff),
	/* another user */
	SCMP_SYS(setuid), SCMP_SYS(setgid), SCMP_SYS(setreuid), SCMP_SYS(setregid), SCMP_SYS(setresuid),
	SCMP_SYS(setresgid), SCMP_SYS(setfsuid), SCMP_SYS(setfsgid), SCMP_SYS(setgroups), SCMP_SYS(capset),
	SCMP_SYS(chown), SCMP_SYS(lchown), SCMP_SYS(fchownat), SCMP_SYS(mknod), SCMP_SYS(mknodat),
	SCMP_SYS(personality),
	/* the kernel, its keys, its clock */
	SCMP_SYS(bpf), SCMP_SYS(perf_event_open), SCMP_SYS(userfaultfd), SCMP_SYS(io_uring_setup),
	SCMP_SYS(io_uring_enter), SCMP_SYS(io_uring_register), SCMP_SYS(keyctl), SCMP_SYS(add_key),
	SCMP_SYS(request_key), SCMP_SYS(init_module), SCMP_SYS(finit_module), SCMP_SYS(delete_module),
	SCMP_SYS(kexec_load), SCMP_SYS(kexec_file_load), SCMP_SYS(reboot), SCMP_SYS(acct), SCMP_SYS(quotactl),
	SCMP_SYS(syslog), SCMP_SYS(settimeofday), SCMP_SYS(clock_settime), SCMP_SYS(clock_adjtime),
	SCMP_SYS(adjtimex),
	SCMP_SYS(sethostname), SCMP_SYS(setdomainname), SCMP_SYS(iopl), SCMP_SYS(ioperm), SCMP_SYS(vhangup),
	SCMP_SYS(open_by_handle_at), SCMP_SYS(name_to_handle_at), SCMP_SYS(fanotify_init),
};
/* clang-format on */

/* Memory that is to be run as a program. */
static const struct {
	int call;
	unsigned argument;
} executable[] = {
	{SCMP_SYS(mmap), 2},
	{SCMP_SYS(mprotect), 2},
	{SCMP_SYS(pkey_mprotect), 2},
};

/* Who connects to nothing needs no sockets but those that are accepted; else they are of the Internet or of files. */
static int add_socket_rules(scmp_filter_ctx filter, bool connects)
{
	int rc = 0;

	if (!connects) {
		rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 0);
		return rc ? rc : seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(connect), 0);
	}
	for (unsigned family = 0; family < AF_INET6 && rc == 0; family++)
		if (family != AF_UNIX && family != AF_INET)
			rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 1,
					      SCMP_A0(SCMP_CMP_EQ, family, 0));
	return rc ? rc : seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 1,
					  SCMP_A0(SCMP_CMP_GT, AF_INET6, 0));
}

static int add_rules(scmp_filter_ctx filter, bool connects)
{
	int rc = add_socket_rules(filter, connects);

	for (size_t i = 0; i < OFA_ARRAY_LEN(denied) && rc == 0; i++)
		rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), denied[i], 0);
	for (size_t i = 0; i < OFA_ARRAY_LEN(executable) && rc == 0; i++)
		rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), executable[i].call, 1,
				      SCMP_CMP(executable[i].argument, SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC));
	/* threads, and no processes; the flags of clone3 cannot be seen, and the C library does without it */
	if (rc == 0)
		rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
				      SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
	if (rc == 0)
		rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	if (rc == 0)
		rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	return rc;
}

enum ofa_status seccomp_enter(bool connects, struct ofa_error *err)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int rc;

	if (!filter)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	rc = add_rules(filter, connects);
	if (rc == 0)
		rc = seccomp_load(filter);
	seccomp_release(filter);
	if (rc == 0)
		return OFA_OK;
	return ofa_fail(err, OFA_ERR_UNSUPPORTED, "--sandbox", "this kernel takes no filter of system calls (%s)",
			strerror(-rc));
}
