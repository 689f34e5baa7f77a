#include "device_eval.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "accuracy.h"
#include "progress.h"
#include "timing.h"

#define CHUNK 16 /* images that a thread takes at a time */

struct job {
	const struct ofa_device_model *model;
	const struct ofa_dataset *data;
	unsigned n;
	atomic_uint next, done, right;
	atomic_bool out_of_memory;
	struct cli_bar bar; /* the first thread's */
};

/* What a thread works in. */
struct workspace {
	void *arena;
	float *x, *logits;
	uint8_t *pixels;
};

static bool workspace_init(const struct ofa_device_model *m, struct workspace *w)
{
	const size_t n = (size_t)m->height * m->width * m->channels;

	w->arena = cli_device_new_arena(m);
	w->x = malloc(n * sizeof *w->x);
	w->logits = malloc(m->classes * sizeof *w->logits);
	w->pixels = malloc(n);
	return w->arena && w->x && w->logits && w->pixels;
}

static void workspace_release(struct workspace *w)
{
	free(w->arena);
	free(w->x);
	free(w->logits);
	free(w->pixels);
}

/* An int8 device has neither floats nor resized ones: its camera's pixels are bytes. */
static enum ofa_device_status run_int8(const struct ofa_device_model *m, const struct workspace *w)
{
	const size_t n = (size_t)m->height * m->width * m->channels;

	for (size_t i = 0; i < n; i++) {
		const uint32_t c = (uint32_t)(i % m->channels);
		const float p = roundf((w->x[i] * m->std[c] + m->mean[c]) * 255.0f);

		w->pixels[i] = p <= 0 ? 0 : p >= 255 ? 255 : (uint8_t)p;
	}
	ofa_device_put_pixels(m, w->pixels, w->arena);
	return ofa_device_run(m, w->arena, ofa_device_arena_bytes(m), NULL, w->logits);
}

static bool classifies(const struct job *job, const struct workspace *w, uint32_t image)
{
	const struct ofa_device_model *m = job->model;
	enum ofa_device_status status;
	uint8_t label;

	ofa_dataset_batch(job->data, &image, 1, (int)m->height, m->mean, m->std, NULL, 0, 0, w->x, &label);
	status = m->type == OFA_DEVICE_INT8
	                 ? run_int8(m, w)
	                 : ofa_device_run(m, w->arena, ofa_device_arena_bytes(m), w->x, w->logits);
	return status == OFA_DEVICE_OK && cli_is_right(w->logits, (int)m->classes, label);
}

static void work(void *ctx, unsigned thread, unsigned threads)
{
	struct job *job = ctx;
	struct workspace w = {0};
	unsigned begin;

	(void)threads;
	if (!workspace_init(job->model, &w))
		atomic_store(&job->out_of_memory, true);
	while (!atomic_load(&job->out_of_memory) && (begin = atomic_fetch_add(&job->next, CHUNK)) < job->n) {
		const unsigned end = begin + CHUNK < job->n ? begin + CHUNK : job->n;

		for (unsigned i = begin; i < end; i++)
			atomic_fetch_add(&job->right, classifies(job, &w, i));
		atomic_fetch_add(&job->done, end - begin);
		if (thread == 0)
			cli_bar_show(&job->bar, atomic_load(&job->done), job->n);
	}
	workspace_release(&w);
}

enum ofa_status cli_device_evaluate(const struct cli_device_model *d, const struct ofa_dataset *data, int n,
                                    struct ofa_pool *pool, struct cli_device_result *ret, struct ofa_error *err)
{
	struct job job = {.model = &d->model, .data = data, .n = (unsigned)n};
	const double start = cli_now_ms();

	cli_bar_init(&job.bar, "images");
	ofa_pool_run(pool, work, &job);
	cli_bar_end(&job.bar);
	if (atomic_load(&job.out_of_memory))
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory for the arenas");
	ret->accuracy = (double)atomic_load(&job.right) / n;
	ret->images_per_second = 1e3 * n / (cli_now_ms() - start);
	return OFA_OK;
}
