/* The device runtime for a web page: a WebAssembly module that imports nothing and whose functions JavaScript calls
 * (static/src/try/runtime.ts).
 *
 * A package is run by one `struct run`, which the functions get as their first argument: run_new(), the package's bytes
 * to where run_package() says, run_load(); then, for every image, its pixels to run_pixels() and run_image(), whose
 * logits are at run_logits().  What is refused is said as an enum ofa_device_status, in words by run_status_text().
 *
 * Memory is taken from the end of the module's, in pages that nothing gives back: who is done with a package drops the
 * instance of the module.  Places in memory are valid until then, but not JavaScript's views of it, which end where the
 * memory grows: in run_new() and run_load(). */
#include "ofa_device.h"
#include "ofa_format.h"

#define EXPORT(name) __attribute__((export_name(#name))) name

#define PAGE_BYTES 65536u /* which is what WebAssembly says it is */
#define NO_PAGES ((size_t)-1)

struct run {
	struct ofa_device_model model; /* once it is loaded */
	uint8_t *package;
	uint32_t size;
	int is_loaded;
	uint32_t where; /* the byte at which a package was refused */
	uint8_t *arena;
	uint8_t *pixels;
	float *logits;
};

/* The size that n bytes take where all begin at a multiple of 64. */
static size_t aligned(size_t n)
{
	return (n + OFA_FMT_ALIGN - 1) / OFA_FMT_ALIGN * OFA_FMT_ALIGN;
}

/* New memory, all zero, or NULL: there is no more of it. */
static uint8_t *grow(size_t bytes)
{
	const size_t before = __builtin_wasm_memory_grow(0, (bytes + PAGE_BYTES - 1) / PAGE_BYTES);

	return before == NO_PAGES ? NULL : (uint8_t *)(before * PAGE_BYTES);
}

/* Room for a package of so many bytes; NULL where there is none, or packages are never that large. */
struct run *EXPORT(run_new)(uint32_t size)
{
	struct run *run;
	uint8_t *memory;

	if (size > OFA_FMT_MAX_BYTES)
		return NULL;
	memory = grow(aligned(sizeof(*run)) + size);
	if (memory == NULL)
		return NULL;
	run = (struct run *)memory;
	run->package = memory + aligned(sizeof(*run));
	run->size = size;
	return run;
}

uint8_t *EXPORT(run_package)(const struct run *run)
{
	return run->package;
}

/* Checks the package, digests too, and runs its self-test. */
enum ofa_device_status EXPORT(run_load)(struct run *run)
{
	enum ofa_device_status status = ofa_device_load(run->package, run->size, &run->model, &run->where);
	const struct ofa_device_model *m = &run->model;
	size_t arena, logits;

	if (status == OFA_DEVICE_OK)
		status = ofa_device_verify(m, &run->where);
	if (status != OFA_DEVICE_OK)
		return status;
	arena = aligned(ofa_device_arena_bytes(m));
	logits = aligned((size_t)m->classes * sizeof(*run->logits));
	run->arena = grow(arena + logits + (size_t)m->height * m->width * m->channels);
	if (run->arena == NULL)
		return OFA_DEVICE_ERR_ARENA_SIZE;
	run->logits = (float *)(void *)(run->arena + arena);
	run->pixels = run->arena + arena + logits;
	run->is_loaded = 1;
	return ofa_device_self_test(m, run->arena, arena);
}

uint32_t EXPORT(run_where)(const struct run *run)
{
	return run->where;
}

/* Text ends with a NUL. */
const char *EXPORT(run_status_text)(enum ofa_device_status status)
{
	return ofa_device_strerror(status);
}

uint32_t EXPORT(run_height)(const struct run *run)
{
	return run->model.height;
}

uint32_t EXPORT(run_width)(const struct run *run)
{
	return run->model.width;
}

uint32_t EXPORT(run_channels)(const struct run *run)
{
	return run->model.channels;
}

uint32_t EXPORT(run_classes)(const struct run *run)
{
	return run->model.classes;
}

/* As enum ofa_device_type. */
uint32_t EXPORT(run_type)(const struct run *run)
{
	return run->model.type;
}

uint32_t EXPORT(run_arena_bytes)(const struct run *run)
{
	return run->model.arena_bytes;
}

/* UTF-8; NULL: the class has no name, or there is no such class. */
const char *EXPORT(run_class_name)(const struct run *run, uint32_t class_index)
{
	return run->is_loaded ? ofa_device_class_name(&run->model, class_index) : NULL;
}

const char *EXPORT(run_kernel_name)(const struct run *run)
{
	return run->is_loaded ? ofa_device_kernel_name(&run->model) : NULL;
}

/* (height, width, channels) bytes, which stay as they are; NULL before a package is loaded. */
uint8_t *EXPORT(run_pixels)(const struct run *run)
{
	return run->pixels;
}

/* (classes) floats; NULL before a package is loaded. */
const float *EXPORT(run_logits)(const struct run *run)
{
	return run->logits;
}

/* pixels -> logits.  ERR_ARENA_SIZE before a package is loaded. */
enum ofa_device_status EXPORT(run_image)(struct run *run)
{
	if (!run->is_loaded)
		return OFA_DEVICE_ERR_ARENA_SIZE;
	ofa_device_put_pixels(&run->model, run->pixels, run->arena);
	return ofa_device_run(&run->model, run->arena, run->model.arena_bytes, NULL, run->logits);
}
