#include <malloc.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "app.h"
#include "command_keygen.h"
#include "command_probe.h"
#include "command_token.h"
#include "notify.h"
#include "preflight.h"
#include "tensor/gemm.h"
#include "watch.h"

/* Blocked before the first thread starts, so that every thread inherits it and only main() takes them. */
static void block_signals(sigset_t *taken)
{
	sigset_t all;

	sigemptyset(taken);
	sigaddset(taken, SIGTERM);
	sigaddset(taken, SIGINT);
	sigaddset(taken, SIGHUP);
	all = *taken;
	sigaddset(&all, SIGPIPE);
	sigaddset(&all, SIGXFSZ); /* a file that may not grow is an error of write(2) */
	pthread_sigmask(SIG_BLOCK, &all, NULL);
}

/* Blocks from this size on go back to the system when they are freed; left to itself the C library raises the
 * threshold to the largest block that it has seen, and keeps what packages and fronts were made in. */
#define RETURNED_BYTES (1 << 20)
/* What stopping may take after the time to drain. */
#define STOP_SECONDS 30

/* Until a signal says to stop; that signal. */
static int serve_on(struct app *app, const struct notify *notify, const sigset_t *taken)
{
	struct watch watch;
	int signal_number;

	watch_begin(&watch, app, notify);
	do {
		double ms = watch_look(&watch);
		const struct timespec timeout = {(time_t)(ms / 1e3), (long)fmod(ms * 1e6, 1e9)};

		signal_number = sigtimedwait(taken, NULL, &timeout);
		if (signal_number == SIGHUP) {
			notify_reloading(notify);
			app_reload(app);
			notify_send(notify, "READY=1\n");
		}
	} while (signal_number != SIGTERM && signal_number != SIGINT);
	watch_end(&watch);
	return signal_number;
}

static int serve(const struct settings *settings)
{
	struct ofa_error err = {0};
	struct notify notify;
	struct app app;
	sigset_t taken;

	mallopt(M_MMAP_THRESHOLD, RETURNED_BYTES);
	ofa_blas_end_threads();
	block_signals(&taken);
	if (notify_open(&notify, &err) != OFA_OK || app_start(&app, settings, &err) != OFA_OK) {
		fprintf(stderr, "ofad: %s\n", err.message);
		notify_send(&notify, "STATUS=%s\n", err.message);
		notify_close(&notify);
		return 1;
	}
	fprintf(stderr, "ofad: listening on %s\n", app.listener.url);
	fflush(stderr);
	log_message(&app.log, LOG_LEVEL_INFO, "signal %d: draining", serve_on(&app, &notify, &taken));
	notify_send(&notify, "STOPPING=1\nSTATUS=draining\nEXTEND_TIMEOUT_USEC=%llu\n",
		    (settings->drain_seconds + STOP_SECONDS) * 1000000ULL);
	app_stop(&app);
	log_message(&app.log, LOG_LEVEL_INFO, "stopped");
	notify_close(&notify);
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
	{"probe", "whether a running ofad is ready", command_probe},
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
