/* Dense convolutions over weights in panels (kernels.h), by vectors of VN floats; kernels_vec.h includes this. */

/* The weights that one tap has for the VN outputs of vector v. */
static INLINE V KN(panel_weights)(const float *w, size_t panel, const int v)
{
#if VN > OFA_WEIGHT_PANEL
	const vf_8 low = ld_8(w + 2 * v * panel), high = ld_8(w + (2 * v + 1) * panel);

	return __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
#else
	return KN(ld)(w + (size_t)(v * VN / OFA_WEIGHT_PANEL) * panel + v * VN % OFA_WEIGHT_PANEL);
#endif
}

/* Adds, activates and stores the first n of a pixel's outputs, where not all of the vectors exist. */
static void KN(conv_part)(const float *sum, const float *residual, enum ofa_act act, int n, float *y)
{
	float from[VN] = {0}, to[VN];

	for (int i = 0; i < n; i += VN) {
		size_t bytes = (size_t)(n - i < VN ? n - i : VN) * sizeof(float);

		if (residual)
			memcpy(from, residual + i, bytes);
		KN(st)(to, KN(act)(KN(ld)(sum + i) + KN(ld)(from), act));
		memcpy(y + i, to, bytes);
	}
}

/* R neighbouring pixels by P vectors of outputs, `left` of which exist; R and P are constants at every call. */
static INLINE void KN(conv_tile)(const struct ofa_panel_conv *c, const float *x, const float *w, const float *bias,
                                 const float *residual, int left, float *y, const int R, const int P)
{
	const size_t panel = (size_t)c->rows * (size_t)c->taps * OFA_WEIGHT_PANEL, pitch = c->y_pixel;
	const size_t vector = c->y_channel * VN;
	V acc[OFA_CONV_SUMS];

#pragma GCC unroll 28
	for (int i = 0; i < R * P; i++)
		acc[i] = KN(ld)(bias + i % P * VN);
	for (int row = 0; row < c->rows; row++, x += c->x_row) {
		for (int t = 0; t < c->taps; t++, w += OFA_WEIGHT_PANEL) {
			V wv[2];

#pragma GCC unroll 2
			for (int v = 0; v < P; v++)
				wv[v] = KN(panel_weights)(w, panel, v);
#pragma GCC unroll 14
			for (int r = 0; r < R; r++) {
				V xv = KN(splat)(x[(size_t)r * c->x_pixel + (size_t)t]);

#pragma GCC unroll 2
				for (int v = 0; v < P; v++)
					acc[r * P + v] += xv * wv[v];
			}
		}
	}
	if (left < P * VN) {
		float sum[OFA_CONV_SUMS * VN];

#pragma GCC unroll 28
		for (int i = 0; i < R * P; i++)
			KN(st)(sum + i * VN, acc[i]);
		for (int r = 0; r < R; r++)
			KN(conv_part)(sum + r * P * VN, residual ? residual + (size_t)r * pitch : NULL, c->act, left,
			              y + (size_t)r * pitch);
		return;
	}
	if (residual) {
#pragma GCC unroll 28
		for (int i = 0; i < R * P; i++)
			acc[i] += KN(ld)(residual + (size_t)(i / P) * pitch + (size_t)(i % P) * VN);
	}
	KN(act_all)(acc, R * P, c->act);
#pragma GCC unroll 28
	for (int i = 0; i < R * P; i++)
		KN(st)(y + (size_t)(i / P) * pitch + (size_t)(i % P) * vector, acc[i]);
}

/* Pixels [first, end) of every line, for P vectors of outputs from `channel` on. */
static INLINE void KN(conv_group)(const struct ofa_panel_conv *c, int first, int end, int channel, const int P)
{
	const size_t panel = (size_t)c->rows * (size_t)c->taps;
	const float *w = c->w + (size_t)channel * panel, *bias = c->bias + channel;
	const int all = end - first;

	for (int line = 0; line < c->lines; line++) {
		const float *x = c->x + (size_t)line * c->x_line;
		const size_t y = (size_t)line * c->y_line + (size_t)channel * c->y_channel;

#define TILE(R)                                                                                                        \
	KN(conv_tile)(c, x + (size_t)i * c->x_pixel, w, bias,                                                          \
	              c->residual ? c->residual + y + (size_t)i * c->y_pixel : NULL, c->c_out - channel,               \
	              c->y + y + (size_t)i * c->y_pixel, R, P)
		/* The last tile overlaps the one before where there are enough pixels. */
		for (int i = first; i < end;) {
			const int left = end - i;

			if (left > OFA_CONV_FEW && all >= OFA_CONV_ROWS) {
				i = left < OFA_CONV_ROWS ? end - OFA_CONV_ROWS : i;
				TILE(OFA_CONV_ROWS);
				i += OFA_CONV_ROWS;
			} else if (all >= OFA_CONV_FEW) {
				i = left < OFA_CONV_FEW ? end - OFA_CONV_FEW : i;
				TILE(OFA_CONV_FEW);
				i += OFA_CONV_FEW;
			} else {
				TILE(1);
				i++;
			}
		}
#undef TILE
	}
}
