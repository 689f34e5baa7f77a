/* Progressive shrinking end to end on a tiny network and generated images: it learns, it repeats itself
 * byte for byte, and an interrupted run ends where an uninterrupted one does. */
#include <math.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "net/supernet.h"
#include "runner.h"
#include "tiny_training.h"
#include "train/history.h"

enum { STEPS_PER_EPOCH = 11, TOTAL_STEPS = 8 * STEPS_PER_EPOCH };

struct world {
	struct ofa_recipe recipe;
	struct ofa_dataset train, holdout;
	struct ofa_pool *pool;
	char out[600], checkpoint[600], log[600];
	atomic_bool stop;
	const char *from;
	bool record_cost;
	uint64_t stop_at; /* total step at which `stop` is raised; 0: never */
	uint64_t steps;
};

static void world_init(struct world *w, unsigned threads)
{
	struct ofa_error err = {0};
	json_t *json = json_loads(tiny_recipe, 0, NULL);

	memset(w, 0, sizeof *w);
	ck_assert_ptr_nonnull(json);
	ASSERT_OK(ofa_recipe_parse(json, &w->recipe, &err), &err);
	json_decref(json);
	w->train = tiny_images();
	ASSERT_OK(ofa_dataset_split(&w->train, TINY_HOLDOUT, w->recipe.seed, &w->holdout, &err), &err);
	ck_assert_int_eq(ofa_pool_new(threads, &w->pool), OFA_OK);
	snprintf(w->out, sizeof w->out, "%s", temporary_path("net.safetensors"));
	snprintf(w->checkpoint, sizeof w->checkpoint, "%s", temporary_path("net.checkpoint"));
	snprintf(w->log, sizeof w->log, "%s", temporary_path("net.log"));
}

static void world_release(struct world *w)
{
	ofa_pool_free(w->pool);
	ofa_dataset_release(&w->train);
	ofa_dataset_release(&w->holdout);
	unlink(w->out);
	unlink(w->checkpoint);
	unlink(w->log);
}

static void watch(void *ctx, const struct ofa_train_progress *p)
{
	struct world *w = ctx;

	w->steps++;
	/* the phases after the first last one epoch each */
	ck_assert_uint_eq(p->total_steps, (uint64_t)(3 + w->recipe.n_phases) * STEPS_PER_EPOCH);
	ck_assert(p->loss > 0 && p->lr > 0 && p->images_per_second > 0);
	if (w->stop_at && p->total_step == w->stop_at)
		atomic_store(&w->stop, true);
}

static enum ofa_status train(struct world *w, bool resume, uint64_t max_steps, struct ofa_error *err)
{
	const struct ofa_train_options opt = {
		.out_path = w->out,
		.tool = "test",
		.log_path = w->log,
		.checkpoint_path = w->checkpoint,
		.resume = resume,
		.from = w->from,
		.max_steps = max_steps,
		.record_cost = w->record_cost,
		.stop = &w->stop,
		.progress = watch,
		.ctx = w,
	};

	return ofa_train_run(&w->recipe, &w->train, &w->holdout, w->pool, &opt, err);
}

static uint8_t *network_bytes(const struct world *w, size_t *ret_size)
{
	struct ofa_error err = {0};
	uint8_t *data = NULL;

	ASSERT_OK(ofa_file_read(w->out, 64 << 20, &data, ret_size, &err), &err);
	return data;
}

static bool same_network(const struct world *w, const uint8_t *bytes, size_t size)
{
	size_t n;
	uint8_t *data = network_bytes(w, &n);
	bool same = n == size && memcmp(data, bytes, n) == 0;

	free(data);
	return same;
}

START_TEST(the_same_seed_gives_the_same_bytes)
{
	struct ofa_error err = {0};
	struct world w;
	size_t n;
	uint8_t *a;

	world_init(&w, 2);
	ASSERT_OK(train(&w, false, 0, &err), &err);
	ck_assert_uint_eq(w.steps, TOTAL_STEPS);
	a = network_bytes(&w, &n);
	ASSERT_OK(train(&w, false, 0, &err), &err);
	ck_assert(same_network(&w, a, n));
	w.recipe.seed++;
	ASSERT_OK(train(&w, false, 2, &err), &err);
	ck_assert(!same_network(&w, a, n));
	free(a);
	world_release(&w);
}
END_TEST

