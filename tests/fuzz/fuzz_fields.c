/* Header sections of any bytes: what Range, If-None-Match, If-Range, Accept, Prefer, Content-Length,
 * Transfer-Encoding and X-Request-Id do to an answer.  One field a line, "Name: value".
 *
 * With libFuzzer, from the source tree, new inputs going to new-inputs/:
 *	clang -g -O1 -D_GNU_SOURCE -fsanitize=fuzzer,address,undefined -Iserver -Iengine -Idevice \
 *		tests/fuzz/fuzz_fields.c server/http/{request,reply,conditional,precondition,negotiate,prefer}.c \
 *		server/shared.c engine/base/{buf,status,sha256}.c -ljansson -lcrypto -o fuzz_fields
 *	mkdir -p new-inputs && ./fuzz_fields -max_len=2000 new-inputs tests/fuzz/corpus/fields
 * Without it, tests/fuzz/replay.c runs the corpus and simple mutations of it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/conditional.h"
#include "http/negotiate.h"
#include "http/prefer.h"

#define CONTENT "0123456789abcdefghijklmnopqrstuvwxyz"
#define TAG "\"sha256-aa\""
#define OWN_ID "own-id"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int holds)
{
	if (!holds)
		abort();
}

static void take_line(struct http_request *r, char *line)
{
	char *colon = strchr(line, ':');

	if (!colon)
		return;
	*colon++ = '\0';
	must(http_request_header(r, line, colon + strspn(colon, " ")) == OFA_OK);
}

/* A NUL cannot come in a header section, a newline ends a field. */
static void read_section(struct http_request *r, char *text)
{
	while (*text) {
		size_t n = strcspn(text, "\n");
		char *next = text + n + (text[n] == '\n');

		text[n] = '\0';
		take_line(r, text);
		text = next;
	}
	http_request_headers_end(r, OWN_ID);
}

static void check_request(const struct http_request *r)
{
	uint64_t length = 1;
	bool body = http_request_has_body(r, &length);

	must(r->id[0] != '\0' && !strpbrk(r->id, " \t\r\n\"\\<>"));
	must(body == (length > 0));
	if (r->header[HTTP_CONTENT_LENGTH] && r->header[HTTP_TRANSFER_ENCODING])
		must(r->fault != NULL);
}

static const char *header_of(const struct http_reply *reply, const char *name)
{
	for (unsigned i = 0; i < reply->n_headers; i++)
		if (strcmp(reply->headers[i].name, name) == 0)
			return reply->headers[i].value;
	return NULL;
}

/* 200 with all, 206 with a part, 304 and 416 with nothing; never a byte from elsewhere. */
static void check_answer(struct http_request *r, const char *method)
{
	static const uint8_t content[] = CONTENT;
	const size_t all = sizeof(content) - 1;
	struct http_reply reply;

	r->method = method;
	http_reply_init(&reply);
	http_reply_static(&reply, 200, "text/plain", (const char *)content, all);
	memcpy(reply.etag, TAG, sizeof(TAG));
	reply.ranges = true;
	http_reply_condition(r, &reply);
	switch (reply.status) {
	case 200:
		must(reply.size == all && !header_of(&reply, "Content-Range"));
		break;
	case 206:
		must(strcmp(method, "GET") == 0 && r->header[HTTP_RANGE] && header_of(&reply, "Content-Range"));
		must(reply.size >= 1 && reply.size <= all);
		must(reply.data >= content && reply.data + reply.size <= content + all);
		break;
	case 304:
		must(reply.size == 0 && r->header[HTTP_IF_NONE_MATCH] != NULL);
		break;
	case 416:
		must(reply.size == 0 && r->header[HTTP_RANGE] && header_of(&reply, "Content-Range"));
		break;
	default:
		abort();
	}
	http_reply_release(&reply);
}

static void check_choices(const struct http_request *r)
{
	static const char *const offers[] = {"application/vnd.ofa.subnet", "application/json", "text/html"};
	struct http_prefer prefer = http_prefer_parse(r->header[HTTP_PREFER]);
	int best = http_accept_best(r->header[HTTP_ACCEPT], offers, 3);

	must(best >= -1 && best < 3);
	if (!r->header[HTTP_ACCEPT])
		must(best == 0);
	must(prefer.wait_s >= -1 && prefer.wait_s <= HTTP_PREFER_WAIT_MAX);
	if (!r->header[HTTP_PREFER])
		must(prefer.wait_s == -1 && !prefer.respond_async);
	(void)http_media_type_in(r->header[HTTP_CONTENT_TYPE], offers, 3);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_request request;
	char *text = malloc(size + 1);

	if (!text || http_request_init(&request, "GET", "/") != OFA_OK)
		abort();
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	read_section(&request, text);
	check_request(&request);
	check_answer(&request, "GET");
	check_answer(&request, "HEAD");
	check_choices(&request);
	http_request_release(&request);
	free(text);
	return 0;
}
