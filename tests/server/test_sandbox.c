/* What an intruder who runs code in the daemon could do: its own threads are made to try, by ptrace. */
#include <curl/curl.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>

#include "daemon.h"

#define MODEL "application/vnd.ofa.subnet"

enum { THREADS_MAX = 64 };

static void check_exit(int status, int expected)
{
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == expected, "status %x", (unsigned)status);
}

static void pause_ms(long ms)
{
	const struct timespec t = {.tv_nsec = ms * 1000000};

	nanosleep(&t, NULL);
}

static int threads_of(const struct daemon *d, pid_t out[THREADS_MAX])
{
	char path[64];
	struct dirent *entry;
	DIR *dir;
	int n = 0;

	snprintf(path, sizeof(path), "/proc/%ld/task", (long)d->pid);
	dir = opendir(path);
	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir)) && n < THREADS_MAX)
		if (strtol(entry->d_name, NULL, 10) > 0)
			out[n++] = (pid_t)strtol(entry->d_name, NULL, 10);
	closedir(dir);
	return n;
}

/* A number of a thread's /proc/.../status. */
static long status_of(const struct daemon *d, pid_t thread, const char *name)
{
	char path[128], line[256];
	long value = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%ld/task/%ld/status", (long)d->pid, (long)thread);
	f = fopen(path, "r");
	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f))
		if (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':')
			value = strtol(line + strlen(name) + 1, NULL, 10);
	fclose(f);
	return value;
}

/* Every thread is filtered and cannot gain privileges; everything works as it does without. */
START_TEST(test_all_threads)
{
	pid_t threads[THREADS_MAX];
	struct daemon d;
	struct reply r;
	int n;

	daemon_start(&d, "threads", "--sandbox", "on", NULL);
	daemon_wait_ready(&d);
	post_subnet(&d, MODEL, "{\"limits\":{\"macs\":2000000}}", &r);
	ck_assert_int_eq(r.status, 200);
	reply_release(&r);
	ask(&d, "GET", "/metrics", NULL, NULL, &r);
	ck_assert_ptr_nonnull(memmem(r.body.data, r.body.len, "process_threads ", 16));
	ck_assert_ptr_null(memmem(r.body.data, r.body.len, "process_threads NaN", 19));
	reply_release(&r);
	n = threads_of(&d, threads);
	ck_assert_int_gt(n, 3);
	for (int i = 0; i < n; i++) {
		ck_assert_int_eq(status_of(&d, threads[i], "Seccomp"), 2);
		ck_assert_int_eq(status_of(&d, threads[i], "NoNewPrivs"), 1);
	}
	ck_assert_int_eq(daemon_log_count("threads", "\"sandboxed\""), 1);
	check_exit(daemon_stop(&d, SIGTERM), 0);
}
END_TEST

/* A link in the data directory that leads out of it, to the right bytes even: found without a sandbox, not with one. */
START_TEST(test_link_out)
{
	static const char *const modes[] = {"off", "on"};
	static const long expected[] = {200, 500};
	char path[128], package[1024], outside[1024];
	struct daemon d;
	struct reply r;

	daemon_start(&d, "link", NULL);
	post_subnet(&d, MODEL, "{\"limits\":{\"macs\":2000000}}", &r);
	ck_assert_int_eq(r.status, 200);
	snprintf(path, sizeof(path), "%s", reply_header(&r, "Content-Location"));
	reply_release(&r);
	check_exit(daemon_stop(&d, SIGTERM), 0);
	snprintf(package, sizeof(package), "%s/packages/%s.ofa", world_path("link"), strrchr(path, '/') + 1);
	snprintf(outside, sizeof(outside), "%s", world_path("outside.ofa"));
	ck_assert_int_eq(rename(package, outside), 0);
	ck_assert_int_eq(symlink(outside, package), 0);
	for (size_t i = 0; i < OFA_ARRAY_LEN(modes); i++) {
		daemon_start(&d, "link", "--sandbox", modes[i], NULL);
		ck_assert_int_eq(ask_status(&d, "GET", path, NULL, NULL), expected[i]);
		check_exit(daemon_stop(&d, SIGTERM), 0);
	}
}
END_TEST

/* ---- system calls made by the daemon's threads ---- */

static void store(pid_t thread, unsigned long long at, const char *text)
{
	const struct iovec local = {(void *)(uintptr_t)text, strlen(text) + 1},
			   remote = {(void *)(uintptr_t)at, strlen(text) + 1};

	ck_assert_int_eq(process_vm_writev(thread, &local, 1, &remote, 1, 0), (ssize_t)local.iov_len);
}

/* Where the path of an attempt is put. */
#define PATH ((unsigned long long)-4096)

struct attempt {
	const char *what;
	long number;
	unsigned long long arguments[4]; /* or PATH */
	const char *path;
	int error; /* 0: it succeeds */
};

/* Stops the thread where it waits in a system call: behind the instruction syscall.  One that has not come there yet,
 * or has just left, is let on for a while. */
