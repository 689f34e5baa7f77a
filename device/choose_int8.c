#include "kernels_int8.h"

const struct ofa_device_int8_kernels *ofa_device_choose_int8(void)
{
	return &ofa_device_int8_portable;
}
