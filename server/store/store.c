#include <stdio.h>
#include <string.h>
#include "store/store.h"

#define PATH_BYTES 4096

const char *store_topic_name(enum store_topic topic)
{
	static const char *const names[STORE_TOPIC_COUNT] = {
		[STORE_TOPIC_PROFILE] = "profile",
		[STORE_TOPIC_TOKENS] = "tokens",
		[STORE_TOPIC_DELIVERY] = "delivery",
		[STORE_TOPIC_JOB] = "job",
		[STORE_TOPIC_CANCEL] = "cancel",
	};

	return names[topic];
}

static enum ofa_status open_default(const char *dir, const struct store_options *opt, struct store **ret,
				    struct ofa_error *err)
{
	char path[PATH_BYTES];

	if (snprintf(path, sizeof(path), "%s/ofad.db", dir) >= (int)sizeof(path))
		return ofa_fail(err, OFA_ERR_INVALID, "--data", "the path of the data directory is too long");
	return store_sqlite.open(path, opt, ret, err);
}

bool store_url_shared(const char *url)
{
	return url && (strncmp(url, "postgresql://", 13) == 0 || strncmp(url, "postgres://", 11) == 0);
}

enum ofa_status store_open(const char *url, const char *dir, const struct store_options *opt, struct store **ret,
			   struct ofa_error *err)
{
	static const char file[] = "sqlite:";

	if (!url)
		return open_default(dir, opt, ret, err);
	if (strncmp(url, file, strlen(file)) == 0 && url[strlen(file)])
		return store_sqlite.open(url + strlen(file), opt, ret, err);
	if (store_url_shared(url))
		return store_postgresql.open(url, opt, ret, err);
	return ofa_fail(err, OFA_ERR_INVALID, "--store",
			"--store is \"%.*s...\"; sqlite:FILE and postgresql://USER@HOST/NAME are accepted",
			(int)strcspn(url, ":/@"), url);
}
