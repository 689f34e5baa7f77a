#include "import/unpickle_machine.h"

#include <stdlib.h>
#include <string.h>

#define MIN_PROTOCOL 2
#define MAX_PROTOCOL 5

static enum ofa_status malformed(const struct ofa_unpickler *u, const char *what, struct ofa_error *err)
{
	return ofa_fail(err, OFA_ERR_FORMAT, "pickle", "the pickle is damaged: %s at byte %zu of %zu", what, u->at,
			u->size);
}

/* The next n bytes. */
static enum ofa_status take(struct ofa_unpickler *u, uint64_t n, const uint8_t **ret, struct ofa_error *err)
{
	if (n > u->size - u->at)
		return malformed(u, "it ends early", err);
	*ret = u->data + u->at;
	u->at += (size_t)n;
	return OFA_OK;
}

/* A little-endian unsigned number of `width` bytes. */
static enum ofa_status take_number(struct ofa_unpickler *u, int width, uint64_t *ret, struct ofa_error *err)
{
	const uint8_t *p = NULL;
	enum ofa_status st = take(u, (uint64_t)width, &p, err);
	uint64_t v = 0;

	if (st != OFA_OK)
		return st;
	for (int i = width - 1; i >= 0; i--)
		v = v << 8 | p[i];
	*ret = v;
	return OFA_OK;
}

/* A line of text; the newline is taken and not part of it. */
static enum ofa_status take_line(struct ofa_unpickler *u, const uint8_t **ret, size_t *ret_size, struct ofa_error *err)
{
	const uint8_t *p = u->data + u->at;
	const uint8_t *end = memchr(p, '\n', u->size - u->at);

	if (!end)
		return malformed(u, "it ends inside a name", err);
	*ret = p;
	*ret_size = (size_t)(end - p);
	u->at += *ret_size + 1;
	return OFA_OK;
}

/* Values above the last mark, or all of the stack. */
static size_t floor_of(const struct ofa_unpickler *u)
{
	return u->n_marks ? u->marks[u->n_marks - 1] : 0;
}

static enum ofa_status need(const struct ofa_unpickler *u, size_t n, struct ofa_error *err)
{
	return u->n_stack - floor_of(u) < n ? malformed(u, "its stack is empty where a value is needed", err) : OFA_OK;
}

static enum ofa_status pop(struct ofa_unpickler *u, uint32_t *ret, struct ofa_error *err)
{
	enum ofa_status st = need(u, 1, err);

	if (st == OFA_OK)
		*ret = u->stack[--u->n_stack];
	return st;
}

/* Forgets the last mark; the values above it are stack[*ret_begin ..]. */
static enum ofa_status pop_mark(struct ofa_unpickler *u, size_t *ret_begin, struct ofa_error *err)
{
	if (!u->n_marks)
		return malformed(u, "a mark is missing", err);
	*ret_begin = u->marks[--u->n_marks];
	return OFA_OK;
}

/* The container on top of the stack below position `end`. */
static enum ofa_status container_below(const struct ofa_unpickler *u, size_t end, enum ofa_pickled_kind kind,
				       uint32_t *ret, struct ofa_error *err)
{
	if (end <= floor_of(u) || u->out.values[u->stack[end - 1]].kind != kind)
		return malformed(u,
				 kind == OFA_PICKLED_DICT ? "items for something that is no dict"
							  : "items for something that is no list",
				 err);
	*ret = u->stack[end - 1];
	return OFA_OK;
}

static enum ofa_status push_text(struct ofa_unpickler *u, enum ofa_pickled_kind kind, int length_bytes,
				 struct ofa_error *err)
{
	struct ofa_pickled v = {.kind = kind};
	uint64_t n = 0;
	enum ofa_status st = take_number(u, length_bytes, &n, err);

	if (st == OFA_OK)
		st = take(u, n, &v.text.p, err);
	v.text.n = (size_t)(st == OFA_OK ? n : 0);
	return st == OFA_OK ? ofa_unpickler_push(u, v, err) : st;
}

/* Two's complement of any length; up to 8 bytes it is a plain integer. */
static enum ofa_status push_long(struct ofa_unpickler *u, int length_bytes, struct ofa_error *err)
{
	struct ofa_pickled v = {.kind = OFA_PICKLED_INT};
	const uint8_t *p = NULL;
	uint64_t n = 0, bits;
	enum ofa_status st = take_number(u, length_bytes, &n, err);

