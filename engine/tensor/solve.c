#include "tensor/solve.h"

#include <f77blas.h>
#include <math.h>
#include <stddef.h>

/* LAPACK's matrices are column-major: our lower triangle is its upper one.  Its prototypes lack const. */
static char upper[] = "U";

bool ofa_cholesky(int n, double *a)
{
	blasint size = n, info = 0;

	BLASFUNC(dpotrf)(upper, &size, a, &size, &info);
	return info == 0;
}

void ofa_cholesky_solve(int n, const double *l, double *x)
{
	blasint size = n, one = 1, info = 0;

	BLASFUNC(dpotrs)(upper, &size, &one, (double *)l, &size, x, &size, &info);
}

double ofa_cholesky_log_det(int n, const double *l)
{
	double sum = 0;

	for (int i = 0; i < n; i++)
		sum += log(l[(size_t)i * (size_t)n + (size_t)i]);
	return 2 * sum;
}

void ofa_cholesky_invert(int n, double *l)
{
	blasint size = n, info = 0;

	BLASFUNC(dpotri)(upper, &size, l, &size, &info);
}
