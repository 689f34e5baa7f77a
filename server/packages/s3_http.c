#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include "base/sha256.h"
#include "packages/package_store.h"
#include "packages/s3_http.h"

#define OBJECT_PATH_MAX (PACKAGE_PREFIX_MAX + PACKAGE_BUCKET_MAX + PACKAGE_ID_CHARS + 16)
#define LINE_MAX_BYTES (SIGV4_TOKEN_MAX + 64)
#define HEADERS_MAX 12
#define AUTHORITIES_MAX ((size_t)4 << 20)
#define TYPE "application/vnd.ofa.subnet"
#define IMMUTABLE "public, max-age=31536000, immutable"

struct s3_http {
	const struct s3_account *account;
	pthread_mutex_t lock;
	CURL *idle[S3_IDLE_MAX];
	unsigned n_idle;
	uint8_t *authorities; /* of account->ca_file, read before a sandbox forbids it; or NULL */
	size_t authorities_size;
};

/* What libcurl's callbacks work on. */
struct transfer {
	struct s3_exchange *x;
	CURL *curl;
	char body[S3_ERROR_BODY_MAX]; /* an error's */
	size_t n_body;
	enum ofa_status refused; /* why a callback ended it */
	struct ofa_error *err;
};

enum ofa_status s3_http_new(const struct s3_account *account, struct s3_http **ret, struct ofa_error *err)
{
	struct s3_http *h = calloc(1, sizeof(*h));
	struct ofa_error inner = {0};
	enum ofa_status st = OFA_OK;

	if (!h || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		free(h);
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	}
	h->account = account;
	pthread_mutex_init(&h->lock, NULL);
	if (*account->ca_file)
		st = ofa_file_read(account->ca_file, AUTHORITIES_MAX, &h->authorities, &h->authorities_size, &inner);
	if (st != OFA_OK) {
		s3_http_free(h);
		return ofa_fail(err, st, "AWS_CA_BUNDLE", "AWS_CA_BUNDLE: %s", inner.message);
	}
	*ret = h;
	return OFA_OK;
}

void s3_http_free(struct s3_http *h)
{
	if (!h)
		return;
	while (h->n_idle)
		curl_easy_cleanup(h->idle[--h->n_idle]);
	pthread_mutex_destroy(&h->lock);
	free(h->authorities);
	free(h);
	curl_global_cleanup();
}

/* ---- connections ---- */

static CURL *take_handle(struct s3_http *h)
{
	CURL *curl = NULL;

	pthread_mutex_lock(&h->lock);
	if (h->n_idle)
		curl = h->idle[--h->n_idle];
	pthread_mutex_unlock(&h->lock);
	return curl ? curl : curl_easy_init();
}

static void give_handle(struct s3_http *h, CURL *curl)
{
	curl_easy_reset(curl); /* keeps its connections */
	pthread_mutex_lock(&h->lock);
	if (h->n_idle < S3_IDLE_MAX) {
		h->idle[h->n_idle++] = curl;
		curl = NULL;
	}
	pthread_mutex_unlock(&h->lock);
	if (curl)
		curl_easy_cleanup(curl);
}

/* ---- answers ---- */

static enum ofa_status take_body(struct transfer *t, const char *data, size_t size)
{
	size_t room = sizeof(t->body) - t->n_body;
	long status = 0;

	curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status == 200 && t->x->to)
		return spool_write(t->x->to, data, size, t->err);
	room = size < room ? size : room;
	memcpy(t->body + t->n_body, data, room);
	t->n_body += room;
	return OFA_OK;
}

static size_t receive_body(char *data, size_t one, size_t n, void *ctx)
{
	struct transfer *t = ctx;

	t->refused = take_body(t, data, one * n);
	return t->refused == OFA_OK ? one * n : 0;
}

static size_t receive_header(char *line, size_t one, size_t n, void *ctx)
{
	static const char name[] = "x-amz-bucket-region:";
	struct transfer *t = ctx;
	size_t len = one * n, skip = strlen(name);

	if (len <= skip || strncasecmp(line, name, skip) != 0)
		return len;
	while (skip < len && line[skip] == ' ')
		skip++;
	n = skip;
	while (n < len && line[n] > ' ')
		n++;
	if (package_region_parse("", line + skip, n - skip, t->x->region_told, NULL) != OFA_OK)
		t->x->region_told[0] = '\0';
	return len;
}

/* ---- requests ---- */

struct headers {
	struct sigv4_header list[HEADERS_MAX];
	size_t n;
};

static void add(struct headers *h, const char *name, const char *value)
{
	h->list[h->n++] = (struct sigv4_header){.name = name, .value = value};
}

/* By name, as they are signed. */
static void collect(const struct s3_exchange *x, const struct s3_place *place, const struct s3_account *a,
		    const char *time, const char *digest, struct headers *h)
{
	bool put = strcmp(x->method, "PUT") == 0;

	if (put) {
		add(h, "cache-control", IMMUTABLE);
		add(h, "content-type", TYPE);
	}
	add(h, "host", place->host);
	if (put && x->only_new)
		add(h, "if-none-match", "*");
	add(h, "x-amz-content-sha256", digest);
	add(h, "x-amz-date", time);
	if (*a->credentials.token)
		add(h, "x-amz-security-token", a->credentials.token);
}

static struct curl_slist *append(struct curl_slist *list, bool *failed, const char *name, const char *value)
{
	char line[LINE_MAX_BYTES];
	struct curl_slist *longer;

