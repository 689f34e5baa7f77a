/* ofa train: a recipe and a data set become a once-for-all network. */
#include <config.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/sha256.h"
#include "commands.h"
#include "files.h"
#include "output.h"
#include "progress.h"
#include "ranks.h"
#include "threads.h"
#include "train/schedule.h"

#define EXIT_INTERRUPTED 130

struct train_options {
	const char *recipe, *data, *out, *log, *checkpoint, *arch, *from;
	int threads, max_steps;
	double checkpoint_seconds, epochs_scale;
	bool resume, dry_run, record_cost, json;
};

/* The one global: a signal handler has nowhere else to write.  Blocking the signals and asking for them
 * would not do, because OpenBLAS starts threads of its own before main() that leave them open. */
static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
	(void)number;
	interrupted = 1;
}

/* The first signal ends the run at the next step; a second one ends the program.  SIGUSR1 is what mpirun passes on
 * without ending the ranks a second later. */
static void catch_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND | SA_RESTART};

	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGUSR1, &action, NULL);
}

/* What one invocation holds. */
struct session {
	const struct train_options *o;
	struct ofa_recipe recipe;
	struct ofa_dataset train, holdout;
	struct ofa_arch only;
	char checkpoint[4096];
	atomic_bool stop;
	struct cli_progress progress;
	double images_per_second; /* last seen */
	struct ranks ranks;
	char build[2 * OFA_SHA256_BYTES + 1];
};

/* The one that talks, and has the files. */
static bool is_first(const struct session *s)
{
	return s->ranks.comm.rank == 0;
}

/* Each rank takes a batch as the recipe says, so that what is trained is the recipe with as many times the batch. */
static enum ofa_status join_batches(struct session *s, struct ofa_error *err)
{
	int ranks = s->ranks.comm.size;

	if (s->recipe.batch > OFA_MAX_BATCH / ranks)
		return ofa_fail(err, OFA_ERR_LIMIT, "/batch",
		                "%d ranks with %d images each would make batches of more than %d", ranks,
		                s->recipe.batch, OFA_MAX_BATCH);
	s->recipe.batch *= ranks;
	return OFA_OK;
}

static enum ofa_status load_recipe(struct session *s, struct ofa_error *err)
{
	json_t *json;
	enum ofa_status st = cli_load_json(s->o->recipe, &json, err);

	if (st != OFA_OK)
		return st;
	st = ofa_recipe_parse(json, &s->recipe, err);
	json_decref(json);
	if (st == OFA_OK)
		st = join_batches(s, err);
	if (st != OFA_OK) {
		ofa_error_prefix(err, "%s", s->o->recipe);
		return st;
	}
	for (int i = 0; i < s->recipe.n_phases; i++) {
		s->recipe.phases[i].epochs *= (float)s->o->epochs_scale;
		s->recipe.phases[i].warmup_epochs *= (float)s->o->epochs_scale;
	}
	return s->o->arch ? cli_load_arch(&s->recipe.space, s->o->arch, &s->only, err) : OFA_OK;
}

/* The test part is released at once: nothing of it may touch training. */
static enum ofa_status load_data(struct session *s, struct ofa_error *err)
{
	struct ofa_dataset test;
	enum ofa_status st = ofa_dataset_load(s->o->data, &s->train, &test, err);

	if (st != OFA_OK)
		return st;
	ofa_dataset_release(&test);
	return ofa_dataset_split(&s->train, s->recipe.holdout, s->recipe.seed, &s->holdout, err);
}

static enum ofa_status check_checkpoint(struct session *s, struct ofa_error *err)
{
	int n = s->o->checkpoint ? snprintf(s->checkpoint, sizeof s->checkpoint, "%s", s->o->checkpoint)
	                         : snprintf(s->checkpoint, sizeof s->checkpoint, "%s.checkpoint", s->o->out);

	if (n < 0 || (size_t)n >= sizeof s->checkpoint)
		return ofa_fail(err, OFA_ERR_INVALID, "--checkpoint", "the name is too long");
	if (!s->o->resume && !s->o->dry_run && is_first(s) && access(s->checkpoint, F_OK) == 0)
		return ofa_fail(err, OFA_ERR_INVALID, "--checkpoint",
		                "%s exists: add --resume to go on from it, or remove it to start anew", s->checkpoint);
	return OFA_OK;
}

