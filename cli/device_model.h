/* A package held for the device runtime, the way a device holds it, with errors in the tool's form. */
#ifndef OFA_CLI_DEVICE_MODEL_H
#define OFA_CLI_DEVICE_MODEL_H

#include "base/file.h"
#include "ofa_device.h"

struct cli_device_model {
	struct ofa_map map; /* empty when the bytes are the caller's */
	struct ofa_device_model model;
	void *arena; /* owned; of model.arena_bytes */
};

/* Maps the file, loads it, checks its digests and runs its self-test. */
enum ofa_status cli_device_open(const char *path, struct cli_device_model *ret, struct ofa_error *err) OFA_MUST_CHECK;
/* The same over bytes that stay the caller's and outlive the object; aligned to 4. */
enum ofa_status cli_device_load(const void *data, size_t size, struct cli_device_model *ret,
                                struct ofa_error *err) OFA_MUST_CHECK;
void cli_device_close(struct cli_device_model *d);

/* An arena of its own for another thread; free() it.  NULL when out of memory. */
void *cli_device_new_arena(const struct ofa_device_model *model);

#endif
