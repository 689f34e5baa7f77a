#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "access_log.h"
#include "api/problem.h"

/* After a write the writer rests, so that under load lines gather and no request pays for waking it. */
#define REST_MS 20
/* Lines of others may come between two writes to a pipe; one of at most PIPE_BUF stays whole. */
#define PIPE_WRITE PIPE_BUF
#define FILE_WRITE ((size_t)256 << 10)

#define PATH_CHARS 512
#define AGENT_CHARS 160

struct buffer {
	char *text; /* ACCESS_LOG_BYTES */
	size_t len;
	uint64_t lines;
};

struct access_log {
	const struct log *log;
	const char *path; /* NULL: standard error */
	int fd;
	size_t most; /* bytes in one write */
	bool failing, torn; /* the last write failed, and in the middle of a line */
	atomic_bool reopen;
	pthread_mutex_t lock; /* of what follows; never held while something is written */
	pthread_cond_t more;
	bool waiting, stop;
	struct buffer *filling;
	struct access_log_stats stats;
	struct buffer buffers[2];
	pthread_t writer;
};

/* ---- the writer ---- */

static enum ofa_status open_file(const char *path, int *ret, struct ofa_error *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);

	if (fd < 0)
		return ofa_fail(err, OFA_ERR_IO, "--access-log", "cannot write the access log %.300s: %s", path,
				strerror(errno));
	*ret = fd;
	return OFA_OK;
}

static void set_most(struct access_log *a)
{
	struct stat info;

	a->most = fstat(a->fd, &info) == 0 && S_ISREG(info.st_mode) ? FILE_WRITE : PIPE_WRITE;
}

static void open_again(struct access_log *a)
{
	struct ofa_error err = {0};
	int fd = -1;

	if (!a->path)
		return;
	if (open_file(a->path, &fd, &err) != OFA_OK) {
		log_message(a->log, LOG_LEVEL_ERROR, "%s; the file that was open is written on", err.message);
		return;
	}
	close(a->fd);
	a->fd = fd;
	set_most(a);
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
static uint64_t write_buffer(struct access_log *a, const struct buffer *b)
{
	size_t at = 0;

	while (at < b->len) {
		size_t n = whole_lines(b->text + at, b->len - at, a->most), done;

		if (a->torn && write_all(a->fd, "\n", 1) == 1)
			a->torn = false;
		done = write_all(a->fd, b->text + at, n);
		if (done < n) {
			if (!a->failing)
				log_message(a->log, LOG_LEVEL_ERROR,
					    "the access log cannot be written: %s; lines are lost", strerror(errno));
			a->failing = true;
			a->torn = done > 0 && b->text[at + done - 1] != '\n';
			return count_lines(b->text + at + done, b->len - at - done);
		}
		at += n;
	}
	a->failing = false;
	return 0;
}

/* Exchanges the buffers once there is something to write; false at the end. */
static bool take(struct access_log *a, struct buffer **ret)
{
	bool some;

	pthread_mutex_lock(&a->lock);
	a->waiting = true;
	while (a->filling->len == 0 && !a->stop)
		pthread_cond_wait(&a->more, &a->lock);
	a->waiting = false;
	some = a->filling->len > 0;
	*ret = a->filling;
	a->filling = &a->buffers[a->filling == &a->buffers[0]];
	pthread_mutex_unlock(&a->lock);
	return some;
}

static void rest(struct access_log *a)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += REST_MS * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	pthread_mutex_lock(&a->lock);
	while (!a->stop && pthread_cond_timedwait(&a->more, &a->lock, &until) == 0)
		;
	pthread_mutex_unlock(&a->lock);
}

static void *writer_main(void *arg)
{
	struct access_log *a = arg;
	struct buffer *b;

	while (take(a, &b)) {
		uint64_t lost;

		if (atomic_exchange(&a->reopen, false))
			open_again(a);
		lost = write_buffer(a, b);
		pthread_mutex_lock(&a->lock);
		a->stats.lines += b->lines - lost;
		a->stats.dropped += lost;
		pthread_mutex_unlock(&a->lock);
		b->len = 0;
		b->lines = 0;
		rest(a);
	}
	return NULL;
}

/* ---- life ---- */

