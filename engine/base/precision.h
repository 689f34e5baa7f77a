/* How a subnet is stored and computed: the types a package can have (doc/pack-format.md). */
#ifndef OFA_BASE_PRECISION_H
#define OFA_BASE_PRECISION_H

#include <stdbool.h>

enum ofa_precision {
	OFA_FLOAT32,
	OFA_FLOAT16, /* weights of half the size, computed in float32 */
	OFA_INT8,    /* weights and activations */
	OFA_PRECISION_COUNT
};
#define OFA_PRECISION_CHOICES "float32, float16 or int8"

const char *ofa_precision_name(enum ofa_precision precision); /* "float32", .. */
/* False when no type is called so; *ret is then untouched. */
bool ofa_precision_find(const char *name, enum ofa_precision *ret);

#endif
