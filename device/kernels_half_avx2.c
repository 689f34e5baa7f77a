/* The same for weights that are stored as binary16. */
#define OFA_HALF_WEIGHTS
#include "kernels_avx2.c"
