#include "base/comm.h"

#include <stdio.h>
#include <string.h>

#include "base/sha256.h"

static bool alone(const struct ofa_comm *c)
{
	return ofa_comm_size(c) == 1;
}

void ofa_comm_sum_floats(struct ofa_comm *c, float *v, size_t n)
{
	if (!alone(c) && !c->lost)
		c->lost = !c->driver->sum_floats(c->ctx, v, n);
}

void ofa_comm_sum_doubles(struct ofa_comm *c, double *v, size_t n)
{
	if (!alone(c) && !c->lost)
		c->lost = !c->driver->sum_doubles(c->ctx, v, n);
}

static void broadcast_from(struct ofa_comm *c, int root, void *data, size_t size)
{
	if (!alone(c) && !c->lost)
		c->lost = !c->driver->broadcast(c->ctx, root, data, size);
}

void ofa_comm_broadcast(struct ofa_comm *c, void *data, size_t size)
{
	broadcast_from(c, 0, data, size);
}

/* What a rank says of its failure; as bytes, since all ranks run one build. */
struct report {
	enum ofa_status status;
	char field[OFA_FIELD_MAX];
	char message[sizeof(((struct ofa_error *)0)->message)];
};

static int first_failed(struct ofa_comm *c, enum ofa_status status)
{
	double failed[OFA_MAX_RANKS] = {0};
	int first = 0;

	failed[c->rank] = status != OFA_OK;
	ofa_comm_sum_doubles(c, failed, (size_t)c->size);
	while (first + 1 < c->size && failed[first] == 0)
		first++;
	return first;
}

static enum ofa_status lost(enum ofa_status status, struct ofa_error *err)
{
	return status ? status
		      : ofa_fail(err, OFA_ERR_IO, "rank", "another rank of the run cannot be reached any more");
}

static enum ofa_status spread_failure(struct ofa_comm *c, enum ofa_status status, struct ofa_error *err)
{
	int first = first_failed(c, status);
	struct report r = {.status = status};

	if (err && status) {
		memcpy(r.field, err->field, sizeof r.field);
		memcpy(r.message, err->message, sizeof r.message);
	}
	broadcast_from(c, first, &r, sizeof r);
	if (c->lost)
		return lost(status, err);
	c->agreed = true;
	if (err) {
		err->status = r.status;
		memcpy(err->field, r.field, sizeof r.field);
		memcpy(err->message, r.message, sizeof r.message);
		if (first > 0)
			ofa_error_prefix(err, "rank %d", first);
	}
	return r.status;
}

enum ofa_status ofa_comm_agree(struct ofa_comm *c, enum ofa_status status, struct ofa_error *err)
{
	double failures = status != OFA_OK;

	if (alone(c))
		return status;
	ofa_comm_sum_doubles(c, &failures, 1);
	if (c->lost)
		return lost(status, err);
	return failures == 0 ? OFA_OK : spread_failure(c, status, err);
}

enum ofa_status ofa_comm_compare(struct ofa_comm *c, const void *data, size_t size, const char *what,
				 struct ofa_error *err)
{
	uint8_t own[OFA_SHA256_BYTES], first[OFA_SHA256_BYTES];

	if (alone(c))
		return OFA_OK;
	ofa_sha256(data, size, own);
	memcpy(first, own, sizeof first);
	ofa_comm_broadcast(c, first, sizeof first);
	if (memcmp(own, first, sizeof own) == 0)
		return OFA_OK;
	return ofa_fail(err, OFA_ERR_MISMATCH, what, "not the same on this rank as on rank 0");
}