static int n_phases(const struct session *s)
{
	return s->o->arch ? 1 : s->recipe.n_phases;
}

/* "3,5,7", or "max" when nothing is opened. */
static const char *join(const double *v, int n, char out[48])
{
	size_t at = 0;

	snprintf(out, 48, "max");
	for (int i = 0; i < n && at < 40; i++)
		at += (size_t)snprintf(out + at, 48 - at, "%s%g", i ? "," : "", v[i]);
	return out;
}

static void print_phase(const struct session *s, const struct ofa_phase *p)
{
	static const char *const sorts[] = {"-", "all", "bands"};
	double k[OFA_MAX_CHOICES], e[OFA_MAX_CHOICES], d[OFA_MAX_CHOICES];
	char kernels[48], expands[48], depths[48], subnets[24];
	const char *teacher = !(p->kd > 0) ? "-" : p->in_place ? "step's largest" : "first phase";

	for (int i = 0; i < OFA_MAX_CHOICES; i++) {
		k[i] = p->kernels[i];
		e[i] = (double)p->expands[i];
		d[i] = p->depths[i];
	}
	snprintf(subnets, sizeof subnets, "%d%s", p->subnets, p->sandwich ? " (sandwich)" : "");
	printf("%-10s %-9s %-9s %-9s %-13s %7.2f %8llu %8.4g %5.2g  %-5s  %s\n", p->name,
	       join(k, p->n_kernels, kernels), join(e, p->n_expands, expands), join(d, p->n_depths, depths), subnets,
	       (double)p->epochs, (unsigned long long)ofa_phase_steps(&s->recipe, p, s->train.n), (double)p->lr,
	       (double)p->kd, sorts[p->sort], teacher);
}

static void print_schedule(const struct session *s)
{
	char count[64], arch[2048];

	ofa_space_count(&s->recipe.space, count, sizeof count);
	printf("%s: %d training images, %d held out, batch %d, seed %llu\n", s->recipe.name, s->train.n, s->holdout.n,
	       s->recipe.batch, (unsigned long long)s->recipe.seed);
	if (s->ranks.comm.size > 1)
		printf("%d ranks with %d images of each batch\n", s->ranks.comm.size,
		       s->recipe.batch / s->ranks.comm.size);
	printf("%s subnets at each of %d image sizes\n", count, s->recipe.space.n_resolutions);
	if (s->o->arch) {
		ofa_arch_snprint(&s->recipe.space, &s->only, arch, sizeof arch);
		printf("one arch alone, from scratch: %s\n", arch);
	}
	printf("\n%-10s %-9s %-9s %-9s %-13s %7s %8s %8s %5s  %-5s  %s\n", "phase", "kernels", "expands", "depths",
	       "subnets/step", "epochs", "steps", "lr", "kd", "sort", "teacher");
	for (int i = 0; i < n_phases(s); i++)
		print_phase(s, &s->recipe.phases[i]);
	putchar('\n');
	fflush(stdout);
}

static json_t *schedule_json(const struct session *s)
{
	json_t *phases = json_array();

	for (int i = 0; i < n_phases(s); i++) {
		const struct ofa_phase *p = &s->recipe.phases[i];
		json_array_append_new(phases, json_pack("{s:s,s:f,s:I,s:i,s:f}", "name", p->name, "epochs",
		                                        (double)p->epochs, "steps",
		                                        (json_int_t)ofa_phase_steps(&s->recipe, p, s->train.n),
		                                        "subnets", p->subnets, "lr", (double)p->lr));
	}
	return json_pack("{s:s,s:i,s:i,s:o}", "recipe", s->recipe.name, "train_images", s->train.n, "holdout_images",
	                 s->holdout.n, "phases", phases);
}

static void after_step(void *ctx, const struct ofa_train_progress *t)
{
	struct session *s = ctx;

	if (interrupted)
		atomic_store(&s->stop, true);
	s->images_per_second = t->images_per_second;
	if (is_first(s))
		cli_progress_show(&s->progress, t);
}

