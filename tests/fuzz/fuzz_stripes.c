/* Any bytes as a plan of an int8 arena: operations, their windows, moves, and what lies over what.  A package with that
 * plan is written, everything else of it sound.  What the loader accepts must give the same logits as the same
 * operations with a place for every value, and touch nothing outside its arena; what no such plan is must be refused.
 *
 * With libFuzzer, from the source tree, new inputs going to new-inputs/:
 *	clang -g -O1 -fsanitize=fuzzer,address,undefined -Idevice -Iengine -Itests/device tests/fuzz/fuzz_stripes.c \
 *		device/?*.c engine/base/rng.c -lm -o fuzz_stripes
 *	mkdir -p new-inputs && ./fuzz_stripes new-inputs tests/fuzz/corpus/stripes */
#include "int8_package.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEAD_BYTES = 6, OP_BYTES = 8, MOST_OPS = 12, CLASSES = 5, MOST_BYTES = 1 << 20, UNIT = OFA_FMT_INT8_ALIGN };
enum { APART = 1 << 14 }; /* from one value's own place to the next */

/* A value that may be added: where it lies in the plan, and in the arena where all lie apart. */
struct value {
	uint32_t place, h, w, c, apart;
};

struct plan {
	struct int8_package tight, apart;
	struct value values[2 * MOST_OPS + 4];
	uint32_t n_values;
};

static void remember(struct plan *p, uint32_t place, uint32_t h, uint32_t w, uint32_t c, uint32_t apart)
{
	p->values[p->n_values++] = (struct value){place, h, w, c, apart};
}

/* The latest of those with that place and shape is what there would be. */
static const struct value *latest(const struct plan *p, const struct value *v)
{
	const struct value *found = v;

	for (const struct value *i = v; i < p->values + p->n_values; i++)
		if (i->place == v->place && i->h == v->h && i->w == v->w && i->c == v->c)
			found = i;
	return found;
}

static void add_residual(struct plan *p, struct ofa_device_op *tight, struct ofa_device_op *apart, uint32_t choice)
{
	const struct value *v = NULL;

	for (uint32_t i = 0; i < p->n_values; i++) {
		const struct value *at = &p->values[(i + choice) % p->n_values];

		if (at->h == tight->h_out && at->w == tight->w_out && at->c == tight->c_out)
			v = v ? v : at;
	}
	if (!v)
		return;
	v = latest(p, v);
	tight->residual = v->place;
	apart->residual = v->apart;
}

static uint32_t side(const struct ofa_device_op *op, uint32_t in)
{
	if (op->kind == OFA_FMT_AVERAGE_POOL)
		return (in + op->k - 1) / op->k;
	return in + 2 * op->pad < op->k ? 0 : (in + 2 * op->pad - op->k) / op->stride + 1;
}

/* Kinds, most often those that form groups; kernel, stride and padding that the kind may have. */
static void set_kind(struct ofa_device_op *op, const uint8_t *b)
{
	static const uint8_t kinds[] = {OFA_FMT_CONV, OFA_FMT_DWCONV,   OFA_FMT_CONV,         OFA_FMT_DWCONV,
					OFA_FMT_SE,   OFA_FMT_MAX_POOL, OFA_FMT_AVERAGE_POOL, OFA_FMT_ADD};

	op->kind = kinds[b[0] % 8];
	op->k = op->stride = 1;
	op->residual = op->scratch = OFA_FMT_NONE;
	if (op->kind == OFA_FMT_SE) {
		op->hidden = 1 + b[1] % 9;
		return;
	}
	if (op->kind == OFA_FMT_CONV || op->kind == OFA_FMT_DWCONV)
		op->act = b[0] / 8 % 4;
	if (op->kind == OFA_FMT_ADD)
		return;
	op->k = 1 + b[1] % 5;
	op->stride = 1 + b[1] / 8 % 2;
	op->pad = b[1] / 16 % op->k;
	if (op->kind == OFA_FMT_AVERAGE_POOL) {
		op->k = op->stride;
		op->pad = 0;
	}
}

