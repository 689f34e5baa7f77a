/* Published latency tables in any of their dialects -> rows of a device profile.
 *
 * A document maps KEY to {mean, std or var (the square of std), count}; mean is needed, the others are not.  As an
 * alternative it maps resolutions to such tables.  "unit: ms" (or us, s) may stand beside.  In JSON the same, or a
 * whole device profile (cost/profile.h).  The dialect is told from the keys (table_key.h).
 *
 * Resolution: what the document says, else the caller (a file's name), else the input size of the stem; where two of
 * these speak they must agree.  In a table of several image sizes a row belongs to every resolution at which a chain
 * of rows leads from the stem to the row's input.
 *
 * Unit: what the document says, else the caller; where both speak they must agree.  Where neither does, a YAML table
 * of one of the published forms is in milliseconds, as all published ones are; the report says whence that is known.
 * Any other document is refused.
 *
 * Refused too, with the line: whatever yaml.h refuses, means that are not above 0 and finite, keys of no dialect or of
 * two, rows given twice (in one document or in two), more than OFA_PROFILE_MAX_ENTRIES rows. */
#ifndef OFA_IMPORT_TABLE_H
#define OFA_IMPORT_TABLE_H

#include "cost/profile.h"

enum ofa_table_format { OFA_TABLE_YAML, OFA_TABLE_JSON };
enum ofa_table_dialect {
	OFA_TABLE_PROFILE, /* ours */
	OFA_TABLE_MBV3,
	OFA_TABLE_PROXYLESS,
	OFA_TABLE_MBCONV,
	OFA_TABLE_DIALECT_COUNT
};
const char *ofa_table_dialect_name(enum ofa_table_dialect d); /* "profile", "mbv3", ... */

enum ofa_time_unit { OFA_TIME_UNSTATED, OFA_TIME_MS, OFA_TIME_US, OFA_TIME_S, OFA_TIME_COUNT };
const char *ofa_time_unit_name(enum ofa_time_unit u);    /* "ms", ...; NULL for OFA_TIME_UNSTATED */
enum ofa_time_unit ofa_time_unit_find(const char *name); /* or OFA_TIME_UNSTATED */

/* One document and what is known of it beforehand. */
struct ofa_table_source {
	const char *text;
	size_t size;
	enum ofa_table_format format;
	int resolution; /* 0: nothing */
	enum ofa_time_unit unit;
};

/* What was read. */
struct ofa_table_report {
	enum ofa_table_dialect dialect;
	enum ofa_time_unit unit;
	const char *unit_source; /* whence that is known, as a phrase: "as given" */
	size_t n_rows;           /* of the document */
	size_t n_entries;        /* that they became */
	int n_resolutions, lowest, highest;
	size_t n_stray; /* rows that no stem leads to, left out */
	char first_stray[OFA_LATENCY_KEY_MAX];
};

/* Adds the rows to profile->table, which stays sorted.  A device profile's description and runtime are taken where
 * the profile has none, of two limits the smaller (profile->limits must be initialised); profile->name is left alone.
 * On failure nothing changes; the error's field is the key that is to blame, if one is. */
enum ofa_status ofa_table_read(const struct ofa_table_source *s, struct ofa_profile *profile,
			       struct ofa_table_report *ret, struct ofa_error *err) OFA_MUST_CHECK;

/* Is this JSON object to be read as a device profile rather than as a table?  No member's name is a key or a
 * resolution. */
bool ofa_table_json_is_profile(const json_t *json);

/* The resolution that a file's name says, as in "160_lookup_table.yaml" or "160.json"; 0 when it says none. */
int ofa_table_name_resolution(const char *path);

#endif
