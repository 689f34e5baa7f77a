#include "cluster.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#define COMMAND_MAX 4096

static char dir[512];

static const char *script(void)
{
	static char path[600];
	const char *source = getenv("OFA_SRCDIR");

	snprintf(path, sizeof(path), "%s/tests/services/postgresql", source && *source ? source : ".");
	return path;
}

/* Runs a command of the shell's, before the tests too, when there is nothing to assert by; its exit status, and the
 * first line that it prints. */
static int run(const char *command, char *out, size_t cap)
{
	FILE *pipe = popen(command, "r");
	char rest[512];
	int status;

	if (!pipe)
		return -1;
	if (!out || !fgets(out, (int)cap, pipe))
		out = NULL;
	while (fgets(rest, sizeof(rest), pipe))
		;
	status = pclose(pipe);
	if (out)
		out[strcspn(out, "\n")] = '\0';
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool cluster_start(void)
{
	char command[COMMAND_MAX];
	int status;

	snprintf(dir, sizeof(dir), "%s", temporary_path("postgresql"));
	snprintf(command, sizeof(command), "'%s' start '%s'", script(), dir);
	status = run(command, NULL, 0);
	if (status == CLUSTER_SKIPPED)
		return false;
	if (status == 0)
		return true;
	fprintf(stderr, "PostgreSQL cannot be started: %d\n", status);
	cluster_stop();
	exit(EXIT_FAILURE);
}

void cluster_stop(void)
{
	char command[COMMAND_MAX];

	snprintf(command, sizeof(command), "'%s' stop '%s' immediate; rm -rf '%s'", script(), dir, dir);
	(void)run(command, NULL, 0);
}

void cluster_database(const char *name, char url[CLUSTER_URL_MAX])
{
	char command[COMMAND_MAX];

	snprintf(command, sizeof(command), "'%s' database '%s' '%s'", script(), dir, name);
	ck_assert_int_eq(run(command, url, CLUSTER_URL_MAX), 0);
}

void cluster_control(const char *what, const char *mode)
{
	char command[COMMAND_MAX];

	snprintf(command, sizeof(command), "'%s' %s '%s' %s >/dev/null", script(), what, dir, mode ? mode : "");
	ck_assert_int_eq(run(command, NULL, 0), 0);
}

void cluster_signal(int signal_number)
{
	char command[COMMAND_MAX];

	/* children of the first process first, which would start others in their place */
	snprintf(command, sizeof(command),
		 "pid=$(head -1 '%s/data/postmaster.pid'); kill -%d $pid; "
		 "for child in $(cat /proc/$pid/task/$pid/children); do kill -%d $child || true; done",
		 dir, signal_number, signal_number);
	ck_assert_int_eq(run(command, NULL, 0), 0);
}

void cluster_ask(const char *url, const char *sql, char *out, size_t cap)
{
	char command[COMMAND_MAX];

	*out = '\0';
	snprintf(command, sizeof(command), "psql -qtAX '%s' -c \"%s\"", url, sql);
	ck_assert_int_eq(run(command, out, cap), 0);
}
