#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "clock.h"
#include "line_file.h"

/* After a write the writer rests, so that under load lines gather and no request pays for waking it. */
#define REST_MS 20
/* Lines of others may come between two writes to a pipe; one of at most PIPE_BUF stays whole. */
#define PIPE_WRITE PIPE_BUF
#define FILE_WRITE ((size_t)256 << 10)

struct buffer {
	char *text; /* options.buffer_bytes */
	size_t len;
	uint64_t lines;
};

struct line_file {
	struct line_file_options opt;
	const char *path; /* NULL: standard error */
	int fd;
	size_t most;        /* bytes in one write */
	bool failing, torn; /* the last write failed, and in the middle of a line */
	atomic_bool reopen;
	pthread_mutex_t lock; /* of what follows; never held while something is written */
	pthread_cond_t more, done;
	bool waiting, hurry, stop;
	uint64_t added, over; /* lines that came, and those that were written or given up */
	uint64_t missing;     /* lines lost since the file last told of any */
	struct buffer *filling;
	struct line_file_stats stats;
	struct buffer buffers[2];
	pthread_t writer;
};

/* ---- the writer ---- */

static enum ofa_status open_file(const struct line_file_options *o, int *ret, struct ofa_error *err)
{
	int fd = open(o->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);

	if (fd < 0)
		return ofa_fail(err, OFA_ERR_IO, o->option, "cannot write the %s %.300s: %s", o->what, o->path,
				strerror(errno));
	*ret = fd;
	return OFA_OK;
}

static void set_most(struct line_file *f)
{
	struct stat info;

	f->most = fstat(f->fd, &info) == 0 && S_ISREG(info.st_mode) ? FILE_WRITE : PIPE_WRITE;
}

static void open_again(struct line_file *f)
{
	struct ofa_error err = {0};
	int fd = -1;

	if (!f->path)
		return;
	if (open_file(&f->opt, &fd, &err) != OFA_OK) {
		log_message(f->opt.log, LOG_LEVEL_ERROR, "%s; the file that was open is written on", err.message);
		return;
	}
	close(f->fd);
	f->fd = fd;
	set_most(f);
}

/* The longest part of n bytes that is whole lines and at most `most`; no line is longer than that. */
static size_t whole_lines(const char *text, size_t n, size_t most)
{
	const char *last;

	if (n <= most)
		return n;
	last = memrchr(text, '\n', most);
	return last ? (size_t)(last - text) + 1 : most;
}

/* Bytes that were written, n unless the system refuses. */
static size_t write_all(int fd, const char *text, size_t n)
{
	size_t at = 0;

	while (at < n) {
		ssize_t done = write(fd, text + at, n - at);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			break;
		at += (size_t)done;
	}
	return at;
}

static uint64_t count_lines(const char *text, size_t n)
{
	uint64_t lines = 0;

	for (const char *end = text + n; (text = memchr(text, '\n', (size_t)(end - text))); text++)
		lines++;
	return lines;
}

/* Returns how many of its lines were lost. */
static uint64_t write_buffer(struct line_file *f, const struct buffer *b)
{
	size_t at = 0;

	while (at < b->len) {
		size_t n = whole_lines(b->text + at, b->len - at, f->most), done;

		if (f->torn && write_all(f->fd, "\n", 1) == 1)
			f->torn = false;
		done = write_all(f->fd, b->text + at, n);
		if (done < n) {
			if (!f->failing)
				log_message(f->opt.log, LOG_LEVEL_ERROR, "the %s cannot be written: %s; lines are lost",
					    f->opt.what, strerror(errno));
			f->failing = true;
			if (done > 0)
				f->torn = b->text[at + done - 1] != '\n';
			return count_lines(b->text + at + done, b->len - at - done);
		}
		at += n;
	}
	f->failing = false;
	return 0;
}

/* A gap is told where it is, once there is room again. */
static void tell_missing(struct line_file *f)
{
	char line[96], now[CLOCK_RFC3339_MAX];
	uint64_t missing;
	size_t n, done;

	pthread_mutex_lock(&f->lock);
	missing = f->missing;
	pthread_mutex_unlock(&f->lock);
	if (missing == 0)
		return;
	clock_rfc3339(now);
	n = (size_t)snprintf(line, sizeof(line), "%s{\"time\":\"%s\",\"lost_lines\":%llu}\n", f->torn ? "\n" : "", now,
			     (unsigned long long)missing);
	done = write_all(f->fd, line, n);
	if (done < n) {
		f->torn = f->torn || done > 0;
		return;
	}
	f->torn = false;
	pthread_mutex_lock(&f->lock);
	f->missing -= missing;
	pthread_mutex_unlock(&f->lock);
}

