#include "store/sqlite_conn.h"

/* clang-format off */
const char *const db_statement_sql[DB_STATEMENT_COUNT] = {
	[PROFILE_EXISTS] =
		"SELECT 1 FROM profiles WHERE name = ?1",
	[PROFILE_PUT] =
		"INSERT INTO profiles (name, content, sha256, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?4) "
		"ON CONFLICT (name) DO UPDATE SET content = ?2, sha256 = ?3, updated_at = ?4",
	[PROFILE_GET] =
		"SELECT content FROM profiles WHERE name = ?1",
	[PROFILE_DELETE] =
		"DELETE FROM profiles WHERE name = ?1",
	[PROFILE_LIST] =
		"SELECT name, sha256, created_at, updated_at FROM profiles WHERE name > ?1 ORDER BY name LIMIT ?2",
	[DELIVERY_PUT] =
		"INSERT INTO deliveries (question, subnet, size_bytes, network, arch, profile, limits, seed, "
		"evaluations, manifest, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) "
		"ON CONFLICT (question) DO NOTHING",
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
};
/* clang-format on */
