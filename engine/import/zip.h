/* A zip archive in memory, read through libzip; nothing but what a checkpoint needs: entries that are stored or
 * deflated, each read whole, checked against its CRC.  Refused: encrypted entries, other compressions, one name twice,
 * entries whose bytes add up to more than the file (they would overlap). */
#ifndef OFA_IMPORT_ZIP_H
#define OFA_IMPORT_ZIP_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define OFA_ZIP_MAX_ENTRIES 70000
#define OFA_ZIP_MAX_NAME 512

struct ofa_zip; /* libzip's archive with our checks passed */

/* `data` stays the caller's and must outlive the archive. */
enum ofa_status ofa_zip_open(const uint8_t *data, size_t size, struct ofa_zip **ret,
			     struct ofa_error *err) OFA_MUST_CHECK;
void ofa_zip_close(struct ofa_zip *z);
size_t ofa_zip_count(const struct ofa_zip *z);
const char *ofa_zip_name(const struct ofa_zip *z, size_t index); /* borrowed from the archive */
/* Index of the entry of this name, -1 when there is none. */
int64_t ofa_zip_find(const struct ofa_zip *z, const char *name);
uint64_t ofa_zip_size(const struct ofa_zip *z, size_t index); /* what the archive says its content's bytes are */
/* Reads the whole entry, whose size must be `size`, into out. */
enum ofa_status ofa_zip_read(struct ofa_zip *z, size_t index, uint8_t *out, size_t size,
			     struct ofa_error *err) OFA_MUST_CHECK;

#endif
