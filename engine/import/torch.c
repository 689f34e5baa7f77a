#include "import/torch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALIGNMENT 64 /* of each tensor's copy */
#define MAX_QUOTED 60

static enum ofa_status out_of_memory(struct ofa_error *err)
{
	return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
}

/* The first keys of a dict, for messages. */
static void list_keys(const struct ofa_pickle *p, uint32_t dict, char *out, size_t cap)
{
	size_t at = 0;
	int n = 0;

	out[0] = '\0';
	for (uint32_t i = p->values[dict].items.first; i && n < 5 && at < cap; i = p->items[i].next, n++) {
		const struct ofa_pickled *key = &p->values[p->items[i].key];
		bool text = key->kind == OFA_PICKLED_STRING;
		int size = text && key->text.n < MAX_QUOTED ? (int)key->text.n : MAX_QUOTED;

		at += (size_t)snprintf(out + at, cap - at, "%s%.*s", n ? ", " : "", text ? size : 1,
				       text ? (const char *)key->text.p : "?");
	}
}

static bool has_tensor(const struct ofa_pickle *p, uint32_t dict)
{
	for (uint32_t i = p->values[dict].items.first; i; i = p->items[i].next)
		if (p->values[p->items[i].value].kind == OFA_PICKLED_TENSOR)
			return true;
	return false;
}

static enum ofa_status find_state_dict(struct ofa_torch *t, struct ofa_error *err)
{
	static const char *const containers[] = {"state_dict", "model", "state_dict_ema", "net"};
	const struct ofa_pickle *p = &t->pickle;
	char keys[256];

	if (p->values[p->root].kind != OFA_PICKLED_DICT)
		return ofa_fail(err, OFA_ERR_FORMAT, "pickle", "the checkpoint is %s where a state dict is expected",
				ofa_pickled_kind_name(p->values[p->root].kind));
	t->dict = p->root;
	t->container = "";
	if (has_tensor(p, t->dict))
		return OFA_OK;
	for (size_t i = 0; i < OFA_ARRAY_LEN(containers); i++) {
		uint32_t v = ofa_pickled_lookup(p, p->root, containers[i]);

		if (v && p->values[v].kind == OFA_PICKLED_DICT && has_tensor(p, v)) {
			t->dict = v;
			t->container = containers[i];
			return OFA_OK;
		}
	}
	list_keys(p, p->root, keys, sizeof(keys));
	return ofa_fail(err, OFA_ERR_FORMAT, "pickle",
			"no state dict in the checkpoint, whose keys are [%s]; it may be the checkpoint itself or its "
			"\"state_dict\", \"model\", \"state_dict_ema\" or \"net\"",
			keys);
}

static int compare_keys(const struct ofa_pickled_storage *a, const struct ofa_pickled_storage *b)
{
	if (a->key_size != b->key_size)
		return a->key_size < b->key_size ? -1 : 1;
	return memcmp(a->key, b->key, a->key_size);
}

static int by_key(const void *a, const void *b)
{
	return compare_keys(((const struct ofa_torch_data *)a)->storage, ((const struct ofa_torch_data *)b)->storage);
}

struct ofa_torch_data *ofa_torch_find(const struct ofa_torch *t, const uint8_t *key, size_t key_size)
{
	struct ofa_pickled_storage s = {.key = key, .key_size = key_size};
	const struct ofa_torch_data wanted = {.storage = &s};

	return t->n_data ? bsearch(&wanted, t->data, t->n_data, sizeof(*t->data), by_key) : NULL;
}

uint64_t ofa_torch_data_size(const struct ofa_torch_data *d)
{
	return d->storage->elements * ofa_dtype_size(d->storage->dtype);
}

/* One row per key; storages of one key must agree. */
static enum ofa_status index_storages(struct ofa_torch *t, struct ofa_error *err)
{
	size_t n = t->pickle.n_storages, kept = 0;

