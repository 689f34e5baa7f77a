/* A dense layer over rows that share their zeros (kernels.h), by vectors of VN floats; kernels_vec.h includes this. */

/* Up to `tile` rows by two vectors of outputs; p and q are the vectors of weights that input 0 would meet. */
static INLINE void KN(dense_tile)(const float *x, const int32_t *live, int n_live, const float *p, const float *q,
                                  const float *bias_p, const float *bias_q, enum ofa_act act, const int tile, int rows,
                                  size_t pitch, float *yp, float *yq)
{
	V acc[2 * OFA_DENSE_ROWS];

#pragma GCC unroll 6
	for (int r = 0; r < tile; r++) {
		acc[2 * r] = KN(ld)(bias_p);
		acc[2 * r + 1] = KN(ld)(bias_q);
	}
	for (int i = 0; i < n_live; i++, x += OFA_DENSE_ROWS) {
		V wp = KN(ld)(p + live[i]), wq = KN(ld)(q + live[i]);

#pragma GCC unroll 6
		for (int r = 0; r < tile; r++) {
			V v = KN(splat)(x[r]);

			acc[2 * r] += v * wp;
			acc[2 * r + 1] += v * wq;
		}
	}
	for (int r = 0; r < rows; r++) {
		KN(st)(yp + (size_t)r * pitch, KN(act)(acc[2 * r], act));
		KN(st)(yq + (size_t)r * pitch, KN(act)(acc[2 * r + 1], act));
	}
}

/* All outputs of all rows: a panel's weights stay in the first cache while the rows pass. */
static void KN(dense_product)(const float *x, const int32_t *live, int n, int in, const float *panels,
                              const float *bias, int out, enum ofa_act act, float *y)
{
	const size_t panel = (size_t)in * OFA_PANEL, pitch = (size_t)out;

	for (int j = 0; j < out; j += 2 * VN) {
		int last = j + VN < out ? j + VN : j; /* an odd last vector is computed twice */
		const float *p = panels + (size_t)(j / OFA_PANEL) * panel + j % OFA_PANEL;
		const float *q = panels + (size_t)(last / OFA_PANEL) * panel + last % OFA_PANEL;

		for (int i = 0, t = 0, rows; i < n; i += rows, t++) {
			const float *from = x + (size_t)t * (size_t)in * OFA_DENSE_ROWS;
			const int32_t *l = live + (size_t)t * (size_t)(in + 1);
			float *yp = y + (size_t)i * pitch + j, *yq = y + (size_t)i * pitch + last;

			rows = dense_rows(n - i);
			if (rows > DENSE_FEW)
				KN(dense_tile)(from, l + 1, l[0], p, q, bias + j, bias + last, act, OFA_DENSE_ROWS,
				               rows, pitch, yp, yq);
			else
				KN(dense_tile)(from, l + 1, l[0], p, q, bias + j, bias + last, act, DENSE_FEW, rows,
				               pitch, yp, yq);
		}
	}
}