/* One more operation on the last one's output; false when that cannot be. */
static int add_op(struct plan *p, const uint8_t *b)
{
	const uint32_t n = p->tight.n_ops;
	struct ofa_device_op *op = &p->tight.ops[n], *apart = &p->apart.ops[n];
	const struct ofa_device_op *before = op - 1;

	memset(op, 0, sizeof(*op));
	set_kind(op, b);
	op->h_in = n ? before->h_out : p->tight.h;
	op->w_in = n ? before->w_out : p->tight.w;
	op->c_in = n ? before->c_out : p->tight.c;
	op->h_out = side(op, op->h_in);
	op->w_out = side(op, op->w_in);
	op->c_out = op->kind == OFA_FMT_CONV ? 1u + b[2] % 12 : op->c_in;
	op->origin = n ? before->out : p->tight.input;
	op->in = b[5] % 4 == 3 ? b[6] * UNIT : op->origin;
	op->out = op->kind == OFA_FMT_SE ? op->in : b[3] * UNIT;
	op->rows = op->kind == OFA_FMT_CONV || op->kind == OFA_FMT_DWCONV ? b[4] % 8 : 0;
	if (op->h_out == 0 || op->w_out == 0)
		return 0;
	*apart = *op;
	apart->rows = 0;
	apart->in = apart->origin = n ? apart[-1].out : p->apart.input;
	apart->out = op->kind == OFA_FMT_SE ? apart->in : (n + 1) * APART;
	if (op->kind == OFA_FMT_SE) {
		op->scratch = b[4] * UNIT;
		apart->scratch = (MOST_OPS + 3) * APART;
	}
	if (op->in != op->origin)
		remember(p, op->in, op->h_in, op->w_in, op->c_in, apart->in);
	if (op->kind == OFA_FMT_ADD || (op->kind == OFA_FMT_CONV && b[5] / 4 % 2))
		add_residual(p, op, apart, b[7]);
	if (op->kind == OFA_FMT_ADD && op->residual == OFA_FMT_NONE)
		return 0;
	if (op->residual != OFA_FMT_NONE)
		op->act = apart->act = op->act % 3;
	remember(p, op->out, op->h_out, op->w_out, op->c_out, apart->out);
	p->tight.n_ops = p->apart.n_ops = n + 1;
	return 1;
}

/* Mean and classifier, where nothing else is. */
static void add_end(struct int8_package *p, uint32_t place)
{
	const struct ofa_device_op *before = &p->ops[p->n_ops - 1];
	struct ofa_device_op *pool = &p->ops[p->n_ops++], *linear = &p->ops[p->n_ops++];

	*pool = (struct ofa_device_op){.kind = OFA_FMT_GLOBAL_POOL, .k = 1, .stride = 1, .h_out = 1, .w_out = 1};
	pool->h_in = before->h_out;
	pool->w_in = before->w_out;
	pool->c_in = pool->c_out = before->c_out;
	pool->in = pool->origin = before->out;
	pool->out = place;
	pool->residual = pool->scratch = OFA_FMT_NONE;
	*linear = *pool;
	linear->kind = OFA_FMT_LINEAR;
	linear->h_in = linear->w_in = 1;
	linear->c_out = CLASSES;
	linear->in = linear->origin = place;
	linear->out = place + 4 * UNIT;
}

static int make_plan(const uint8_t *data, size_t size, struct plan *p)
{
	memset(p, 0, sizeof(*p));
	if (size < HEAD_BYTES + OP_BYTES)
		return 0;
	p->tight.h = 1 + data[0] % 12;
	p->tight.w = 1 + data[1] % 12;
	p->tight.c = 1 + data[2] % OFA_FMT_MAX_INPUT_CHANNELS;
	p->tight.input = data[3] * UNIT;
	p->tight.arena_bytes = 256 * UNIT + 8 * UNIT;
	p->tight.seed = data[4];
	p->apart = p->tight;
	p->apart.input = 0;
	p->apart.arena_bytes = (MOST_OPS + 4) * APART;
	remember(p, p->tight.input, p->tight.h, p->tight.w, p->tight.c, 0);
	for (size_t at = HEAD_BYTES; at + OP_BYTES <= size && p->tight.n_ops < MOST_OPS; at += OP_BYTES)
		if (!add_op(p, data + at))
			break;
	if (p->tight.n_ops == 0)
		return 0;
	add_end(&p->tight, 256 * UNIT);
	add_end(&p->apart, (MOST_OPS + 2) * APART);
	return 1;
}

/* 0 when the loader refuses it. */
static int run(const struct int8_package *p, int8_t *logits)
{
	struct ofa_device_model m;
	size_t size;
	uint8_t *package = int8_package_new(p, MOST_BYTES, &size), *exact = malloc(size), *arena;
	const enum ofa_device_status status = ofa_device_load(memcpy(exact, package, size), size, &m, NULL);

	free(package);
	if (status == OFA_DEVICE_OK) {
		arena = malloc(m.arena_bytes);
		memset(arena, 0x55, m.arena_bytes);
		ofa_device_put_pixels(&m, m.pixels, arena);
		if (ofa_device_run_int8(&m, arena, m.arena_bytes, NULL, logits) != OFA_DEVICE_OK)
			abort();
		free(arena);
	} else if (status != OFA_DEVICE_ERR_ARENA_RANGE && status != OFA_DEVICE_ERR_DATAFLOW &&
		   status != OFA_DEVICE_ERR_GROUP) {
		abort(); /* everything but the plan is sound */
	}
	free(exact);
	return status == OFA_DEVICE_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct plan plan;
	int8_t logits[CLASSES], want[CLASSES];

	if (!make_plan(data, size, &plan))
		return 0;
	if (!run(&plan.apart, want))
		abort(); /* nothing lies over anything */
	if (run(&plan.tight, logits) && memcmp(logits, want, CLASSES) != 0)
		abort();
	return 0;
}
