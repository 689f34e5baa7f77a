#include "train/log.h"
#include <errno.h>
#include <string.h>

enum ofa_status ofa_train_log_open(struct ofa_train_log *log, const char *path, bool append, struct ofa_error *err)
{
	*log = (struct ofa_train_log){.path = path};
	if (!path)
		return OFA_OK;
	log->file = fopen(path, append ? "ae" : "we");
	return log->file ? OFA_OK : ofa_fail(err, OFA_ERR_IO, path, "cannot be written: %s", strerror(errno));
}

enum ofa_status ofa_train_log_line(struct ofa_train_log *log, json_t *owned, struct ofa_error *err)
{
	if (!owned)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory for a log line");
	enum ofa_status status = OFA_OK;
	if (log->file && (json_dumpf(owned, log->file, JSON_COMPACT | JSON_REAL_PRECISION(7)) ||
			  fputc('\n', log->file) == EOF || fflush(log->file)))
		status = ofa_fail(err, OFA_ERR_IO, log->path, "cannot be written: %s", strerror(errno));
	json_decref(owned);
	return status;
}

void ofa_train_log_close(struct ofa_train_log *log)
{
	if (log->file)
		fclose(log->file);
	log->file = NULL;
}
