/* AMX: the product of a tile of 16 rows by 64 inputs with one of 64 inputs by 16 outputs in an instruction. */
#include <stdalign.h>
#include "ops/int8_avx512_vec.h"

#define ROWS 16

/* Tiles 0..3: sums of two row tiles by two panels; 4, 5: rows; 6, 7: weights. */
static void configure(void)
{
	struct {
		uint8_t palette, start_row, reserved[14];
		uint16_t row_bytes[16];
		uint8_t rows[16];
	} config = {.palette = 1};

	for (int i = 0; i < 8; i++) {
		config.row_bytes[i] = 64;
		config.rows[i] = ROWS;
	}
	_tile_loadconfig(&config);
}

INLINE const int8_t *weights(const struct ofa_int8_dense *d, int panel)
{
	return d->weights + (size_t)panel * (size_t)d->in * OFA_INT8_PANEL;
}

/* sum: [row tile][panel][row][output] */
static void product_2x2(const struct ofa_int8_dense *d, const uint8_t *x, int panel, int32_t *sum)
{
	const size_t pitch = (size_t)d->in;
	const int8_t *p = weights(d, panel), *q = weights(d, panel + 1);
	const uint8_t *x2 = x + ROWS * pitch;

	_tile_zero(0);
	_tile_zero(1);
	_tile_zero(2);
	_tile_zero(3);
	for (size_t i = 0; i < pitch; i += 64) {
		_tile_loadd(4, x + i, pitch);
		_tile_loadd(6, p + i * OFA_INT8_PANEL, 64);
		_tile_loadd(7, q + i * OFA_INT8_PANEL, 64);
		_tile_dpbusd(0, 4, 6);
		_tile_dpbusd(1, 4, 7);
		_tile_loadd(5, x2 + i, pitch);
		_tile_dpbusd(2, 5, 6);
		_tile_dpbusd(3, 5, 7);
	}
	_tile_stored(0, sum, 64);
	_tile_stored(1, sum + 256, 64);
	_tile_stored(2, sum + 512, 64);
	_tile_stored(3, sum + 768, 64);
}

static void product_1x2(const struct ofa_int8_dense *d, const uint8_t *x, int panel, int32_t *sum)
{
	const size_t pitch = (size_t)d->in;
	const int8_t *p = weights(d, panel), *q = weights(d, panel + 1);

	_tile_zero(0);
	_tile_zero(1);
	for (size_t i = 0; i < pitch; i += 64) {
		_tile_loadd(4, x + i, pitch);
		_tile_loadd(6, p + i * OFA_INT8_PANEL, 64);
		_tile_loadd(7, q + i * OFA_INT8_PANEL, 64);
		_tile_dpbusd(0, 4, 6);
		_tile_dpbusd(1, 4, 7);
	}
	_tile_stored(0, sum, 64);
	_tile_stored(1, sum + 256, 64);
}

/* The product of up to two row tiles with two panels; returns how many row tiles. */
static int product(const struct ofa_int8_dense *d, const uint8_t *x, int left, int panel, int32_t *sum)
{
	if (left > ROWS) {
		product_2x2(d, x, panel, sum);
		return 2;
	}
	product_1x2(d, x, panel, sum);
	return 1;
}

static void dense(const struct ofa_int8_dense *d, const uint8_t *x, int n, uint8_t *y, int y_pitch)
{
	alignas(64) int32_t sum[4 * 256];

	configure();
	for (int panel = 0; panel < d->out / OFA_INT8_PANEL; panel += 2) {
		for (int i = 0, tiles; i < n; i += tiles * ROWS) {
			tiles = product(d, x + (size_t)i * (size_t)d->in, n - i, panel, sum);
			for (int t = 0; t < 2 * tiles; t++) {
				int at = (panel + t % 2) * OFA_INT8_PANEL;

				for (int r = 0; r < ROWS; r++)
					store_bytes(finish(_mm512_load_si512(sum + 256 * t + 16 * r), d->scale + at,
					                   d->bias + at),
					            y + (size_t)(i + t / 2 * ROWS + r) * (size_t)y_pitch + at);
			}
		}
	}
	_tile_release();
}

static void dense_dot(const struct ofa_int8_dense *d, const uint8_t *x, int n, const float *last, float last_bias,
                      float *partial, float *y)
{
	alignas(64) int32_t sum[4 * 256];

	configure();
	clear_partial(n, partial);
	for (int panel = 0; panel < d->out / OFA_INT8_PANEL; panel += 2) {
		for (int i = 0, tiles; i < n; i += tiles * ROWS) {
			tiles = product(d, x + (size_t)i * (size_t)d->in, n - i, panel, sum);
			for (int t = 0; t < 2 * tiles; t++) {
				int at = (panel + t % 2) * OFA_INT8_PANEL;

				for (int r = 0; r < ROWS; r++)
					add_partial(finish(_mm512_load_si512(sum + 256 * t + 16 * r), d->scale + at,
					                   d->bias + at),
					            last + at,
					            partial + (size_t)(i + t / 2 * ROWS + r) * OFA_INT8_PANEL);
			}
		}
	}
	_tile_release();
	sum_partial(n, partial, last_bias, y);
}

extern const struct ofa_int8_kernels ofa_int8_amx;

const struct ofa_int8_kernels ofa_int8_amx = {
	.isa = "amx",
	.sum_rows = sum_rows,
	.dense = dense,
	.dense_dot = dense_dot,
};