static enum ofa_status run(struct session *s, struct ofa_error *err)
{
	const struct train_options *o = s->o;
	struct ofa_pool *pool;
	const struct ofa_train_options options = {
		.out_path = o->out, .tool = "ofa " PACKAGE_VERSION, .log_path = o->log,
		.checkpoint_path = s->checkpoint, .checkpoint_seconds = o->checkpoint_seconds,
		.resume = o->resume, .from = o->from, .only = o->arch ? &s->only : NULL,
		.max_steps = (uint64_t)o->max_steps, .record_cost = o->record_cost, .stop = &s->stop,
		.comm = &s->ranks.comm, .build = s->build, .progress = after_step, .ctx = s,
	};
	enum ofa_status st = cli_new_pool(o->threads ? o->threads : ranks_threads(&s->ranks), &pool, err);

	st = ofa_comm_agree(&s->ranks.comm, st, err);
	if (st != OFA_OK)
		return st;
	st = ofa_train_run(&s->recipe, &s->train, &s->holdout, pool, &options, err);
	ofa_pool_free(pool);
	cli_progress_end(&s->progress);
	if (st == OFA_OK && !o->max_steps && is_first(s))
		unlink(s->checkpoint); /* all of it is in the network now */
	return st;
}

static enum ofa_status tell_next(const struct session *s, struct ofa_error *err)
{
	const struct train_options *o = s->o;

	if (!is_first(s))
		return OFA_OK;
	if (o->json)
		return cli_print_json(
			json_pack("{s:s,s:f}", "network", o->out, "images_per_second", s->images_per_second), err);
	printf("%s is ready.  Next:\n", o->out);
	if (o->arch) {
		printf("  ofa eval %s --data %s --arch %s\n", o->out, o->data, o->arch);
		return OFA_OK;
	}
	printf("  ofa predictor fit %s --data %s   measure subnets, fit the accuracy predictor\n", o->out, o->data);
	printf("  ofad --network %s              serve subnets over HTTP\n", o->out);
	return OFA_OK;
}

static void tell_resume(const struct session *s, int argc, char **argv)
{
	fprintf(stderr, "ofa: train: stopped; %s holds the state.  To go on:\n  ofa", s->checkpoint);
	for (int i = 0; i < argc; i++)
		fprintf(stderr, " %s", argv[i]);
	fprintf(stderr, "%s\n", s->o->resume ? "" : " --resume");
}

/* What this program is: all ranks must be the same one. */
static enum ofa_status name_build(struct session *s, struct ofa_error *err)
{
	uint8_t digest[OFA_SHA256_BYTES];
	struct ofa_map program;
	enum ofa_status st;

	if (s->ranks.comm.size == 1)
		return OFA_OK;
	st = ofa_map_open("/proc/self/exe", &program, err);
	if (st != OFA_OK)
		return st;
	ofa_sha256(program.data, program.size, digest);
	ofa_map_close(&program);
	ofa_hex(digest, sizeof digest, s->build);
	return OFA_OK;
}

static enum ofa_status prepare(struct session *s, struct ofa_error *err)
{
	enum ofa_status st = name_build(s, err);

	if (st == OFA_OK)
		st = check_checkpoint(s, err);
	if (st == OFA_OK)
		st = load_recipe(s, err);
	return st == OFA_OK ? load_data(s, err) : st;
}

static enum ofa_status train(struct session *s, struct ofa_error *err)
{
	const struct train_options *o = s->o;
	enum ofa_status st = ranks_join(&s->ranks, err);

	if (st == OFA_OK)
		st = ofa_comm_agree(&s->ranks.comm, prepare(s, err), err);
	if (st != OFA_OK)
		return st;
	if (o->dry_run && o->json && is_first(s))
		return cli_print_json(schedule_json(s), err);
	if (!o->json && is_first(s))
		print_schedule(s);
	if (o->dry_run)
		return OFA_OK;
	st = run(s, err);
	return st == OFA_OK ? tell_next(s, err) : st;
}

static int train_session(const struct train_options *o, int argc, char **argv)
{
	struct session *s = calloc(1, sizeof *s);
	struct ofa_error err = {0};
	enum ofa_status st;
	int rc;

	if (!s)
		return cli_finish("train", o->json, ofa_fail(&err, OFA_ERR_NOMEM, NULL, "out of memory"), &err);
	s->o = o;
	cli_progress_init(&s->progress);
	catch_signals();
	st = train(s, &err);
	/* Of what all ranks know the first one speaks. */
	if (!is_first(s) && (st == OFA_ERR_CANCELLED || s->ranks.comm.agreed)) {
		rc = st == OFA_ERR_CANCELLED ? EXIT_INTERRUPTED : CLI_EXIT_FAILURE;
	} else if (st == OFA_ERR_CANCELLED) {
		tell_resume(s, argc, argv);
		rc = EXIT_INTERRUPTED;
	} else {
		rc = cli_finish("train", o->json, st, &err);
	}
	ranks_leave(&s->ranks, st);
	ofa_dataset_release(&s->train);
	ofa_dataset_release(&s->holdout);
	free(s);
	return rc;
}

