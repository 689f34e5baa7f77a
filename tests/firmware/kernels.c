/* A firmware that compares the int8 kernels chosen for its processor with the portable ones: bit for bit, over shapes
 * and numbers at random, the outermost among them, with guards beside what is written. */
#include "firmware.h"
#include "kernels_int8.h"

#define ROUNDS 60
#define MOST_CHANNELS 70
#define MOST_SIDE 12
#define GUARD 16
#define MOST_ROW ((MOST_SIDE + 2 * (OFA_FMT_MAX_KERNEL - 1)) * MOST_CHANNELS)
#define PADDED ((MOST_CHANNELS + 15) / 16 * 16)

struct numbers {
	int8_t rows[OFA_FMT_MAX_KERNEL][MOST_ROW];
	int8_t added[MOST_ROW], table[OFA_FMT_LOOKUP_BYTES];
	int32_t w[OFA_FMT_MAX_KERNEL * OFA_FMT_MAX_KERNEL * PADDED * (PADDED / 4 + 1) / 4];
	int32_t b[PADDED], m[PADDED], s[PADDED];
	int8_t want[GUARD + MOST_ROW + GUARD], got[GUARD + MOST_ROW + GUARD];
};
static struct numbers numbers;

static uint32_t below(uint64_t *state, uint32_t n)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33) % n;
}

static void fill(uint64_t *state, void *p, size_t n)
{
	uint8_t *bytes = p;

	while (n-- > 0) {
		const uint32_t r = below(state, 1024);

		*bytes++ = (uint8_t)(r < 64 ? 0x80 : r < 128 ? 0x7f : r);
	}
}

/* A multiplier and a shift that a loader lets pass. */
static struct ofa_device_rescale any_rescale(uint64_t *state, int hostile)
{
	struct ofa_device_rescale r;

	r.multiplier = below(state, 16) == 0 ? 0 : (int32_t)(UINT32_C(0x40000000) + below(state, 0x40000000));
	r.shift = hostile ? (int32_t)below(state, 62) - 31 : -(int32_t)below(state, 12);
	return r;
}

static void make_args(uint64_t *state, struct ofa_device_int8_args *a)
{
	const int hostile = below(state, 4) == 0;
	uint32_t i;

	memset(a, 0, sizeof(*a));
	fill(state, numbers.rows, sizeof(numbers.rows));
	fill(state, numbers.added, sizeof(numbers.added));
	fill(state, numbers.table, sizeof(numbers.table));
	fill(state, numbers.w, sizeof(numbers.w));
	for (i = 0; i < PADDED; i++) {
		const struct ofa_device_rescale r = any_rescale(state, hostile);

		fill(state, &numbers.b[i], hostile ? 4 : 2);
		numbers.m[i] = r.multiplier;
		numbers.s[i] = r.shift;
	}
	a->w = (const int8_t *)numbers.w;
	a->b = numbers.b;
	a->m = numbers.m;
	a->s = numbers.s;
	a->table = below(state, 3) == 0 ? numbers.table : NULL;
	a->in_zero = (int32_t)below(state, 256) - 128;
	a->zero = (int32_t)below(state, 256) - 128;
	a->added_zero = (int32_t)below(state, 256) - 128;
	a->out_zero = (int32_t)below(state, 256) - 128;
	a->low = (int32_t)below(state, 128) - 128;
	a->high = (int32_t)below(state, 128);
	a->first = any_rescale(state, hostile);
	a->second = any_rescale(state, hostile);
	a->result = any_rescale(state, hostile);
}

/* Sizes of a window that fits. */
static void make_window(uint64_t *state, struct ofa_device_int8_args *a)
{
	a->k = 1 + below(state, OFA_FMT_MAX_KERNEL);
	a->stride = 1 + below(state, 2);
	a->pad = below(state, a->k);
	do
		a->w_in = 1 + below(state, MOST_SIDE);
	while (a->w_in + 2 * a->pad < a->k);
	a->w_out = (a->w_in + 2 * a->pad - a->k) / a->stride + 1;
}

/* Rows of the window, of which those outside of the image are NULL. */
static void make_rows(uint64_t *state, const struct ofa_device_int8_args *a, const int8_t **rows)
{
	uint32_t i;

	for (i = 0; i < a->k; i++)
		rows[i] = below(state, 4) == 0 ? NULL : numbers.rows[i];
}

static void call(const struct ofa_device_int8_kernels *kernels, uint32_t which, const struct ofa_device_int8_args *a,
		 const int8_t *const *rows, const int8_t *added, int8_t *y)
{
	switch (which) {
	case 0:
		kernels->conv_row(a, rows, added, y);
		break;
	case 1:
		kernels->pointwise(a, a->w_in, numbers.rows[0], added, y);
		break;
	case 2:
		kernels->depthwise_row(a, rows, y);
		break;
	default:
		memcpy(y, numbers.rows[0], (size_t)a->w_in * a->c_in);
		kernels->scale(a, a->w_in, numbers.added, y);
		break;
	}
}

static int compare(uint64_t *state, uint32_t which)
{
	const int8_t *rows[OFA_FMT_MAX_KERNEL], *added;
	struct ofa_device_int8_args a;

	make_args(state, &a);
	make_window(state, &a);
	make_rows(state, &a, rows);
	a.c_in = 1 + below(state, which == 0 ? 8 : MOST_CHANNELS);
	a.c_out = which < 2 ? 1 + below(state, MOST_CHANNELS) : a.c_in;
	added = which < 2 && below(state, 2) == 0 ? numbers.added : NULL;
	if (added != NULL)
		a.table = NULL;
	memset(numbers.want, 0x33, sizeof(numbers.want));
	memset(numbers.got, 0x33, sizeof(numbers.got));
	call(&ofa_device_int8_portable, which, &a, rows, added, numbers.want + GUARD);
	call(ofa_device_choose_int8(), which, &a, rows, added, numbers.got + GUARD);
	return memcmp(numbers.want, numbers.got, sizeof(numbers.got)) == 0;
}

void firmware_main(void)
{
	static const char *const names[] = {"conv_row", "pointwise", "depthwise_row", "scale"};
	uint64_t state = 5;
	uint32_t which, i;

	firmware_say("kernels: ");
	firmware_say(ofa_device_choose_int8()->name);
	firmware_say("\n");
	for (which = 0; which < 4; which++) {
		for (i = 0; i < ROUNDS; i++) {
			if (!compare(&state, which)) {
				firmware_say(names[which]);
				firmware_say_number(": differs in round ", i, "\n");
				firmware_stop(1);
			}
		}
	}
	firmware_say("equal\n");
}
