/* The data directory, and a database that may be elsewhere: the daemon's own, and of the subcommands that work beside
 * it. */
#ifndef OFAD_DATA_DIR_H
#define OFAD_DATA_DIR_H

#include "base/status.h"

/* Makes it when it is missing, for its owner's eyes only. */
enum ofa_status data_dir_make(const char *dir, struct ofa_error *err) OFA_MUST_CHECK;

/* Holds it for this process, of which there may be one: two daemons would each keep in memory what the other changes.
 * *ret_fd is closed to let go; the lock ends with the process, however it ends. */
enum ofa_status data_dir_lock(const char *dir, int *ret_fd, struct ofa_error *err) OFA_MUST_CHECK;
/* The same of a database's file, wherever it is, by a file beside it.  `path` "": there is none, *ret_fd is left. */
enum ofa_status database_lock(const char *path, int *ret_fd, struct ofa_error *err) OFA_MUST_CHECK;

#endif
