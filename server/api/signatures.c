/* What deliveries are signed with: the public keys, the signed manifest of a delivery, a package's .minisig. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "api/body.h"
#include "api/problem.h"
#include "api/resources.h"
#include "api/subnet_package.h"
#include "service/manifest.h"
#include "sign/signer.h"

#define ENVELOPE_TYPE "application/vnd.ofa.signed-manifest+json"
#define MINISIG_TYPE "text/plain; charset=utf-8"
/* Stored by caches, but asked after each time: a signature is renewed long before it expires. */
#define NO_CACHE "no-cache"

/* ---- GET /.well-known/ofad-keys.json ---- */

static const char *key_state(const struct key_ring *ring, unsigned i)
{
	if (!ring->keys[i].signs)
		return "retired";
	return i == 0 ? "active" : "retiring";
}

static json_t *key_json(const struct key_ring *ring, unsigned i)
{
	const struct sign_key *k = &ring->keys[i];
	char public_half[SIGN_BASE64_CHARS(SIGN_PUBLIC_BYTES) + 1], minisign[SIGN_MINISIGN_CHARS + 1];

	sign_base64(k->public_half, sizeof(k->public_half), public_half);
	sign_key_minisign(k, minisign);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "key_id", k->name, "algorithm", "Ed25519", "state",
			 key_state(ring, i), "created", k->created, "public_key", public_half, "minisign", minisign);
}

enum http_next keys_get(struct app *app, struct http_call *call)
{
	struct key_ring *ring;
	json_t *keys;

	if (!accepts_json(call))
		return HTTP_REPLY;
	ring = signer_keys(app->signer);
	keys = json_array();
	for (unsigned i = 0; i < ring->n; i++)
		json_array_append_new(keys, key_json(ring, i));
	key_ring_unref(ring);
	http_reply_json(&call->reply, 200, "application/json", json_pack("{s:o}", "keys", keys));
	http_reply_header(&call->reply, "Cache-Control", NO_CACHE);
	return HTTP_REPLY;
}

/* ---- GET /subnets/{id}/signed-manifest ---- */

/* What is asked for: which delivery of the package, and how new its signature has to be. */
struct envelope_query {
	bool named; /* a delivery is */
	struct job_key key; /* its question, or the package */
	uint64_t min_sequence;
};

static bool parse_hex(const char *hex, struct job_key *ret)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < 2 * sizeof(ret->bytes); i++) {
		const char *digit = hex[i] ? strchr(digits, hex[i]) : NULL;

		if (!digit)
			return false;
		ret->bytes[i / 2] = (uint8_t)(ret->bytes[i / 2] << 4 | (digit - digits));
	}
	return hex[2 * sizeof(ret->bytes)] == '\0';
}

static bool parse_sequence(const char *text, uint64_t *ret)
{
	size_t n = strspn(text, "0123456789");

	if (n == 0 || n > 18 || text[n])
		return false;
	*ret = strtoull(text, NULL, 10);
	return true;
}

/* False: the reply says why. */
static bool read_query(struct http_call *call, struct envelope_query *q)
{
	const char *query = call->request.query;
	const char *id = http_param(&call->request.params, "id");
	char delivery[HTTP_PARAM_MAX], sequence[HTTP_PARAM_MAX];

	memset(q, 0, sizeof(*q));
	if (!http_query(query, "delivery", delivery, sizeof(delivery)) ||
	    (delivery[0] && !parse_hex(delivery, &q->key))) {
		problem_reply(call, PROBLEM_INVALID, "delivery",
			      "delivery is not 64 hex digits, as the links of a delivery have them");
		return false;
	}
	if (!http_query(query, "min_sequence", sequence, sizeof(sequence)) ||
	    (sequence[0] && !parse_sequence(sequence, &q->min_sequence))) {
		problem_reply(call, PROBLEM_INVALID, "min_sequence", "min_sequence is not a whole number below 10^18");
		return false;
	}
	q->named = delivery[0] != '\0';
	if (!q->named && !parse_hex(id, &q->key)) {
		problem_reply(call, PROBLEM_NOT_FOUND, NULL,
			      "\"%.80s\" is not the id of a subnet: 64 hex digits are", id);
		return false;
	}
	return true;
}

/* The manifest as it was answered, from the database; must be of this package. */
static enum ofa_status find_delivery(struct app *app, const char *id, const struct envelope_query *q, json_t **ret,
				     struct ofa_error *err)
{
	const struct store_driver *driver = app->store->driver;
	json_t *manifest = NULL;
	const char *of = NULL;
	struct ofa_buf text;
	enum ofa_status st;

	ofa_buf_init(&text, MANIFEST_MAX);
	st = q->named ? driver->delivery_by_question(app->store, q->key.bytes, &text, err)
		      : driver->delivery_by_subnet(app->store, id, &text, err);
	if (st == OFA_OK) {
		manifest = json_loadb((const char *)text.data, text.len, 0, NULL);
		of = json_string_value(json_object_get(manifest, "id"));
		st = of ? OFA_OK : ofa_fail(err, OFA_ERR_FORMAT, NULL, "a stored manifest has no id");
	}
	ofa_buf_release(&text);
	if (st == OFA_ERR_NOT_FOUND || (of && strcmp(of, id) != 0))
		st = ofa_fail(err, OFA_ERR_NOT_FOUND, q->named ? "delivery" : NULL,
			      "there is no such delivery of subnet %.80s", id);
	if (st == OFA_OK)
		*ret = manifest;
	else
		json_decref(manifest);
	return st;
}

