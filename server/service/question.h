/* What a client asks for, complete: everything that the answer depends on. */
#ifndef OFAD_SERVICE_QUESTION_H
#define OFAD_SERVICE_QUESTION_H

#include "jobs/key.h"
#include "service/calibration.h"
#include "service/networks.h"
#include "service/profiles.h"

/* Seeds stay exact in every JSON reader. */
#define QUESTION_SEED_MAX (((uint64_t)1 << 53) - 1)

struct question {
	const struct network *network;
	struct known_profile *profile; /* a reference, or NULL */
	bool stored;                   /* the profile is kept here, and its front with it */
	enum ofa_precision precision;  /* of the package */
	struct ofa_limits limits;      /* the request's and the profile's, the smaller of each */
	uint64_t seed;
	bool calibrated;               /* latencies are meant as devices measure them */
	struct calibration calibration;
	bool given;           /* this very subnet is asked for: nothing is searched, and the seed is 0 */
	struct ofa_arch arch; /* of what is given; canonical */
	struct job_key key; /* equal questions have equal keys */
};

/* `stored`: the profile was named, not sent along.  seed NULL: derived from the rest, so that the same
 * request always gives the same subnet, and where no limit depends on the precision that of any precision.  Takes over
 * the reference to profile.  OFA_ERR_INVALID when a latency is limited and there is no table of this precision to tell
 * it by, or when the network has nothing to quantise by: then the reference stays the caller's. */
enum ofa_status question_init(struct question *q, const struct network *network, struct known_profile *profile,
			      bool stored, enum ofa_precision precision, const struct ofa_limits *limits,
			      const uint64_t *seed, struct ofa_error *err) OFA_MUST_CHECK;
void question_release(struct question *q);
/* An error's field "/limits/RESOURCE" of the limits together becomes the pointer to where that limit was given: in the
 * request's own limits, in the profile that came with it, or in the one that it names. */
void question_place(const struct question *q, struct ofa_error *err);

/* From here on limits and latencies are calibrated ones.  The calibration becomes part of the key, not of the seed.
 * OFA_ERR_INVALID with field "/calibrated" unless the profile is kept here and has a latency table of the precision. */
enum ofa_status question_calibrate(struct question *q, const struct calibration *c,
				   struct ofa_error *err) OFA_MUST_CHECK;
/* From here on this subnet is asked for, which must keep the limits; canonical.  OFA_ERR_NOMEM. */
enum ofa_status question_give(struct question *q, const struct ofa_arch *arch, struct ofa_error *err) OFA_MUST_CHECK;
/* Does a subnet of these costs, as the table counts, keep the limits?  OFA_ERR_INFEASIBLE "/limits/NAME" of the first
 * that it does not. */
enum ofa_status question_check_costs(const struct question *q, const double value[OFA_RESOURCE_COUNT],
				     struct ofa_error *err) OFA_MUST_CHECK;
/* The limits as the table counts, which is what a search takes. */
struct ofa_limits question_table_limits(const struct question *q);
/* What is told of a latency that the table predicts. */
double question_latency_ms(const struct question *q, double predicted_ms);
/* The same for the ranges of a network, and for a refusal of the question's limits, which speaks of these ranges. */
void question_restate_feasible(const struct question *q, struct ofa_feasible *feasible);
void question_restate_error(const struct question *q, const struct ofa_feasible *feasible, struct ofa_error *err);

/* Of the profile, when it is kept here; else 0. */
uint64_t question_revision(const struct question *q);

#define PROFILE_REVISION_MAX (OFA_PROFILE_NAME_MAX + 80)
/* The profile's name, "@" and the number of its revision, or what its content is known by when it is not kept here;
 * false without a profile. */
bool question_profile_revision(const struct question *q, char out[PROFILE_REVISION_MAX]);

#endif
