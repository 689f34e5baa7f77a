/* Training on several ranks, which are threads here: as one rank trains, repeatedly, and never half. */
#include <math.h>

#include "base/file.h"
#include "net/subnet.h"
#include "net/supernet.h"
#include "runner.h"
#include "thread_ranks.h"
#include "tiny_training.h"
#include "train/schedule.h"

/* N ranks against one: weights relative to their norm, and losses.  It is rounding, 1e-7 a step, as between one thread
 * and several. */
#define WEIGHTS_TOLERANCE 1e-5
#define LOSS_TOLERANCE 1e-6

enum { BATCH = 48, PHASE_STEPS = 12, MAX_STEPS = 5 * PHASE_STEPS };

/* One rank's view of a run. */
struct trainee {
	struct ofa_recipe recipe;
	struct ofa_dataset train, holdout;
	struct ofa_comm *comm; /* NULL: alone */
	char out[600], checkpoint[600];
	unsigned threads;
	bool resume, record_cost;
	uint64_t stop_at; /* 0: never */
	atomic_bool stop;
	double losses[MAX_STEPS];
	uint64_t steps;
	/* result */
	enum ofa_status status;
	struct ofa_error err;
};

static void trainee_init(struct trainee *t, int rank, struct ofa_comm *comm)
{
	struct ofa_error err = {0};
	json_t *json = json_loads(tiny_recipe, 0, NULL);
	char name[32];

	memset(t, 0, sizeof *t);
	t->comm = comm;
	t->threads = 1;
	ASSERT_OK(ofa_recipe_parse(json, &t->recipe, &err), &err);
	json_decref(json);
	t->train = tiny_images();
	ASSERT_OK(ofa_dataset_split(&t->train, TINY_HOLDOUT, t->recipe.seed, &t->holdout, &err), &err);
	t->recipe.batch = BATCH;
	/* ReLU and large steps would tell apart what rounding makes of zero: a channel without variance, which small
	 * networks have, is nothing else. */
	for (int i = 0; i < t->recipe.space.n_stages; i++)
		t->recipe.space.stages[i].act = OFA_ACT_HSWISH;
	t->recipe.seed = 5;
	for (int i = 0; i < t->recipe.n_phases; i++) {
		t->recipe.phases[i].epochs =
			(float)PHASE_STEPS / (float)ofa_epoch_steps(&t->recipe, t->train.n);
		t->recipe.phases[i].warmup_epochs = 0;
		t->recipe.phases[i].lr = 0.005f;
	}
	snprintf(name, sizeof name, "ranks-%d.net", rank);
	snprintf(t->out, sizeof t->out, "%s", temporary_path(name));
	snprintf(name, sizeof name, "ranks-%d.checkpoint", rank);
	snprintf(t->checkpoint, sizeof t->checkpoint, "%s", temporary_path(name));
}

static void trainee_release(struct trainee *t)
{
	ofa_dataset_release(&t->train);
	ofa_dataset_release(&t->holdout);
	unlink(t->out);
	unlink(t->checkpoint);
}

static void watch(void *ctx, const struct ofa_train_progress *p)
{
	struct trainee *t = ctx;

	if (p->total_step >= 1 && p->total_step <= MAX_STEPS)
		t->losses[p->total_step - 1] = p->loss;
	t->steps++;
	if (t->stop_at && p->total_step == t->stop_at)
		atomic_store(&t->stop, true);
}

/* As a thread's function: nothing is asserted in here. */
static void *train(void *arg)
{
	struct trainee *t = arg;
	struct ofa_pool *pool = NULL;
	const struct ofa_train_options opt = {
		.out_path = t->out,
		.tool = "test",
		.checkpoint_path = t->checkpoint,
		.resume = t->resume,
		.record_cost = t->record_cost,
		.comm = t->comm,
		.stop = &t->stop,
		.progress = watch,
		.ctx = t,
	};

	t->err = (struct ofa_error){0};
	t->steps = 0;
	atomic_store(&t->stop, false);
	t->status = ofa_pool_new(t->threads, &pool);
	if (t->status == OFA_OK)
		t->status = ofa_train_run(&t->recipe, &t->train, &t->holdout, pool, &opt, &t->err);
	ofa_pool_free(pool);
	return NULL;
}

/* The ranks of a run. */
struct team {
	struct thread_ranks ranks;
	struct trainee trainees[MAX_THREAD_RANKS];
};

static struct team *team_new(int n)
{
	struct team *team = calloc(1, sizeof *team);

	ck_assert_ptr_nonnull(team);
	thread_ranks_init(&team->ranks, n);
	for (int i = 0; i < n; i++)
		trainee_init(&team->trainees[i], i, &team->ranks.ranks[i].comm);
	return team;
}

