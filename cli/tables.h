/* Latency tables of any dialect from files and folders, merged into a profile. */
#ifndef OFA_CLI_TABLES_H
#define OFA_CLI_TABLES_H

#include "import/table.h"

#define CLI_TABLE_MAX_FILES 256

/* Each dialect that was met, with the first file of it and how many there were. */
struct cli_tables {
	struct ofa_profile profile; /* without a name */
	int n_files;
	size_t n_rows;
	struct {
		int n_files;
		struct ofa_table_report first;
	} dialect[OFA_TABLE_DIALECT_COUNT];
	size_t n_stray; /* rows that no stem leads to, left out */
	char first_stray[OFA_LATENCY_KEY_MAX];
};

/* Reads the n paths: files named .yaml, .yml or .json, and folders of such (their other files are passed over).
 * Errors name the file. */
enum ofa_status cli_tables_load(const char *const *paths, int n, enum ofa_time_unit unit, struct cli_tables *ret,
                                struct ofa_error *err) OFA_MUST_CHECK;
void cli_tables_release(struct cli_tables *t);

#endif
