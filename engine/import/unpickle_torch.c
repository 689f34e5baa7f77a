#include "import/unpickle_machine.h"

#include <stdio.h>
#include <string.h>

#define MAX_QUOTED 100 /* bytes of a foreign name in a message */

enum global_kind { ORDERED_DICT, REBUILD_TENSOR, REBUILD_PARAMETER, STORAGE_TYPE };

/* All that a state dict asks for. */
static const struct global {
	const char *module, *name;
	enum global_kind kind;
	enum ofa_dtype dtype; /* of a STORAGE_TYPE */
} globals[] = {
	{"collections", "OrderedDict", ORDERED_DICT, 0},
	{"torch._utils", "_rebuild_tensor_v2", REBUILD_TENSOR, 0},
	{"torch._utils", "_rebuild_parameter", REBUILD_PARAMETER, 0},
	{"torch", "FloatStorage", STORAGE_TYPE, OFA_F32},
	{"torch", "DoubleStorage", STORAGE_TYPE, OFA_F64},
	{"torch", "HalfStorage", STORAGE_TYPE, OFA_F16},
	{"torch", "BFloat16Storage", STORAGE_TYPE, OFA_BF16},
	{"torch", "LongStorage", STORAGE_TYPE, OFA_I64},
	{"torch", "IntStorage", STORAGE_TYPE, OFA_I32},
	{"torch", "ShortStorage", STORAGE_TYPE, OFA_I16},
	{"torch", "CharStorage", STORAGE_TYPE, OFA_I8},
	{"torch", "ByteStorage", STORAGE_TYPE, OFA_U8},
	{"torch", "BoolStorage", STORAGE_TYPE, OFA_BOOL},
};

static bool text_is(const uint8_t *p, size_t n, const char *text)
{
	return n == strlen(text) && memcmp(p, text, n) == 0;
}

static int quoted(size_t n)
{
	return n < MAX_QUOTED ? (int)n : MAX_QUOTED;
}

enum ofa_status ofa_unpickler_global(struct ofa_unpickler *u, const uint8_t *module, size_t module_size,
				     const uint8_t *name, size_t name_size, struct ofa_error *err)
{
	const char *m = (const char *)module, *n = (const char *)name;
	char field[2 * MAX_QUOTED + 2];

	for (size_t i = 0; i < OFA_ARRAY_LEN(globals); i++)
		if (text_is(module, module_size, globals[i].module) && text_is(name, name_size, globals[i].name))
			return ofa_unpickler_push(
				u, (struct ofa_pickled){.kind = OFA_PICKLED_GLOBAL, .integer = (int64_t)i}, err);
	snprintf(field, sizeof(field), "%.*s.%.*s", quoted(module_size), m, quoted(name_size), n);
	return ofa_fail(
		err, OFA_ERR_UNSUPPORTED, field,
		"the pickle asks for %s: refused, no code is ever run; a state dict needs only OrderedDict, tensors "
		"and numbers (in Python: torch.save(model.state_dict(), FILE))",
		field);
}

static enum ofa_status malformed(const char *what, struct ofa_error *err)
{
	return ofa_fail(err, OFA_ERR_FORMAT, "pickle", "the pickle is damaged: %s", what);
}

static const struct global *as_global(const struct ofa_unpickler *u, uint32_t v)
{
	return u->out.values[v].kind == OFA_PICKLED_GLOBAL ? &globals[u->out.values[v].integer] : NULL;
}

/* The first items of a tuple or list, and how many it has in all; 0 for other values. */
static uint32_t items_of(const struct ofa_unpickler *u, uint32_t v, uint32_t *ret, uint32_t max)
{
	const struct ofa_pickled *x = &u->out.values[v];
	uint32_t n = 0;

	if (x->kind != OFA_PICKLED_TUPLE && x->kind != OFA_PICKLED_LIST)
		return 0;
	for (uint32_t i = x->items.first; i && n < max; i = u->out.items[i].next)
		ret[n++] = u->out.items[i].value;
	return x->items.n;
}

