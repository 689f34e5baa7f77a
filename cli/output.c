#include "output.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Nine digits bring any float back exactly. */
#define JSON_STYLE (JSON_COMPACT | JSON_REAL_PRECISION(9))

enum ofa_status cli_print_json(json_t *owned, struct ofa_error *err)
{
	int rc;

	if (!owned)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory while writing the JSON answer");
	rc = json_dumpf(owned, stdout, JSON_STYLE);
	json_decref(owned);
	if (rc != 0 || putchar('\n') == EOF || fflush(stdout) != 0)
		return ofa_fail(err, OFA_ERR_IO, NULL, "cannot write to standard output");
	return OFA_OK;
}

enum ofa_status cli_print_one_or_all(json_t *answers, struct ofa_error *err)
{
	return cli_print_json(json_incref(json_array_size(answers) == 1 ? json_array_get(answers, 0) : answers), err);
}

static void print_json_error(enum ofa_status status, const struct ofa_error *err, json_t *feasible)
{
	json_t *answer = json_pack("{s:{s:s,s:s,s:s,s:O*}}", "error", "status", ofa_status_name(status), "field",
	                           err->field, "message", err->message, "feasible", feasible);

	if (!answer)
		return;
	json_dumpf(answer, stdout, JSON_STYLE);
	putchar('\n');
	json_decref(answer);
}

static int tell_failure(const char *command, bool json, enum ofa_status status, const struct ofa_error *err,
                        json_t *feasible)
{
	bool named = err->field[0] && !strstr(err->message, err->field);
	fprintf(stderr, "ofa: %s: %s%s%s\n", command, named ? err->field : "", named ? ": " : "",
	        err->message[0] ? err->message : ofa_status_name(status));
	if (json)
		print_json_error(status, err, feasible);
	return CLI_EXIT_FAILURE;
}

int cli_finish_feasible(const char *command, bool json, enum ofa_status status, const struct ofa_error *err,
                        json_t *feasible)
{
	int rc = CLI_EXIT_OK;

	if (status != OFA_OK) {
		rc = tell_failure(command, json, status, err, feasible);
	} else if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "ofa: %s: cannot write to standard output\n", command);
		rc = CLI_EXIT_FAILURE;
	}
	json_decref(feasible);
	return rc;
}

int cli_finish(const char *command, bool json, enum ofa_status status, const struct ofa_error *err)
{
	return cli_finish_feasible(command, json, status, err, NULL);
}

json_t *cli_number(double v)
{
	return isfinite(v) ? json_real(v) : json_null();
}

const char *cli_short_count(double v, char out[CLI_SHORT_MAX])
{
	static const char *const units[] = {"", " k", " M", " G"};
	size_t u = 0;

	while (v >= 999.5 && u + 1 < OFA_ARRAY_LEN(units)) {
		v /= 1000;
		u++;
	}
	snprintf(out, CLI_SHORT_MAX, u ? "%.3g%s" : "%.0f%s", v, units[u]);
	return out;
}