	if (st == OFA_OK)
		st = take(u, n, &p, err);
	if (st != OFA_OK)
		return st;
	if (n > 8) {
		v.kind = OFA_PICKLED_BIG;
		v.text.p = p;
		v.text.n = (size_t)n;
		return ofa_unpickler_push(u, v, err);
	}
	bits = n && p[n - 1] & 0x80 ? UINT64_MAX : 0;
	for (int i = (int)n - 1; i >= 0; i--)
		bits = bits << 8 | p[i];
	v.integer = (int64_t)bits;
	return ofa_unpickler_push(u, v, err);
}

static enum ofa_status push_none(struct ofa_unpickler *u, struct ofa_error *err)
{
	return ofa_unpickler_push(u, (struct ofa_pickled){.kind = OFA_PICKLED_NONE}, err);
}

static enum ofa_status push_bool(struct ofa_unpickler *u, int value, struct ofa_error *err)
{
	return ofa_unpickler_push(u, (struct ofa_pickled){.kind = OFA_PICKLED_BOOL, .integer = value}, err);
}

static enum ofa_status push_int(struct ofa_unpickler *u, int width, struct ofa_error *err)
{
	struct ofa_pickled v = {.kind = OFA_PICKLED_INT};
	uint64_t bits = 0;
	enum ofa_status st = take_number(u, width, &bits, err);

	if (st != OFA_OK)
		return st;
	v.integer = width == 4 ? (int64_t)(int32_t)(uint32_t)bits : (int64_t)bits;
	return ofa_unpickler_push(u, v, err);
}

/* The only big-endian number of the format. */
static enum ofa_status push_float(struct ofa_unpickler *u, struct ofa_error *err)
{
	struct ofa_pickled v = {.kind = OFA_PICKLED_FLOAT};
	const uint8_t *p = NULL;
	enum ofa_status st = take(u, 8, &p, err);
	uint64_t bits = 0;

	if (st != OFA_OK)
		return st;
	for (int i = 0; i < 8; i++)
		bits = bits << 8 | p[i];
	memcpy(&v.number, &bits, sizeof(bits));
	return ofa_unpickler_push(u, v, err);
}

static enum ofa_status push_string(struct ofa_unpickler *u, int length_bytes, struct ofa_error *err)
{
	return push_text(u, OFA_PICKLED_STRING, length_bytes, err);
}

static enum ofa_status push_bytes(struct ofa_unpickler *u, int length_bytes, struct ofa_error *err)
{
	return push_text(u, OFA_PICKLED_BYTES, length_bytes, err);
}

static enum ofa_status push_container(struct ofa_unpickler *u, int kind, struct ofa_error *err)
{
	return ofa_unpickler_push(u, (struct ofa_pickled){.kind = (enum ofa_pickled_kind)kind}, err);
}

/* A tuple of the values stack[begin ..], which it replaces. */
static enum ofa_status make_tuple(struct ofa_unpickler *u, size_t begin, struct ofa_error *err)
{
	size_t end = u->n_stack;
	enum ofa_status st = push_container(u, OFA_PICKLED_TUPLE, err);
	uint32_t tuple;

	if (st != OFA_OK)
		return st;
	tuple = u->stack[end];
	for (size_t i = begin; i < end && st == OFA_OK; i++)
		st = ofa_unpickler_add_item(u, tuple, 0, u->stack[i], err);
	u->stack[begin] = tuple;
	u->n_stack = begin + 1;
	return st;
}

static enum ofa_status make_short_tuple(struct ofa_unpickler *u, int n, struct ofa_error *err)
{
	enum ofa_status st = need(u, (size_t)n, err);

	return st == OFA_OK ? make_tuple(u, u->n_stack - (size_t)n, err) : st;
}

static enum ofa_status make_marked_tuple(struct ofa_unpickler *u, struct ofa_error *err)
{
	size_t begin = 0;
	enum ofa_status st = pop_mark(u, &begin, err);

	return st == OFA_OK ? make_tuple(u, begin, err) : st;
}

/* The values stack[begin ..] go into the list or, in pairs, the dict below them. */
static enum ofa_status fill(struct ofa_unpickler *u, int kind, size_t begin, struct ofa_error *err)
{
	size_t step = kind == OFA_PICKLED_DICT ? 2 : 1;
	uint32_t container = 0;
	enum ofa_status st = container_below(u, begin, (enum ofa_pickled_kind)kind, &container, err);

	if (st == OFA_OK && (u->n_stack - begin) % step)
		st = malformed(u, "a key without its value", err);
	for (size_t i = begin; i < u->n_stack && st == OFA_OK; i += step)
		st = ofa_unpickler_add_item(u, container, step == 2 ? u->stack[i] : 0, u->stack[i + step - 1], err);
	u->n_stack = begin;
	return st;
}

