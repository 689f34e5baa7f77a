/* Rows of a matrix into panels (kernels.h) by squares of eight; kernels_vec.h includes this for VN = 8. */

#define LOW(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13)
#define HIGH(a, b) __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15)
#define EVEN(a, b) __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13)
#define ODD(a, b) __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15)
#define FRONT(a, b) __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11)
#define BACK(a, b) __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15)

/* Columns [0, k) of eight rows, k a multiple of eight. */
static void KN(panel)(const float *from, size_t stride, size_t k, const float *scale, float *to)
{
	for (size_t t = 0; t < k; t += VN, from += VN) {
		V a[VN], b[VN];

#pragma GCC unroll 8
		for (int i = 0; i < VN; i++)
			a[i] = KN(ld)(from + (size_t)i * stride);
		if (scale) {
#pragma GCC unroll 8
			for (int i = 0; i < VN; i++)
				a[i] *= KN(splat)(scale[i]);
		}
#pragma GCC unroll 4
		for (int i = 0; i < VN; i += 2) {
			b[i] = LOW(a[i], a[i + 1]);
			b[i + 1] = HIGH(a[i], a[i + 1]);
		}
#pragma GCC unroll 2
		for (int i = 0; i < VN; i += 4) {
			a[i] = EVEN(b[i], b[i + 2]);
			a[i + 1] = ODD(b[i], b[i + 2]);
			a[i + 2] = EVEN(b[i + 1], b[i + 3]);
			a[i + 3] = ODD(b[i + 1], b[i + 3]);
		}
#pragma GCC unroll 4
		for (int i = 0; i < VN / 2; i++) {
			KN(st)(to + (t + (size_t)i) * VN, FRONT(a[i], a[i + 4]));
			KN(st)(to + (t + (size_t)i + 4) * VN, BACK(a[i], a[i + 4]));
		}
	}
}

#undef LOW
#undef HIGH
#undef EVEN
#undef ODD
#undef FRONT
#undef BACK
