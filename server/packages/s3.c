/* Objects PREFIX + ID + ".ofa" of an S3 bucket. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include "clock.h"
#include "packages/package_store.h"
#include "packages/s3_http.h"

#define TRIES 4          /* of a request, all of which may be repeated */
#define PAUSE_MS 100u    /* before the second at most, doubled for each further one; a random part of it is waited */
#define REST_MS 1000.0   /* after a server could not be reached, for which nobody else tries */

struct s3_store {
	struct package_store base;
	struct s3_account account;
	struct s3_http *http;
	pthread_mutex_t lock; /* what follows */
	char region[PACKAGE_REGION_MAX];
	double failed_ms; /* when the server could not be reached, after which it was not; 0 */
	bool unconditional; /* it does not know If-None-Match */
};

static struct s3_store *s3_of(struct package_store *s)
{
	return (struct s3_store *)(void *)s;
}

static void s3_close(struct package_store *base)
{
	struct s3_store *s = s3_of(base);

	s3_http_free(s->http);
	s3_account_forget(&s->account);
	pthread_mutex_destroy(&s->lock);
	package_store_release(base);
	free(s);
}

static enum ofa_status s3_open(const struct package_location *at, const struct package_store_options *opt,
			       struct package_store **ret, struct ofa_error *err)
{
	struct s3_store *s = calloc(1, sizeof(*s));
	enum ofa_status st;

	if (!s)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	pthread_mutex_init(&s->lock, NULL);
	st = package_store_init(&s->base, &package_store_s3, opt, err);
	if (st == OFA_OK)
		st = s3_account_load(at, &s->account, err);
	if (st == OFA_OK)
		st = s3_http_new(&s->account, &s->http, err);
	if (st != OFA_OK) {
		s3_close(&s->base);
		return st;
	}
	s->base.remote = true;
	memcpy(s->region, s->account.at.region, sizeof(s->region));
	*ret = &s->base;
	return OFA_OK;
}

/* ---- one request, until there is an answer that will do ---- */

/* What is tried again after a moment: the server says so, or is in trouble. */
static bool is_transient(const struct s3_exchange *x)
{
	return x->status == 408 || x->status == 409 || x->status == 429 || x->status == 500 || x->status == 502 ||
	       x->status == 503 || x->status == 504;
}

