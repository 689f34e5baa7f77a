/* What --store says, as text: no database is asked. */
#ifndef OFAD_STORE_LOCATION_H
#define OFAD_STORE_LOCATION_H

#include "reach.h"

#define STORE_PATH_MAX 4096

/* May several servers have it together? */
bool store_url_shared(const char *url);
/* For people's eyes: as it is, but for the password. */
void store_url_shown(const char *url, char *out, size_t cap);
/* The file of a "sqlite:FILE" or, for NULL, the one in the data directory `dir`; "" for a database that is no file.
 * OFA_ERR_INVALID when the path is too long. */
enum ofa_status store_file(const char *url, const char *dir, char out[STORE_PATH_MAX],
			   struct ofa_error *err) OFA_MUST_CHECK;
/* The directory that the database is in, or `dir` when it is no file: where what belongs to it is put beside it. */
enum ofa_status store_directory(const char *url, const char *dir, char out[STORE_PATH_MAX],
				struct ofa_error *err) OFA_MUST_CHECK;
/* Adds what is connected to and read while it is in use; nothing for a file.  url NULL is one. */
enum ofa_status store_reach(const char *url, struct reach *r, struct ofa_error *err) OFA_MUST_CHECK;

#endif
