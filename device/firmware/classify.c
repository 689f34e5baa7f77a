/* Classifies the images in flash with the package in flash and tells what that took: a line per image, then memory.
 * The arena is all memory that nothing else uses; paint shows how much of it a run writes. */
#include <string.h>
#include "board.h"
#include "firmware.h"
#include "ofa_device.h"

#define SPINS 100000
#if COUNTS_INSTRUCTIONS
#define COUNTED " instructions"
#else
#define COUNTED " cycles"
#endif

/* Images in flash: magic, their number, height, width and channels u16 each, a label u8 each, pixels. */
#define IMAGES_MAGIC "PIX1"
#define IMAGES_HEAD_BYTES 12
struct images {
	uint32_t n, each;
	const uint8_t *labels, *pixels;
};

/* What the memory past .bss is used for. */
struct memory {
	void *logits; /* floats, or int8 of an int8 package */
	uint8_t *arena;
	uint32_t arena_room;
	uint32_t arena_written;
};

static uint32_t u16(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8;
}

/* 0 when what is in flash is no such file, or its images are not of the package's shape. */
static int find_images(const struct ofa_device_model *model, struct images *ret)
{
	const uint8_t *p = firmware_images;
	const uint32_t bytes = firmware_distance(p, firmware_images_end);

	if (bytes < IMAGES_HEAD_BYTES || memcmp(p, IMAGES_MAGIC, 4) != 0 || u16(p + 6) != model->height ||
	    u16(p + 8) != model->width || u16(p + 10) != model->channels)
		return 0;
	ret->n = u16(p + 4);
	ret->each = model->height * model->width * model->channels;
	ret->labels = p + IMAGES_HEAD_BYTES;
	ret->pixels = ret->labels + ret->n;
	return bytes == IMAGES_HEAD_BYTES + (uint64_t)ret->n * (ret->each + 1);
}

/* Logits first, and what is left for the arena.  0 when there is too little. */
static int divide_memory(const struct ofa_device_model *model, struct memory *ret)
{
	const uint32_t room = firmware_distance(firmware_arena, firmware_arena_end);
	const uint32_t each = model->type == OFA_DEVICE_INT8 ? 1 : (uint32_t)sizeof(float);
	const uint32_t logits = (model->classes * each + 63) / 64 * 64;

	if (logits > room || model->arena_bytes > room - logits)
		return 0;
	ret->logits = firmware_arena;
	ret->arena = firmware_arena + logits;
	ret->arena_room = room - logits;
	ret->arena_written = 0;
	return 1;
}

/* A number that is ordered as the logits are: an int8 itself; of a float all its bits, those of negative ones
 * counted downwards. */
static int32_t logit(const struct ofa_device_model *model, const struct memory *memory, uint32_t i)
{
	int32_t bits;

	if (model->type == OFA_DEVICE_INT8)
		return ((const int8_t *)memory->logits)[i];
	memcpy(&bits, (const uint8_t *)memory->logits + i * sizeof(bits), sizeof(bits));
	return bits < 0 ? INT32_MIN - bits : bits;
}

static void say_logits(const struct ofa_device_model *model, const struct memory *memory)
{
	uint32_t i, best = 0;

	for (i = 1; i < model->classes; i++) {
		if (logit(model, memory, i) > logit(model, memory, best))
			best = i;
	}
	firmware_say_number(", class ", best, ", logits");
	for (i = 0; i < model->classes; i++)
		firmware_say_signed(" ", logit(model, memory, i), "");
}

/* Runs what the arena holds; returns how many ticks that took. */
static uint64_t run(const struct ofa_device_model *model, const struct memory *memory)
{
	const uint64_t start = firmware_counter_ticks();
	enum ofa_device_status status;
	uint64_t ticks;

#ifndef OFA_DEVICE_INT8_ONLY
	if (model->type != OFA_DEVICE_INT8)
		status = ofa_device_run(model, memory->arena, memory->arena_room, NULL, memory->logits);
	else
#endif
		status = ofa_device_run_int8(model, memory->arena, memory->arena_room, NULL, memory->logits);
	ticks = firmware_counter_ticks() - start;
	if (status != OFA_DEVICE_OK) {
		firmware_say(ofa_device_strerror(status));
		firmware_say("\n");
		firmware_stop(1);
	}
	return ticks;
}

