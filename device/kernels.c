/* The kernels with the vectors that every processor of the target has, or with none. */
#include "kernels_body.h"
