#include <string.h>
#include "store/location.h"
#include "store/store.h"

const char *store_topic_name(enum store_topic topic)
{
	static const char *const names[STORE_TOPIC_COUNT] = {
		[STORE_TOPIC_PROFILE] = "profile",
		[STORE_TOPIC_TOKENS] = "tokens",
		[STORE_TOPIC_DELIVERY] = "delivery",
		[STORE_TOPIC_JOB] = "job",
	};

	return names[topic];
}

/* Whose database it is, and what its driver is to be told. */
static enum ofa_status choose(const char *url, const char *dir, const struct store_driver **ret_driver,
			      char path[STORE_PATH_MAX], const char **ret_location, struct ofa_error *err)
{
	enum ofa_status st = store_file(url, dir, path, err);

	if (st != OFA_OK)
		return st;
	if (!path[0] && !store_url_shared(url))
		return ofa_fail(err, OFA_ERR_INVALID, "--store",
				"--store is \"%.*s...\"; sqlite:FILE and postgresql://USER@HOST/NAME are accepted",
				(int)strcspn(url, ":/@"), url);
	*ret_driver = path[0] ? &store_sqlite : &store_postgresql;
	*ret_location = path[0] ? path : url;
	return OFA_OK;
}

enum ofa_status store_open(const char *url, const char *dir, const struct store_options *opt, struct store **ret,
			   struct ofa_error *err)
{
	const struct store_driver *driver;
	char path[STORE_PATH_MAX];
	const char *location;
	enum ofa_status st = choose(url, dir, &driver, path, &location, err);

	return st == OFA_OK ? driver->open(location, opt, ret, err) : st;
}

enum ofa_status store_check(const char *url, const char *dir, bool *ret_tokens, struct ofa_error *err)
{
	const struct store_driver *driver;
	char path[STORE_PATH_MAX];
	const char *location;
	enum ofa_status st = choose(url, dir, &driver, path, &location, err);

	return st == OFA_OK ? driver->check(location, ret_tokens, err) : st;
}
