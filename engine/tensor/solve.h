/* Symmetric positive definite systems in double precision; the only door to LAPACK.
 * Matrices are (n,n), row-major, of which only the lower triangle is read and written. */
#ifndef OFA_TENSOR_SOLVE_H
#define OFA_TENSOR_SOLVE_H

#include <stdbool.h>

/* A = L L^T: the lower triangle becomes L.  False, with part of it overwritten, when A is not positive definite. */
bool ofa_cholesky(int n, double *a);
/* x (n) = A^-1 x, from L. */
void ofa_cholesky_solve(int n, const double *l, double *x);
/* The logarithm of A's determinant, from L. */
double ofa_cholesky_log_det(int n, const double *l);
/* L becomes the lower triangle of A^-1. */
void ofa_cholesky_invert(int n, double *l);

#endif
