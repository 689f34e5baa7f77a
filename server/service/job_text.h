/* What replicas tell each other of jobs: JSON in the rows of the shared store, and in what is told of them. */
#ifndef OFAD_SERVICE_JOB_TEXT_H
#define OFAD_SERVICE_JOB_TEXT_H

#include "service/jobs.h"
#include "service/profiles.h"

/* malloc'ed; NULL when memory is out. */
char *job_view_text(const struct job_view *v);
/* What job_view_text() made, also of another version of this program: members that are not known are passed over.
 * OFA_ERR_FORMAT for anything else. */
enum ofa_status job_view_parse(const char *text, struct job_view *ret, struct ofa_error *err) OFA_MUST_CHECK;

/* A question with all that its answer depends on: the network's name, the revision of the profile or its content,
 * limits, seed, calibration, arch, and its key.  malloc'ed; NULL when memory is out. */
char *question_text(const struct question *q);
/* The same question.  OFA_ERR_UNAVAILABLE when the store is needed and cannot be reached, OFA_ERR_NOT_FOUND or
 * OFA_ERR_MISMATCH when this server has not what it is about or would answer another one, OFA_ERR_FORMAT for no
 * question. */
enum ofa_status question_parse(const char *text, struct networks *networks, struct profiles *profiles,
			       struct question *ret, struct ofa_error *err) OFA_MUST_CHECK;

#endif
