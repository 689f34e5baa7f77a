#include "import/zip.h"

#include <stdlib.h>
#include <string.h>
#include <zip.h>

struct ofa_zip {
	zip_t *archive;
	size_t n;
	struct entry {
		const char *name;
		uint64_t size;
	} * entries;
};

static enum ofa_status damaged(struct ofa_error *err, const char *why)
{
	return ofa_fail(err, OFA_ERR_FORMAT, "zip", "the zip archive is damaged: %s", why);
}

static enum ofa_status check_entry(struct ofa_zip *z, size_t i, const zip_stat_t *s, struct ofa_error *err)
{
	const zip_uint64_t wanted =
		ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;

	if ((s->valid & wanted) != wanted || strlen(s->name) > OFA_ZIP_MAX_NAME)
		return damaged(err, "an entry has no name, no size or too long a name");
	if (s->encryption_method != ZIP_EM_NONE)
		return ofa_fail(err, OFA_ERR_UNSUPPORTED, s->name, "zip entry %.200s is encrypted", s->name);
	if (s->comp_method != ZIP_CM_STORE && s->comp_method != ZIP_CM_DEFLATE)
		return ofa_fail(err, OFA_ERR_UNSUPPORTED, s->name,
				"zip entry %.200s is compressed by method %u; stored and deflated ones are read",
				s->name, (unsigned)s->comp_method);
	if (zip_name_locate(z->archive, s->name, ZIP_FL_ENC_RAW) != (zip_int64_t)i)
		return ofa_fail(err, OFA_ERR_FORMAT, s->name, "zip entry %.200s stands twice in the archive", s->name);
	return OFA_OK;
}

static enum ofa_status index_entries(struct ofa_zip *z, size_t file_size, struct ofa_error *err)
{
	zip_int64_t n = zip_get_num_entries(z->archive, 0);
	uint64_t packed = 0;

	if (n < 1 || n > OFA_ZIP_MAX_ENTRIES)
		return ofa_fail(err, OFA_ERR_LIMIT, "zip", "the zip archive has %lld entries, 1 to %d are read",
				(long long)n, OFA_ZIP_MAX_ENTRIES);
	z->n = (size_t)n;
	z->entries = calloc(z->n, sizeof(*z->entries));
	if (!z->entries)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	for (size_t i = 0; i < z->n; i++) {
		zip_stat_t s;
		enum ofa_status st;

		if (zip_stat_index(z->archive, i, ZIP_FL_ENC_RAW, &s) != 0)
			return damaged(err, zip_strerror(z->archive));
		st = check_entry(z, i, &s, err);
		if (st != OFA_OK)
			return st;
		if (s.comp_size > file_size - packed)
			return damaged(err, "its entries overlap: together they are larger than the file");
		packed += s.comp_size;
		z->entries[i].name = s.name;
		z->entries[i].size = s.size;
	}
	return OFA_OK;
}

enum ofa_status ofa_zip_open(const uint8_t *data, size_t size, struct ofa_zip **ret, struct ofa_error *err)
{
	struct ofa_zip *z = calloc(1, sizeof(*z));
	enum ofa_status st = OFA_OK;
	zip_source_t *source;
	zip_error_t e;

	if (!z)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	zip_error_init(&e);
	source = zip_source_buffer_create(data, size, 0, &e);
	if (source)
		z->archive = zip_open_from_source(source, ZIP_RDONLY, &e);
	if (!z->archive) {
		st = damaged(err, zip_error_strerror(&e));
		zip_source_free(source);
	}
	zip_error_fini(&e);
	if (st == OFA_OK)
		st = index_entries(z, size, err);
	if (st == OFA_OK)
		*ret = z;
	else
		ofa_zip_close(z);
	return st;
}

void ofa_zip_close(struct ofa_zip *z)
{
	if (!z)
		return;
	if (z->archive)
		zip_discard(z->archive);
	free(z->entries);
	free(z);
}

size_t ofa_zip_count(const struct ofa_zip *z)
{
	return z->n;
}

const char *ofa_zip_name(const struct ofa_zip *z, size_t index)
{
	return z->entries[index].name;
}

int64_t ofa_zip_find(const struct ofa_zip *z, const char *name)
{
	return zip_name_locate(z->archive, name, ZIP_FL_ENC_RAW);
}

uint64_t ofa_zip_size(const struct ofa_zip *z, size_t index)
{
	return z->entries[index].size;
}

enum ofa_status ofa_zip_read(struct ofa_zip *z, size_t index, uint8_t *out, size_t size, struct ofa_error *err)
{
	const char *name = z->entries[index].name, *why = NULL;
	zip_file_t *f = zip_fopen_index(z->archive, index, 0);
	zip_int64_t got = 0;
	uint8_t beyond;
	size_t n = 0;

	if (!f)
		return ofa_fail(err, OFA_ERR_FORMAT, name, "zip entry %.200s cannot be read: %s", name,
				zip_strerror(z->archive));
	while (n < size && (got = zip_fread(f, out + n, size - n)) > 0)
		n += (size_t)got;
	/* libzip compares the CRC when it meets the end. */
	if (n == size)
		got = zip_fread(f, &beyond, 1);
	if (got < 0)
		why = zip_error_strerror(zip_file_get_error(f));
	else if (n < size)
		why = "it is shorter than it says";
	else if (got > 0)
		why = "it is longer than it says";
	if (why)
		ofa_fail(err, OFA_ERR_FORMAT, name, "zip entry %.200s is damaged: %s", name, why);
	zip_fclose(f);
	return why ? OFA_ERR_FORMAT : OFA_OK;
}
