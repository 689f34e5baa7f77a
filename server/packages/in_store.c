/* Packages in the database that the store is in. */
#include <stdlib.h>
#include "packages/package_store.h"
#include "packages/spool.h"
#include "store/store.h"

struct in_store {
	struct package_store base;
	struct store *store; /* borrowed */
	const struct store_package_bytes *functions;
};

static struct in_store *in_store_of(struct package_store *s)
{
	return (struct in_store *)(void *)s;
}

static void in_store_close(struct package_store *base)
{
	package_store_release(base);
	free(in_store_of(base));
}

static enum ofa_status in_store_open(const struct package_location *at, const struct package_store_options *opt,
				     struct package_store **ret, struct ofa_error *err)
{
	struct in_store *s;
	enum ofa_status st;

	(void)at;
	if (!opt->store || !opt->store->driver->package_bytes)
		return ofa_fail(err, OFA_ERR_INVALID, "--packages",
				"--packages postgresql keeps packages in the database that --store names, which is %s; "
				"--store postgresql://... is accepted with it",
				opt->store ? opt->store->driver->name : "none");
	s = calloc(1, sizeof(*s));
	if (!s)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	st = package_store_init(&s->base, &package_store_in_store, opt, err);
	if (st != OFA_OK) {
		in_store_close(&s->base);
		return st;
	}
	s->base.remote = true;
	s->store = opt->store;
	s->functions = opt->store->driver->package_bytes;
	*ret = &s->base;
	return OFA_OK;
}

static enum ofa_status in_store_put(struct package_store *base, const char *id, const uint8_t *data, size_t size,
				    enum package_put how, bool *ret_present, struct ofa_error *err)
{
	struct in_store *s = in_store_of(base);
	const struct store_package package = {.id = id, .data = data, .size = size};

	return s->functions->put(s->store, &package, how == PACKAGE_PUT_REPLACE, ret_present, err);
}

static enum ofa_status take(void *ctx, const void *data, size_t size, struct ofa_error *err)
{
	return spool_write(ctx, data, size, err);
}

static enum ofa_status in_store_get(struct package_store *base, const char *id, struct ofa_map *ret,
				    struct ofa_error *err)
{
	struct in_store *s = in_store_of(base);
	struct spool to;
	const struct store_reader reader = {.take = take, .ctx = &to};
	enum ofa_status st = spool_open(base->fetched_in, PACKAGE_BYTES_MAX, &to, err);

	if (st != OFA_OK)
		return st;
	st = s->functions->get(s->store, id, &reader, err);
	if (st == OFA_OK)
		st = spool_map(&to, ret, err);
	spool_close(&to);
	return st;
}

static enum ofa_status in_store_drop(struct package_store *base, const char *id, struct ofa_error *err)
{
	struct in_store *s = in_store_of(base);

	return s->functions->drop(s->store, id, err);
}

const struct package_store_driver package_store_in_store = {
	.name = "postgresql",
	.open = in_store_open,
	.close = in_store_close,
	.put = in_store_put,
	.get = in_store_get,
	.drop = in_store_drop,
};
