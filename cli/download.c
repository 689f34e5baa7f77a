#include "download.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/sha256.h"
#include "transfer.h"

#define PACKAGE_TYPE "application/vnd.ofa.subnet"

static enum ofa_status os_failure(struct ofa_error *err, const char *what, const char *path)
{
	return ofa_fail(err, OFA_ERR_IO, path, "cannot %s: %s", what, strerror(errno));
}

/* ---- the file ---- */

static enum ofa_status truncate_to(struct download *d, uint64_t size, struct ofa_error *err)
{
	if (ftruncate(d->fd, (off_t)size) < 0)
		return os_failure(err, "truncate", d->part);
	d->have = size;
	return OFA_OK;
}

static enum ofa_status open_part(struct download *d, struct ofa_error *err)
{
	struct stat sb;

	d->fd = open(d->part, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (d->fd < 0)
		return os_failure(err, "create", d->part);
	if (flock(d->fd, LOCK_EX | LOCK_NB) < 0)
		return ofa_fail(err, OFA_ERR_IO, d->part, "another process is downloading to it");
	if (fstat(d->fd, &sb) < 0)
		return os_failure(err, "look at", d->part);
	if (!S_ISREG(sb.st_mode))
		return ofa_fail(err, OFA_ERR_INVALID, d->part, "is no regular file");
	d->have = (uint64_t)sb.st_size;
	return OFA_OK;
}

enum ofa_status download_open(const char *path, struct download *ret, struct ofa_error *err)
{
	size_t size = strlen(path) + sizeof ".part";
	struct download d = {.fd = -1, .part = malloc(size)};
	enum ofa_status st;

	if (!d.part)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	snprintf(d.part, size, "%s.part", path);
	st = open_part(&d, err);
	if (st == OFA_OK)
		*ret = d;
	else
		download_close(&d);
	return st;
}

/* The name is durable once the directory is. */
static enum ofa_status sync_directory(const char *path, struct ofa_error *err)
{
	char *copy = strdup(path);
	int fd = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	enum ofa_status st = OFA_OK;

	if (fd < 0 || fsync(fd) != 0)
		st = os_failure(err, "make the directory durable of", path);
	if (fd >= 0)
		close(fd);
	free(copy);
	return st;
}

enum ofa_status download_keep(struct download *d, const char *path, struct ofa_error *err)
{
	if (fsync(d->fd) < 0)
		return os_failure(err, "write", d->part);
	if (rename(d->part, path) < 0)
		return os_failure(err, "rename to its name", d->part);
	return sync_directory(path, err);
}

void download_discard(struct download *d)
{
	(void)unlink(d->part);
}

void download_close(struct download *d)
{
	if (d->fd >= 0)
		close(d->fd);
	free(d->part);
}

/* ---- what comes ---- */

struct incoming {
	struct download *file;
	const struct download_source *source;
	struct transfer *transfer;
};

/* The whole comes where the rest was asked for when the server's package is another one by now. */
static enum ofa_status begin(void *ctx, uint64_t from, struct ofa_error *err)
{
	struct incoming *in = ctx;

	if (from > in->file->have)
		return ofa_fail(err, OFA_ERR_FORMAT, "Content-Range", "bytes from %llu came where those from %llu were "
		                "asked for", (unsigned long long)from, (unsigned long long)in->file->have);
	return truncate_to(in->file, from, err);
}

static enum ofa_status take(void *ctx, const void *data, size_t size, struct ofa_error *err)
{
	struct incoming *in = ctx;
	struct download *d = in->file;
	const uint8_t *at = data;