static void destroy(struct access_log *a)
{
	if (a->path && a->fd >= 0)
		close(a->fd);
	for (int i = 0; i < 2; i++)
		free(a->buffers[i].text);
	pthread_cond_destroy(&a->more);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

static enum ofa_status start(struct access_log *a, struct ofa_error *err)
{
	enum ofa_status st = a->path ? open_file(a->path, &a->fd, err) : OFA_OK;
	int rc;

	if (st != OFA_OK)
		return st;
	set_most(a);
	for (int i = 0; i < 2; i++) {
		a->buffers[i].text = malloc(ACCESS_LOG_BYTES);
		if (!a->buffers[i].text)
			return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	}
	rc = pthread_create(&a->writer, NULL, writer_main, a);
	return rc ? ofa_fail(err, OFA_ERR_IO, NULL, "cannot start the writer of the access log: %s", strerror(rc))
		  : OFA_OK;
}

enum ofa_status access_log_open(const char *path, const struct log *log, struct access_log **ret, struct ofa_error *err)
{
	pthread_condattr_t attr;
	struct access_log *a;
	enum ofa_status st;

	if (strcmp(path, "off") == 0) {
		*ret = NULL;
		return OFA_OK;
	}
	a = calloc(1, sizeof(*a));
	if (!a)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	a->log = log;
	a->path = strcmp(path, "-") == 0 ? NULL : path;
	a->fd = a->path ? -1 : STDERR_FILENO;
	a->filling = &a->buffers[0];
	pthread_mutex_init(&a->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&a->more, &attr);
	pthread_condattr_destroy(&attr);
	st = start(a, err);
	if (st != OFA_OK) {
		destroy(a);
		return st;
	}
	*ret = a;
	return OFA_OK;
}

void access_log_close(struct access_log *a)
{
	if (!a)
		return;
	pthread_mutex_lock(&a->lock);
	a->stop = true;
	pthread_cond_signal(&a->more);
	pthread_mutex_unlock(&a->lock);
	pthread_join(a->writer, NULL);
	destroy(a);
}

void access_log_reopen(struct access_log *a)
{
	if (a)
		atomic_store(&a->reopen, true);
}

void access_log_stats(struct access_log *a, struct access_log_stats *ret)
{
	*ret = (struct access_log_stats){0};
	if (!a)
		return;
	pthread_mutex_lock(&a->lock);
	*ret = a->stats;
	pthread_mutex_unlock(&a->lock);
}

/* ---- lines ---- */

static void add_line(struct access_log *a, const struct log_line *line)
{
	struct buffer *b;
	bool wake = false;

	pthread_mutex_lock(&a->lock);
	b = a->filling;
	if (b->len + line->len > ACCESS_LOG_BYTES) {
		a->stats.dropped++;
	} else {
		memcpy(b->text + b->len, line->text, line->len);
		b->len += line->len;
		b->lines++;
		wake = a->waiting;
		a->waiting = false;
	}
	pthread_mutex_unlock(&a->lock);
	if (wake)
		pthread_cond_signal(&a->more);
}

void access_log_call(struct access_log *a, const struct http_call *call, double ms)
{
	const struct http_request *r = &call->request;
	const struct http_note *note = &call->note;
	bool answered = call->phase == HTTP_PHASE_SENDING;
	struct log_line line;

	if (!a)
		return;
	log_record_begin(&line);
	log_string(&line, "id", r->id);
	log_string(&line, "principal", call->principal.id[0] ? call->principal.id : NULL);
	log_string(&line, "peer", r->peer);
	log_string(&line, "method", r->method);
	log_integer(&line, "status", answered ? call->reply.status : 0);
	log_integer(&line, "bytes", answered ? (long long)call->reply.size : 0);
	log_real(&line, "ms", ms);
	if (note->queue_ms > 0)
		log_real(&line, "queue_ms", note->queue_ms);
	log_string(&line, "route", call->route ? call->route->path : NULL);
	log_string(&line, "cache", note->cache);
	log_string(&line, "problem", note->problem ? problem_entry((enum problem)(note->problem - 1))->slug : NULL);
	if (note->cut)
		log_integer(&line, "cut", 1);
	log_string_cut(&line, "path", r->target, PATH_CHARS);
	log_string_cut(&line, "user_agent", r->header[HTTP_USER_AGENT], AGENT_CHARS);
	log_record_end(&line);
	add_line(a, &line);
}
