#include "s3_server.h"

#include <string.h>
#include <sys/wait.h>

#define COMMAND_MAX 4096
#define SKIPPED 77

static char dir[512], base_url[S3_URL_MAX];

/* A command of tests/services/s3; its exit status, and the first line that it prints. */
static int run(const char *command, const char *rest, char *out, size_t cap)
{
	const char *source = getenv("OFA_SRCDIR");
	char text[COMMAND_MAX];
	FILE *pipe;
	int status;

	snprintf(text, sizeof(text), "'%s/tests/services/s3' %s '%s' %s", source && *source ? source : ".", command,
		 dir, rest);
	pipe = popen(text, "r");
	if (!pipe)
		return -1;
	if (out && fgets(out, (int)cap, pipe))
		out[strcspn(out, "\n")] = '\0';
	status = pclose(pipe);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* "export NAME=VALUE" */
static void load_environment(void)
{
	char path[600], line[512], *name, *value;
	FILE *f;

	snprintf(path, sizeof(path), "%s/environment", dir);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		name = strchr(line, ' ');
		value = strchr(line, '=');
		if (!name || !value)
			continue;
		*value = '\0';
		setenv(name + 1, value + 1, 1);
	}
	if (f)
		fclose(f);
}

bool s3_start(void)
{
	int status;

	snprintf(dir, sizeof(dir), "%s", temporary_path("s3"));
	status = run("start", "", base_url, sizeof(base_url));
	if (status == SKIPPED)
		return false;
	if (status == 0 && strchr(base_url, '?')) {
		load_environment();
		return true;
	}
	fprintf(stderr, "the S3 server cannot be started: %d\n", status);
	s3_stop();
	exit(EXIT_FAILURE);
}

void s3_stop(void)
{
	char command[COMMAND_MAX];

	(void)run("stop", "", NULL, 0);
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	if (system(command) != 0)
		fprintf(stderr, "%s is left\n", dir);
}

void s3_url(const char *prefix, char url[S3_URL_MAX])
{
	const char *query = strchr(base_url, '?');

	snprintf(url, S3_URL_MAX, "%.*s/%s%s", (int)(query - base_url), base_url, prefix, query);
}

void s3_fault(const char *kind, unsigned n)
{
	char rest[128];

	snprintf(rest, sizeof(rest), "%s %u", kind, n);
	ck_assert_int_eq(run("fault", rest, NULL, 0), 0);
}

unsigned s3_faults_left(void)
{
	char path[600], kind[32];
	unsigned n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/fault", dir);
	f = fopen(path, "r");
	if (!f)
		return 0;
	if (fscanf(f, "%31s %u", kind, &n) != 2)
		n = 0;
	fclose(f);
	unlink(path);
	return n;
}

const char *s3_object(const char *name)
{
	static char path[1024];

	snprintf(path, sizeof(path), "%s/objects/packages/%s._S3rver_object", dir, name);
	return path;
}
