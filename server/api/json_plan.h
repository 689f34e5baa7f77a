/* The drawing of one subnet: what each of its units is and costs, and what the arena holds while each layer runs. */
#ifndef OFAD_API_JSON_PLAN_H
#define OFAD_API_JSON_PLAN_H

#include <jansson.h>
#include "net/plan.h"
#include "service/networks.h"
#include "service/profiles.h"

struct plan_view {
	const struct network *network;       /* all borrowed */
	const struct known_profile *profile; /* or NULL */
	enum ofa_precision precision;
	struct ofa_plan plan;
	double predicted_accuracy; /* of packages of the precision; NAN: unknown */
	double latency_ms;         /* by the profile's table; NAN: unknown */
	/* of the table, for each unit; NULL: it has none.  Their means add up to latency_ms. */
	const struct ofa_latency_entry *rows[OFA_PLAN_MAX_UNITS];
};

/* {"network","dtype","profile","arch","image_size","predicted_accuracy","latency_ms","macs","params","storage_bytes",
 *  "overhead_bytes","peak_memory_bytes",
 *  "stages":[{"blocks","active","channels"}],
 *  "units":[{"kind","stage","block","input":[h,w,c],"output":[h,w,c],"kernel","expand","mid","stride","act","se",
 *            "residual","macs","params","storage_bytes","latency_ms","latency_key","latency_included_in"?}],
 *  "memory":[{"unit","op","bytes"}]}
 * Units add up: their macs and params to the totals, their bytes and overhead_bytes (what a package has beside its
 * layers) to storage_bytes; the largest of memory is peak_memory_bytes.  stage and block count from 0, the latter in
 * its stage; both are null of what is no elastic block.  expand and mid are null where nothing is expanded, latencies
 * where nothing is known of them.  A unit that was timed together with another takes 0 ms, and latency_included_in is
 * the other's key.  New reference; NULL when memory is out. */
json_t *plan_format(const struct plan_view *v);

#endif