/* Exchanges the buffers once there is something to write; false at the end. */
static bool take(struct line_file *f, struct buffer **ret)
{
	bool some;

	pthread_mutex_lock(&f->lock);
	f->waiting = true;
	while (f->filling->len == 0 && !f->stop)
		pthread_cond_wait(&f->more, &f->lock);
	f->waiting = false;
	f->hurry = false;
	some = f->filling->len > 0;
	*ret = f->filling;
	f->filling = &f->buffers[f->filling == &f->buffers[0]];
	pthread_mutex_unlock(&f->lock);
	return some;
}

static void rest(struct line_file *f)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += REST_MS * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	pthread_mutex_lock(&f->lock);
	while (!f->stop && !f->hurry && pthread_cond_timedwait(&f->more, &f->lock, &until) == 0)
		;
	pthread_mutex_unlock(&f->lock);
}

static void *writer_main(void *arg)
{
	struct line_file *f = arg;
	struct buffer *b;

	while (take(f, &b)) {
		uint64_t lost;

		if (atomic_exchange(&f->reopen, false))
			open_again(f);
		tell_missing(f);
		lost = write_buffer(f, b);
		pthread_mutex_lock(&f->lock);
		f->stats.lines += b->lines - lost;
		f->stats.dropped += lost;
		f->missing += lost;
		f->over += b->lines;
		pthread_cond_broadcast(&f->done);
		pthread_mutex_unlock(&f->lock);
		b->len = 0;
		b->lines = 0;
		rest(f);
	}
	return NULL;
}

/* ---- life ---- */

static void destroy(struct line_file *f)
{
	if (f->path && f->fd >= 0)
		close(f->fd);
	for (int i = 0; i < 2; i++)
		free(f->buffers[i].text);
	pthread_cond_destroy(&f->more);
	pthread_cond_destroy(&f->done);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

static enum ofa_status start(struct line_file *f, struct ofa_error *err)
{
	enum ofa_status st = f->path ? open_file(&f->opt, &f->fd, err) : OFA_OK;
	int rc;

	if (st != OFA_OK)
		return st;
	set_most(f);
	for (int i = 0; i < 2; i++) {
		f->buffers[i].text = malloc(f->opt.buffer_bytes);
		if (!f->buffers[i].text)
			return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	}
	rc = pthread_create(&f->writer, NULL, writer_main, f);
	return rc ? ofa_fail(err, OFA_ERR_IO, NULL, "cannot start the writer of the %s: %s", f->opt.what, strerror(rc))
		  : OFA_OK;
}

enum ofa_status line_file_open(const struct line_file_options *opt, struct line_file **ret, struct ofa_error *err)
{
	pthread_condattr_t attr;
	struct line_file *f;
	enum ofa_status st;

	if (strcmp(opt->path, "off") == 0) {
		*ret = NULL;
		return OFA_OK;
	}
	f = calloc(1, sizeof(*f));
	if (!f)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	f->opt = *opt;
	f->path = strcmp(opt->path, "-") == 0 ? NULL : opt->path;
	f->fd = f->path ? -1 : STDERR_FILENO;
	f->filling = &f->buffers[0];
	pthread_mutex_init(&f->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&f->more, &attr);
	pthread_cond_init(&f->done, &attr);
	pthread_condattr_destroy(&attr);
	st = start(f, err);
	if (st != OFA_OK) {
		destroy(f);
		return st;
	}
	*ret = f;
	return OFA_OK;
}

void line_file_close(struct line_file *f)
{
	if (!f)
		return;
	pthread_mutex_lock(&f->lock);
	f->stop = true;
	pthread_cond_signal(&f->more);
	pthread_mutex_unlock(&f->lock);
	pthread_join(f->writer, NULL);
	destroy(f);
}

void line_file_reopen(struct line_file *f)
{
	if (f)
		atomic_store(&f->reopen, true);
}

void line_file_stats(struct line_file *f, struct line_file_stats *ret)
{
	*ret = (struct line_file_stats){0};
	if (!f)
		return;
	pthread_mutex_lock(&f->lock);
	*ret = f->stats;
	pthread_mutex_unlock(&f->lock);
}

/* ---- lines ---- */

void line_file_add(struct line_file *f, const char *line, size_t n)
{
	struct buffer *b;
	bool wake = false;

	if (!f)
		return;
	pthread_mutex_lock(&f->lock);
	b = f->filling;
	if (b->len + n > f->opt.buffer_bytes) {
		f->stats.dropped++;
		f->missing++;
	} else {
		memcpy(b->text + b->len, line, n);
		b->len += n;
		b->lines++;
		f->added++;
		wake = f->waiting;
		f->waiting = false;
	}
	pthread_mutex_unlock(&f->lock);
	if (wake)
		pthread_cond_signal(&f->more);
}

void line_file_flush(struct line_file *f)
{
	uint64_t wanted;

	if (!f)
		return;
	pthread_mutex_lock(&f->lock);
	wanted = f->added;
	f->hurry = f->over < wanted;
	pthread_cond_signal(&f->more);
	while (f->over < wanted)
		pthread_cond_wait(&f->done, &f->lock);
	pthread_mutex_unlock(&f->lock);
}
