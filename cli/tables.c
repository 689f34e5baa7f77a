#include "tables.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/file.h"
#include "import/yaml.h"

static bool table_format(const char *path, enum ofa_table_format *ret)
{
	const char *dot = strrchr(path, '.');

	if (!dot || strchr(dot, '/'))
		return false;
	*ret = strcasecmp(dot, ".json") == 0 ? OFA_TABLE_JSON : OFA_TABLE_YAML;
	return *ret == OFA_TABLE_JSON || strcasecmp(dot, ".yaml") == 0 || strcasecmp(dot, ".yml") == 0;
}

static void note(struct cli_tables *t, const struct ofa_table_report *r)
{
	if (t->dialect[r->dialect].n_files++ == 0)
		t->dialect[r->dialect].first = *r;
	if (t->n_stray == 0)
		memcpy(t->first_stray, r->first_stray, sizeof t->first_stray);
	t->n_stray += r->n_stray;
	t->n_rows += r->n_rows;
}

static enum ofa_status load_file(const char *path, enum ofa_time_unit unit, struct cli_tables *t, struct ofa_error *err)
{
	struct ofa_table_source source = {.unit = unit, .resolution = ofa_table_name_resolution(path)};
	struct ofa_table_report report;
	uint8_t *text;
	enum ofa_status st;

	if (!table_format(path, &source.format))
		return ofa_fail(err, OFA_ERR_INVALID, path, "is named neither .yaml, .yml nor .json");
	if (t->n_files++ == CLI_TABLE_MAX_FILES)
		return ofa_fail(err, OFA_ERR_LIMIT, path, "there are more than %d files", CLI_TABLE_MAX_FILES);
	st = ofa_file_read(path, OFA_YAML_MAX_BYTES, &text, &source.size, err);
	if (st != OFA_OK)
		return st;
	source.text = (const char *)text;
	st = ofa_table_read(&source, &t->profile, &report, err);
	free(text);
	if (st == OFA_OK)
		note(t, &report);
	else
		ofa_error_prefix(err, "%s", path);
	return st;
}

static int is_table(const struct dirent *entry)
{
	enum ofa_table_format format;

	return table_format(entry->d_name, &format);
}

static enum ofa_status load_folder(const char *folder, enum ofa_time_unit unit, struct cli_tables *t,
                                   struct ofa_error *err)
{
	struct dirent **entries;
	int n = scandir(folder, &entries, is_table, alphasort);
	enum ofa_status st = OFA_OK;

	if (n < 0)
		return ofa_fail(err, OFA_ERR_IO, folder, "cannot be read");
	if (n == 0)
		st = ofa_fail(err, OFA_ERR_NOT_FOUND, folder, "has no file named .yaml, .yml or .json");
	for (int i = 0; i < n; i++) {
		char path[PATH_MAX];

		if (st == OFA_OK && snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name) >= PATH_MAX)
			st = ofa_fail(err, OFA_ERR_LIMIT, folder, "a path of it is too long");
		if (st == OFA_OK)
			st = load_file(path, unit, t, err);
		free(entries[i]);
	}
	free(entries);
	return st;
}

enum ofa_status cli_tables_load(const char *const *paths, int n, enum ofa_time_unit unit, struct cli_tables *ret,
                                struct ofa_error *err)
{
	struct cli_tables t = {0};
	enum ofa_status st = OFA_OK;

	ofa_limits_init(&t.profile.limits);
	for (int i = 0; i < n && st == OFA_OK; i++) {
		struct stat info;

		if (stat(paths[i], &info) == 0 && S_ISDIR(info.st_mode))
			st = load_folder(paths[i], unit, &t, err);
		else
			st = load_file(paths[i], unit, &t, err);
	}
	if (st == OFA_OK)
		*ret = t;
	else
		cli_tables_release(&t);
	return st;
}

void cli_tables_release(struct cli_tables *t)
{
	ofa_profile_release(&t->profile);
}
