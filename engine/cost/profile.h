/* Device profiles: limits and a measured latency table.
 * JSON: {"name","description"?,"limits"?:{"latency_ms","macs","peak_memory_bytes","storage_bytes"},
 *        "latency_table"?:{"unit":"ms","dtype"?,"runtime"?,"entries":{"160":{"KEY":{"mean","std"?,"count"?}}}}}
 * KEY: once-for-all grammar (spec 4.11), `expand` = middle channels.  For ResNets, which have no published tables, in
 * the same style: "Conv", "Conv_skip" (the stem's optional layer), "Conv_out" (its last), "MaxPool2D", "AvgPool2D" and
 * "Logits" with input and output alone, and "Bottleneck-input:HxWxC-output:HxWxC-expand:MID-kernel:3-stride:S-idskip:B"
 * with B = 1 where the input is added as it is, 0 where it is projected.
 * dtype: "float32" (if absent), "float16" or "int8", the type of the packages that were timed, and of no other.
 * Where the time of one row was measured together with that of another, "KEY":{"included_in":"OTHER KEY"} says so; it
 * adds nothing to the other's mean. */
#ifndef OFA_COST_PROFILE_H
#define OFA_COST_PROFILE_H

#include "base/precision.h"
#include "net/supernet.h"

enum ofa_resource { OFA_LATENCY_MS, OFA_MACS, OFA_PEAK_MEMORY_BYTES, OFA_STORAGE_BYTES, OFA_RESOURCE_COUNT };
const char *ofa_resource_name(enum ofa_resource r); /* "latency_ms", ... */
int ofa_resource_find(const char *name);            /* or -1 */

/* max[r] = INFINITY: unlimited. */
struct ofa_limits {
	double max[OFA_RESOURCE_COUNT];
};
void ofa_limits_init(struct ofa_limits *l);
/* Object of numbers > 0; unknown names and non-numbers are refused with a pointer below `pointer`. */
enum ofa_status ofa_limits_parse(const json_t *json, const char *pointer, struct ofa_limits *ret,
				 struct ofa_error *err) OFA_MUST_CHECK;
json_t *ofa_limits_format(const struct ofa_limits *l); /* finite ones only; new reference */
/* Each limit becomes the smaller of the two. */
void ofa_limits_merge(struct ofa_limits *l, const struct ofa_limits *other);

#define OFA_LATENCY_KEY_MAX 192
#define OFA_PROFILE_MAX_ENTRIES 100000
#define OFA_PROFILE_NAME_MAX 128
#define OFA_PROFILE_MAX_DESCRIPTION 4096 /* bytes */

struct ofa_latency_entry {
	uint16_t resolution;
	char *key;         /* owned */
	char *included_in; /* NULL, or the key of the row whose mean holds this one's, 0 here; owned */
	double mean_ms, std_ms;
	uint32_t count;
};
struct ofa_latency_table {
	enum ofa_precision precision;
	char runtime[64];
	size_t n;
	struct ofa_latency_entry *entries; /* sorted by (resolution, key); owned */
};

struct ofa_profile {
	char name[OFA_PROFILE_NAME_MAX];
	char *description; /* or NULL; owned */
	struct ofa_limits limits;
	bool has_table;
	struct ofa_latency_table table;
};
void ofa_latency_table_release(struct ofa_latency_table *t);

/* Names: 1..127 of [A-Za-z0-9._-] with '/' between parts, no part of dots only.  Means must be finite and
 * > 0, unit "ms"; unknown fields and malformed keys are refused; a resolution is a plain decimal number;
 * what "included_in" names must be a row of the same resolution with a mean. */
enum ofa_status ofa_profile_parse(const json_t *json, struct ofa_profile *ret, struct ofa_error *err) OFA_MUST_CHECK;
json_t *ofa_profile_format(const struct ofa_profile *p); /* dtype where it is not float32; new reference */
void ofa_profile_release(struct ofa_profile *p);
bool ofa_profile_name_ok(const char *name);

/* The key of a latency unit at its own shapes; returns its length. */
size_t ofa_unit_key(const struct ofa_unit *u, const struct ofa_plan *p, char out[OFA_LATENCY_KEY_MAX]);
/* The same for a unit that stands alone; `classes` is what a classifier tells. */
size_t ofa_unit_key_of(const struct ofa_unit *u, int classes, char out[OFA_LATENCY_KEY_MAX]);

/* The row of a key at a resolution; NULL: the table has none. */
const struct ofa_latency_entry *ofa_latency_find(const struct ofa_latency_table *t, int resolution, const char *key);

/* Is this TYPE-input:HxWxC-output:HxWxC|N followed by any number of -name:number? */
bool ofa_latency_key_ok(const char *key);

/* Every distinct key that the subnets of a space need at one resolution.  Strings owned by ret; sorted. */
struct ofa_key_list {
	size_t n;
	char **keys;
};
enum ofa_status ofa_latency_keys(const struct ofa_space *s, const struct ofa_params *p, int resolution,
				 struct ofa_key_list *ret, struct ofa_error *err) OFA_MUST_CHECK;
void ofa_key_list_release(struct ofa_key_list *l);

/* A table bound to a space: mean ms by (resolution, unit position, its widths, kernel, expand) with no string
 * work left, so latency of an arch is a sum of array reads.  A resolution is usable when all its keys
 * are present.  Refused (OFA_ERR_MISMATCH; how many keys are missing and the first few named, field
 * "/latency_table/entries") when no resolution of the table is usable or a listed resolution lacks keys. */
struct ofa_latency_model;
enum ofa_status ofa_latency_model_new(const struct ofa_space *s, const struct ofa_params *p,
				      const struct ofa_latency_table *t, struct ofa_latency_model **ret,
				      struct ofa_error *err) OFA_MUST_CHECK;
void ofa_latency_model_free(struct ofa_latency_model *m);
bool ofa_latency_has(const struct ofa_latency_model *m, int image_size);
double ofa_latency_ms(const struct ofa_latency_model *m,
		      const struct ofa_arch *a); /* NAN when the resolution is not in the table */
/* Its addends, w_in and w_out being choices of the width genes that a unit reads and writes (0 where widths are fixed):
 * what comes before the last stage but elastic blocks (w_in: gene 0, w_out: gene 1); what comes after it (w_in: the
 * last gene); one elastic block (0-based) with choices k and e (widths: ofa_block_gene_in(), ofa_block_gene_out()).
 * ofa_latency_ms() adds them in this order, block by block.  NAN likewise. */
double ofa_latency_stem_ms(const struct ofa_latency_model *m, int image_size, int w_in, int w_out);
double ofa_latency_head_ms(const struct ofa_latency_model *m, int image_size, int w_in);
double ofa_latency_block_ms(const struct ofa_latency_model *m, int image_size, int block, int w_in, int w_out, int k,
			    int e);

#endif
