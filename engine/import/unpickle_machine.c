#include "import/unpickle_machine.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 64

const char *ofa_pickled_kind_name(enum ofa_pickled_kind kind)
{
	static const char *const names[OFA_PICKLED_COUNT] = {
		[OFA_PICKLED_NONE] = "None",       [OFA_PICKLED_BOOL] = "a boolean",
		[OFA_PICKLED_INT] = "an integer",  [OFA_PICKLED_BIG] = "a big integer",
		[OFA_PICKLED_FLOAT] = "a number",  [OFA_PICKLED_STRING] = "a string",
		[OFA_PICKLED_BYTES] = "bytes",     [OFA_PICKLED_TUPLE] = "a tuple",
		[OFA_PICKLED_LIST] = "a list",     [OFA_PICKLED_DICT] = "a dict",
		[OFA_PICKLED_GLOBAL] = "a name",   [OFA_PICKLED_STORAGE] = "a storage",
		[OFA_PICKLED_TENSOR] = "a tensor",
	};

	return (unsigned)kind < OFA_PICKLED_COUNT ? names[kind] : "unknown";
}

/* The array with room for one more element, doubled when full; NULL past the maximum or without memory. */
static void *grow(void *array, size_t n, size_t *cap, size_t max, size_t width)
{
	size_t want = *cap ? *cap * 2 : FIRST_CAPACITY;
	void *larger;

	if (n < *cap)
		return array;
	if (n >= max)
		return NULL;
	want = want < max ? want : max;
	larger = realloc(array, want * width);
	if (larger)
		*cap = want;
	return larger;
}

static enum ofa_status too_many(size_t n, size_t max, const char *what, struct ofa_error *err)
{
	if (n < max)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	return ofa_fail(err, OFA_ERR_LIMIT, "pickle", "the pickle has more than %zu %s, the most that are read", max,
			what);
}

enum ofa_status ofa_unpickler_push_index(struct ofa_unpickler *u, uint32_t value, struct ofa_error *err)
{
	uint32_t *stack = grow(u->stack, u->n_stack, &u->cap_stack, OFA_PICKLE_MAX_STACK, sizeof(*stack));

	if (!stack)
		return too_many(u->n_stack, OFA_PICKLE_MAX_STACK, "values on its stack", err);
	u->stack = stack;
	u->stack[u->n_stack++] = value;
	return OFA_OK;
}

enum ofa_status ofa_unpickler_push(struct ofa_unpickler *u, struct ofa_pickled value, struct ofa_error *err)
{
	struct ofa_pickled *values =
		grow(u->out.values, u->out.n_values, &u->cap_values, OFA_PICKLE_MAX_VALUES, sizeof(*values));

	if (!values)
		return too_many(u->out.n_values, OFA_PICKLE_MAX_VALUES, "values", err);
	u->out.values = values;
	values[u->out.n_values++] = value;
	return ofa_unpickler_push_index(u, (uint32_t)u->out.n_values - 1, err);
}

enum ofa_status ofa_unpickler_add_item(struct ofa_unpickler *u, uint32_t container, uint32_t key, uint32_t value,
				       struct ofa_error *err)
{
	struct ofa_pickled_item *items =
		grow(u->out.items, u->out.n_items, &u->cap_items, OFA_PICKLE_MAX_ITEMS, sizeof(*items));
	struct ofa_pickled *c = &u->out.values[container];
	uint32_t at = (uint32_t)u->out.n_items;

	if (!items)
		return too_many(u->out.n_items, OFA_PICKLE_MAX_ITEMS, "items in its containers", err);
	u->out.items = items;
	u->out.n_items++;
	items[at] = (struct ofa_pickled_item){.key = key, .value = value};
	if (c->items.last)
		items[c->items.last].next = at;
	else
		c->items.first = at;
	c->items.last = at;
	c->items.n++;
	return OFA_OK;
}

enum ofa_status ofa_unpickler_reserve_storage(struct ofa_unpickler *u, struct ofa_error *err)
{
	struct ofa_pickled_storage *p =
		grow(u->out.storages, u->out.n_storages, &u->cap_storages, OFA_PICKLE_MAX_TENSORS, sizeof(*p));

	if (!p)
		return too_many(u->out.n_storages, OFA_PICKLE_MAX_TENSORS, "storages", err);
	u->out.storages = p;
	return OFA_OK;
}

enum ofa_status ofa_unpickler_reserve_tensor(struct ofa_unpickler *u, struct ofa_error *err)
{
	struct ofa_pickled_tensor *p =
		grow(u->out.tensors, u->out.n_tensors, &u->cap_tensors, OFA_PICKLE_MAX_TENSORS, sizeof(*p));

	if (!p)
		return too_many(u->out.n_tensors, OFA_PICKLE_MAX_TENSORS, "tensors", err);
	u->out.tensors = p;
	return OFA_OK;
}

enum ofa_status ofa_unpickler_begin(struct ofa_unpickler *u, struct ofa_error *err)
{
	enum ofa_status st = ofa_unpickler_push(u, (struct ofa_pickled){.kind = OFA_PICKLED_NONE}, err);

	if (st == OFA_OK)
		st = ofa_unpickler_add_item(u, 0, 0, 0, err);
	if (st == OFA_OK)
		u->out.values[0] = (struct ofa_pickled){.kind = OFA_PICKLED_NONE};
	u->n_stack = 0;
	return st;
}

enum ofa_status ofa_unpickler_memo(struct ofa_unpickler *u, uint64_t at, uint32_t value, struct ofa_error *err)
{
	if (at >= OFA_PICKLE_MAX_MEMO)
		return too_many(OFA_PICKLE_MAX_MEMO, OFA_PICKLE_MAX_MEMO, "memo entries", err);
	while (u->n_memo <= at) {
		uint32_t *memo = grow(u->memo, u->n_memo, &u->cap_memo, OFA_PICKLE_MAX_MEMO, sizeof(*memo));

		if (!memo)
			return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
		u->memo = memo;
		u->memo[u->n_memo++] = 0;
	}
	u->memo[at] = value;
	return OFA_OK;
}

void ofa_unpickler_release(struct ofa_unpickler *u)
{
	ofa_pickle_release(&u->out);
	free(u->stack);
	free(u->memo);
	u->stack = u->memo = NULL;
}

void ofa_pickle_release(struct ofa_pickle *p)
{
	free(p->values);
	free(p->items);
	free(p->storages);
	free(p->tensors);
	*p = (struct ofa_pickle){0};
}

bool ofa_pickled_is_string(const struct ofa_pickle *p, uint32_t v, const char *text)
{
	const struct ofa_pickled *x = &p->values[v];

	return x->kind == OFA_PICKLED_STRING && x->text.n == strlen(text) && memcmp(x->text.p, text, x->text.n) == 0;
}

uint32_t ofa_pickled_lookup(const struct ofa_pickle *p, uint32_t v, const char *key)
{
	uint32_t found = 0;

	if (p->values[v].kind != OFA_PICKLED_DICT)
		return 0;
	for (uint32_t i = p->values[v].items.first; i; i = p->items[i].next)
		if (ofa_pickled_is_string(p, p->items[i].key, key))
			found = p->items[i].value;
	return found;
}