static enum ofa_status fill_one(struct ofa_unpickler *u, int kind, struct ofa_error *err)
{
	size_t n = kind == OFA_PICKLED_DICT ? 2 : 1;
	enum ofa_status st = need(u, n, err);

	return st == OFA_OK ? fill(u, kind, u->n_stack - n, err) : st;
}

static enum ofa_status fill_marked(struct ofa_unpickler *u, int kind, struct ofa_error *err)
{
	size_t begin = 0;
	enum ofa_status st = pop_mark(u, &begin, err);

	return st == OFA_OK ? fill(u, kind, begin, err) : st;
}

static enum ofa_status mark(struct ofa_unpickler *u, struct ofa_error *err)
{
	if (u->n_marks == OFA_PICKLE_MAX_MARKS)
		return ofa_fail(err, OFA_ERR_LIMIT, "pickle", "the pickle nests deeper than %u levels",
				OFA_PICKLE_MAX_MARKS);
	u->marks[u->n_marks++] = (uint32_t)u->n_stack;
	return OFA_OK;
}

static enum ofa_status drop_to_mark(struct ofa_unpickler *u, struct ofa_error *err)
{
	return pop_mark(u, &u->n_stack, err);
}

static enum ofa_status drop(struct ofa_unpickler *u, struct ofa_error *err)
{
	uint32_t ignored;

	return pop(u, &ignored, err);
}

static enum ofa_status memo_put(struct ofa_unpickler *u, uint64_t at, struct ofa_error *err)
{
	enum ofa_status st = need(u, 1, err);

	return st == OFA_OK ? ofa_unpickler_memo(u, at, u->stack[u->n_stack - 1], err) : st;
}

static enum ofa_status memo_put_at(struct ofa_unpickler *u, int width, struct ofa_error *err)
{
	uint64_t at = 0;
	enum ofa_status st = take_number(u, width, &at, err);

	return st == OFA_OK ? memo_put(u, at, err) : st;
}

static enum ofa_status memo_append(struct ofa_unpickler *u, struct ofa_error *err)
{
	return memo_put(u, u->n_memo, err);
}

static enum ofa_status memo_get(struct ofa_unpickler *u, int width, struct ofa_error *err)
{
	uint64_t at = 0;
	enum ofa_status st = take_number(u, width, &at, err);

	if (st != OFA_OK)
		return st;
	if (at >= u->n_memo || !u->memo[at])
		return malformed(u, "a memo entry that was never written", err);
	return ofa_unpickler_push_index(u, u->memo[at], err);
}

static enum ofa_status global_by_lines(struct ofa_unpickler *u, struct ofa_error *err)
{
	const uint8_t *module = NULL, *name = NULL;
	size_t module_size = 0, name_size = 0;
	enum ofa_status st = take_line(u, &module, &module_size, err);

	if (st == OFA_OK)
		st = take_line(u, &name, &name_size, err);
	return st == OFA_OK ? ofa_unpickler_global(u, module, module_size, name, name_size, err) : st;
}

static enum ofa_status global_from_stack(struct ofa_unpickler *u, struct ofa_error *err)
{
	uint32_t module = 0, name = 0;
	enum ofa_status st = pop(u, &name, err);
	const struct ofa_pickled *m, *n;

	if (st == OFA_OK)
		st = pop(u, &module, err);
	if (st != OFA_OK)
		return st;
	m = &u->out.values[module];
	n = &u->out.values[name];
	if (m->kind != OFA_PICKLED_STRING || n->kind != OFA_PICKLED_STRING)
		return malformed(u, "a global whose name is not text", err);
	return ofa_unpickler_global(u, m->text.p, m->text.n, n->text.p, n->text.n, err);
}

static enum ofa_status reduce(struct ofa_unpickler *u, struct ofa_error *err)
{
	uint32_t arguments = 0, callable = 0;
	enum ofa_status st = pop(u, &arguments, err);

	if (st == OFA_OK)
		st = pop(u, &callable, err);
	return st == OFA_OK ? ofa_unpickler_reduce(u, callable, arguments, err) : st;
}

/* torch hangs a dict "_metadata" (versions of modules) on a state dict: nothing of it is needed. */
static enum ofa_status build(struct ofa_unpickler *u, struct ofa_error *err)
{
	uint32_t state = 0, object;
	enum ofa_status st = pop(u, &state, err);

