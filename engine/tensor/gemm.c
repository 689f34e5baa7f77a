#include "tensor/gemm.h"

#include <cblas.h>

/* CBLAS refuses a leading dimension of zero even where the matrix is empty. */
static int ld(int n)
{
	return n > 0 ? n : 1;
}

void ofa_gemm_nt(int m, int n, int k, const float *a, int lda, const float *b, int ldb, float beta, float *c, int ldc)
{
	cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, n, k, 1.0f, a, ld(lda), b, ld(ldb), beta, c, ld(ldc));
}

void ofa_gemm_nn(int m, int n, int k, const float *a, int lda, const float *b, int ldb, float beta, float *c, int ldc)
{
	cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, n, k, 1.0f, a, ld(lda), b, ld(ldb), beta, c, ld(ldc));
}

void ofa_gemm_tn(int m, int n, int k, const float *a, int lda, const float *b, int ldb, float beta, float *c, int ldc)
{
	cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, m, n, k, 1.0f, a, ld(lda), b, ld(ldb), beta, c, ld(ldc));
}

void ofa_gemm_nt_f64(int m, int n, int k, const double *a, int lda, const double *b, int ldb, double *c, int ldc)
{
	cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, n, k, 1.0, a, ld(lda), b, ld(ldb), 0.0, c, ld(ldc));
}

void ofa_gemm_tn_f64(int m, int n, int k, const double *a, int lda, const double *b, int ldb, double *c, int ldc)
{
	cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, m, n, k, 1.0, a, ld(lda), b, ld(ldb), 0.0, c, ld(ldc));
}

void ofa_blas_single_thread(void)
{
	/* being told a number makes OpenBLAS start the threads that ofa_blas_end_threads() ended */
	if (openblas_get_num_threads() != 1)
		openblas_set_num_threads(1);
}

/* What OpenBLAS itself calls before a fork(); builds of it without threads have none. */
extern int blas_thread_shutdown_(void) __attribute__((weak));

void ofa_blas_end_threads(void)
{
	ofa_blas_single_thread();
	if (blas_thread_shutdown_)
		blas_thread_shutdown_();
}

int ofa_blas_threads(void)
{
	return openblas_get_num_threads();
}

const char *ofa_blas_core_name(void)
{
	const char *name = openblas_get_corename();

	return name ? name : "unknown";
}
