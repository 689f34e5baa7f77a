/* Published points to compare a network with: what a network file says under "ofa.references", as JSON text.
 *  [{"name","accuracy","macs"?,"params"?,"peak_memory_bytes"?,"storage_bytes"?,"latency_ms"?:{PROFILE: ms},"dtype"?,
 *    "source"}, ..]
 * name: what it is; accuracy: measured, in [0,1]; source: where it was published, a link or a citation; dtype: of the
 * packages that the figures are of, where they are of one.  Strings have no control characters. */
#ifndef OFA_COST_REFERENCES_H
#define OFA_COST_REFERENCES_H

#include "cost/profile.h"

#define OFA_REFERENCES_MAX 64
#define OFA_REFERENCE_MAX_LATENCIES 16
#define OFA_REFERENCE_NAME_MAX 128
#define OFA_REFERENCE_SOURCE_MAX 512

struct ofa_reference_latency {
	char profile[OFA_PROFILE_NAME_MAX];
	double ms;
};

struct ofa_reference {
	char name[OFA_REFERENCE_NAME_MAX];
	char source[OFA_REFERENCE_SOURCE_MAX];
	double accuracy;
	double params;
	double value[OFA_RESOURCE_COUNT]; /* macs, peak memory and storage; NAN, as params: not published */
	int n_latencies;
	struct ofa_reference_latency *latencies; /* owned */
	int dtype;                               /* enum ofa_precision, or -1 */
};

struct ofa_references {
	size_t n;
	struct ofa_reference *list; /* owned */
};

/* Errors name the field below "", OFA_ERR_LIMIT for more than there may be. */
enum ofa_status ofa_references_parse(const json_t *json, struct ofa_references *ret,
				     struct ofa_error *err) OFA_MUST_CHECK;
/* New reference, or NULL.  parse(format(r)) == r. */
json_t *ofa_references_format(const struct ofa_references *r);
void ofa_references_release(struct ofa_references *r);

/* Those of a network file; none where it names none.  OFA_ERR_FORMAT with field "ofa.references/3/accuracy". */
enum ofa_status ofa_references_load(const struct ofa_supernet *net, struct ofa_references *ret,
				    struct ofa_error *err) OFA_MUST_CHECK;

#endif