static void team_free(struct team *team)
{
	for (int i = 0; i < team->ranks.n; i++)
		trainee_release(&team->trainees[i]);
	thread_ranks_release(&team->ranks);
	free(team);
}

static void team_train(struct team *team)
{
	pthread_t threads[MAX_THREAD_RANKS];

	for (int i = 0; i < team->ranks.n; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, train, &team->trainees[i]), 0);
	for (int i = 0; i < team->ranks.n; i++)
		pthread_join(threads[i], NULL);
}

/* All ranks ended so, with the same words that contain `part`. */
static void assert_all_fail(const struct team *team, enum ofa_status status, const char *part)
{
	for (int i = 0; i < team->ranks.n; i++) {
		const struct trainee *t = &team->trainees[i];

		ck_assert_msg(t->status == status, "rank %d: %s: %s", i, ofa_status_name(t->status), t->err.message);
		ck_assert_msg(strstr(t->err.message, part), "rank %d: \"%s\"", i, t->err.message);
		ck_assert_str_eq(t->err.message, team->trainees[0].err.message);
	}
}

static void assert_all_ok(const struct team *team)
{
	for (int i = 0; i < team->ranks.n; i++)
		ck_assert_msg(team->trainees[i].status == OFA_OK, "rank %d: %s: %s", i,
			      team->trainees[i].err.field, team->trainees[i].err.message);
}

/* Norm of the difference of all tensors, relative to that of a's. */
static double distance(const char *path_a, const char *path_b)
{
	struct ofa_error err = {0};
	struct ofa_supernet *a, *b;
	double difference = 0, norm = 0;

	ASSERT_OK(ofa_supernet_load(path_a, &a, &err), &err);
	ASSERT_OK(ofa_supernet_load(path_b, &b, &err), &err);
	ck_assert_int_eq(a->params.n, b->params.n);
	for (int i = 0; i < a->params.n; i++) {
		for (size_t j = 0; j < a->params.list[i].elements; j++) {
			double x = a->data[i][j], d = x - b->data[i][j];

			norm += x * x;
			difference += d * d;
		}
	}
	ofa_supernet_free(a);
	ofa_supernet_free(b);
	return sqrt(difference / norm);
}

static double largest_difference(const struct trainee *a, const struct trainee *b)
{
	double largest = 0;

	for (int i = 0; i < MAX_STEPS; i++) {
		double d = fabs(a->losses[i] - b->losses[i]);

		largest = d > largest ? d : largest;
	}
	return largest;
}

/* Every phase: the whole network, kernels, depths, widths; several subnets a step, both kinds of teacher. */
static void compare_with_one(int ranks)
{
	struct team *team = team_new(ranks);
	struct trainee alone, threaded;
	double weights, losses;

	trainee_init(&alone, 10, NULL);
	train(&alone);
	ASSERT_OK(alone.status, &alone.err);
	ck_assert_uint_eq(alone.steps, MAX_STEPS);
	trainee_init(&threaded, 11, NULL);
	threaded.threads = (unsigned)ranks;
	train(&threaded);
	ASSERT_OK(threaded.status, &threaded.err);
	team_train(team);
	assert_all_ok(team);
	weights = distance(alone.out, team->trainees[0].out);
	losses = largest_difference(&alone, &team->trainees[0]);
	printf("%d ranks against one: weights %.2g, losses %.2g; threads instead: %.2g, %.2g\n", ranks, weights, losses,
	       distance(alone.out, threaded.out), largest_difference(&alone, &threaded));
	fflush(stdout);
	ck_assert(weights > 0 && weights < WEIGHTS_TOLERANCE);
	ck_assert(losses < LOSS_TOLERANCE);
	ck_assert_int_eq(access(team->trainees[1].out, F_OK), -1);
	trainee_release(&alone);
	trainee_release(&threaded);
	team_free(team);
}

START_TEST(two_ranks_train_as_one_does)
{
	compare_with_one(2);
}
END_TEST

START_TEST(three_ranks_train_as_one_does)
{
	compare_with_one(3);
}
END_TEST

START_TEST(four_ranks_train_as_one_does)
{
	compare_with_one(4);
}
END_TEST

static uint8_t *bytes_of(const char *path, size_t *ret_size)
{
	struct ofa_error err = {0};
	uint8_t *data = NULL;

	ASSERT_OK(ofa_file_read(path, 64 << 20, &data, ret_size, &err), &err);
	return data;
}

