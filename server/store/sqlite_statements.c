#include "store/sqlite_conn.h"

#define MEASUREMENT_COLUMNS \
	"number, subnet, author, device, latency_ms, p50_ms, p95_ms, accuracy, profile, profile_revision, " \
	"predicted_ms, created_at"

/* clang-format off */
const char *const db_statement_sql[DB_STATEMENT_COUNT] = {
	[PROFILE_STATE] =
		"SELECT n.revision, n.deleted_at IS NOT NULL, r.sha256 FROM profile_names n "
		"JOIN profile_revisions r ON r.name = n.name AND r.revision = n.revision WHERE n.name = ?1",
	[PROFILE_PUT] =
		"INSERT INTO profile_names (name, revision, created_at, updated_at) VALUES (?1, ?2, ?3, ?3) "
		"ON CONFLICT (name) DO UPDATE SET revision = ?2, updated_at = ?3, deleted_at = NULL, "
		"created_at = CASE WHEN deleted_at IS NULL THEN created_at ELSE ?3 END",
	[PROFILE_GET] =
		"SELECT r.content, r.revision FROM profile_names n "
		"JOIN profile_revisions r ON r.name = n.name AND r.revision = n.revision "
		"WHERE n.name = ?1 AND n.deleted_at IS NULL",
	[PROFILE_DELETE] =
		"UPDATE profile_names SET deleted_at = ?2 WHERE name = ?1",
	[PROFILE_LIST] =
		"SELECT n.name, n.revision, r.sha256, n.created_at, n.updated_at FROM profile_names n "
		"JOIN profile_revisions r ON r.name = n.name AND r.revision = n.revision "
		"WHERE n.deleted_at IS NULL AND n.name > ?1 ORDER BY n.name LIMIT ?2",
	[REVISION_PUT] =
		"INSERT INTO profile_revisions (name, revision, sha256, size_bytes, author, created_at, content) "
		"VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[REVISION_GET] =
		"SELECT content FROM profile_revisions WHERE name = ?1 AND revision = ?2",
	[REVISION_LIST] =
		"SELECT revision, sha256, size_bytes, author, created_at FROM profile_revisions "
		"WHERE name = ?1 AND revision < ?2 ORDER BY revision DESC LIMIT ?3",
	[MEASUREMENT_PUT] =
		"INSERT INTO measurements (subnet, author, device, latency_ms, p50_ms, p95_ms, accuracy, created_at, "
		"profile, profile_revision, predicted_ms) "
		"SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, d.profile, d.profile_revision, d.latency_ms "
		"FROM (SELECT 1) LEFT JOIN (SELECT profile, profile_revision, latency_ms FROM deliveries "
		"WHERE subnet = ?1 AND profile_revision IS NOT NULL AND latency_ms IS NOT NULL "
		"ORDER BY number DESC LIMIT 1) d",
	[MEASUREMENT_PRUNE_DEVICE] =
		"DELETE FROM measurements WHERE subnet = ?1 AND author = ?2 AND device = ?3 AND number <= "
		"(SELECT number FROM measurements WHERE subnet = ?1 AND author = ?2 AND device = ?3 "
		"ORDER BY number DESC LIMIT 1 OFFSET ?4)",
	[MEASUREMENT_PRUNE_SUBNET] =
		"DELETE FROM measurements WHERE subnet = ?1 AND number <= (SELECT number FROM measurements "
		"WHERE subnet = ?1 ORDER BY number DESC LIMIT 1 OFFSET ?2)",
	[MEASUREMENT_LIST] =
		"SELECT " MEASUREMENT_COLUMNS " FROM measurements WHERE subnet = ?1 AND number < ?2 "
		"ORDER BY number DESC LIMIT ?3",
	[MEASUREMENT_OF_PROFILE] =
		"SELECT * FROM (SELECT " MEASUREMENT_COLUMNS " FROM measurements WHERE profile = ?1 AND "
		"profile_revision = ?2 ORDER BY number DESC LIMIT ?3) ORDER BY subnet, author, device, latency_ms",
	[DELIVERY_PUT] =
		"INSERT INTO deliveries (question, subnet, size_bytes, network, arch, profile, limits, seed, "
		"evaluations, manifest, created_at, profile_revision, latency_ms) "
		"VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, nullif(?12, 0), ?13) "
		"ON CONFLICT (question) DO UPDATE SET subnet = ?2, size_bytes = ?3, network = ?4, arch = ?5, "
		"profile = ?6, limits = ?7, seed = ?8, evaluations = ?9, manifest = ?10, created_at = ?11, "
		"profile_revision = nullif(?12, 0), latency_ms = ?13 WHERE subnet = ?14",
	[DELIVERY_BY_QUESTION] =
		"SELECT manifest FROM deliveries WHERE question = ?1",
	[DELIVERY_BY_SUBNET] =
		"SELECT manifest FROM deliveries WHERE subnet = ?1 ORDER BY number LIMIT 1",
	[TOKEN_ADD] =
		"INSERT INTO tokens (id, sha256, name, owner, scopes, created_at, expires) "
		"VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[TOKEN_LIST] =
		"SELECT id, sha256, name, owner, scopes, created_at, expires, revoked_at FROM tokens "
		"ORDER BY created_at, id",
	[TOKEN_REVOKE] =
		"UPDATE tokens SET revoked_at = coalesce(revoked_at, ?2) WHERE id = ?1",
	[TOKEN_PURGE] =
		"DELETE FROM tokens WHERE revoked_at IS NOT NULL OR (expires > 0 AND expires <= ?1)",
	[COUNTER_GET] =
		"SELECT value FROM counters WHERE name = ?1",
	[COUNTER_NEXT] =
		"INSERT INTO counters (name, value) VALUES (?1, max(1, ?2)) "
		"ON CONFLICT (name) DO UPDATE SET value = max(value + 1, ?2) RETURNING value",
	[LEDGER_ADD] =
		"INSERT INTO ledger (network, name, since, deliveries, searches, search_cpu_seconds, fronts, "
		"front_cpu_seconds, packages, pack_cpu_seconds) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) "
		"ON CONFLICT (network) DO UPDATE SET deliveries = deliveries + ?4, searches = searches + ?5, "
		"search_cpu_seconds = search_cpu_seconds + ?6, fronts = fronts + ?7, "
		"front_cpu_seconds = front_cpu_seconds + ?8, packages = packages + ?9, "
		"pack_cpu_seconds = pack_cpu_seconds + ?10",
	[LEDGER_GET] =
		"SELECT since, deliveries, searches, search_cpu_seconds, fronts, front_cpu_seconds, packages, "
		"pack_cpu_seconds FROM ledger WHERE network = ?1",
	[PACKAGE_ADD] =
		"INSERT INTO packages (id, size_bytes, network, network_sha256, created_at, used_at) "
		"VALUES (?1, ?2, ?3, ?4, ?5, ?5) ON CONFLICT (id) DO UPDATE SET dropped_at = NULL, "
		"used_at = max(used_at, ?5), network = ?3, "
		"network_sha256 = CASE WHEN ?4 = '' THEN network_sha256 ELSE ?4 END",
	[PACKAGE_USED] =
		"UPDATE packages SET used_at = ?2 WHERE id = ?1 AND used_at < ?2 AND dropped_at IS NULL",
	[PACKAGE_FIND] =
		"SELECT id, size_bytes, network, network_sha256, used_at, dropped_at IS NOT NULL FROM packages "
		"WHERE id = ?1",
	[PACKAGE_OLDEST] =
		"SELECT id, size_bytes, network, network_sha256, used_at, 0 FROM packages "
		"WHERE dropped_at IS NULL AND used_at < ?1 ORDER BY used_at LIMIT ?2",
	[PACKAGE_DROPPED] =
		"UPDATE packages SET dropped_at = ?3 WHERE id = ?1 AND used_at <= ?2 AND dropped_at IS NULL",
	[PACKAGE_TOTALS] =
		"SELECT count(*), coalesce(sum(size_bytes), 0) FROM packages WHERE dropped_at IS NULL",
};
/* clang-format on */