static void pause_before(unsigned n)
{
	unsigned random = 0, ms = PAUSE_MS << n;
	struct timespec t;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		random = n;
	ms = ms / 2 + random % (ms / 2);
	t = (struct timespec){.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
	nanosleep(&t, NULL);
}

/* Where the bucket is elsewhere than was thought, it is asked for there from now on.  True: it is worth it. */
static bool move(struct s3_store *s, struct s3_exchange *x)
{
	bool moved = (x->status == 301 || x->status == 307 || x->status == 400) && *x->region_told &&
		     strcmp(x->region_told, x->region) != 0;

	if (!moved)
		return false;
	memcpy(x->region, x->region_told, sizeof(x->region));
	pthread_mutex_lock(&s->lock);
	memcpy(s->region, x->region, sizeof(s->region));
	pthread_mutex_unlock(&s->lock);
	return true;
}

/* A failure of a moment ago is taken for this one's, too. */
static enum ofa_status begin(struct s3_store *s, struct s3_exchange *x, struct ofa_error *err)
{
	bool resting;

	pthread_mutex_lock(&s->lock);
	memcpy(x->region, s->region, sizeof(x->region));
	resting = s->failed_ms > 0 && clock_ms() - s->failed_ms < REST_MS;
	x->only_new = x->only_new && !s->unconditional;
	pthread_mutex_unlock(&s->lock);
	return resting ? ofa_fail(err, OFA_ERR_UNAVAILABLE, NULL, "S3: it could not be reached a moment ago") : OFA_OK;
}

static void end(struct s3_store *s, enum ofa_status st)
{
	pthread_mutex_lock(&s->lock);
	s->failed_ms = st == OFA_ERR_UNAVAILABLE ? clock_ms() : 0;
	pthread_mutex_unlock(&s->lock);
}

/* Servers that do not know If-None-Match take it for nothing, or say so.  Then a second upload of the same package
 * writes it once more, with the same bytes. */
static bool learn_unconditional(struct s3_store *s, struct s3_exchange *x)
{
	if (!x->only_new || x->status != 501)
		return false;
	x->only_new = false;
	pthread_mutex_lock(&s->lock);
	s->unconditional = true;
	pthread_mutex_unlock(&s->lock);
	return true;
}

static enum ofa_status unavailable(const struct s3_exchange *x, struct ofa_error *err)
{
	return ofa_fail(err, OFA_ERR_UNAVAILABLE, NULL, "S3 answers %ld%s%s", x->status, *x->code ? " " : "", x->code);
}

/* OFA_OK: an answer that is neither transient nor about another region. */
static enum ofa_status converse(struct s3_store *s, struct s3_exchange *x, struct ofa_error *err)
{
	struct ofa_error last = {0};
	enum ofa_status st = begin(s, x, err);

	if (st != OFA_OK)
		return st;
	for (unsigned n = 0; n < TRIES; n++) {
		bool again, at_once;

		last = (struct ofa_error){0};
		st = x->to ? spool_rewind(x->to, &last) : OFA_OK;
		if (st == OFA_OK)
			st = s3_http_send(s->http, x, &last);
		at_once = st == OFA_OK && (move(s, x) || learn_unconditional(s, x));
		again = at_once || (st == OFA_OK ? is_transient(x) : x->cut);
		if (st == OFA_OK && is_transient(x))
			st = unavailable(x, &last);
		if (!again)
			break;
		if (!at_once && n + 1 < TRIES)
			pause_before(n);
	}
	end(s, st);
	return st == OFA_OK ? st : ofa_fail(err, st, NULL, "%s", last.message);
}

/* An answer that is none of those that were hoped for. */
static enum ofa_status refused(const struct s3_store *s, const struct s3_exchange *x, struct ofa_error *err)
{
	enum ofa_status st = x->status == 507 || strcmp(x->code, "QuotaExceeded") == 0 ? OFA_ERR_EXHAUSTED : OFA_ERR_IO;

	return ofa_fail(err, st, NULL, "S3 refuses to %s in bucket %s: %ld%s%s%s",
			strcmp(x->method, "PUT") == 0	   ? "write"
			: strcmp(x->method, "DELETE") == 0 ? "delete"
							   : "read",
			s->account.at.bucket, x->status, *x->code ? " " : "", x->code, s3_error_advice(x->code));
}

/* ---- packages ---- */

/* Megabytes are not sent for nothing.  What else the answer may say is told by the upload's: this one has no body. */
static enum ofa_status look_for(struct s3_store *s, const char *id, bool *ret_present, struct ofa_error *err)
{
	struct s3_exchange x = {.method = "HEAD", .id = id};
	enum ofa_status st = converse(s, &x, err);

	if (st == OFA_OK)
		*ret_present = x.status == 200;
	return st;
}

static enum ofa_status s3_put(struct package_store *base, const char *id, const uint8_t *data, size_t size,
			      enum package_put how, bool *ret_present, struct ofa_error *err)
{
	struct s3_store *s = s3_of(base);
	struct s3_exchange x = {.method = "PUT",
				.id = id,
				.data = size ? data : (const uint8_t *)"",
				.size = size,
				.only_new = how == PACKAGE_PUT_NEW};
	bool present = false;
	enum ofa_status st = how == PACKAGE_PUT_NEW ? look_for(s, id, &present, err) : OFA_OK;

	if (st == OFA_OK && !present) {
		st = converse(s, &x, err);
		present = x.status == 412; /* somebody else was faster */
		if (st == OFA_OK && x.status != 200 && x.status != 201 && x.status != 204 && !present)
			st = refused(s, &x, err);
	}
	if (st == OFA_OK)
		*ret_present = present;
	return st;
}

/* Only a server that says of the object that it is not there is believed that: not a proxy in front of it, not a bucket
 * that is missing. */
static enum ofa_status judge_read(const struct s3_store *s, const struct s3_exchange *x, struct ofa_error *err)
{
	if (x->status == 200)
		return OFA_OK;
	if (x->status == 404 && strcmp(x->code, "NoSuchKey") == 0)
		return package_absent(x->id, err);
	return refused(s, x, err);
}

static enum ofa_status s3_get(struct package_store *base, const char *id, struct ofa_map *ret, struct ofa_error *err)
{
	struct s3_store *s = s3_of(base);
	struct spool to;
	struct s3_exchange x = {.method = "GET", .id = id, .to = &to};
	enum ofa_status st = spool_open(base->fetched_in, PACKAGE_BYTES_MAX, &to, err);

	if (st != OFA_OK)
		return st;
	st = converse(s, &x, err);
	if (st == OFA_OK)
		st = judge_read(s, &x, err);
	if (st == OFA_OK)
		st = spool_map(&to, ret, err);
	spool_close(&to);
	return st;
}

static enum ofa_status s3_drop(struct package_store *base, const char *id, struct ofa_error *err)
{
	struct s3_store *s = s3_of(base);
	struct s3_exchange x = {.method = "DELETE", .id = id};
	enum ofa_status st = converse(s, &x, err);

	if (st == OFA_OK && x.status != 204 && x.status != 200 &&
	    !(x.status == 404 && strcmp(x.code, "NoSuchKey") == 0))
		st = refused(s, &x, err);
	return st;
}

const struct package_store_driver package_store_s3 = {
	.name = "s3",
	.open = s3_open,
	.close = s3_close,
	.put = s3_put,
	.get = s3_get,
	.drop = s3_drop,
};
