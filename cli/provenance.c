#include "provenance.h"

#include <string.h>

#include "base/sha256.h"

#define ENVELOPE_TYPE "application/vnd.ofa.signed-manifest+json"
#define MAX_LINK 1024

/* The server's own link, with what was accepted last: it signs anew what it signed before that. */
static enum ofa_status make_path(const struct provenance_wanted *wanted, uint64_t last_sequence, struct ofa_buf *path,
                                 struct ofa_error *err)
{
	const json_t *links = json_object_get(wanted->manifest, "links");
	const char *link = json_string_value(json_object_get(links, "signed_manifest"));

	if (!link || strncmp(link, "/subnets/", 9) != 0)
		return ofa_fail(err, OFA_ERR_MISMATCH, "signature",
		                "the delivery is not signed: the server is one that signs nothing");
	if (ofa_buf_printf(path, "%s%cmin_sequence=%llu", link, strchr(link, '?') ? '&' : '?',
	                   (unsigned long long)last_sequence) != OFA_OK)
		return ofa_fail(err, OFA_ERR_LIMIT, "signed_manifest", "the link is longer than %d bytes", MAX_LINK);
	return OFA_OK;
}

static enum ofa_status send(const struct provenance_wanted *wanted, const char *path, struct retry *retry,
                            struct ofa_buf *ret, struct ofa_error *err)
{
	const struct api_request req = {
		.method = "GET",
		.url = wanted->source->url,
		.path = path,
		.accept = ENVELOPE_TYPE,
		.access = wanted->source->access,
	};
	struct api_response response;
	enum ofa_status st = retry_send(retry, &req, &response, err);

	if (st == OFA_OK) {
		*ret = response.body;
		response.body = (struct ofa_buf){0};
	} else if (st == OFA_ERR_NOT_FOUND) {
		ofa_error_prefix(err, "the delivery is not signed");
	}
	api_response_release(&response);
	return st;
}

static enum ofa_status fetch(const struct provenance_wanted *wanted, uint64_t last_sequence, struct retry *retry,
                             struct ofa_buf *ret, struct ofa_error *err)
{
	struct ofa_buf path;
	const char *text;
	enum ofa_status st;

	ofa_buf_init(&path, MAX_LINK);
	st = make_path(wanted, last_sequence, &path, err);
	if (st == OFA_OK && ofa_buf_cstr(&path, &text) != OFA_OK)
		st = ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	if (st == OFA_OK)
		st = send(wanted, text, retry, ret, err);
	ofa_buf_release(&path);
	return st;
}

/* Is what was signed what is about to be downloaded? */
static enum ofa_status check_source(const struct ofa_manifest *m, const struct download_source *source,
                                    struct ofa_error *err)
{
	char id[2 * OFA_SHA256_BYTES + 1];

	ofa_hex(m->sha256, OFA_SHA256_BYTES, id);
	if (strcmp(id, source->id) == 0 && m->size == source->size_bytes)
		return OFA_OK;
	return ofa_fail(err, OFA_ERR_MISMATCH, "sha256",
	                "what was signed is subnet %s, what was announced is %s: something between here and the server "
	                "alters its answers", id, source->id);
}

static enum ofa_status check(const struct provenance_options *o, const struct provenance_wanted *wanted,
                             struct retry *retry, struct provenance *ret, struct ofa_error *err)
{
	struct trust_wanted policy = {.profile = wanted->profile};
	struct trust trust;
	enum ofa_status st = trust_load(&o->trust, &trust, err);

	if (st == OFA_OK)
		st = trust_last_sequence(wanted->out, &policy.last_sequence, err);
	if (st == OFA_OK)
		st = fetch(wanted, policy.last_sequence, retry, &ret->envelope, err);
	if (st == OFA_OK)
		st = trust_accept(&trust, (const char *)ret->envelope.data, ret->envelope.len, &policy, &ret->accepted,
		                  err);
	if (st == OFA_OK)
		st = check_source(&ret->accepted.manifest, wanted->source, err);
	return st;
}

enum ofa_status provenance_check(const struct provenance_options *o, const struct provenance_wanted *wanted,
                                 struct retry *retry, struct provenance *ret, struct ofa_error *err)
{
	enum ofa_status st;

	if (!o->required && o->trust.n == 0)
		return OFA_OK;
	st = check(o, wanted, retry, ret, err);
	ret->checked = st == OFA_OK;
	if (st != OFA_OK)
		ofa_error_prefix(err, "nothing was saved");
	return st;
}

enum ofa_status provenance_check_package(const struct provenance *p, const void *data, size_t size,
                                         struct ofa_error *err)
{
	return p->checked ? trust_check_package(&p->accepted, data, size, err) : OFA_OK;
}

enum ofa_status provenance_remember(const struct provenance *p, const char *out, struct ofa_error *err)
{
	return p->checked ? trust_remember(out, (const char *)p->envelope.data, p->envelope.len, err) : OFA_OK;
}

json_t *provenance_json(const struct provenance *p)
{
	return p->checked ? trust_signed_json(&p->accepted) : json_null();
}

void provenance_release(struct provenance *p)
{
	ofa_buf_release(&p->envelope);
}