static void stop_in_call(pid_t thread, struct user_regs_struct *ret_regs)
{
	int status;

	ck_assert_int_eq(ptrace(PTRACE_SEIZE, thread, NULL, NULL), 0);
	for (int i = 0; i < 1000; i++) {
		ck_assert_int_eq(ptrace(PTRACE_INTERRUPT, thread, NULL, NULL), 0);
		ck_assert_int_eq(waitpid(thread, &status, __WALL), thread);
		ck_assert_int_eq(ptrace(PTRACE_GETREGS, thread, NULL, ret_regs), 0);
		if ((ptrace(PTRACE_PEEKTEXT, thread, ret_regs->rip - 2, NULL) & 0xffff) == 0x050f)
			return;
		ck_assert_int_eq(ptrace(PTRACE_CONT, thread, NULL, NULL), 0);
		usleep(10000);
	}
	ck_abort_msg("thread %ld waits in no system call", (long)thread);
}

/* The result of the call in the thread, which waits in a system call and goes on waiting. */
static long attempt(pid_t thread, const struct attempt *a)
{
	struct user_regs_struct before, regs;
	unsigned long long path;
	int status;

	stop_in_call(thread, &before);
	path = (before.rsp & ~0xfffULL) - 4096;
	if (a->path)
		store(thread, path, a->path);
	regs = before;
	regs.rip -= 2;
	regs.orig_rax = (unsigned long long)-1;
	regs.rax = (unsigned long long)a->number;
	regs.rdi = a->arguments[0] == PATH ? path : a->arguments[0];
	regs.rsi = a->arguments[1] == PATH ? path : a->arguments[1];
	regs.rdx = a->arguments[2];
	regs.r10 = a->arguments[3];
	regs.r8 = (unsigned long long)-1;
	regs.r9 = 0;
	ck_assert_int_eq(ptrace(PTRACE_SETREGS, thread, NULL, &regs), 0);
	ck_assert_int_eq(ptrace(PTRACE_SINGLESTEP, thread, NULL, NULL), 0);
	ck_assert_int_eq(waitpid(thread, &status, __WALL), thread);
	ck_assert_msg(WIFSTOPPED(status), "%s: status %x", a->what, (unsigned)status);
	ck_assert_int_eq(ptrace(PTRACE_GETREGS, thread, NULL, &regs), 0);
	ck_assert_int_eq(ptrace(PTRACE_SETREGS, thread, NULL, &before), 0);
	ck_assert_int_eq(ptrace(PTRACE_DETACH, thread, NULL, NULL), 0);
	return (long)regs.rax;
}

#define HERE ((unsigned long long)AT_FDCWD)

static void check_attempts(const struct daemon *d, const struct attempt *attempts, size_t n_attempts)
{
	pid_t threads[THREADS_MAX];
	int n = threads_of(d, threads);

	for (int i = 0; i < n; i++)
		for (size_t j = 0; j < n_attempts; j++) {
			long rc = attempt(threads[i], &attempts[j]);

			if (attempts[j].error)
				ck_assert_msg(rc == -attempts[j].error, "thread %d of %d, %s: %ld", i, n,
					      attempts[j].what, rc);
			else
				ck_assert_msg(rc >= 0, "thread %d of %d, %s: %ld", i, n, attempts[j].what, rc);
		}
	ck_assert_int_eq(ask_status(d, "GET", "/healthz", NULL, NULL), 200);
}

START_TEST(test_denied)
{
	static char network[1024], inside[1100];
	const struct attempt attempts[] = {
		{"exec", SYS_execve, {PATH, 0, 0, 0}, "/bin/true", EPERM},
		{"fork", SYS_fork, {0}, NULL, EPERM},
		{"clone a process", SYS_clone, {SIGCHLD, 0, 0, 0}, NULL, EPERM},
		{"clone3", SYS_clone3, {0}, NULL, ENOSYS},
		{"socket", SYS_socket, {AF_INET, SOCK_STREAM, 0, 0}, NULL, EPERM},
		{"ptrace", SYS_ptrace, {PTRACE_TRACEME, 0, 0, 0}, NULL, EPERM},
		{"kill", SYS_kill, {1, 0, 0, 0}, NULL, EPERM},
		{"mount", SYS_mount, {PATH, PATH, 0, 0}, "/", EPERM},
		{"unshare", SYS_unshare, {0x10000000, 0, 0, 0}, NULL, EPERM},
		{"io_uring", SYS_io_uring_setup, {1, 0, 0, 0}, NULL, EPERM},
		{"memory to run", SYS_mmap, {0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS}, NULL, EPERM},
		{"memory", SYS_mmap, {0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS}, NULL, 0},
		{"/etc/passwd", SYS_openat, {HERE, PATH, O_RDONLY, 0}, "/etc/passwd", EACCES},
		{"a list of files", SYS_openat, {HERE, PATH, O_RDONLY | O_DIRECTORY, 0}, "/", EACCES},
		{"another process", SYS_openat, {HERE, PATH, O_RDONLY, 0}, "/proc/1/environ", EACCES},
		{"itself", SYS_openat, {HERE, PATH, O_RDONLY, 0}, "/proc/self/stat", 0},
		{"a network file", SYS_openat, {HERE, PATH, O_RDONLY, 0}, network, EACCES},
		{"a new file outside", SYS_openat, {HERE, PATH, O_WRONLY | O_CREAT, 0600}, "/tmp/ofa-test-new", EACCES},
		{"a new file inside", SYS_openat, {HERE, PATH, O_RDWR | O_CREAT, 0600}, inside, 0},
		{"a directory outside", SYS_mkdir, {PATH, 0700, 0, 0}, "/tmp/ofa-test-dir", EACCES},
	};
	struct daemon d;

	snprintf(network, sizeof(network), "%s", world_path("a.safetensors"));
	snprintf(inside, sizeof(inside), "%s/new", world_path("denied"));
	daemon_start(&d, "denied", "--sandbox", "on", "--workers", "2", NULL);
	daemon_wait_ready(&d);
	check_attempts(&d, attempts, OFA_ARRAY_LEN(attempts));
	check_exit(daemon_stop(&d, SIGTERM), 0);
}
END_TEST