/* Interrupted by one of them, which has no checkpoint to go on from. */
START_TEST(ranks_repeat_themselves_interrupted_or_not)
{
	struct team *team = team_new(3);
	size_t n, m;
	uint8_t *whole, *resumed;

	team_train(team);
	assert_all_ok(team);
	whole = bytes_of(team->trainees[0].out, &n);
	unlink(team->trainees[0].out);
	team->trainees[2].stop_at = 2 * PHASE_STEPS + 5;
	team_train(team);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(team->trainees[i].status, OFA_ERR_CANCELLED);
		ck_assert_uint_eq(team->trainees[i].steps, 2 * PHASE_STEPS + 5);
		team->trainees[i].resume = true;
	}
	ck_assert_int_eq(access(team->trainees[2].checkpoint, F_OK), -1);
	team->trainees[2].stop_at = 0;
	team_train(team);
	assert_all_ok(team);
	resumed = bytes_of(team->trainees[0].out, &m);
	ck_assert(n == m && memcmp(whole, resumed, n) == 0);
	free(whole);
	free(resumed);
	team_free(team);
}
END_TEST

/* The lineage names them and the whole batch; the processor time is everybody's. */
START_TEST(the_network_tells_its_ranks)
{
	struct team *team = team_new(2);
	struct ofa_error err = {0};
	struct ofa_supernet *net;
	const json_t *recipe;

	for (int i = 0; i < 2; i++) {
		team->trainees[i].recipe.n_phases = 1;
		team->trainees[i].record_cost = true;
	}
	team_train(team);
	assert_all_ok(team);
	ASSERT_OK(ofa_supernet_load(team->trainees[0].out, &net, &err), &err);
	recipe = json_object_get(net->lineage, "recipe");
	ck_assert_int_eq(json_integer_value(json_object_get(net->lineage, "ranks")), 2);
	ck_assert_int_eq(json_integer_value(json_object_get(recipe, "batch")), BATCH);
	ck_assert(json_number_value(json_object_get(json_object_get(net->lineage, "cost"), "cpu_seconds")) > 0);
	ofa_supernet_free(net);
	team_free(team);
}
END_TEST

START_TEST(ranks_with_other_data_are_refused)
{
	struct team *team = team_new(2);

	team->trainees[1].train.images[77] ^= 1;
	team_train(team);
	assert_all_fail(team, OFA_ERR_MISMATCH, "rank 1");
	ck_assert_str_eq(team->trainees[0].err.field, "training images");
	ck_assert(team->ranks.ranks[0].comm.agreed);
	team->trainees[1].train.images[77] ^= 1;
	team->trainees[1].holdout.labels[3] ^= 1;
	team_train(team);
	assert_all_fail(team, OFA_ERR_MISMATCH, "rank 1");
	ck_assert_str_eq(team->trainees[0].err.field, "held out images");
	team_free(team);
}
END_TEST

START_TEST(ranks_with_another_recipe_are_refused)
{
	struct team *team = team_new(3);

	team->trainees[2].recipe.phases[4].lr *= 2;
	team_train(team);
	assert_all_fail(team, OFA_ERR_MISMATCH, "rank 2");
	ck_assert_str_eq(team->trainees[0].err.field, "recipe or options");
	team->trainees[2].recipe.phases[4].lr /= 2;
	for (int i = 0; i < 3; i++)
		team->trainees[i].recipe.batch = 47;
	team_train(team);
	assert_all_fail(team, OFA_ERR_INVALID, "among 3 ranks");
	team_free(team);
}
END_TEST

/* What one rank cannot do ends all of them, with its words. */
START_TEST(the_failure_of_one_is_everybodys)
{
	struct team *team = team_new(2);

	snprintf(team->trainees[0].out, sizeof team->trainees[0].out, "/nowhere/at/all");
	for (int i = 0; i < 2; i++)
		team->trainees[i].recipe.n_phases = 1;
	team_train(team);
	assert_all_fail(team, OFA_ERR_NOT_FOUND, "/nowhere/at/all");
	team->trainees[1].recipe.space.classes = 7;
	team_train(team);
	assert_all_fail(team, OFA_ERR_MISMATCH, "rank 1");
	ck_assert_str_eq(team->trainees[0].err.field, "/space/classes");
	team_free(team);
}
END_TEST

/* At the first comparison, which is at the end of a phase. */
START_TEST(ranks_that_diverge_are_found)
{
	struct team *team = team_new(2);

	team->ranks.corrupt = true;
	team_train(team);
	assert_all_fail(team, OFA_ERR_MISMATCH, "do not compute alike");
	ck_assert_str_eq(team->trainees[0].err.field, "weights");
	ck_assert_uint_eq(team->trainees[0].steps, PHASE_STEPS);
	ck_assert_int_eq(access(team->trainees[0].out, F_OK), -1);
	ck_assert_int_eq(access(team->trainees[0].checkpoint, F_OK), -1);
	team_free(team);
}
END_TEST