/* What the network file says its training took; NAN: nothing. */
static double recorded_cost(const struct world *w)
{
	struct ofa_supernet *net;
	struct ofa_error err = {0};
	const json_t *cpu;
	double seconds;

	ASSERT_OK(ofa_supernet_load(w->out, &net, &err), &err);
	cpu = json_object_get(json_object_get(net->lineage, "cost"), "cpu_seconds");
	seconds = json_is_number(cpu) ? json_number_value(cpu) : NAN;
	ofa_supernet_free(net);
	return seconds;
}

static double cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Over an interruption, and further on from a network; never when it is not asked for. */
START_TEST(the_cost_is_recorded_when_asked)
{
	struct ofa_error err = {0};
	double begin = cpu_seconds(), first, further;
	char earlier[600];
	struct world w;

	world_init(&w, 2);
	w.record_cost = true;
	w.recipe.n_phases--;
	w.stop_at = 4 * STEPS_PER_EPOCH;
	ASSERT_FAILS(train(&w, false, 0, NULL), OFA_ERR_CANCELLED);
	first = cpu_seconds() - begin;
	w.stop_at = 0;
	atomic_store(&w.stop, false);
	ASSERT_OK(train(&w, true, 0, &err), &err);
	ck_assert_double_gt(recorded_cost(&w), 0.5 * first);
	ck_assert_double_le(recorded_cost(&w), cpu_seconds() - begin);
	first = recorded_cost(&w);
	snprintf(earlier, sizeof earlier, "%.500s.earlier", w.out);
	ck_assert_int_eq(rename(w.out, earlier), 0);
	w.recipe.n_phases++;
	w.from = earlier;
	ASSERT_OK(train(&w, false, 0, &err), &err);
	further = recorded_cost(&w);
	ck_assert_double_gt(further, first);
	ck_assert_double_le(further, cpu_seconds() - begin);
	w.record_cost = false;
	ASSERT_OK(train(&w, false, 0, &err), &err);
	ck_assert(isnan(recorded_cost(&w)));
	/* what went before is not known: neither is the sum */
	w.recipe.n_phases--;
	w.from = NULL;
	ASSERT_OK(train(&w, false, 0, &err), &err);
	ck_assert_int_eq(rename(w.out, earlier), 0);
	w.recipe.n_phases++;
	w.from = earlier;
	w.record_cost = true;
	ASSERT_OK(train(&w, false, 0, &err), &err);
	ck_assert(isnan(recorded_cost(&w)));
	unlink(earlier);
	world_release(&w);
}
END_TEST

/* Stopped in the middle of the first phase, at a phase's last step, within a sorted phase; and by
 * max_steps, which writes a network too. */
START_TEST(an_interrupted_run_ends_in_the_same_bytes)
{
	static const uint64_t stops[] = {7, 4 * STEPS_PER_EPOCH, 4 * STEPS_PER_EPOCH + 1, 6 * STEPS_PER_EPOCH + 5};
	struct ofa_error err = {0};
	struct world w;
	size_t n;
	uint8_t *a;

	world_init(&w, 1);
	ASSERT_OK(train(&w, false, 0, &err), &err);
	a = network_bytes(&w, &n);
	w.steps = 0;
	for (size_t i = 0; i < OFA_ARRAY_LEN(stops); i++) {
		w.stop_at = stops[i];
		atomic_store(&w.stop, false);
		ASSERT_FAILS(train(&w, i > 0, 0, NULL), OFA_ERR_CANCELLED);
		ck_assert_uint_eq(w.steps, stops[i]);
	}
	w.stop_at = 0;
	atomic_store(&w.stop, false);
	ASSERT_OK(train(&w, true, 10, &err), &err);
	ck_assert(!same_network(&w, a, n));
	ASSERT_OK(train(&w, true, 0, &err), &err);
	ck_assert_uint_eq(w.steps, TOTAL_STEPS);
	ck_assert(same_network(&w, a, n));
	free(a);
	world_release(&w);
}
END_TEST

/* The log's text as a history. */
static void history_of_log(const struct world *w, const struct ofa_supernet *net, struct ofa_history *ret)
{
	struct ofa_error err = {0};
	uint8_t *text;
	size_t size;

	ASSERT_OK(ofa_file_read(w->log, 1 << 20, &text, &size, &err), &err);
	ASSERT_OK(ofa_train_log_history(net, (const char *)text, size, ret, &err), &err);
	free(text);
}

