#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "service/question_memo.h"

#define SLOTS 1024 /* a power of two */

struct slot {
	pthread_mutex_t lock;
	uint64_t generation;
	size_t size; /* 0: nothing is here */
	struct job_key key;
	uint8_t body[QUESTION_MEMO_BODY_MAX];
};

struct question_memo {
	struct slot slots[SLOTS];
};

enum ofa_status question_memo_new(struct question_memo **ret, struct ofa_error *err)
{
	struct question_memo *m = calloc(1, sizeof(*m));

	if (!m)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	for (int i = 0; i < SLOTS; i++)
		pthread_mutex_init(&m->slots[i].lock, NULL);
	*ret = m;
	return OFA_OK;
}

void question_memo_free(struct question_memo *m)
{
	for (int i = 0; m && i < SLOTS; i++)
		pthread_mutex_destroy(&m->slots[i].lock);
	free(m);
}

/* FNV-1a chooses the place only: whether the bodies are the same is told by their bytes. */
static struct slot *slot_of(struct question_memo *m, const uint8_t *body, size_t size)
{
	uint64_t h = 0xcbf29ce484222325;

	for (size_t i = 0; i < size; i++)
		h = (h ^ body[i]) * 0x100000001b3;
	return &m->slots[(h ^ h >> 32) % SLOTS];
}

bool question_memo_find(struct question_memo *m, uint64_t generation, const void *body, size_t size,
			struct job_key *ret)
{
	struct slot *s;
	bool found;

	if (size == 0 || size > QUESTION_MEMO_BODY_MAX)
		return false;
	s = slot_of(m, body, size);
	pthread_mutex_lock(&s->lock);
	found = s->size == size && s->generation == generation && memcmp(s->body, body, size) == 0;
	if (found)
		*ret = s->key;
	pthread_mutex_unlock(&s->lock);
	return found;
}

void question_memo_put(struct question_memo *m, uint64_t generation, const void *body, size_t size,
		       const struct job_key *key)
{
	struct slot *s;

	if (size == 0 || size > QUESTION_MEMO_BODY_MAX)
		return;
	s = slot_of(m, body, size);
	pthread_mutex_lock(&s->lock);
	s->generation = generation;
	s->size = size;
	s->key = *key;
	memcpy(s->body, body, size);
	pthread_mutex_unlock(&s->lock);
}
