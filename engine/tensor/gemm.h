/* Row-major matrix products, in single precision but for the last two; the only door to CBLAS.
 * ld = distance between rows in floats.  Cannot fail; sizes may be zero. */
#ifndef OFA_TENSOR_GEMM_H
#define OFA_TENSOR_GEMM_H

/* C (m,n) = A (m,k) * B (n,k)^T + beta*C */
void ofa_gemm_nt(int m, int n, int k, const float *a, int lda, const float *b, int ldb, float beta, float *c, int ldc);
/* C (m,n) = A (m,k) * B (k,n) + beta*C */
void ofa_gemm_nn(int m, int n, int k, const float *a, int lda, const float *b, int ldb, float beta, float *c, int ldc);
/* C (m,n) = A (k,m)^T * B (k,n) + beta*C */
void ofa_gemm_tn(int m, int n, int k, const float *a, int lda, const float *b, int ldb, float beta, float *c, int ldc);

/* In double precision, C overwritten: C (m,n) = A (m,k) * B (n,k)^T, and C (m,n) = A (k,m)^T * B (k,n) */
void ofa_gemm_nt_f64(int m, int n, int k, const double *a, int lda, const double *b, int ldb, double *c, int ldc);
void ofa_gemm_tn_f64(int m, int n, int k, const double *a, int lda, const double *b, int ldb, double *c, int ldc);

/* One BLAS thread per caller; called by ofa_pool_new() and safe to repeat. */
void ofa_blas_single_thread(void);
/* Ends the threads that OpenBLAS started when it was loaded: they know nothing of the signals that a daemon blocks nor
 * of what it denies itself.  Nothing may be computed at the time. */
void ofa_blas_end_threads(void);
int ofa_blas_threads(void); /* that BLAS uses for one call now */
const char *ofa_blas_core_name(void); /* OpenBLAS kernel family in use, e.g. "Haswell"; "unknown" elsewhere */

#endif