static void check_history(const struct world *w, const struct ofa_history *h)
{
	ck_assert_str_eq(h->measured_on, "32 images held out of training, 12 x 12 pixels");
	ck_assert_uint_eq(h->n_phases, (size_t)w->recipe.n_phases);
	ck_assert_uint_eq(h->n_evaluations, h->n_phases);
	for (size_t i = 0; i < h->n_phases; i++) {
		const struct ofa_history_evaluation *e = &h->evaluations[i];

		ck_assert_str_eq(h->phases[i].name, w->recipe.phases[i].name);
		ck_assert_double_eq_tol(h->phases[i].begin_epoch, i ? 3 + (double)i : 0, 1e-6);
		ck_assert_double_eq_tol(h->phases[i].epochs, i ? 1 : 4, 1e-6);
		ck_assert_int_eq(e->phase, (int)i);
		ck_assert_double_eq_tol(e->epoch, 4 + (double)i, 1e-6);
		ck_assert(e->largest > 0.2 && e->largest <= 1);
		ck_assert(i ? e->smallest > 0.2 && e->smallest <= 1 : isnan(e->smallest));
	}
}

/* The file tells how accuracy went, over an interruption too, and the log says the same. */
START_TEST(the_history_is_recorded)
{
	struct ofa_history recorded, logged;
	struct ofa_error err = {0};
	struct ofa_supernet *net;
	json_t *a, *b;
	struct world w;

	world_init(&w, 1);
	w.stop_at = 5 * STEPS_PER_EPOCH + 3;
	ASSERT_FAILS(train(&w, false, 0, NULL), OFA_ERR_CANCELLED);
	w.stop_at = 0;
	atomic_store(&w.stop, false);
	ASSERT_OK(train(&w, true, 0, &err), &err);
	ASSERT_OK(ofa_supernet_load(w.out, &net, &err), &err);
	ASSERT_OK(ofa_history_load(net, &recorded, &err), &err);
	check_history(&w, &recorded);
	history_of_log(&w, net, &logged);
	check_history(&w, &logged);
	a = ofa_history_format(&recorded);
	ASSERT_OK(ofa_history_parse(a, &recorded, &err), &err);
	for (size_t i = 0; i < recorded.n_evaluations; i++) {
		/* the log and the file keep so many digits */
		ck_assert_double_eq_tol(recorded.evaluations[i].largest, logged.evaluations[i].largest, 1e-6);
		if (i)
			ck_assert_double_eq_tol(recorded.evaluations[i].smallest, logged.evaluations[i].smallest, 1e-6);
	}
	b = ofa_history_format(&recorded);
	ck_assert(json_equal(a, b));
	json_decref(a);
	json_decref(b);
	ofa_supernet_free(net);
	/* cut short in its first phase, nothing was measured */
	ASSERT_OK(train(&w, false, 3, &err), &err);
	ASSERT_OK(ofa_supernet_load(w.out, &net, &err), &err);
	ASSERT_OK(ofa_history_load(net, &recorded, &err), &err);
	ck_assert_uint_eq(recorded.n_phases, 0);
	ck_assert_ptr_null(ofa_safetensors_meta(&net->file, "ofa.history"));
	ofa_supernet_free(net);
	world_release(&w);
}
END_TEST

START_TEST(a_foreign_checkpoint_is_refused)
{
	struct ofa_error err = {0};
	struct world w;

	world_init(&w, 1);
	ASSERT_FAILS(train(&w, true, 0, NULL), OFA_ERR_NOT_FOUND);
	ASSERT_OK(train(&w, false, 3, &err), &err);
	w.recipe.phases[0].lr *= 2;
	ASSERT_FAILS(train(&w, true, 0, &err), OFA_ERR_MISMATCH);
	w.recipe.phases[0].lr /= 2;
	ck_assert_int_eq(truncate(w.checkpoint, 5000), 0);
	ASSERT_FAILS(train(&w, true, 0, NULL), OFA_ERR_FORMAT);
	world_release(&w);
}
END_TEST

/* At a phase's end the next one may still be changed, as if the recipe had always said so; one step later not. */
START_TEST(phases_to_come_may_change)
{
	struct ofa_error err = {0};
	struct world w;
	size_t n;
	uint8_t *a;

	world_init(&w, 1);
	w.recipe.phases[1].lr *= 2;
	ASSERT_OK(train(&w, false, 4 * STEPS_PER_EPOCH + 2, &err), &err);
	a = network_bytes(&w, &n);
	w.recipe.phases[1].lr /= 2;
	ASSERT_OK(train(&w, false, 4 * STEPS_PER_EPOCH, &err), &err);
	w.recipe.phases[1].lr *= 2;
	ASSERT_OK(train(&w, true, 2, &err), &err);
	ck_assert(same_network(&w, a, n));
	w.recipe.phases[1].lr /= 2;
	ASSERT_FAILS(train(&w, true, 0, &err), OFA_ERR_MISMATCH);
	ck_assert_ptr_nonnull(strstr(err.message, "had not begun"));
	free(a);
	world_release(&w);
}
END_TEST

