#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include "data_dir.h"

enum ofa_status data_dir_make(const char *dir, struct ofa_error *err)
{
	if (mkdir(dir, 0700) == 0 || errno == EEXIST)
		return OFA_OK;
	return ofa_fail(err, OFA_ERR_IO, "--data", "cannot make the data directory %.200s: %s", dir, strerror(errno));
}
