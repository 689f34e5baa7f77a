/* Whole-file reading, mapping and atomic writing. */
#ifndef OFA_BASE_FILE_H
#define OFA_BASE_FILE_H

#include <stddef.h>
#include <stdint.h>
#include "base/status.h"

/* A read-only mapping of a whole regular file (an empty file maps to size 0). */
struct ofa_map {
	const uint8_t *data;
	size_t size;
};
enum ofa_status ofa_map_open(const char *path, struct ofa_map *ret_map, struct ofa_error *err) OFA_MUST_CHECK;
void ofa_map_close(struct ofa_map *map);

/* Reads a whole file of at most max_bytes into malloc'ed memory with a NUL after it. */
enum ofa_status ofa_file_read(const char *path, size_t max_bytes, uint8_t **ret_data, size_t *ret_size,
                              struct ofa_error *err) OFA_MUST_CHECK;

/* Writes PATH.tmp.RANDOM, fsyncs it, renames it over PATH and fsyncs the folder: readers see the old or the new file,
 * whole, and the new one survives a power cut.  Several may write the same path at once, also from several machines.
 * OFA_ERR_EXHAUSTED when the disk is full or descriptors have run out. */
enum ofa_status ofa_file_write_atomic(const char *path, const void *data, size_t size,
                                      struct ofa_error *err) OFA_MUST_CHECK;

/* Where bytes go: a writer calls write() in order; a non-OK status stops it. */
struct ofa_sink {
	enum ofa_status (*write)(void *ctx, const void *data, size_t size, struct ofa_error *err);
	void *ctx;
};

#endif
