/* Runs parts of packages that come over the serial port and answers how long they take (protocol.h).  A package is
 * checked by the runtime's loader before anything of it runs, and no length that is sent is trusted. */
#include <string.h>
#include "board.h"
#include "firmware.h"
#include "frame.h"
#include "ofa_device.h"
#include "store.h"

#define UNIT_BYTES 64 /* offsets of what is written are multiples of it */

struct session {
	struct firmware_frame frame;
	struct ofa_device_model model;
	uint32_t size, written; /* of the package that is in the store, or on its way */
	int loaded;
	uint32_t detail; /* of an error */
};

static uint32_t arena_room(void)
{
	return firmware_distance(firmware_arena, firmware_arena_end);
}

static uint8_t *put_text(uint8_t *p, const char *text)
{
	const size_t n = strlen(text) + 1;

	memcpy(p, text, n);
	return p + n;
}

static void put_u64(uint8_t *p, uint64_t n)
{
	firmware_put_u32(p, (uint32_t)n);
	firmware_put_u32(p + 4, (uint32_t)(n >> 32));
}

/* Handlers answer an error, or 0 and *ret_n bytes in the frame's payload. */

static uint8_t hello(struct session *s, uint32_t n, uint32_t *ret_n)
{
	uint8_t *p = s->frame.payload;

	(void)n;
	firmware_put_u32(p, FIRMWARE_PROTOCOL_VERSION);
	firmware_put_u32(p + 4, COUNTS_INSTRUCTIONS ? FIRMWARE_COUNTS_INSTRUCTIONS : FIRMWARE_COUNTS_CYCLES);
	firmware_put_u32(p + 8, CLOCK_HZ);
	firmware_put_u32(p + 12, arena_room());
	firmware_put_u32(p + 16, STORE_BYTES);
	*ret_n = (uint32_t)(put_text(put_text(p + 20, CORE_NAME), BOARD_NAME) - p);
	return 0;
}

static uint8_t begin(struct session *s, uint32_t n, uint32_t *ret_n)
{
	const uint32_t size = firmware_u32(s->frame.payload);

	(void)n;
	(void)ret_n;
	s->detail = STORE_BYTES;
	if (size > STORE_BYTES)
		return FIRMWARE_ERR_ROOM;
	s->loaded = 0;
	s->size = 0;
	s->written = 0;
	if (!firmware_store_begin(size))
		return FIRMWARE_ERR_STORE;
	s->size = size;
	return 0;
}

/* Whether n bytes at `offset` are the next ones; *ret_known: they are written already, the request is repeated. */
static uint8_t check_next(struct session *s, uint32_t offset, uint32_t n, int *ret_known)
{
	if (s->size == 0)
		return FIRMWARE_ERR_ORDER;
	*ret_known = offset < s->written && n <= s->written - offset;
	s->detail = s->written;
	if (!*ret_known && (offset != s->written || n > s->size - s->written))
		return FIRMWARE_ERR_RANGE;
	s->detail = UNIT_BYTES;
	if (offset % UNIT_BYTES != 0)
		return FIRMWARE_ERR_RANGE;
	s->loaded = 0;
	return 0;
}

static uint8_t write_bytes(struct session *s, uint32_t n, uint32_t *ret_n)
{
	const uint32_t offset = firmware_u32(s->frame.payload);
	int known;
	const uint8_t error = check_next(s, offset, n - 4, &known);

	(void)ret_n;
	if (error != 0 || known)
		return error;
	if (!firmware_store_write(offset, s->frame.payload + 4, n - 4))
		return FIRMWARE_ERR_STORE;
	s->written += n - 4;
	return 0;
}

static uint8_t fill_bytes(struct session *s, uint32_t n, uint32_t *ret_n)
{
	const uint32_t offset = firmware_u32(s->frame.payload), length = firmware_u32(s->frame.payload + 4);
	int known;
	const uint8_t error = check_next(s, offset, length, &known);

	(void)n;
	(void)ret_n;
	if (error != 0 || known)
		return error;
	if (!firmware_store_fill(offset, s->frame.payload[8], length))
		return FIRMWARE_ERR_STORE;
	s->written += length;
	return 0;
}

/* The digests are not looked at: each frame had its own, and a host may leave out weights, which take no part in how
 * long a run takes. */