/* A whole number that is not negative. */
static bool take_count(const struct ofa_unpickler *u, uint32_t v, uint64_t *ret)
{
	const struct ofa_pickled *x = &u->out.values[v];

	if (x->kind != OFA_PICKLED_INT || x->integer < 0)
		return false;
	*ret = (uint64_t)x->integer;
	return true;
}

/* OrderedDict() or, as Python 2 writes it, OrderedDict([[key, value], ..]). */
static enum ofa_status make_ordered_dict(struct ofa_unpickler *u, uint32_t arguments, struct ofa_error *err)
{
	enum ofa_status st = ofa_unpickler_push(u, (struct ofa_pickled){.kind = OFA_PICKLED_DICT}, err);
	uint32_t dict, list, pair[2];
	uint32_t n = items_of(u, arguments, &list, 1);

	if (st != OFA_OK || n == 0)
		return st;
	dict = u->stack[u->n_stack - 1];
	if (n > 1 || u->out.values[list].kind != OFA_PICKLED_LIST)
		return malformed("OrderedDict takes a list of pairs", err);
	for (uint32_t i = u->out.values[list].items.first; i && st == OFA_OK; i = u->out.items[i].next) {
		if (items_of(u, u->out.items[i].value, pair, 2) != 2)
			return malformed("OrderedDict takes a list of pairs", err);
		st = ofa_unpickler_add_item(u, dict, pair[0], pair[1], err);
	}
	return st;
}

/* Is the tensor not empty, no larger than its storage and inside it?  Sets its number of elements. */
static bool fits(const struct ofa_pickled_storage *s, struct ofa_pickled_tensor *t)
{
	uint64_t last = t->offset;

	t->elements = 1;
	if (last >= s->view)
		return false;
	for (int i = 0; i < t->rank; i++) {
		uint64_t n = (uint64_t)t->shape[i], stride = (uint64_t)t->stride[i];

		/* Bounded at each step, so neither product nor sum can overflow. */
		if (n == 0 || n > s->view / t->elements || (n > 1 && stride > (s->view - 1 - last) / (n - 1)))
			return false;
		t->elements *= n;
		last += (n - 1) * stride;
	}
	return true;
}

/* Of (storage, offset, shape, stride, requires_grad, hooks), the first four. */
static enum ofa_status rebuild_tensor(struct ofa_unpickler *u, uint32_t arguments, struct ofa_error *err)
{
	uint32_t v[4] = {0}, shape[OFA_TENSOR_MAX_RANK], stride[OFA_TENSOR_MAX_RANK], rank;
	struct ofa_pickled_tensor t = {0};
	enum ofa_status st;

	if (items_of(u, arguments, v, 4) < 4 || u->out.values[v[0]].kind != OFA_PICKLED_STORAGE ||
	    !take_count(u, v[1], &t.offset))
		return malformed("a tensor is made of a storage, an offset, a shape and strides", err);
	rank = items_of(u, v[2], shape, OFA_TENSOR_MAX_RANK);
	if (rank > OFA_TENSOR_MAX_RANK || items_of(u, v[3], stride, OFA_TENSOR_MAX_RANK) != rank)
		return malformed("a tensor has a shape and strides of the same length, at most 8", err);
	t.rank = (int)rank;
	t.storage = (uint32_t)u->out.values[v[0]].integer;
	for (int i = 0; i < t.rank; i++) {
		uint64_t n, step;

		if (!take_count(u, shape[i], &n) || !take_count(u, stride[i], &step))
			return malformed("shapes and strides are whole numbers, not negative", err);
		t.shape[i] = (int64_t)n;
		t.stride[i] = (int64_t)step;
	}
	if (!fits(&u->out.storages[t.storage], &t))
		return malformed("a tensor is empty or reaches beyond its storage", err);
	st = ofa_unpickler_reserve_tensor(u, err);
	if (st != OFA_OK)
		return st;
	u->out.tensors[u->out.n_tensors++] = t;
	return ofa_unpickler_push(
		u, (struct ofa_pickled){.kind = OFA_PICKLED_TENSOR, .integer = (int64_t)u->out.n_tensors - 1}, err);
}

