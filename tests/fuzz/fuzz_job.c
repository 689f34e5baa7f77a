/* What the rows of jobs say, and what is told of them: any bytes as a job and as a question; a job that is taken comes
 * back the same when it is written.
 *
 * Without libFuzzer, tests/fuzz/replay.c runs the corpus and simple mutations of it; with it, link this
 * file with clang -fsanitize=fuzzer,address,undefined and run ./fuzz_job tests/fuzz/corpus/job. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "service/job_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_view(const struct job_view *v)
{
	char *text = job_view_text(v), *again;
	struct job_view back;

	if (strlen(v->id) != JOB_ID_CHARS || v->state >= JOB_STATE_COUNT || v->version > JOB_VERSION_MAX ||
	    (v->state == JOB_SUCCEEDED && strlen(v->subnet) != PACKAGE_ID_CHARS) ||
	    (v->state == JOB_FAILED && v->status == OFA_OK))
		abort();
	if (!text || job_view_parse(text, &back, NULL) != OFA_OK)
		abort();
	again = job_view_text(&back);
	if (!again || strcmp(text, again) != 0)
		abort();
	free(text);
	free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct networks none;
	struct ofa_error err = {0}, question_err = {0};
	char *text = malloc(size + 1);
	struct question q;
	struct job_view v;

	memcpy(text, data, size);
	text[size] = '\0';
	if (job_view_parse(text, &v, &err) == OFA_OK)
		check_view(&v);
	else if (err.status != OFA_ERR_FORMAT)
		abort();
	/* no network is known, so that there is nothing to ask about */
	if (question_parse(text, &none, NULL, &q, &question_err) == OFA_OK)
		abort();
	free(text);
	return 0;
}