/* A network file holds all that a phase taught in place needs; and it must come from the recipe's beginning. */
START_TEST(a_network_can_be_trained_further)
{
	struct ofa_error err = {0};
	struct world w;
	char earlier[600];
	size_t n;
	uint8_t *a;

	world_init(&w, 1);
	ASSERT_OK(train(&w, false, 0, &err), &err);
	a = network_bytes(&w, &n);
	w.recipe.n_phases--;
	ASSERT_OK(train(&w, false, 0, &err), &err);
	snprintf(earlier, sizeof earlier, "%.500s.earlier", w.out);
	ck_assert_int_eq(rename(w.out, earlier), 0);
	w.recipe.n_phases++;
	w.from = earlier;
	w.steps = 0;
	ASSERT_OK(train(&w, false, 0, &err), &err);
	ck_assert_uint_eq(w.steps, STEPS_PER_EPOCH);
	ck_assert(same_network(&w, a, n));
	w.recipe.phases[2].lr *= 2;
	ASSERT_FAILS(train(&w, false, 0, &err), OFA_ERR_MISMATCH);
	ck_assert_ptr_nonnull(strstr(err.message, "begin with the 4 phases"));
	w.recipe.phases[2].lr /= 2;
	w.from = NULL;
	ASSERT_OK(train(&w, false, 3, &err), &err);
	ck_assert_int_eq(rename(w.out, earlier), 0);
	w.from = earlier;
	ASSERT_FAILS(train(&w, false, 0, &err), OFA_ERR_MISMATCH);
	free(a);
	world_release(&w);
}
END_TEST

/* The network after a phase of two subnets a step, both the largest, on top of a whole first phase. */
static struct ofa_supernet *train_twins(struct world *w, bool in_place, float kd)
{
	struct ofa_error err = {0};
	struct ofa_phase *p = &w->recipe.phases[1];
	const struct ofa_train_options opt = {.out_path = w->out};
	struct ofa_supernet *net;

	w->recipe.n_phases = 2;
	*p = (struct ofa_phase){.name = "twins", .subnets = 2, .sandwich = true, .epochs = 1, .lr = 0.05f};
	p->in_place = in_place;
	p->kd = kd;
	ASSERT_OK(ofa_train_run(&w->recipe, &w->train, &w->holdout, w->pool, &opt, &err), &err);
	ASSERT_OK(ofa_supernet_load(w->out, &net, &err), &err);
	return net;
}

static double greatest_difference(const struct ofa_supernet *a, const struct ofa_supernet *b)
{
	double worst = 0;

	for (int i = 0; i < a->params.n; i++)
		for (size_t j = 0; j < a->params.list[i].elements; j++)
			worst = fmax(worst, fabs((double)a->data[i][j] - b->data[i][j]));
	return worst;
}

/* The same augmentation said by the phase changes nothing, none of it does; the other phases keep theirs. */
START_TEST(a_phase_may_augment_by_itself)
{
	struct ofa_error err = {0};
	struct ofa_supernet *net[3];
	struct world w;

	world_init(&w, 1);
	w.recipe.n_phases = 2;
	for (int i = 0; i < 3; i++) {
		struct ofa_phase *p = &w.recipe.phases[1];
		const struct ofa_train_options opt = {.out_path = w.out};

		p->own_augment = i > 0;
		p->augment = i == 1 ? w.recipe.augment : (struct ofa_augment){.scale_min = 1, .scale_max = 1};
		ASSERT_OK(ofa_train_run(&w.recipe, &w.train, &w.holdout, w.pool, &opt, &err), &err);
		ASSERT_OK(ofa_supernet_load(w.out, &net[i], &err), &err);
	}
	ck_assert_double_eq(greatest_difference(net[0], net[1]), 0);
	ck_assert_double_gt(greatest_difference(net[0], net[2]), 1e-3);
	for (int i = 0; i < 3; i++)
		ofa_supernet_free(net[i]);
	world_release(&w);
}
END_TEST

/* Whom the step's largest subnet teaches learns nothing from it if it is the largest too; the network of the
 * first phase, which stays behind, does teach it something. */