	snprintf(line, sizeof(line), "%s: %s", name, value);
	longer = curl_slist_append(list, line);
	explicit_bzero(line, sizeof(line));
	*failed = *failed || !longer;
	return longer ? longer : list;
}

/* "Expect:" keeps curl from waiting for a 100 before it sends a larger body. */
static enum ofa_status make_headers(const struct s3_exchange *x, const struct s3_place *place,
				    const struct s3_account *a, const char *path, struct curl_slist **ret,
				    struct ofa_error *err)
{
	char time_text[SIGV4_TIME_MAX], digest[2 * OFA_SHA256_BYTES + 1], authorization[SIGV4_AUTHORIZATION_MAX];
	uint8_t sha256[OFA_SHA256_BYTES];
	struct headers h = {.n = 0};
	struct sigv4_request r = {.method = x->method, .path = path, .query = "", .region = x->region, .service = "s3"};
	time_t now = time(NULL);
	struct tm tm;
	bool failed = false;
	enum ofa_status st;

	strftime(time_text, sizeof(time_text), "%Y%m%dT%H%M%SZ", gmtime_r(&now, &tm));
	ofa_sha256(x->data ? x->data : (const uint8_t *)"", x->size, sha256);
	ofa_hex(sha256, sizeof(sha256), digest);
	collect(x, place, a, time_text, digest, &h);
	r.headers = h.list;
	r.n_headers = h.n;
	r.payload_sha256 = digest;
	r.time = time_text;
	st = sigv4_sign(&r, &a->credentials, authorization, err);
	if (st != OFA_OK)
		return st;
	for (size_t i = 0; i < h.n; i++)
		*ret = append(*ret, &failed, h.list[i].name, h.list[i].value);
	*ret = append(*ret, &failed, "Authorization", authorization);
	*ret = append(*ret, &failed, "Expect", "");
	return failed ? ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory") : OFA_OK;
}

static void set_up(struct transfer *t, const struct s3_http *h, const char *url, struct curl_slist *headers)
{
	struct curl_blob authorities = {.data = h->authorities, .len = h->authorities_size};
	CURL *curl = t->curl;

	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (h->authorities)
		curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &authorities);
	if (strcmp(t->x->method, "HEAD") == 0)
		curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
	else
		curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, t->x->method);
	if (t->x->data) {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, t->x->data);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)t->x->size);
	}
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, S3_CONNECT_S);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, S3_STALL_BYTES);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, S3_STALL_S);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, S3_REQUEST_S);
	curl_easy_setopt(curl, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)PACKAGE_BYTES_MAX);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, receive_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, t);
}

/* A stalled server has had its time; one that broke off may do better at once. */
static enum ofa_status failed(struct transfer *t, CURLcode rc, const char *host)
{
	switch (rc) {
	case CURLE_COULDNT_CONNECT:
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_PARTIAL_FILE:
	case CURLE_SSL_CONNECT_ERROR:
		t->x->cut = true;
		break;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_OPERATION_TIMEDOUT:
		break;
	case CURLE_FILESIZE_EXCEEDED:
		return ofa_fail(t->err, OFA_ERR_LIMIT, NULL, "S3 at %s: an object has more than %zu bytes", host,
				PACKAGE_BYTES_MAX);
	case CURLE_OUT_OF_MEMORY:
		return ofa_fail(t->err, OFA_ERR_NOMEM, NULL, "out of memory");
	default:
		return ofa_fail(t->err, OFA_ERR_IO, NULL, "S3 at %s: %s%s", host, curl_easy_strerror(rc),
				rc == CURLE_PEER_FAILED_VERIFICATION || rc == CURLE_SSL_CACERT_BADFILE
					? ": see AWS_CA_BUNDLE"
					: "");
	}
	return ofa_fail(t->err, OFA_ERR_UNAVAILABLE, NULL, "S3 at %s: %s", host, curl_easy_strerror(rc));
}

static enum ofa_status perform(struct transfer *t, const char *host)
{
	CURLcode rc = curl_easy_perform(t->curl);

	if (t->refused != OFA_OK)
		return t->refused;
	if (rc != CURLE_OK)
		return failed(t, rc, host);
	curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &t->x->status);
	s3_error_code(t->body, t->n_body, t->x->code);
	return OFA_OK;
}

enum ofa_status s3_http_send(struct s3_http *h, struct s3_exchange *x, struct ofa_error *err)
{
	struct transfer t = {.x = x, .err = err};
	struct curl_slist *headers = NULL;
	struct s3_place place;
	char path[OBJECT_PATH_MAX], url[S3_HOST_MAX + OBJECT_PATH_MAX + 16];
	enum ofa_status st = OFA_OK;

	x->status = 0;
	x->code[0] = x->region_told[0] = '\0';
	x->cut = false;
	s3_account_place(h->account, x->region, &place);
	snprintf(path, sizeof(path), "%s%s.ofa", place.path, x->id);
	snprintf(url, sizeof(url), "%s%s%s", place.scheme, place.host, path);
	t.curl = take_handle(h);
	if (!t.curl)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	st = make_headers(x, &place, h->account, path, &headers, err);
	if (st == OFA_OK) {
		set_up(&t, h, url, headers);
		st = perform(&t, place.host);
	}
	give_handle(h, t.curl);
	curl_slist_free_all(headers);
	return st;
}
