#include "app_packages.h"

enum ofa_status app_open_packages(struct app *app, struct ofa_error *err)
{
	const struct settings *s = app->settings;
	const struct packages_options options = {
		.url = s->packages,
		.dir = s->data,
		.store = app->store,
		.cache_bytes = s->cache_bytes / 2,
	};

	return packages_new(&options, &app->packages, err);
}

enum ofa_status app_check_packages(struct app *app, struct ofa_error *err)
{
	struct ofa_error told = {0};
	enum ofa_status st = package_store_check(packages_store(app->packages), &told);

	if (st == OFA_OK)
		return st;
	if (st != OFA_ERR_UNAVAILABLE && st != OFA_ERR_EXHAUSTED)
		return ofa_fail(err, st, "--packages", "%s", told.message);
	log_message(&app->log, LOG_LEVEL_WARN, "packages cannot be read for the time being: %s", told.message);
	return OFA_OK;
}

enum ofa_status app_start_fetchers(struct app *app, struct ofa_error *err)
{
	const struct workers_options options = {
		.threads = PACKAGES_FETCHES,
		.max_queue = app->settings->max_queue,
	};

	if (!packages_store(app->packages)->remote && !store_sharing(app->store))
		return OFA_OK;
	return workers_new(&options, &app->fetchers, err);
}

enum ofa_status app_keep_packages(struct app *app, struct ofa_error *err)
{
	const struct package_keeper_options keeper = {
		.packages = app->packages,
		.store = app->store,
		.log = &app->log,
		.metrics = app->metrics,
		.max_bytes = app->settings->packages_bytes,
		.max_days = app->settings->packages_days,
	};
	enum ofa_status st = package_keeper_open(&keeper, &app->keeper, err);

	if (st == OFA_OK)
		rebuilds_init(&app->rebuilds, &(struct rebuilds_options){.workers = app->workers,
									 .packages = app->packages,
									 .keeper = app->keeper,
									 .store = app->store,
									 .networks = app->networks,
									 .log = &app->log,
									 .metrics = app->metrics,
									 .closing = &app->cancel});
	return st;
}

void app_close_packages(struct app *app)
{
	if (app->keeper)
		rebuilds_release(&app->rebuilds);
	package_keeper_close(app->keeper);
	packages_free(app->packages);
}