START_TEST(a_teacher_in_place_is_the_step_s_largest)
{
	struct world w;

	world_init(&w, 1);
	struct ofa_supernet *none = train_twins(&w, false, 0), *own = train_twins(&w, true, 1),
			    *first = train_twins(&w, false, 1);
	ck_assert_double_lt(greatest_difference(none, own), 1e-4);
	ck_assert_double_gt(greatest_difference(none, first), 1e-3);
	ofa_supernet_free(none);
	ofa_supernet_free(own);
	ofa_supernet_free(first);
	world_release(&w);
}
END_TEST

START_TEST(data_of_another_shape_are_refused)
{
	struct ofa_error err = {0};
	struct world w;

	world_init(&w, 1);
	w.train.classes = 5;
	ASSERT_FAILS(train(&w, false, 0, &err), OFA_ERR_MISMATCH);
	ck_assert_str_eq(err.field, "/space/classes");
	world_release(&w);
}
END_TEST

/* What the run leaves behind: a network that knows the classes, and a log that says so. */
START_TEST(the_network_has_learnt)
{
	struct ofa_error err = {0};
	struct world w;
	struct ofa_supernet *net;
	json_t *line = NULL;
	FILE *log;
	char text[4096];
	int evaluations = 0, phases = 0;

	world_init(&w, 1);
	ASSERT_OK(train(&w, false, 0, &err), &err);
	ASSERT_OK(ofa_supernet_load(w.out, &net, &err), &err);
	ck_assert_str_eq(net->name, "tiny");
	ck_assert_str_eq(net->classes[2], "top");
	ck_assert_int_eq(net->calibration.n, 32);
	ck_assert_int_eq(net->calibration.h, TINY_SIDE);
	ofa_supernet_free(net);
	log = fopen(w.log, "r");
	while (fgets(text, sizeof text, log)) {
		double accuracy = -1;
		const char *event;
		json_decref(line);
		line = json_loads(text, 0, NULL);
		ck_assert_ptr_nonnull(line);
		ck_assert_int_eq(json_unpack(line, "{s:s, s?F}", "event", &event, "holdout_accuracy", &accuracy), 0);
		phases += !strcmp(event, "phase");
		evaluations += !strcmp(event, "evaluation");
		if (!strcmp(event, "evaluation"))
			ck_assert_double_gt(accuracy, 0.6);
	}
	ck_assert_str_eq(json_string_value(json_object_get(line, "event")), "end");
	ck_assert_int_eq(phases, 5);
	ck_assert_int_eq(evaluations, 2 + 4 * 4);
	json_decref(line);
	fclose(log);
	world_release(&w);
}
END_TEST

START_TEST(one_arch_can_be_trained_alone)
{
	struct ofa_error err = {0};
	struct world w;
	struct ofa_arch arch;
	struct ofa_supernet *net;

	world_init(&w, 1);
	ofa_arch_smallest(&w.recipe.space, &arch);
	const struct ofa_train_options opt = {.out_path = w.out, .only = &arch};
	ASSERT_OK(ofa_train_run(&w.recipe, &w.train, &w.holdout, w.pool, &opt, &err), &err);
	ASSERT_OK(ofa_supernet_load(w.out, &net, &err), &err);
	/* The widest channels were never touched: they hold the initial BN statistics. */
	int bn = net->params.blocks[0].expand_bn, n = net->params.list[bn].shape[0];
	ck_assert_float_eq(net->data[bn + 2][n - 1], 0);
	ck_assert_float_eq(net->data[bn + 3][n - 1], 1);
	ck_assert_float_ne(net->data[bn + 2][0], 0);
	ofa_supernet_free(net);
	world_release(&w);
}
END_TEST

START_TEST(a_loss_that_explodes_is_told)
{
	struct ofa_error err = {0};
	struct world w;

	world_init(&w, 1);
	w.recipe.phases[0].lr = 1e30f;
	w.recipe.phases[0].warmup_epochs = 0;
	ASSERT_FAILS(train(&w, false, 0, &err), OFA_ERR_INVALID);
	ck_assert_ptr_nonnull(strstr(err.message, "not finite"));
	world_release(&w);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		the_same_seed_gives_the_same_bytes,
		an_interrupted_run_ends_in_the_same_bytes,
		the_cost_is_recorded_when_asked,
		the_history_is_recorded,
		a_foreign_checkpoint_is_refused,
		phases_to_come_may_change,
		a_network_can_be_trained_further,
		a_phase_may_augment_by_itself,
		a_teacher_in_place_is_the_step_s_largest,
		data_of_another_shape_are_refused,
		the_network_has_learnt,
		one_arch_can_be_trained_alone,
		a_loss_that_explodes_is_told,
	};

	return run_tests("shrink", tests, OFA_ARRAY_LEN(tests));
}