/* The same means without a sandbox: what the test above sees is not of its own making. */
START_TEST(test_not_denied)
{
	static const struct attempt attempts[] = {
		{"socket", SYS_socket, {AF_INET, SOCK_STREAM, 0, 0}, NULL, 0},
		{"memory to run", SYS_mmap, {0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS}, NULL, 0},
		{"/etc/passwd", SYS_openat, {HERE, PATH, O_RDONLY, 0}, "/etc/passwd", 0},
		{"nothing there", SYS_openat, {HERE, PATH, O_RDONLY, 0}, "/none", ENOENT},
	};
	struct daemon d;

	daemon_start(&d, "not-denied", "--sandbox", "off", NULL);
	daemon_wait_ready(&d);
	check_attempts(&d, attempts, OFA_ARRAY_LEN(attempts));
	check_exit(daemon_stop(&d, SIGTERM), 0);
}
END_TEST

/* Logs are made anew in their directory, keys read anew in theirs, and nothing else there. */
START_TEST(test_reopened)
{
	char logs[1024], log[1100], rotated[1100], keys[1100], output[2048];
	struct attempt attempts[] = {
		{"reading the log", SYS_openat, {HERE, PATH, O_RDONLY, 0}, log, EACCES},
		{"removing the log", SYS_unlink, {PATH, 0, 0, 0}, log, EACCES},
		{"reading the keys' directory", SYS_openat, {HERE, PATH, O_RDONLY | O_DIRECTORY, 0}, keys, 0},
		{"removing the keys' directory", SYS_rmdir, {PATH, 0, 0, 0}, keys, EACCES},
	};
	struct stat info;
	struct daemon d;

	snprintf(logs, sizeof(logs), "%s", world_path("logs"));
	snprintf(log, sizeof(log), "%s/access", logs);
	snprintf(rotated, sizeof(rotated), "%s/access.1", logs);
	snprintf(keys, sizeof(keys), "%s/keys", logs);
	ck_assert_int_eq(mkdir(logs, 0700), 0);
	ck_assert_int_eq(daemon_run(output, sizeof(output), "keygen", "--keys", keys, NULL), 0);
	daemon_start(&d, "reopened", "--sandbox", "on", "--access-log", log, "--keys", keys, NULL);
	daemon_wait_ready(&d);
	check_attempts(&d, attempts, OFA_ARRAY_LEN(attempts));
	ck_assert_int_eq(rename(log, rotated), 0);
	kill(d.pid, SIGHUP);
	for (int i = 0; i < 100 && daemon_log_count("reopened", "\"reloaded\"") == 0; i++)
		pause_ms(50);
	ck_assert_int_eq(ask_status(&d, "GET", "/networks", NULL, NULL), 200);
	for (int i = 0; i < 100 && (stat(log, &info) || info.st_size == 0); i++)
		pause_ms(50);
	ck_assert_int_gt(info.st_size, 0);
	ck_assert_int_eq(daemon_log_count("reopened", "stay as they were"), 0);
	check_exit(daemon_stop(&d, SIGTERM), 0);
}
END_TEST

/* Does this kernel have both halves, and would a daemon of this build bear them? */
static bool can_be_sandboxed(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	return false;
#endif
	/* the last argument asks for the version of the interface */
	return syscall(SYS_landlock_create_ruleset, NULL, 0, 1) >= 1 && prctl(PR_GET_SECCOMP) >= 0;
}

int main(void)
{
	const TTest *const tests[] = {test_all_threads, test_link_out, test_denied, test_not_denied, test_reopened};
	int status = 77;

	curl_global_init(CURL_GLOBAL_DEFAULT);
	world_make();
	if (can_be_sandboxed())
		status = run_tests("sandbox", tests, OFA_ARRAY_LEN(tests));
	world_remove();
	return status;
}