	if (st == OFA_OK)
		st = need(u, 1, err);
	if (st != OFA_OK)
		return st;
	object = u->stack[u->n_stack - 1];
	if (u->out.values[object].kind != OFA_PICKLED_DICT || u->out.values[state].kind != OFA_PICKLED_DICT)
		return ofa_fail(err, OFA_ERR_UNSUPPORTED, "BUILD",
				"the pickle sets the state of %s: refused, only an OrderedDict may have one",
				ofa_pickled_kind_name(u->out.values[object].kind));
	return OFA_OK;
}

static enum ofa_status persistent(struct ofa_unpickler *u, struct ofa_error *err)
{
	uint32_t id;
	enum ofa_status st = pop(u, &id, err);

	return st == OFA_OK ? ofa_unpickler_persistent(u, id, err) : st;
}

/* Frames only help readers that stream. */
static enum ofa_status frame(struct ofa_unpickler *u, struct ofa_error *err)
{
	uint64_t n = 0;
	enum ofa_status st = take_number(u, 8, &n, err);

	if (st == OFA_OK && n > u->size - u->at)
		st = malformed(u, "a frame reaches beyond the end", err);
	return st;
}

static enum ofa_status protocol_again(struct ofa_unpickler *u, struct ofa_error *err)
{
	return malformed(u, "a second protocol mark", err);
}

static enum ofa_status stop(struct ofa_unpickler *u, struct ofa_error *err)
{
	if (u->n_marks || u->n_stack != 1)
		return malformed(u, "it stops with something else than one value on its stack", err);
	u->out.root = u->stack[0];
	u->stopped = true;
	return OFA_OK;
}

/* How an opcode is run: by one of the two functions; without either its name is all that is known of it. */
struct opcode {
	const char *name;
	enum ofa_status (*run)(struct ofa_unpickler *u, struct ofa_error *err);
	enum ofa_status (*run_with)(struct ofa_unpickler *u, int argument, struct ofa_error *err);
	int argument; /* bytes of a length or number, kind of a container, length of a tuple */
};

static const struct opcode opcodes[256] = {
	['N'] = {"NONE", .run = push_none},
	[0x88] = {"NEWTRUE", .run_with = push_bool, .argument = 1},
	[0x89] = {"NEWFALSE", .run_with = push_bool, .argument = 0},
	['K'] = {"BININT1", .run_with = push_int, .argument = 1},
	['M'] = {"BININT2", .run_with = push_int, .argument = 2},
	['J'] = {"BININT", .run_with = push_int, .argument = 4},
	[0x8a] = {"LONG1", .run_with = push_long, .argument = 1},
	[0x8b] = {"LONG4", .run_with = push_long, .argument = 4},
	['G'] = {"BINFLOAT", .run = push_float},
	['U'] = {"SHORT_BINSTRING", .run_with = push_string, .argument = 1}, /* Python 2 */
	['T'] = {"BINSTRING", .run_with = push_string, .argument = 4},       /* Python 2 */
	[0x8c] = {"SHORT_BINUNICODE", .run_with = push_string, .argument = 1},
	['X'] = {"BINUNICODE", .run_with = push_string, .argument = 4},
	[0x8d] = {"BINUNICODE8", .run_with = push_string, .argument = 8},
	['C'] = {"SHORT_BINBYTES", .run_with = push_bytes, .argument = 1},
	['B'] = {"BINBYTES", .run_with = push_bytes, .argument = 4},
	[0x8e] = {"BINBYTES8", .run_with = push_bytes, .argument = 8},
	[')'] = {"EMPTY_TUPLE", .run_with = push_container, .argument = OFA_PICKLED_TUPLE},
	[']'] = {"EMPTY_LIST", .run_with = push_container, .argument = OFA_PICKLED_LIST},
	['}'] = {"EMPTY_DICT", .run_with = push_container, .argument = OFA_PICKLED_DICT},
	[0x85] = {"TUPLE1", .run_with = make_short_tuple, .argument = 1},
	[0x86] = {"TUPLE2", .run_with = make_short_tuple, .argument = 2},
	[0x87] = {"TUPLE3", .run_with = make_short_tuple, .argument = 3},
	['t'] = {"TUPLE", .run = make_marked_tuple},
	['a'] = {"APPEND", .run_with = fill_one, .argument = OFA_PICKLED_LIST},
	['e'] = {"APPENDS", .run_with = fill_marked, .argument = OFA_PICKLED_LIST},
	['s'] = {"SETITEM", .run_with = fill_one, .argument = OFA_PICKLED_DICT},
	['u'] = {"SETITEMS", .run_with = fill_marked, .argument = OFA_PICKLED_DICT},
	['('] = {"MARK", .run = mark},
	['0'] = {"POP", .run = drop},
	['1'] = {"POP_MARK", .run = drop_to_mark},
	['q'] = {"BINPUT", .run_with = memo_put_at, .argument = 1},
	['r'] = {"LONG_BINPUT", .run_with = memo_put_at, .argument = 4},
	[0x94] = {"MEMOIZE", .run = memo_append},
	['h'] = {"BINGET", .run_with = memo_get, .argument = 1},
	['j'] = {"LONG_BINGET", .run_with = memo_get, .argument = 4},
	['c'] = {"GLOBAL", .run = global_by_lines},
	[0x93] = {"STACK_GLOBAL", .run = global_from_stack},
	['R'] = {"REDUCE", .run = reduce},
	['b'] = {"BUILD", .run = build},
	['Q'] = {"BINPERSID", .run = persistent},
	[0x80] = {"PROTO", .run = protocol_again},
	[0x95] = {"FRAME", .run = frame},
	['.'] = {"STOP", .run = stop},
	/* Never run. */
	[0x81] = {.name = "NEWOBJ"},
	[0x92] = {.name = "NEWOBJ_EX"},
	['i'] = {.name = "INST"},
	['o'] = {.name = "OBJ"},
	[0x82] = {.name = "EXT1"},
	[0x83] = {.name = "EXT2"},
	[0x84] = {.name = "EXT4"},
	['P'] = {.name = "PERSID"},
	['2'] = {.name = "DUP"},
	['I'] = {.name = "INT"},
	['L'] = {.name = "LONG"},
	['F'] = {.name = "FLOAT"},
	['S'] = {.name = "STRING"},
	['V'] = {.name = "UNICODE"},
	['g'] = {.name = "GET"},
	['p'] = {.name = "PUT"},
	['d'] = {.name = "DICT"},
	['l'] = {.name = "LIST"},
	[0x8f] = {.name = "EMPTY_SET"},
	[0x90] = {.name = "ADDITEMS"},
	[0x91] = {.name = "FROZENSET"},
	[0x96] = {.name = "BYTEARRAY8"},
	[0x97] = {.name = "NEXT_BUFFER"},
	[0x98] = {.name = "READONLY_BUFFER"},
};