/* Wherever it happens: an error, no file, no waiting. */
START_TEST(a_lost_rank_ends_the_run)
{
	static const size_t calls[] = {1, 2, 8, 20, 40, 100, 1000};
	struct team *team = team_new(2);

	for (size_t i = 0; i < OFA_ARRAY_LEN(calls); i++) {
		team->ranks.lose_at = calls[i];
		for (int r = 0; r < 2; r++) {
			team->ranks.ranks[r].calls = 0;
			team->ranks.ranks[r].comm.lost = false;
		}
		team_train(team);
		for (int r = 0; r < 2; r++) {
			const enum ofa_status st = team->trainees[r].status;

			/* What the others did not say may make a loss that is no number. */
			ck_assert_msg(st == OFA_ERR_IO || st == OFA_ERR_INVALID, "%zu: %s", calls[i],
				      ofa_status_name(st));
			ck_assert(team->ranks.ranks[r].comm.lost && !team->ranks.ranks[r].comm.agreed);
		}
		ck_assert_int_eq(access(team->trainees[0].out, F_OK), -1);
	}
	team_free(team);
}
END_TEST

/* ---- recalibration ---- */

struct recalibration {
	const struct ofa_supernet *net;
	struct ofa_plan plan;
	const float *x;
	int n;
	struct ofa_comm *comm;
	struct ofa_bn_stats stats;
	enum ofa_status status;
};

static void *recalibrate(void *arg)
{
	struct recalibration *r = arg;

	r->status = ofa_calibrate(r->net, &r->plan, r->x, r->n, 8, r->comm, NULL, &r->stats, NULL);
	return NULL;
}

static double largest_change(const struct recalibration *a, const struct recalibration *b)
{
	double largest = 0;

	for (int l = 0; l < a->plan.n_layers; l++) {
		for (int c = 0; a->stats.mean[l] && c < a->plan.layers[l].c_out; c++) {
			double scale = sqrt((double)a->stats.var[l][c]) + 1e-3;
			double mean = fabs((double)a->stats.mean[l][c] - (double)b->stats.mean[l][c]) / scale;
			double var = fabs((double)a->stats.var[l][c] - (double)b->stats.var[l][c]) / (scale * scale);

			largest = fmax(largest, fmax(mean, var));
		}
	}
	return largest;
}

/* Also where the last batch has an image for one of them only. */
START_TEST(ranks_recalibrate_as_one_does)
{
	enum { RANKS = 3, N = 17 };
	struct trainee maker;
	struct ofa_error err = {0};
	struct ofa_supernet *net;
	struct thread_ranks ranks;
	struct recalibration parts[RANKS], alone = {0};
	pthread_t threads[RANKS];
	struct ofa_arch arch;
	struct ofa_rng rng;
	float x[N * TINY_SIDE * TINY_SIDE];

	trainee_init(&maker, 0, NULL);
	maker.recipe.n_phases = 1;
	train(&maker);
	ASSERT_OK(maker.status, &maker.err);
	ASSERT_OK(ofa_supernet_load(maker.out, &net, &err), &err);
	ofa_arch_largest(&net->space, &arch);
	arch.image_size = TINY_SIDE;
	ofa_rng_init(&rng, 3);
	for (size_t i = 0; i < OFA_ARRAY_LEN(x); i++)
		x[i] = ofa_rng_normal(&rng);
	alone = (struct recalibration){.net = net, .x = x, .n = N};
	ofa_plan_init(&net->space, &net->params, &arch, &alone.plan);
	thread_ranks_init(&ranks, RANKS);
	for (int i = 0; i < RANKS; i++) {
		parts[i] = alone;
		parts[i].comm = &ranks.ranks[i].comm;
		ck_assert_int_eq(pthread_create(&threads[i], NULL, recalibrate, &parts[i]), 0);
	}
	recalibrate(&alone);
	ck_assert_int_eq(alone.status, OFA_OK);
	for (int i = 0; i < RANKS; i++) {
		pthread_join(threads[i], NULL);
		ck_assert_int_eq(parts[i].status, OFA_OK);
		ck_assert(largest_change(&alone, &parts[i]) < 1e-5);
		ck_assert(largest_change(&parts[0], &parts[i]) <= 0);
	}
	for (int i = 0; i < RANKS; i++)
		ofa_bn_stats_release(&parts[i].stats);
	ofa_bn_stats_release(&alone.stats);
	thread_ranks_release(&ranks);
	ofa_supernet_free(net);
	trainee_release(&maker);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		two_ranks_train_as_one_does,
		three_ranks_train_as_one_does,
		four_ranks_train_as_one_does,
		ranks_repeat_themselves_interrupted_or_not,
		the_network_tells_its_ranks,
		ranks_with_other_data_are_refused,
		ranks_with_another_recipe_are_refused,
		the_failure_of_one_is_everybodys,
		ranks_that_diverge_are_found,
		a_lost_rank_ends_the_run,
		ranks_recalibrate_as_one_does,
	};

	return run_tests("ranks", tests, OFA_ARRAY_LEN(tests));
}
