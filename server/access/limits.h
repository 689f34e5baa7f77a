/* How often each caller may call: a token bucket for every one of them.
 *
 * The bucket is kept as the moment at which it would be full again (the generic cell rate algorithm, ITU-T I.371,
 * virtual scheduling): one that is full is the same as none, so the table is bounded and forgets without harm.  When
 * more callers than it has room for are busy at once, the one whose bucket is nearest to full is forgotten first.
 *
 * Those who are refused are told different times: the n-th of a crowd behind one address is told when its own turn is,
 * at the rate that is served, and need not come in vain.  Thread-safe; some 50 ns. */
#ifndef OFAD_ACCESS_LIMITS_H
#define OFAD_ACCESS_LIMITS_H

#include <stdint.h>
#include "base/status.h"

/* No caller is told to wait longer. */
#define LIMITS_WAIT_MAX_MS 120e3

struct limits;

struct limits_options {
	unsigned per_second; /* that a caller may make for ever; 0: no limit */
	unsigned burst;      /* that it may make at once after a rest, at least 1 */
};

/* *ret is NULL when there is no limit. */
enum ofa_status limits_new(const struct limits_options *opt, struct limits **ret, struct ofa_error *err) OFA_MUST_CHECK;
void limits_free(struct limits *l); /* NULL is allowed */

/* One call by this caller at this moment of clock_ms().  0: it may be made; else how long to wait, milliseconds. */
double limits_take(struct limits *l, uint64_t caller, double now_ms);

#endif
