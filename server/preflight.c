#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "access/generation.h"
#include "app_access.h"
#include "listen.h"
#include "packages/package_store.h"
#include "preflight.h"
#include "sandbox/sandbox.h"
#include "settings_table.h"
#include "sign/signer.h"
#include "store/location.h"
#include "store/store.h"

static enum ofa_status check_networks(const struct settings *s, struct ofa_error *err)
{
	struct networks *networks = NULL;
	enum ofa_status st = settings_complete(s, err);

	if (st == OFA_OK)
		st = networks_load(s->networks, s->n_networks, &networks, err);
	networks_free(networks);
	return st;
}

/* Where the directory is missing, the one that it would be made in is looked at. */
static enum ofa_status check_writable(const char *option, const char *what, const char *dir, struct ofa_error *err)
{
	struct stat info;
	char *slash, *parent;
	bool writable;

	if (stat(dir, &info) == 0) {
		if (S_ISDIR(info.st_mode) && access(dir, R_OK | W_OK | X_OK) == 0)
			return OFA_OK;
		return ofa_fail(err, OFA_ERR_IO, option, "%s %.200s is %s", what, dir,
				S_ISDIR(info.st_mode) ? "not writable" : "no directory");
	}
	parent = strdup(dir);
	if (!parent)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	slash = strrchr(parent, '/');
	if (slash)
		slash[slash == parent] = '\0';
	writable = access(slash ? parent : ".", W_OK | X_OK) == 0;
	free(parent);
	return writable ? OFA_OK
			: ofa_fail(err, OFA_ERR_IO, option, "%s %.200s cannot be made: %s", what, dir,
				   strerror(errno));
}

static enum ofa_status check_data(const struct settings *s, struct ofa_error *err)
{
	return check_writable("--data", "the data directory", s->data, err);
}

/* Nothing is fetched; the data directory need not be there yet. */
static enum ofa_status check_s3(const char *url, struct ofa_error *err)
{
	const struct package_store_options options = {.dir = P_tmpdir};
	struct package_store *store;
	enum ofa_status st = package_store_open(url, &options, &store, err);

	if (st != OFA_OK)
		return st;
	st = package_store_check(store, err);
	package_store_close(store);
	return st;
}

/* A database is looked into by nothing here. */
static enum ofa_status check_packages(const struct settings *s, struct ofa_error *err)
{
	struct package_location at;
	enum ofa_status st = s->packages ? package_location_parse(s->packages, &at, err) : OFA_OK;

	if (st != OFA_OK || !s->packages)
		return st;
	if (at.kind == PACKAGES_IN_DIR)
		return check_writable("--packages", "the directory of packages", at.dir, err);
	if (at.kind == PACKAGES_IN_S3)
		return check_s3(s->packages, err);
	return store_url_shared(s->store)
		       ? OFA_OK
		       : ofa_fail(err, OFA_ERR_INVALID, "--packages",
				  "--packages postgresql keeps packages in the database that --store names: --store "
				  "postgresql://... is needed");
}

static enum ofa_status check_listen(const struct settings *s, struct ofa_error *err)
{
	return listener_check("--listen", s->listen, false, NULL, err);
}

static enum ofa_status check_admin_listen(const struct settings *s, struct ofa_error *err)
{
	return s->admin_listen ? listener_check("--admin-listen", s->admin_listen, true, NULL, err) : OFA_OK;
}

static enum ofa_status check_tls(const struct settings *s, struct ofa_error *err)
{
	struct tls *tls = NULL;
	enum ofa_status st = s->tls_cert && s->tls_key ? access_tls(s, &tls, err) : OFA_OK;

	tls_free(tls);
	return st;
}

static enum ofa_status check_proxies(const struct settings *s, struct ofa_error *err)
{
	struct access_proxies proxies;

	return access_proxies_parse(s->trust_proxy, &proxies, err);
}

/* Those in the data directory, which need not be, only when they are there. */
static enum ofa_status check_keys(const struct settings *s, struct ofa_error *err)
{
	struct key_ring *ring = NULL;
	char dir[SIGNER_DIR_MAX];
	enum ofa_status st = signer_dir(s->keys, s->data, dir, err);

	if (st == OFA_OK)
		st = key_ring_load(dir, &ring, err);
	if (st == OFA_OK && s->keys && ring->n_signing == 0)
		st = signer_no_key(dir, err);
	key_ring_unref(ring);
	return st;
}

/* The data directory has a check of its own, as it may yet be made. */
static enum ofa_status check_directory(void *ctx, const char *directory, enum option_reopened how)
{
	struct ofa_error *err = ctx;

	if (how == REOPENED_WRITE_DIR || access(directory, (how == REOPENED_APPEND ? W_OK : R_OK) | X_OK) == 0)
		return OFA_OK;
	return ofa_fail(err, OFA_ERR_IO, NULL, "the directory %.200s cannot be %s: %s", directory,
			how == REOPENED_APPEND ? "written to" : "read", strerror(errno));
}

static enum ofa_status check_directories(const struct settings *s, struct ofa_error *err)
{
	return settings_reopened(s, check_directory, err);
}

static enum ofa_status check_store(const struct settings *s, struct ofa_error *err)
{
	bool tokens;

	return store_check(s->store, s->data, &tokens, err);
}

/* A file is not looked into: that no token was ever made shows without it. */
static bool no_tokens(const struct settings *s)
{
	char directory[STORE_PATH_MAX];
	bool tokens = true;

	if (store_url_shared(s->store))
		return store_check(s->store, s->data, &tokens, NULL) == OFA_OK && !tokens;
	return store_directory(s->store, s->data, directory, NULL) == OFA_OK && generation_peek(directory) == 0;
}

static enum ofa_status check_exposure(const struct settings *s, struct ofa_error *err)
{
	bool local = true;

	if (listener_check("--listen", s->listen, false, &local, NULL) != OFA_OK)
		return OFA_OK; /* was told already */
	return access_exposure(s, s->listen, local, no_tokens(s), err);
}

static enum ofa_status (*const checks[])(const struct settings *s, struct ofa_error *err) = {
	check_networks,
	check_data,
	check_store,
	check_packages,
	check_listen,
	check_admin_listen,
	check_tls,
	check_proxies,
	check_exposure,
	check_keys,
	check_directories,
	sandbox_check,
};

unsigned preflight(const struct settings *s, FILE *out)
{
	unsigned failed = 0;

	settings_print(s, out);
	for (size_t i = 0; i < OFA_ARRAY_LEN(checks); i++) {
		struct ofa_error err = {0};

		if (checks[i](s, &err) == OFA_OK)
			continue;
		failed++;
		fprintf(stderr, "ofad: %s\n", err.message);
	}
	if (failed == 0)
		fprintf(stderr, "ofad: the configuration would do\n");
	return failed;
}
