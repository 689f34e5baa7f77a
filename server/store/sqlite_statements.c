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
};
/* clang-format on */
