#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "app.h"
#include "command_keygen.h"
#include "command_token.h"
#include "preflight.h"

/* Blocked before the first thread starts, so that every thread inherits it and only main() takes them. */
static void block_signals(sigset_t *wanted)
{
	sigset_t all;

	sigemptyset(wanted);
	sigaddset(wanted, SIGTERM);
	sigaddset(wanted, SIGINT);
	sigaddset(wanted, SIGHUP);
	all = *wanted;
	sigaddset(&all, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
}

/* Blocks from this size on go back to the system when they are freed; left to itself the C library raises the
 * threshold to the largest block that it has seen, and keeps what packages and fronts were made in. */
#define RETURNED_BYTES (1 << 20)

static int serve(const struct settings *settings)
{
	struct ofa_error err = {0};
	struct app app;
	sigset_t wanted;
	int signal_number;

	mallopt(M_MMAP_THRESHOLD, RETURNED_BYTES);
	block_signals(&wanted);
	if (app_start(&app, settings, &err) != OFA_OK) {
		fprintf(stderr, "ofad: %s\n", err.message);
		return 1;
	}
	fprintf(stderr, "ofad: listening on %s\n", app.url);
	fflush(stderr);
	while (sigwait(&wanted, &signal_number) == 0 && signal_number == SIGHUP)
		app_reload(&app);
	log_message(&app.log, LOG_LEVEL_INFO, "signal %d: draining", signal_number);
	app_stop(&app);
	log_message(&app.log, LOG_LEVEL_INFO, "stopped");
	return 0;
}

static void say_doubt(void *ctx, const char *message)
{
	(void)ctx;
	fprintf(stderr, "ofad: %s\n", message);
}

/* What ofad does beside serving; argv[0] is the name. */
static const struct subcommand {
	const char *name, *help;
	int (*run)(int argc, char **argv);
} subcommands[] = {
	{"keygen", "a key that deliveries are signed with", command_keygen},
	{"token", "who may use the server: add, list, revoke, purge", command_token},
};

static void help(void)
{
	settings_help(stdout);
	printf("\nCommands, each with a --help of its own:\n\n");
	for (size_t i = 0; i < OFA_ARRAY_LEN(subcommands); i++)
		printf("  ofad %-27s%s\n", subcommands[i].name, subcommands[i].help);
}

/* What the settings ask for; the exit status. */
static int run(const struct settings *settings)
{
	struct ofa_error err = {0};

	if (settings->help)
		help();
	else if (settings->version)
		printf("ofad %s\n", OFAD_VERSION);
	else if (settings->print_config)
		settings_print_example(stdout);
	else if (settings->check_config)
		return preflight(settings, stdout) > 0;
	else if (settings_complete(settings, &err) != OFA_OK)
		fprintf(stderr, "ofad: %s\n", err.message);
	else
		return serve(settings);
	return err.status == OFA_OK ? 0 : 2;
}

int main(int argc, char **argv)
{
	struct ofa_error err = {0};
	struct settings settings;
	int status;

	/* what is written is for its owner's eyes: the database holds who may do what */
	umask(077);
	for (size_t i = 0; argc > 1 && i < OFA_ARRAY_LEN(subcommands); i++)
		if (strcmp(argv[1], subcommands[i].name) == 0)
			return subcommands[i].run(argc - 1, argv + 1);
	if (settings_parse(&settings, argc, argv, environ, &err) == OFA_OK) {
		settings_doubts(environ, say_doubt, NULL);
		status = run(&settings);
	} else {
		fprintf(stderr, "ofad: %s\n", err.message);
		status = settings.check_config ? 1 : 2;
	}
	settings_release(&settings);
	return status;
}