static uint8_t load(struct session *s, uint32_t n, uint32_t *ret_n)
{
	uint8_t *p = s->frame.payload;
	enum ofa_device_status status;

	(void)n;
	if (s->size == 0 || s->written != s->size)
		return FIRMWARE_ERR_ORDER;
	s->loaded = 0;
	status = ofa_device_load(firmware_store(), s->size, &s->model, NULL);
	s->detail = (uint32_t)status;
	if (status != OFA_DEVICE_OK)
		return FIRMWARE_ERR_PACKAGE;
	s->detail = arena_room();
	if (s->model.arena_bytes > s->detail)
		return FIRMWARE_ERR_ROOM;
	s->loaded = 1;
	firmware_put_u32(p, s->model.n_ops);
	firmware_put_u32(p + 4, s->model.arena_bytes);
	*ret_n = (uint32_t)(put_text(p + 8, ofa_device_kernel_name(&s->model)) - p);
	return 0;
}

/* Ticks of one run, less those that reading the counter takes. */
static enum ofa_device_status run_once(const struct session *s, uint32_t first, uint32_t count, uint64_t *ret_ticks)
{
	const uint64_t before = firmware_counter_ticks(), start = firmware_counter_ticks();
	const enum ofa_device_status status =
		ofa_device_run_ops(&s->model, firmware_arena, arena_room(), first, count);
	const uint64_t ticks = firmware_counter_ticks() - start;

	*ret_ticks = ticks > start - before ? ticks - (start - before) : 0;
	return status;
}

static uint8_t run(struct session *s, uint32_t n, uint32_t *ret_n)
{
	uint8_t *p = s->frame.payload;
	const uint32_t first = firmware_u32(p), count = firmware_u32(p + 4), runs = firmware_u32(p + 8);
	uint64_t sum = 0, least = UINT64_MAX, most = 0;
	uint32_t i;

	(void)n;
	if (!s->loaded)
		return FIRMWARE_ERR_ORDER;
	s->detail = FIRMWARE_MOST_RUNS;
	if (runs == 0 || runs > FIRMWARE_MOST_RUNS)
		return FIRMWARE_ERR_RANGE;
	s->detail = s->model.n_ops;
	for (i = 0; i < runs; i++) {
		uint64_t ticks;

		if (run_once(s, first, count, &ticks) != OFA_DEVICE_OK)
			return FIRMWARE_ERR_RANGE;
		sum += ticks;
		least = ticks < least ? ticks : least;
		most = ticks > most ? ticks : most;
	}
	put_u64(p, firmware_counts(sum));
	put_u64(p + 8, firmware_counts(least));
	put_u64(p + 16, firmware_counts(most));
	*ret_n = 24;
	return 0;
}

static const struct {
	uint8_t (*handle)(struct session *s, uint32_t n, uint32_t *ret_n);
	uint16_t least, most; /* bytes of payload */
} requests[] = {
	[FIRMWARE_HELLO] = {.handle = hello, .least = 0, .most = 0},
	[FIRMWARE_BEGIN] = {.handle = begin, .least = 4, .most = 4},
	[FIRMWARE_WRITE] = {.handle = write_bytes, .least = 5, .most = FIRMWARE_MOST_PAYLOAD},
	[FIRMWARE_FILL] = {.handle = fill_bytes, .least = 9, .most = 9},
	[FIRMWARE_LOAD] = {.handle = load, .least = 0, .most = 0},
	[FIRMWARE_RUN] = {.handle = run, .least = 12, .most = 12},
};

static uint8_t handle(struct session *s, uint32_t *ret_n)
{
	const uint32_t type = s->frame.head[0], n = firmware_frame_length(&s->frame);

	*ret_n = 0;
	s->detail = 0;
	if (type >= sizeof(requests) / sizeof(requests[0]) || requests[type].handle == NULL)
		return FIRMWARE_ERR_TYPE;
	if (n < requests[type].least || n > requests[type].most)
		return FIRMWARE_ERR_LENGTH;
	return requests[type].handle(s, n, ret_n);
}

void firmware_main(void)
{
	struct session s;

	memset(&s, 0, sizeof(s));
	for (;;) {
		uint8_t error = firmware_frame_receive(&s.frame);
		uint32_t n = 0;

		s.detail = 0;
		if (error == 0)
			error = handle(&s, &n);
		if (error == 0) {
			firmware_frame_send(&s.frame, s.frame.head[0] + FIRMWARE_ANSWER, n);
		} else {
			s.frame.payload[0] = error;
			firmware_put_u32(s.frame.payload + 1, s.detail);
			firmware_frame_send(&s.frame, FIRMWARE_REFUSAL, 5);
		}
	}
}