	if (size > in->source->size_bytes - d->have)
		return ofa_fail(err, OFA_ERR_MISMATCH, "size", "more than the %llu bytes of the package came",
		                (unsigned long long)in->source->size_bytes);
	while (size > 0) {
		ssize_t n = pwrite(d->fd, at, size, (off_t)d->have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return os_failure(err, "write", d->part);
		at += n;
		size -= (size_t)n;
		d->have += (uint64_t)n;
	}
	transfer_show(in->transfer, d->have);
	return OFA_OK;
}

/* One request for what is missing. */
static enum ofa_status fetch_once(struct incoming *in, struct api_response *ret, struct ofa_error *err)
{
	const struct api_receiver receiver = {.begin = begin, .take = take, .ctx = in};
	char path[sizeof "/subnets/" + DOWNLOAD_ID_CHARS], tag[sizeof "\"sha256-\"" + DOWNLOAD_ID_CHARS];
	const struct api_request req = {
		.method = "GET",
		.url = in->source->url,
		.path = path,
		.accept = PACKAGE_TYPE,
		.access = in->source->access,
		.if_range = in->file->have > 0 ? tag : NULL,
		.from = in->file->have,
		.receiver = &receiver,
	};
	enum ofa_status st;

	snprintf(path, sizeof path, "/subnets/%s", in->source->id);
	snprintf(tag, sizeof tag, "\"sha256-%s\"", in->source->id);
	st = api_send(&req, ret, err);
	if (st == OFA_OK && in->file->have < in->source->size_bytes) {
		ret->transient = true;
		st = ofa_fail(err, OFA_ERR_IO, in->source->url, "the answer ended after %llu of %llu bytes",
		              (unsigned long long)in->file->have, (unsigned long long)in->source->size_bytes);
	}
	return st;
}

static enum ofa_status fetch(struct download *d, const struct download_source *source, struct retry *retry,
                             struct ofa_error *err)
{
	struct transfer transfer;
	struct incoming in = {.file = d, .source = source, .transfer = &transfer};
	uint64_t most = d->have; /* a server that begins anew each time brings nothing until it comes further */
	bool again = true;
	enum ofa_status st = OFA_OK;

	transfer_begin(&transfer, d->have, source->size_bytes);
	while (again && d->have < source->size_bytes) {
		struct api_response response;

		*err = (struct ofa_error){.status = OFA_OK};
		st = fetch_once(&in, &response, err);
		transfer_end(&transfer);
		if (d->have > most)
			retry_progress(retry);
		most = d->have > most ? d->have : most;
		again = st != OFA_OK && retry_wait(retry, &response, err);
		api_response_release(&response);
	}
	return st;
}

static enum ofa_status check_digest(const struct download *d, const struct download_source *source,
                                    struct ofa_error *err)
{
	uint8_t digest[OFA_SHA256_BYTES];
	char hex[2 * OFA_SHA256_BYTES + 1];
	struct ofa_map map;
	enum ofa_status st = ofa_map_open(d->part, &map, err);

	if (st != OFA_OK)
		return st;
	ofa_sha256(map.data, map.size, digest);
	ofa_map_close(&map);
	ofa_hex(digest, sizeof digest, hex);
	if (strcmp(hex, source->id) == 0)
		return OFA_OK;
	return ofa_fail(err, OFA_ERR_MISMATCH, "sha256", "the %llu bytes that came have SHA-256 %s, the subnet is %s; "
	                "something between here and the server alters them", (unsigned long long)d->have, hex,
	                source->id);
}

enum ofa_status download_run(struct download *d, const struct download_source *source, struct retry *retry,
                             struct ofa_error *err)
{
	bool old_bytes = d->have > 0;
	enum ofa_status st = OFA_OK;

	if (d->have > source->size_bytes)
		st = truncate_to(d, 0, err);
	if (st == OFA_OK)
		st = fetch(d, source, retry, err);
	if (st == OFA_OK)
		st = check_digest(d, source, err);
	if (st != OFA_ERR_MISMATCH || !old_bytes)
		return st;
	/* what an earlier attempt left was of another package */
	*err = (struct ofa_error){.status = OFA_OK};
	st = truncate_to(d, 0, err);
	if (st == OFA_OK)
		st = fetch(d, source, retry, err);
	return st == OFA_OK ? check_digest(d, source, err) : st;
}
