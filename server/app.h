/* The daemon: everything it holds, made once at start and passed down. */
#ifndef OFAD_APP_H
#define OFAD_APP_H

#include "access/limits.h"
#include "access/tokens.h"
#include "access_log.h"
#include "audit.h"
#include "http/server.h"
#include "jobs/timers.h"
#include "jobs/workers.h"
#include "listen.h"
#include "log.h"
#include "metrics/requests.h"
#include "replicas.h"
#include "service/bindings.h"
#include "service/calibrations.h"
#include "service/deliveries.h"
#include "service/exports.h"
#include "service/idempotency.h"
#include "service/jobs.h"
#include "service/ledger.h"
#include "service/networks.h"
#include "service/package_keeper.h"
#include "service/packages.h"
#include "service/rebuilding.h"
#include "service/profiles.h"
#include "service/question_memo.h"
#include "service/samples.h"
#include "settings.h"
#include "sign/signer.h"
#include "store/store.h"

struct app {
	const struct settings *settings;
	struct log log;
	struct line_file *access_log, *audit_log; /* NULL: none */
	struct metrics *metrics;
	struct request_metrics requests;
	double started_at; /* seconds since 1970 */
	struct networks *networks;
	int lock_fd; /* of the data directory */
	int database_fd; /* of the lock beside a database that is a file; -1 */
	struct store *store;
	struct tokens *tokens;
	struct limits *address_limits, *token_limits; /* NULL: none */
	struct access_proxies proxies;
	struct tls *tls; /* NULL: plain HTTP */
	struct profiles *profiles;
	struct calibrations *calibrations;
	struct packages *packages;
	struct package_keeper *keeper; /* of the packages */
	struct rebuilds rebuilds;
	struct exports *exports;
	struct signer *signer;
	struct bindings *bindings;
	struct samples *samples;
	struct workers *workers;
	struct workers *fetchers; /* for what waits for packages or the database of other machines; or NULL */
	struct workers *background; /* one thread, for what is done ahead of being asked for */
	struct deliveries *deliveries;
	struct ledger *ledger;
	struct question_memo *memo;
	unsigned max_connections; /* as the settings say, or fewer */
	struct listener listener, admin_listener;
	struct timers *timers;
	struct jobs *jobs;
	struct idempotency *idempotency;
	struct replicas *replicas; /* NULL: the database is ours alone */
	struct http_server *server;
	struct http_server *admin; /* for probes, while the other one is full or draining; or NULL */
	char audit_path[AUDIT_PATH_MAX];
	bool anonymous_allowed; /* callers need no token as long as there is none */
	atomic_bool draining; /* no new work is begun */
	atomic_bool cancel;   /* work under way is to end */
};

/* Loads, opens and starts everything; the self-tests of the networks are under way when it returns.  On
 * failure nothing is left. */
enum ofa_status app_start(struct app *app, const struct settings *settings, struct ofa_error *err) OFA_MUST_CHECK;
/* Reads again what may change while the server runs; what cannot be read stays as it was, and the log says so. */
void app_reload(struct app *app);
/* Lets what is under way end, for at most the drain time of the settings, then ends it; frees all. */
void app_stop(struct app *app);

#endif
