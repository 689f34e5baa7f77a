#include "base/precision.h"

#include <string.h>

static const char *const names[OFA_PRECISION_COUNT] = {
	[OFA_FLOAT32] = "float32",
	[OFA_FLOAT16] = "float16",
	[OFA_INT8] = "int8",
};

const char *ofa_precision_name(enum ofa_precision precision)
{
	return names[precision];
}

bool ofa_precision_find(const char *name, enum ofa_precision *ret)
{
	for (int i = 0; i < OFA_PRECISION_COUNT; i++) {
		if (strcmp(name, names[i]) == 0) {
			*ret = (enum ofa_precision)i;
			return true;
		}
	}
	return false;
}
