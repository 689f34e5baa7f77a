/* The question that a body asks: what POST /subnets and POST /searches have in common. */
#ifndef OFAD_API_QUESTION_BODY_H
#define OFAD_API_QUESTION_BODY_H

#include "http/call.h"
#include "service/question.h"

enum question_outcome {
	QUESTION_READ,      /* question_release() is the caller's */
	QUESTION_REFUSED,   /* the reply says why */
	QUESTION_ELSEWHERE, /* not on a worker: what it names is not in memory, and may take long to be read */
};
/* Parses the body and finds what it names.  *ret_inline: the profile came with it. */
enum question_outcome question_read(struct app *app, struct http_call *call, struct question *ret, bool *ret_inline);

#endif
