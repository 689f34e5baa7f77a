#include "api/failure.h"
#include "api/problem.h"
#include "cost/pointer.h"

/* With the field as a pointer into the question's body. */
static struct ofa_error placed(const struct failure *f)
{
	struct ofa_error err = *f->error;

	if (f->status == OFA_ERR_MISMATCH)
		ofa_pointer_append(err.field, sizeof(err.field), "/profile",
				   f->inline_profile ? f->error->field : "");
	return err;
}

static json_t *ranges(const struct failure *f)
{
	return f->status == OFA_ERR_INFEASIBLE ? ofa_feasible_format(f->feasible) : NULL;
}

void failure_reply(struct http_call *call, const struct failure *f)
{
	struct ofa_error err = placed(f);

	if (f->status == OFA_ERR_INFEASIBLE)
		problem_reply_with(call, PROBLEM_INFEASIBLE, err.field, err.message, "feasible", ranges(f));
	else
		problem_reply_error(call, f->status, &err);
}

json_t *failure_format(struct http_call *call, const struct failure *f)
{
	struct ofa_error err = placed(f);
	json_t *json = problem_format(call, problem_of(f->status), err.field, problem_detail(f->status, &err));
	json_t *feasible = ranges(f);

	if (json && feasible)
		json_object_set(json, "feasible", feasible);
	json_decref(feasible);
	return json;
}
