/* The question that a body asks: what POST /subnets and POST /searches have in common. */
#ifndef OFAD_API_QUESTION_BODY_H
#define OFAD_API_QUESTION_BODY_H

#include "http/call.h"
#include "service/question.h"

/* Parses the body and finds what it names.  *ret_inline: the profile came with it.  False: the reply says why not;
 * else question_release() is the caller's. */
bool question_read(struct app *app, struct http_call *call, struct question *ret, bool *ret_inline);

#endif