	t->data = calloc(n + 1, sizeof(*t->data));
	t->data_of = calloc(n + 1, sizeof(*t->data_of));
	if (!t->data || !t->data_of)
		return out_of_memory(err);
	for (size_t i = 0; i < n; i++) {
		const struct ofa_pickled_storage *s = &t->pickle.storages[i];

		if (s->elements > OFA_CHECKPOINT_MAX_BYTES / ofa_dtype_size(s->dtype))
			return ofa_fail(err, OFA_ERR_LIMIT, "pickle",
					"a storage of %llu elements is larger than the %llu bytes that are read",
					(unsigned long long)s->elements, (unsigned long long)OFA_CHECKPOINT_MAX_BYTES);
		t->data[i].storage = s;
	}
	qsort(t->data, n, sizeof(*t->data), by_key);
	for (size_t i = 0; i < n; i++) {
		const struct ofa_pickled_storage *s = t->data[i].storage,
						 *before = kept ? t->data[kept - 1].storage : NULL;

		if (!before || compare_keys(s, before) != 0)
			t->data[kept++] = t->data[i];
		else if (s->dtype != before->dtype || s->elements != before->elements)
			return ofa_fail(err, OFA_ERR_FORMAT, "pickle",
					"the pickle is damaged: storage %.*s is described in two ways",
					s->key_size < MAX_QUOTED ? (int)s->key_size : MAX_QUOTED, (const char *)s->key);
	}
	t->n_data = kept;
	for (size_t i = 0; i < n; i++)
		t->data_of[i] = (size_t)(ofa_torch_find(t, t->pickle.storages[i].key, t->pickle.storages[i].key_size) -
					 t->data);
	return OFA_OK;
}

static const struct ofa_pickled_tensor *tensor_of(const struct ofa_torch *t, const struct ofa_pickled_item *item)
{
	return &t->pickle.tensors[t->pickle.values[item->value].integer];
}

static enum ofa_status check_entry(const struct ofa_pickle *p, const struct ofa_pickled_item *item,
				   struct ofa_error *err)
{
	const struct ofa_pickled *key = &p->values[item->key], *value = &p->values[item->value];
	char name[OFA_CHECKPOINT_MAX_NAME];

	if (key->kind != OFA_PICKLED_STRING || key->text.n == 0 || key->text.n >= sizeof(name) ||
	    memchr(key->text.p, 0, key->text.n))
		return ofa_fail(err, OFA_ERR_FORMAT, "pickle",
				"a tensor's name must be a string of 1 to %zu bytes, not %s", sizeof(name) - 1,
				ofa_pickled_kind_name(key->kind));
	memcpy(name, key->text.p, key->text.n);
	name[key->text.n] = '\0';
	if (value->kind != OFA_PICKLED_TENSOR)
		return ofa_fail(err, OFA_ERR_FORMAT, name, "\"%s\" in the state dict is %s where a tensor is expected",
				name, ofa_pickled_kind_name(value->kind));
	return OFA_OK;
}

static enum ofa_status mark_needed(struct ofa_torch *t, struct ofa_error *err)
{
	const struct ofa_pickle *p = &t->pickle;

	if (p->values[t->dict].items.n > OFA_CHECKPOINT_MAX_TENSORS)
		return ofa_fail(err, OFA_ERR_LIMIT, "pickle", "the state dict has %u tensors, at most %d are read",
				p->values[t->dict].items.n, OFA_CHECKPOINT_MAX_TENSORS);
	for (uint32_t i = p->values[t->dict].items.first; i; i = p->items[i].next) {
		enum ofa_status st = check_entry(p, &p->items[i], err);

		if (st != OFA_OK)
			return st;
		t->data[t->data_of[tensor_of(t, &p->items[i])->storage]].needed = true;
	}
	return OFA_OK;
}

enum ofa_status ofa_torch_init(struct ofa_pickle *pickle, struct ofa_torch *ret, struct ofa_error *err)
{
	struct ofa_torch t = {.pickle = *pickle};
	enum ofa_status st;

	*pickle = (struct ofa_pickle){0};
	st = find_state_dict(&t, err);
	if (st == OFA_OK)
		st = index_storages(&t, err);
	if (st == OFA_OK)
		st = mark_needed(&t, err);
	if (st != OFA_OK)
		ofa_torch_release(&t);
	else
		*ret = t;
	return st;
}

void ofa_torch_release(struct ofa_torch *t)
{
	ofa_pickle_release(&t->pickle);
	free(t->data);
	free(t->data_of);
	*t = (struct ofa_torch){0};
}