/* A parameter is its data, the first argument. */
static enum ofa_status rebuild_parameter(struct ofa_unpickler *u, uint32_t arguments, struct ofa_error *err)
{
	uint32_t data = 0;

	if (items_of(u, arguments, &data, 1) < 1 || u->out.values[data].kind != OFA_PICKLED_TENSOR)
		return malformed("a parameter is made of a tensor", err);
	return ofa_unpickler_push_index(u, data, err);
}

enum ofa_status ofa_unpickler_reduce(struct ofa_unpickler *u, uint32_t callable, uint32_t arguments,
				     struct ofa_error *err)
{
	const struct global *g = as_global(u, callable);

	if (!g)
		return ofa_fail(err, OFA_ERR_UNSUPPORTED, "REDUCE", "the pickle calls %s: refused",
				ofa_pickled_kind_name(u->out.values[callable].kind));
	if (u->out.values[arguments].kind != OFA_PICKLED_TUPLE)
		return malformed("a call without a tuple of arguments", err);
	switch (g->kind) {
	case ORDERED_DICT:
		return make_ordered_dict(u, arguments, err);
	case REBUILD_TENSOR:
		return rebuild_tensor(u, arguments, err);
	case REBUILD_PARAMETER:
		return rebuild_parameter(u, arguments, err);
	case STORAGE_TYPE:
		break;
	}
	return ofa_fail(err, OFA_ERR_UNSUPPORTED, g->name, "the pickle calls %s.%s: refused, it only names a type",
			g->module, g->name);
}

/* The older format may say that a storage is a part of another: (key, offset, elements). */
static enum ofa_status take_view(const struct ofa_unpickler *u, uint32_t v, struct ofa_pickled_storage *s,
				 struct ofa_error *err)
{
	uint32_t part[3] = {0};

	if (u->out.values[v].kind == OFA_PICKLED_NONE)
		return OFA_OK;
	if (items_of(u, v, part, 3) != 3 || !take_count(u, part[1], &s->offset) || !take_count(u, part[2], &s->view))
		return malformed("a part of a storage is a key, an offset and a number of elements", err);
	if (s->offset > s->elements || s->view > s->elements - s->offset)
		return malformed("a part of a storage reaches beyond it", err);
	return OFA_OK;
}

/* ("storage", type, key, location, elements) and, in the older format, (..., view). */
enum ofa_status ofa_unpickler_persistent(struct ofa_unpickler *u, uint32_t id, struct ofa_error *err)
{
	uint32_t v[6] = {0}, n = items_of(u, id, v, 6);
	struct ofa_pickled_storage s = {0};
	const struct global *type;
	enum ofa_status st = OFA_OK;

	if (n < 5 || n > 6 || !ofa_pickled_is_string(&u->out, v[0], "storage"))
		return malformed("a persistent id that names no storage", err);
	type = as_global(u, v[1]);
	if (!type || type->kind != STORAGE_TYPE || u->out.values[v[2]].kind != OFA_PICKLED_STRING ||
	    !take_count(u, v[4], &s.elements))
		return malformed("a storage is named by its type, key, location and number of elements", err);
	s.dtype = type->dtype;
	s.key = u->out.values[v[2]].text.p;
	s.key_size = u->out.values[v[2]].text.n;
	s.view = s.elements;
	if (n == 6)
		st = take_view(u, v[5], &s, err);
	if (st == OFA_OK)
		st = ofa_unpickler_reserve_storage(u, err);
	if (st != OFA_OK)
		return st;
	u->out.storages[u->out.n_storages++] = s;
	return ofa_unpickler_push(
		u, (struct ofa_pickled){.kind = OFA_PICKLED_STORAGE, .integer = (int64_t)u->out.n_storages - 1}, err);
}