/* What is written twice, over another paint each time, cannot be taken for paint. */
static void classify(const struct ofa_device_model *model, const struct images *images, uint32_t i,
		     struct memory *memory)
{
	const uint8_t paint = i % 2 == 0 ? 0x5a : 0xa5;
	uint8_t *const end = memory->arena + memory->arena_room;
	uint32_t written;
	uint64_t ticks;

	firmware_paint(memory->arena, end, paint);
	ofa_device_put_pixels(model, images->pixels + i * images->each, memory->arena);
	ticks = run(model, memory);
	written = firmware_written_from_start(memory->arena, end, paint);
	if (written > memory->arena_written)
		memory->arena_written = written;
	firmware_say_number("image ", i, "");
	firmware_say_number(": label ", images->labels[i], "");
	say_logits(model, memory);
	firmware_say_number(", ", firmware_counts(ticks), COUNTED "\n");
}

static void say_counted(const char *what, uint64_t ticks)
{
	firmware_say_number(what, firmware_counts(firmware_counter_ticks() - ticks), COUNTED "\n");
}

static void say_memory(const struct ofa_device_model *model, const struct memory *memory)
{
	const uint32_t data = firmware_distance(firmware_data, firmware_data_end);
	const uint32_t bss = firmware_distance(firmware_bss, firmware_bss_end);
	const uint32_t logits = firmware_distance(firmware_arena, memory->arena);
	const uint32_t stack = firmware_distance(firmware_stack, firmware_stack_end);

	firmware_say_number("arena: ", model->arena_bytes, " bytes planned, ");
	firmware_say_number("", memory->arena_written, " written\n");
	firmware_say_number("stack: ", stack, " bytes, ");
	firmware_say_number("", firmware_written_from_end(firmware_stack, firmware_stack_end, STACK_PAINT), " used\n");
	firmware_say_number("data: ", data, " bytes, ");
	firmware_say_number("bss: ", bss, " bytes, ");
	firmware_say_number("logits: ", logits, " bytes\n");
	firmware_say_number("RAM in all: ", stack + data + bss + logits + model->arena_bytes, " bytes\n");
}

static void load(struct ofa_device_model *model)
{
	const uint64_t start = firmware_counter_ticks();
	enum ofa_device_status status;
	uint32_t where = 0;

	status = ofa_device_load(firmware_package, firmware_distance(firmware_package, firmware_package_end), model,
				 &where);
	if (status == OFA_DEVICE_OK)
		say_counted("load: ", start);
	if (status == OFA_DEVICE_OK)
		status = ofa_device_verify(model, &where);
	if (status != OFA_DEVICE_OK) {
		firmware_say(ofa_device_strerror(status));
		firmware_say_number(" (byte ", where, ")\n");
		firmware_stop(1);
	}
	say_counted("load and verify: ", start);
	firmware_say_number("package: ", model->size, " bytes, ");
	firmware_say_number("", model->n_ops, " operations, ");
	firmware_say_number("", model->macs, " multiply-accumulates, kernels ");
	firmware_say(ofa_device_kernel_name(model));
	firmware_say("\n");
}

void firmware_main(void)
{
	struct ofa_device_model model;
	struct images images;
	struct memory memory;
	uint64_t start;
	uint32_t i;

	firmware_say_number("firmware: " BOARD_NAME ", " CORE_NAME " at ", CLOCK_HZ, " Hz\n");
	start = firmware_counter_ticks();
	firmware_spin(SPINS);
	say_counted("a loop of 200000 instructions: ", start);
	load(&model);
	if (!find_images(&model, &images)) {
		firmware_say("the images are not of the package's shape\n");
		firmware_stop(1);
	}
	if (!divide_memory(&model, &memory)) {
		firmware_say_number("the arena needs ", model.arena_bytes, " bytes: too much\n");
		firmware_stop(1);
	}
	start = firmware_counter_ticks();
	if (ofa_device_self_test(&model, memory.arena, memory.arena_room) != OFA_DEVICE_OK) {
		firmware_say("self-test: failed\n");
		firmware_stop(1);
	}
	say_counted("self-test: passed, ", start);
	for (i = 0; i < images.n; i++)
		classify(&model, &images, i, &memory);
	say_memory(&model, &memory);
}
