/* Depthwise convolution over channel planes (kernels.h), for one block of VN channels; kernels_vec.h includes this. */

/* R x T neighbouring pixels share each weight load; R, T and the step are constants at every call. */
static INLINE void KN(depthwise_tile)(const struct ofa_depthwise *d, const float *x, const size_t x_step, size_t x_row,
                                      const V *w, V bias, float *y, V *total, const int R, const int T)
{
	V acc[8];

#pragma GCC unroll 8
	for (int i = 0; i < R * T; i++)
		acc[i] = bias;
	for (int i = 0; i < d->n_taps; i++) {
		const float *xp = x + (ptrdiff_t)d->taps[i].x * VN;
		V wv = w[i];

#pragma GCC unroll 8
		for (int t = 0; t < R * T; t++)
			acc[t] += wv * KN(ld)(xp + (size_t)(t / T) * x_row + (size_t)(t % T) * x_step);
	}
	KN(act_all)(acc, R * T, d->act);
#pragma GCC unroll 8
	for (int t = 0; t < R * T; t++)
		*total += acc[t];
#pragma GCC unroll 8
	for (int t = 0; t < R * T; t++)
		KN(st)(y + (size_t)(t / T) * d->y_pitch + (size_t)(t % T) * d->y_step, acc[t]);
}

static INLINE void KN(depthwise_rows)(const struct ofa_depthwise *d, const float *x, const V *w, V bias, float *y,
                                      V *total, const int STEP)
{
	size_t row = (size_t)d->pitch * STEP * VN;
	int tiles = (d->count + 7) / 8;

#define TILE(R, T)                                                                                                     \
	case (R)*16 + (T):                                                                                             \
		KN(depthwise_tile)(d, xt, (size_t)STEP *VN, row, w, bias, yt, total, R, T);                            \
		break
	for (int i = 0, r; i < d->rows; i += r) {
		/* Small maps take two rows at once: the adder wants eight sums under way. */
		r = d->count <= 4 && i + 2 <= d->rows ? 2 : 1;
		for (int j = 0; j < tiles; j++) {
			int begin = d->count * j / tiles, n = d->count * (j + 1) / tiles - begin;
			const float *xt = x + (size_t)i * row + (size_t)begin * STEP * VN;
			float *yt = y + (size_t)i * d->y_pitch + (size_t)begin * d->y_step;

			switch (r * 16 + n) {
				TILE(1, 1);
				TILE(1, 2);
				TILE(1, 3);
				TILE(1, 4);
				TILE(1, 5);
				TILE(1, 6);
				TILE(1, 7);
				TILE(1, 8);
				TILE(2, 1);
				TILE(2, 2);
				TILE(2, 3);
				TILE(2, 4);
			}
		}
	}
#undef TILE
}

/* x: the planes of these VN channels; w (k,k,c) at the first of them. */
static void KN(depthwise)(const struct ofa_depthwise *d, const float *x, const float *w, int c, float *y)
{
	V near[OFA_MAX_TAPS]; /* the weights, next to each other */
	const V zero = {0};
	V total = zero;

	for (int i = 0; i < d->n_taps; i++)
		near[i] = KN(ld)(w + (size_t)d->taps[i].w * (size_t)c);
	x += (size_t)d->origin * VN;
	if (d->step == 1)
		KN(depthwise_rows)(d, x, near, zero, y, &total, 1);
	else
		KN(depthwise_rows)(d, x, near, zero, y, &total, 2);
}

/* The same with weights in panels and a bias; sum gets the sums of the results. */
static void KN(depthwise_panels)(const struct ofa_depthwise *d, const float *x, const float *w, size_t panel,
                                 const float *bias, float *y, float *sum)
{
	V near[OFA_MAX_TAPS];
	V total = {0};

	(void)panel; /* a vector within one panel does not need it */
	for (int i = 0; i < d->n_taps; i++) {
#if VN == 1
		near[i] = KN(ld)(w + d->taps[i].w * OFA_WEIGHT_PANEL);
#else
		near[i] = KN(panel_weights)(w + d->taps[i].w * OFA_WEIGHT_PANEL, panel, 0);
#endif
	}
	x += (size_t)d->origin * VN;
	if (d->step == 1)
		KN(depthwise_rows)(d, x, near, KN(ld)(bias), y, &total, 1);
	else
		KN(depthwise_rows)(d, x, near, KN(ld)(bias), y, &total, 2);
	KN(st)(sum, total);
}

/* K x R weights at a time stay in registers while dz and x stream by. */
static INLINE void KN(depthwise_weight_rows)(const float *dz, size_t dz_row, int h, int w, const float *x, size_t x_row,
                                             const int STEP, const int K, const int R, int c, float *dw)
{
	V acc[9];

	for (int i = 0; i < K * R; i++)
		acc[i] = KN(splat)(0.0f);
	for (int i = 0; i < h; i++) {
		const float *d = dz + (size_t)i * dz_row, *row = x + (size_t)i * STEP * x_row;

		for (int j = 0; j < w; j++, d += VN, row += STEP * VN) {
			V v = KN(ld)(d);

#pragma GCC unroll 3
			for (int r = 0; r < R; r++) {
#pragma GCC unroll 7
				for (int t = 0; t < K; t++)
					acc[r * K + t] += v * KN(ld)(row + (size_t)r * x_row + (size_t)t * VN);
			}
		}
	}
	for (int i = 0; i < K * R; i++)
		KN(st)(dw + (size_t)i * c, KN(ld)(dw + (size_t)i * c) + acc[i]);
}

static INLINE void KN(depthwise_weight_step)(const float *dz, size_t dz_row, int h, int w, const float *x, size_t x_row,
                                             const int STEP, int k, int c, float *dw)
{
	for (int r = 0; r < k; r += k == 3 ? 3 : 1, x += x_row, dw += (size_t)k * c) {
		if (k == 3)
			KN(depthwise_weight_rows)(dz, dz_row, h, w, x, x_row, STEP, 3, 3, c, dw);
		else if (k == 5)
			KN(depthwise_weight_rows)(dz, dz_row, h, w, x, x_row, STEP, 5, 1, c, dw);
		else
			KN(depthwise_weight_rows)(dz, dz_row, h, w, x, x_row, STEP, 7, 1, c, dw);
	}
}

static void KN(depthwise_weight)(const float *dz, int h, int w, const float *x, int w_in, int stride, int k, int c,
                                 float *dw)
{
	int pad = k / 2;
	size_t dz_row = (size_t)(w + 2 * pad) * VN, x_row = (size_t)(w_in + 2 * pad) * VN;

	dz += (size_t)pad * dz_row + (size_t)pad * VN;
	if (stride == 1)
		KN(depthwise_weight_step)(dz, dz_row, h, w, x, x_row, 1, k, c, dw);
	else
		KN(depthwise_weight_step)(dz, dz_row, h, w, x, x_row, 2, k, c, dw);
}