int cmd_train(int argc, char **argv)
{
	struct train_options o = {.checkpoint_seconds = 300, .epochs_scale = 1};
	const struct opt options[] = {
		{.name = "data", .kind = OPT_TEXT, .required = true, .value = "DIR", .to.text = &o.data,
		 .help = "IDX files (plain or .gz) or CIFAR-10 binary batches"},
		{.name = "output", .letter = 'o', .kind = OPT_TEXT, .required = true, .value = "NET", .to.text = &o.out,
		 .help = "the network file to write"},
		{.name = "log", .kind = OPT_TEXT, .value = "FILE", .to.text = &o.log,
		 .help = "JSON lines: losses, speed, hold-out accuracy"},
		{.name = "checkpoint", .kind = OPT_TEXT, .value = "FILE", .to.text = &o.checkpoint,
		 .help = "state to resume from (default NET.checkpoint)"},
		{.name = "checkpoint-every", .kind = OPT_NUMBER, .value = "SECONDS", .to.number = &o.checkpoint_seconds,
		 .min = 1, .max = 1e6, .help = "and at each phase's end (default 300)"},
		{.name = "resume", .kind = OPT_FLAG, .to.flag = &o.resume,
		 .help = "go on from the checkpoint, to the same result"},
		{.name = "from", .kind = OPT_TEXT, .value = "NET", .to.text = &o.from,
		 .help = "a network of this recipe's first phases: train the ones after them"},
		CLI_OPT_THREADS(o.threads),
		{.name = "arch", .kind = OPT_TEXT, .value = "FILE", .to.text = &o.arch,
		 .help = "train this arch alone, as long as the first phase"},
		{.name = "max-steps", .kind = OPT_INT, .value = "N", .to.integer = &o.max_steps, .min = 0, .max = 1e9,
		 .help = "end after N steps (default 0: the whole recipe)"},
		{.name = "epochs-scale", .kind = OPT_NUMBER, .value = "X", .to.number = &o.epochs_scale, .min = 1e-5,
		 .max = 1000, .help = "multiply every phase's epochs (default 1)"},
		{.name = "record-cost", .kind = OPT_FLAG, .to.flag = &o.record_cost,
		 .help = "write the processor time spent into NET, for GET /ledger"},
		{.name = "dry-run", .kind = OPT_FLAG, .to.flag = &o.dry_run, .help = "print the schedule and stop"},
		{.name = "json", .kind = OPT_FLAG, .to.flag = &o.json, .help = "answer a JSON object"},
	};
	const struct opt_spec spec = {
		.command = "train", .operands = "RECIPE", .n_operands = 1,
		.about = "Trains a once-for-all network by progressive shrinking: the full network first, then\n"
		         "elastic kernel, depth and width, each phase learning from the full network, at random\n"
		         "image sizes.  RECIPE (JSON) holds the search space, the augmentation and the phases.\n"
		         "Ctrl-C writes a checkpoint and prints the command that goes on.  The same seed and\n"
		         "threads give the same network, interrupted or not.  Under mpirun (configure --with-mpi)\n"
		         "ranks train together, each with the recipe's batch.\n",
		.examples = "  ofa train models/fashion/recipe.json --data /usr/share/datasets/fashion-mnist \\\n"
		            "      -o fashion.safetensors --log fashion.log.jsonl\n"
		            "  ofa train models/fashion/recipe.json --data DIR -o NET --dry-run\n"
		            "  ofa train models/fashion/recipe.json --data DIR -o scratch.safetensors --arch one.json\n"
		            "  mpirun -np 2 --bind-to none ofa train RECIPE --data DIR -o NET --threads 4\n"
		            "  ofa predictor fit fashion.safetensors --data DIR\n",
		.options = options, .n_options = OFA_ARRAY_LEN(options),
	};
	const char *operand[OPT_MAX_OPERANDS];
	int rc;

	if (!opt_parse(&spec, argc, argv, operand, &rc))
		return rc;
	o.recipe = operand[0];
	return train_session(&o, argc, argv);
}
