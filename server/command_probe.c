#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "command_probe.h"
#include "listen.h"
#include "settings.h"

#define DEFAULT_SECONDS 3
#define MOST_SECONDS 600
/* Head and body of an answer; more is not looked at. */
#define ANSWER_MAX 16384

static const char usage[] =
	"Usage: ofad probe [--live] [--seconds N] [ADDRESS | --config FILE]\n"
	"Asks a running ofad whether it is ready, and prints its answer.\n\n"
	"  ADDRESS         HOST:PORT or unix:PATH, of plain HTTP; without it, what the variables OFAD_...\n"
	"                  and the configuration say: --admin-listen, or else --listen\n"
	"  --live          whether it is alive (/healthz), not whether it is ready (/readyz)\n"
	"  --seconds N     how long each step may take, 1 to 600 (3)\n"
	"  --config FILE   the server's configuration\n"
	"  --help          print this and end\n\n"
	"Exit status: 0 when it is, 1 when it is not or does not answer, 2 when this cannot be asked.\n";

struct probe_args {
	const char *address, *config;
	const char *path;
	unsigned seconds;
	bool help;
};

/* ---- what is asked ---- */

static enum ofa_status parse_seconds(const char *text, unsigned *ret, struct ofa_error *err)
{
	char *end = NULL;
	unsigned long n = strspn(text, "0123456789") && strlen(text) < 5 ? strtoul(text, &end, 10) : 0;

	if (n < 1 || n > MOST_SECONDS || *end)
		return ofa_fail(err, OFA_ERR_INVALID, "--seconds",
				"--seconds is \"%.64s\"; a whole number from 1 to %d is accepted", text, MOST_SECONDS);
	*ret = (unsigned)n;
	return OFA_OK;
}

static enum ofa_status parse_valued(struct probe_args *a, const char *name, const char *value, struct ofa_error *err)
{
	if (strcmp(name, "--seconds") != 0 && strcmp(name, "--config") != 0)
		return ofa_fail(err, OFA_ERR_INVALID, name, "there is no option %.64s; ofad probe --help lists them",
				name);
	if (!value)
		return ofa_fail(err, OFA_ERR_INVALID, name, "a value must follow %s", name);
	if (strcmp(name, "--seconds") == 0)
		return parse_seconds(value, &a->seconds, err);
	a->config = value;
	return OFA_OK;
}

static enum ofa_status parse(int argc, char **argv, struct probe_args *a, struct ofa_error *err)
{
	enum ofa_status st = OFA_OK;

	*a = (struct probe_args){.path = "/readyz", .seconds = DEFAULT_SECONDS};
	for (int i = 1; i < argc && st == OFA_OK; i++) {
		if (strcmp(argv[i], "--help") == 0)
			a->help = true;
		else if (strcmp(argv[i], "--live") == 0)
			a->path = "/healthz";
		else if (strncmp(argv[i], "--", 2) == 0) {
			st = parse_valued(a, argv[i], argv[i + 1], err);
			i++;
		} else if (a->address)
			st = ofa_fail(err, OFA_ERR_INVALID, argv[i], "one address is asked, not \"%.64s\" too",
				      argv[i]);
		else
			a->address = argv[i];
	}
	if (st == OFA_OK && a->address && a->config)
		st = ofa_fail(err, OFA_ERR_INVALID, "--config", "an address and --config exclude each other");
	return st;
}

/* Where the daemon with these settings answers in plain HTTP; borrowed from s. */
static enum ofa_status configured(const struct settings *s, const char **ret, struct ofa_error *err)
{
	const char *address = s->admin_listen ? s->admin_listen : s->listen;
	size_t n = strlen(address);

	if (!s->admin_listen && s->tls_cert)
		return ofa_fail(err, OFA_ERR_INVALID, "--admin-listen",
				"%s speaks TLS; probes are answered at --admin-listen ADDRESS", address);
	if (n > 2 && strcmp(address + n - 2, ":0") == 0)
		return ofa_fail(err, OFA_ERR_INVALID, NULL, "%s is a port that the system chooses; say its ADDRESS",
				address);
	*ret = address;
	return OFA_OK;
}

/* ---- asking ---- */

static enum ofa_status no_answer(const char *address, struct ofa_error *err)
{
	return ofa_fail(err, OFA_ERR_IO, NULL, "%.200s does not answer: %s", address,
			errno == EAGAIN ? "it takes too long" : strerror(errno));
}

/* Sends the question and reads what comes, a text, until the other end closes. */
static enum ofa_status exchange(int fd, const char *address, const char *path, char answer[ANSWER_MAX],
				struct ofa_error *err)
{
	char question[128];
	int n = snprintf(question, sizeof(question),
			 "GET %s HTTP/1.1\r\nHost: probe\r\nUser-Agent: ofad-probe\r\nConnection: close\r\n\r\n", path);
	size_t len = 0;
	ssize_t got;

	if (send(fd, question, (size_t)n, MSG_NOSIGNAL) != n)
		return no_answer(address, err);
	do {
		got = recv(fd, answer + len, ANSWER_MAX - 1 - len, 0);
		if (got < 0)
			return no_answer(address, err);
		len += (size_t)got;
	} while (got > 0 && len < ANSWER_MAX - 1);
	answer[len] = '\0';
	return OFA_OK;
}

static int judge(const char *address, const char *answer)
{
	static const char version[] = "HTTP/1.1 ";
	const char *body = strstr(answer, "\r\n\r\n");

	if (strncmp(answer, version, strlen(version)) != 0 || !body) {
		fprintf(stderr, "ofad probe: what answers at %.200s does not speak HTTP\n", address);
		return 1;
	}
	printf("%s\n", body + 4);
	return strncmp(answer + strlen(version), "200 ", 4) == 0 ? 0 : 1;
}

static int probe(const struct probe_args *a, const char *address)
{
	struct ofa_error err = {0};
	char *answer = malloc(ANSWER_MAX);
	enum ofa_status st;
	int fd = -1, status = 1;

	if (!answer)
		return 1;
	st = listener_dial("ADDRESS", address, a->seconds, &fd, &err);
	if (st == OFA_OK)
		st = exchange(fd, address, a->path, answer, &err);
	if (st == OFA_OK)
		status = judge(address, answer);
	else
		fprintf(stderr, "ofad probe: %s\n", err.message);
	if (fd >= 0)
		close(fd);
	free(answer);
	return st == OFA_ERR_INVALID ? 2 : status;
}

static int probe_configured(const struct probe_args *a)
{
	char name[] = "ofad", option[] = "--config";
	char *argv[] = {name, option, (char *)a->config, NULL};
	struct ofa_error err = {0};
	struct settings s;
	const char *address = NULL;
	enum ofa_status st = settings_parse(&s, a->config ? 3 : 1, argv, environ, &err);
	int status = 2;

	if (st == OFA_OK)
		st = configured(&s, &address, &err);
	if (st == OFA_OK)
		status = probe(a, address);
	else
		fprintf(stderr, "ofad probe: %s\n", err.message);
	settings_release(&s);
	return status;
}

int command_probe(int argc, char **argv)
{
	struct ofa_error err = {0};
	struct probe_args a;

	if (parse(argc, argv, &a, &err) != OFA_OK) {
		fprintf(stderr, "ofad probe: %s\n", err.message);
		return 2;
	}
	if (a.help) {
		fputs(usage, stdout);
		return 0;
	}
	return a.address ? probe(&a, a.address) : probe_configured(&a);
}
