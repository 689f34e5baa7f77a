#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>
#include "app.h"
#include "preflight.h"

/* Blocked before the first thread starts, so that every thread inherits it and only main() takes them. */
static void block_signals(sigset_t *stop)
{
	sigset_t all;

	sigemptyset(stop);
	sigaddset(stop, SIGTERM);
	sigaddset(stop, SIGINT);
	all = *stop;
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
	sigset_t stop;
	int signal_number;

	mallopt(M_MMAP_THRESHOLD, RETURNED_BYTES);
	block_signals(&stop);
	if (app_start(&app, settings, &err) != OFA_OK) {
		fprintf(stderr, "ofad: %s\n", err.message);
		return 1;
	}
	fprintf(stderr, "ofad: listening on %s\n", app.url);
	fflush(stderr);
	sigwait(&stop, &signal_number);
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

/* What the settings ask for; the exit status. */
static int run(const struct settings *settings)
{
	struct ofa_error err = {0};

	if (settings->help)
		settings_help(stdout);
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