/* On a worker, before a package is looked for, or made again; false: the reply says that there is no such delivery. */
static bool check_delivery(struct app *app, struct http_call *call, const char *id, const struct envelope_query *q)
{
	struct ofa_error err = {0};
	json_t *manifest;
	enum ofa_status st;

	if (call->rebuild || !http_call_on_worker(call))
		return true;
	st = find_delivery(app, id, q, &manifest, &err);
	if (st == OFA_OK)
		json_decref(manifest);
	else
		problem_reply_error(call, st, &err);
	return st == OFA_OK;
}

static enum ofa_status sign_delivery(struct app *app, const struct package *package, const struct envelope_query *q,
				     struct signed_text **ret, struct ofa_error *err)
{
	struct manifest_claims claims = {.id = package->id};
	json_t *manifest = NULL;
	enum ofa_status st = find_delivery(app, package->id, q, &manifest, err);

	if (st == OFA_OK) {
		claims.profile_revision = json_string_value(json_object_get(manifest, "profile_revision"));
		claims.size_bytes = package->size;
		package_format(package, &claims.major, &claims.minor);
		st = signer_manifest(app->signer, &q->key, &claims, q->min_sequence, ret, err);
		if (st == OFA_OK)
			metrics_add(app->metrics, METRICS_SIGNATURES_MANIFEST, 1);
	}
	json_decref(manifest);
	return st;
}

static void reply_signed(struct http_call *call, const char *type, struct signed_text *t)
{
	http_reply_shared(&call->reply, 200, type, &t->shared, (const uint8_t *)t->text, t->size);
	http_reply_header(&call->reply, "Cache-Control", NO_CACHE);
	signed_text_unref(t);
}

/* False: the reply says that nothing is signed here. */
static bool check_signing(struct app *app, struct http_call *call)
{
	if (signer_active(app->signer))
		return true;
	problem_reply(call, PROBLEM_NOT_FOUND, NULL,
		      "this server has no signing key: its packages are unsigned (`ofad keygen` makes one)");
	return false;
}

enum http_next subnet_signed_manifest_get(struct app *app, struct http_call *call)
{
	static const char *const offers[] = {ENVELOPE_TYPE, "application/json"};
	const char *id = http_param(&call->request.params, "id");
	int type = choose_type(call, offers, OFA_ARRAY_LEN(offers));
	struct ofa_error err = {0};
	struct package *package = NULL;
	struct envelope_query query;
	struct signed_text *t;
	enum http_next next;
	enum ofa_status st = OFA_OK;

	if (type < 0 || !check_signing(app, call) || !read_query(call, &query))
		return HTTP_REPLY;
	t = call->rebuild ? NULL : signer_recall(app->signer, &query.key, id, query.min_sequence);
	if (!t && !check_delivery(app, call, id, &query))
		return HTTP_REPLY;
	if (!t && !subnet_package(app, call, id, &package, &next))
		return next;
	if (!t && !http_call_on_worker(call)) {
		package_unref(package);
		return HTTP_OFFLOAD; /* signing reads the database and counts on disk */
	}
	if (!t)
		st = sign_delivery(app, package, &query, &t, &err);
	package_unref(package);
	if (st == OFA_OK) {
		reply_signed(call, offers[type], t);
		http_reply_header(&call->reply, "Vary", "Accept");
	} else {
		problem_reply_error(call, st, &err);
	}
	return HTTP_REPLY;
}

void signed_manifest_link(struct http_call *call, const char *id, const struct job_key *question)
{
	char hex[2 * OFA_SHA256_BYTES + 1];

	if (!signer_active(call->app->signer))
		return;
	ofa_hex(question->bytes, OFA_SHA256_BYTES, hex);
	http_reply_header(&call->reply, "Link",
			  "</subnets/%s/signed-manifest?delivery=%s>; rel=\"describedby\"; type=\"%s\"", id, hex,
			  ENVELOPE_TYPE);
}

/* ---- GET /subnets/{id}.minisig ---- */

/* Another key than that of the package's envelope. */
static void minisig_key(const char *id, struct job_key *ret)
{
	char text[PACKAGE_ID_CHARS + 16];
	int n = snprintf(text, sizeof(text), "minisig %.64s", id);

	ofa_sha256(text, (size_t)n, ret->bytes);
}

enum http_next subnet_minisig_get(struct app *app, struct http_call *call)
{
	static const char *const offers[] = {"text/plain"};
	const char *id = http_param(&call->request.params, "id");
	struct package *package = NULL;
	struct ofa_error err = {0};
	struct signed_text *t;
	struct job_key key;
	enum http_next next;
	enum ofa_status st = OFA_OK;

	if (choose_type(call, offers, 1) < 0 || !check_signing(app, call))
		return HTTP_REPLY;
	minisig_key(id, &key);
	t = call->rebuild ? NULL : signer_recall(app->signer, &key, id, 0);
	if (!t && !subnet_package(app, call, id, &package, &next))
		return next;
	if (!t && !http_call_on_worker(call)) {
		package_unref(package);
		return HTTP_OFFLOAD; /* the whole package is hashed */
	}
	if (package)
		st = signer_minisig(app->signer, &key, id, package->data, package->size, &t, &err);
	if (package && st == OFA_OK)
		metrics_add(app->metrics, METRICS_SIGNATURES_MINISIG, 1);
	package_unref(package);
	if (st == OFA_OK)
		reply_signed(call, MINISIG_TYPE, t);
	else
		problem_reply_error(call, st, &err);
	return HTTP_REPLY;
}
