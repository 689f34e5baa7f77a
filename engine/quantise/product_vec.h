/* The product of kernels.h by AVX-512 VNNI; kernels.c includes this.
 *
 * Its instruction multiplies unsigned by signed bytes: inputs count as 128 more than they are, and 128 times a row's
 * weights go off the bias. */
#define TILE_PIXELS 8

/* Row j of two neighbouring panels; the second one may be missing. */
static INLINE __m512i quad_row(const int8_t *w, const int8_t *second)
{
	const __m256i low = _mm256_loadu_si256((const __m256i *)w);

	return _mm512_inserti64x4(_mm512_castsi256_si512(low), _mm256_loadu_si256((const __m256i *)second), 1);
}

static INLINE __m512i four_inputs(const int8_t *x)
{
	int32_t four;

	memcpy(&four, x, sizeof(four));
	return _mm512_set1_epi32(four ^ (int32_t)0x80808080u);
}

/* n pixels by the 16 outputs from o on; n is a constant at every call. */
static INLINE void tile(const struct ofa_int8_product *p, int first, size_t o, __m512i start, const int n)
{
	const size_t pitch = ((size_t)p->outputs + PANEL - 1) / PANEL * PANEL;
	const size_t panel_bytes = (size_t)p->rows * (size_t)p->quads * PANEL * QUAD;
	const bool both = o + PANEL < pitch;
	const int8_t *w = p->w + o / PANEL * panel_bytes, *second = both ? w + panel_bytes : w;
	const int8_t *x = p->x + (size_t)first * p->x_pixel;
	__m512i sum[TILE_PIXELS];

#pragma GCC unroll 8
	for (int i = 0; i < n; i++)
		sum[i] = start;
	for (int row = 0; row < p->rows; row++, x += p->x_row)
		for (size_t j = 0; j < (size_t)p->quads; j++, w += PANEL * QUAD, second += PANEL * QUAD) {
			const __m512i weights = quad_row(w, second);

#pragma GCC unroll 8
			for (int i = 0; i < n; i++)
				sum[i] = _mm512_dpbusd_epi32(sum[i], four_inputs(x + (size_t)i * p->x_pixel + QUAD * j),
							     weights);
		}
#pragma GCC unroll 8
	for (int i = 0; i < n; i++) {
		int32_t *to = p->sum + (size_t)(first + i) * pitch + o;

		if (both)
			_mm512_storeu_si512(to, sum[i]);
		else
			_mm256_storeu_si256((__m256i *)to, _mm512_castsi512_si256(sum[i]));
	}
}

/* The biases of 16 outputs less 128 times their weights. */
static __m512i start(const struct ofa_int8_product *p, size_t o)
{
	const size_t pitch = ((size_t)p->outputs + PANEL - 1) / PANEL * PANEL, left = (size_t)p->outputs - o;
	const size_t panel_bytes = (size_t)p->rows * (size_t)p->quads * PANEL * QUAD;
	const int8_t *w = p->w + o / PANEL * panel_bytes, *second = o + PANEL < pitch ? w + panel_bytes : w;
	const __m512i bias = _mm512_maskz_loadu_epi32((__mmask16)(left < 16 ? (1u << left) - 1 : 0xffff), p->bias + o);
	__m512i sum = _mm512_setzero_si512();

	for (size_t at = 0; at < panel_bytes; at += PANEL * QUAD)
		sum = _mm512_dpbusd_epi32(sum, _mm512_set1_epi8((char)0x80), quad_row(w + at, second + at));
	return _mm512_sub_epi32(bias, sum);
}

static void product(const struct ofa_int8_product *p)
{
	for (size_t o = 0; o < (size_t)p->outputs; o += 2 * PANEL) {
		const __m512i from = start(p, o);
		int i = 0;

		for (; i + TILE_PIXELS <= p->pixels; i += TILE_PIXELS)
			tile(p, i, o, from, TILE_PIXELS);
		for (; i + 2 <= p->pixels; i += 2)
			tile(p, i, o, from, 2);
		for (; i < p->pixels; i++)
			tile(p, i, o, from, 1);
	}
}
