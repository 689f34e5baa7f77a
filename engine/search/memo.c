#include "search/memo.h"

#include <assert.h>
#include <stdlib.h>

enum ofa_status ofa_memo_init(struct ofa_memo *m, size_t n)
{
	size_t cap = 1024;

	while (cap < 2 * n)
		cap *= 2;
	m->n = 0;
	m->cap = cap;
	m->slots = calloc(cap, sizeof(*m->slots));
	return m->slots ? OFA_OK : OFA_ERR_NOMEM;
}

void ofa_memo_release(struct ofa_memo *m)
{
	free(m->slots);
	m->slots = NULL;
}

/* 0 marks a free slot, so that key moves aside. */
static uint32_t stored(uint64_t key)
{
	uint32_t half = (uint32_t)(key >> 32);

	return half ? half : 1;
}

void ofa_memo_expect(const struct ofa_memo *m, uint64_t key)
{
	__builtin_prefetch(&m->slots[(size_t)key & (m->cap - 1)], 1);
}

struct ofa_memo_slot *ofa_memo_find(const struct ofa_memo *m, uint64_t key)
{
	size_t i = (size_t)key & (m->cap - 1);

	while (m->slots[i].key && m->slots[i].key != stored(key))
		i = (i + 1) & (m->cap - 1);
	return &m->slots[i];
}

void ofa_memo_claim(struct ofa_memo *m, struct ofa_memo_slot *slot, uint64_t key)
{
	assert(!slot->key && m->n < m->cap - 1);
	slot->key = stored(key);
	m->n++;
}