/* Copies the elements in row-major order: odometer over all dimensions but the last, which is a strided run. */
static void gather(const struct ofa_pickled_tensor *s, const uint8_t *from, size_t width, uint8_t *to)
{
	int64_t index[OFA_TENSOR_MAX_RANK] = {0};
	int last = s->rank - 1;
	int64_t run = s->rank ? s->shape[last] : 1, step = s->rank ? s->stride[last] : 1;

	for (uint64_t done = 0; done < s->elements; done += (uint64_t)run) {
		const uint8_t *p = from;
		int d;

		for (d = 0; d < last; d++)
			p += (size_t)(index[d] * s->stride[d]) * width;
		if (step == 1 || run == 1) {
			memcpy(to, p, (size_t)run * width);
		} else {
			for (int64_t i = 0; i < run; i++)
				memcpy(to + (size_t)i * width, p + (size_t)(i * step) * width, width);
		}
		to += (size_t)run * width;
		for (d = last - 1; d >= 0 && ++index[d] == s->shape[d]; d--)
			index[d] = 0;
	}
}

/* Bytes of the copies and of the names; refuses views that add up to much more than what they are views of. */
static enum ofa_status measure(const struct ofa_torch *t, size_t *ret_bytes, size_t *ret_names, struct ofa_error *err)
{
	const struct ofa_pickle *p = &t->pickle;
	uint64_t bytes = 0, stored = 0, most;
	size_t names = 0;

	for (size_t i = 0; i < t->n_data; i++)
		if (t->data[i].needed)
			stored += ofa_torch_data_size(&t->data[i]);
	most = stored < OFA_CHECKPOINT_MAX_BYTES / OFA_CHECKPOINT_MAX_SHARING ? stored * OFA_CHECKPOINT_MAX_SHARING
									      : OFA_CHECKPOINT_MAX_BYTES;
	for (uint32_t i = p->values[t->dict].items.first; i; i = p->items[i].next) {
		const struct ofa_pickled_tensor *s = tensor_of(t, &p->items[i]);

		bytes += s->elements * ofa_dtype_size(p->storages[s->storage].dtype);
		if (bytes > most)
			return ofa_fail(err, OFA_ERR_LIMIT, "pickle",
					"the tensors take more than %llu bytes, %d times those of their storages: they "
					"share too much",
					(unsigned long long)most, OFA_CHECKPOINT_MAX_SHARING);
		names += p->values[p->items[i].key].text.n + 1;
	}
	/* Each tensor may need as much again to be aligned. */
	*ret_bytes = (size_t)bytes + (size_t)p->values[t->dict].items.n * ALIGNMENT;
	*ret_names = names;
	return OFA_OK;
}

static void collect_one(const struct ofa_torch *t, const struct ofa_pickled_item *item, struct ofa_tensor *to,
			char **name, uint8_t **at)
{
	const struct ofa_pickled *key = &t->pickle.values[item->key];
	const struct ofa_pickled_tensor *s = tensor_of(t, item);
	const struct ofa_pickled_storage *storage = &t->pickle.storages[s->storage];
	size_t width = ofa_dtype_size(storage->dtype);

	*to = (struct ofa_tensor){.name = *name, .dtype = storage->dtype, .rank = s->rank, .data = *at};
	memcpy(*name, key->text.p, key->text.n);
	*name += key->text.n;
	*(*name)++ = '\0';
	memcpy(to->shape, s->shape, sizeof(to->shape));
	to->size = (size_t)s->elements * width;
	gather(s, t->data[t->data_of[s->storage]].bytes + (size_t)(storage->offset + s->offset) * width, width, *at);
	*at += (to->size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

enum ofa_status ofa_torch_collect(const struct ofa_torch *t, struct ofa_checkpoint *c, struct ofa_error *err)
{
	const struct ofa_pickle *p = &t->pickle;
	size_t bytes = 0, names = 0;
	enum ofa_status st = measure(t, &bytes, &names, err);
	uint8_t *at;
	char *name;

	if (st != OFA_OK)
		return st;
	c->data = aligned_alloc(ALIGNMENT, (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
	c->names = malloc(names ? names : 1);
	c->tensors = calloc(p->values[t->dict].items.n + 1, sizeof(*c->tensors));
	if (!c->data || !c->names || !c->tensors)
		return out_of_memory(err);
	c->container = t->container;
	at = c->data;
	name = c->names;
	for (uint32_t i = p->values[t->dict].items.first; i; i = p->items[i].next)
		collect_one(t, &p->items[i], &c->tensors[c->n_tensors++], &name, &at);
	return OFA_OK;
}
