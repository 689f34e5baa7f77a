#include "pack/pieces.h"

#include <stdlib.h>
#include <string.h>

/* Panels are put together in pieces of this size, or of one panel if that is larger. */
#define PIECE_FLOATS ((size_t)16 << 10)

static size_t largest_panel(const struct ofa_plan *plan)
{
	struct ofa_pack_tensor tensors[OFA_FMT_MAX_OP_TENSORS];
	size_t largest = 0;

	for (int i = 0; i < plan->n_layers; i++) {
		int n = ofa_pack_layer_tensors(&plan->layers[i], tensors);

		for (int j = 0; j < n; j++)
			largest = tensors[j].k > largest ? tensors[j].k : largest;
	}
	return largest * OFA_FMT_PANEL;
}

enum ofa_status ofa_pack_pieces_init(const struct ofa_plan *plan, struct ofa_pack_pieces *ret, struct ofa_error *err)
{
	size_t floats = largest_panel(plan) > PIECE_FLOATS ? largest_panel(plan) : PIECE_FLOATS;
	float *buffer = malloc(floats * sizeof(*buffer));

	if (!buffer)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory to put weights together");
	*ret = (struct ofa_pack_pieces){.buffer = buffer, .floats = floats};
	return OFA_OK;
}

void ofa_pack_pieces_release(struct ofa_pack_pieces *p)
{
	free(p->buffer);
	p->buffer = NULL;
}

static const float *source(const struct ofa_layer_weights *w, const struct ofa_pack_tensor *t)
{
	const float *const arrays[] = {w->w, w->b, w->w2, w->b2};

	return arrays[t->array];
}

/* k rows of n neighbouring outputs; a whole panel is the common case and worth a constant. */
static inline void fill_rows(const float *restrict from, const struct ofa_pack_tensor *t, size_t n, float *restrict to)
{
	for (size_t i = 0; i < t->k; i++)
		for (size_t j = 0; j < n; j++)
			to[i * OFA_FMT_PANEL + j] = from[j * t->o_stride + i * t->t_stride];
}

static void fill_panel(const float *from, const struct ofa_pack_tensor *t, size_t panel, float *to)
{
	const size_t first = panel * OFA_FMT_PANEL;

	from += first * t->o_stride;
	if (t->n - first >= OFA_FMT_PANEL) {
		fill_rows(from, t, OFA_FMT_PANEL, to);
		return;
	}
	memset(to, 0, t->k * OFA_FMT_PANEL * sizeof(*to));
	fill_rows(from, t, t->n - first, to);
}

static enum ofa_status write_panels(struct ofa_pack_pieces *p, const float *from, const struct ofa_pack_tensor *t,
				    const struct ofa_sink *sink, struct ofa_error *err)
{
	const size_t panels = (t->n + OFA_FMT_PANEL - 1) / OFA_FMT_PANEL, panel_floats = t->k * OFA_FMT_PANEL;
	const size_t at_once = p->floats / panel_floats;
	enum ofa_status st = OFA_OK;

	for (size_t i = 0; st == OFA_OK && i < panels; i += at_once) {
		size_t n = panels - i < at_once ? panels - i : at_once;

		for (size_t j = 0; j < n; j++)
			fill_panel(from, t, i + j, p->buffer + j * panel_floats);
		st = sink->write(sink->ctx, p->buffer, n * panel_floats * sizeof(*from), err);
	}
	return st;
}

enum ofa_status ofa_pack_pieces_write(struct ofa_pack_pieces *p, const struct ofa_layer_weights *w,
				      const struct ofa_pack_tensor *t, const struct ofa_sink *sink,
				      struct ofa_error *err)
{
	const float *from = source(w, t);

	if (t->layout == OFA_FMT_PLAIN)
		return sink->write(sink->ctx, from, t->n * sizeof(*from), err);
	return write_panels(p, from, t, sink, err);
}
