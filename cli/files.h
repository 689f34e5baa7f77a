/* Reading what people hand to the subcommands: archs, profiles, limits, image tensors. */
#ifndef OFA_CLI_FILES_H
#define OFA_CLI_FILES_H

#include "base/precision.h"
#include "cost/profile.h"
#include "options.h"

#define CLI_JSON_MAX_BYTES (64u << 20)
#define CLI_MAX_ARCHS 1000000

/* Parses a JSON file; errors name the file, line and column. */
enum ofa_status cli_load_json(const char *path, json_t **ret_json, struct ofa_error *err) OFA_MUST_CHECK;

/* Archs of one file: a JSON arch or an array of them.  An object with a member "arch", such as `ofa search
 * --json` prints, stands for that arch. */
struct cli_archs {
	struct ofa_arch *list; /* canonical; owned */
	int n;                 /* at least 1 */
};
enum ofa_status cli_load_archs(const struct ofa_space *s, const char *path, struct cli_archs *ret,
                               struct ofa_error *err) OFA_MUST_CHECK;
/* The same for a file that must hold exactly one. */
enum ofa_status cli_load_arch(const struct ofa_space *s, const char *path, struct ofa_arch *ret,
                              struct ofa_error *err) OFA_MUST_CHECK;
/* Without a path: the largest subnet, at image_size when the space has that resolution (0: the highest). */
enum ofa_status cli_load_archs_or_largest(const struct ofa_space *s, const char *path, int image_size,
                                          struct cli_archs *ret, struct ofa_error *err) OFA_MUST_CHECK;
void cli_archs_release(struct cli_archs *a);

/* One arch of a space that is not known here, or an object with a member "arch" as above: JSON itself where the
 * text begins with '{', else the name of a file.  *ret_json: an object, whose genes nobody has looked at; a new
 * reference. */
enum ofa_status cli_load_foreign_arch(const char *text, json_t **ret_json, struct ofa_error *err) OFA_MUST_CHECK;

enum ofa_status cli_load_profile(const char *path, struct ofa_profile *ret, struct ofa_error *err) OFA_MUST_CHECK;

/* "NAME=VALUE" items of --limit. */
enum ofa_status cli_parse_limits(const struct opt_list *items, struct ofa_limits *ret,
                                 struct ofa_error *err) OFA_MUST_CHECK;

/* The value of --dtype. */
enum ofa_status cli_parse_dtype(const char *name, enum ofa_precision *ret, struct ofa_error *err) OFA_MUST_CHECK;
/* The type that an answer of `ofa search --json` was searched for; of another file, float32. */
enum ofa_status cli_load_dtype(const char *path, enum ofa_precision *ret, struct ofa_error *err) OFA_MUST_CHECK;

/* Images of "FILE.safetensors:TENSOR", stored (n,c,r,r) float32, normalised. */
struct cli_images {
	int n, size, channels;
	float *x; /* (n,size,size,channels); owned */
};
enum ofa_status cli_load_images(const char *file_colon_tensor, struct cli_images *ret,
                                struct ofa_error *err) OFA_MUST_CHECK;
void cli_images_release(struct cli_images *images);

#endif