static enum ofa_status step(struct ofa_unpickler *u, struct ofa_error *err)
{
	const struct opcode *op;

	if (u->at == u->size)
		return malformed(u, "it ends without STOP", err);
	op = &opcodes[u->data[u->at++]];
	if (op->run)
		return op->run(u, err);
	if (op->run_with)
		return op->run_with(u, op->argument, err);
	if (!op->name) {
		u->at--;
		return malformed(u, "no opcode", err);
	}
	return ofa_fail(err, OFA_ERR_UNSUPPORTED, op->name,
			"the pickle uses %s at byte %zu: refused, a state dict needs no such thing", op->name,
			u->at - 1);
}

static enum ofa_status check_protocol(struct ofa_unpickler *u, struct ofa_error *err)
{
	if (u->size < 2 || u->data[0] != 0x80)
		return malformed(u, "no protocol mark, which pickles of protocol 2 to 5 begin with,", err);
	if (u->data[1] < MIN_PROTOCOL || u->data[1] > MAX_PROTOCOL)
		return ofa_fail(err, OFA_ERR_UNSUPPORTED, "PROTO", "the pickle is of protocol %u, %d to %d are read",
				u->data[1], MIN_PROTOCOL, MAX_PROTOCOL);
	u->at = 2;
	return OFA_OK;
}

enum ofa_status ofa_unpickle(const uint8_t *data, size_t size, struct ofa_pickle *ret, struct ofa_error *err)
{
	struct ofa_unpickler *u = calloc(1, sizeof(*u));
	enum ofa_status st;

	if (!u)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	u->data = data;
	u->size = size < OFA_PICKLE_MAX_BYTES ? size : OFA_PICKLE_MAX_BYTES;
	st = check_protocol(u, err);
	if (st == OFA_OK)
		st = ofa_unpickler_begin(u, err);
	while (st == OFA_OK && !u->stopped)
		st = step(u, err);
	if (st == OFA_OK) {
		u->out.size = u->at;
		*ret = u->out;
		u->out = (struct ofa_pickle){0};
	}
	ofa_unpickler_release(u);
	free(u);
	return st;
}
