/* Any bytes as a signed manifest, as a device gets it: what is accepted can be written in no other way.
 *
 * With libFuzzer, from the source tree, new inputs going to new-inputs/:
 *	clang -g -O1 -fsanitize=fuzzer,address,undefined -Idevice tests/fuzz/fuzz_manifest.c \
 *		device/manifest.c device/ed25519.c device/sha512.c device/sha256.c -o fuzz_manifest
 *	mkdir -p new-inputs && ./fuzz_manifest -max_len=3000 new-inputs tests/fuzz/corpus/manifest
 * Without it, tests/fuzz/replay.c runs the corpus and simple mutations of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ofa_device_manifest.h"

enum { TEXT_MAX = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void append(char text[TEXT_MAX], size_t *n, const char *s)
{
	size_t len = strlen(s);

	if (*n + len >= TEXT_MAX)
		abort();
	memcpy(text + *n, s, len);
	*n += len;
}

static void append_base64(char text[TEXT_MAX], size_t *n, const uint8_t bytes[OFA_MANIFEST_SIGNATURE_BYTES])
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char out[89];

	for (int i = 0; i < 22; i++) {
		uint32_t v = 0;

		for (int j = 0; j < 3; j++)
			v = v << 8 | (3 * i + j < 64 ? bytes[3 * i + j] : 0);
		for (int j = 0; j < 4; j++)
			out[4 * i + j] = digits[v >> (18 - 6 * j) & 63];
	}
	memcpy(out + 86, "==", 3);
	append(text, n, out);
}

static size_t write_envelope(const struct ofa_manifest_envelope *e, char text[TEXT_MAX])
{
	size_t n = 0;

	append(text, &n, "{\"manifest\":\"");
	for (size_t i = 0; i < e->line_bytes; i++)
		append(text, &n, e->line[i] == '"' ? "\\\"" : (char[2]){e->line[i], '\0'});
	append(text, &n, "\",\"signatures\":[");
	for (unsigned i = 0; i < e->n_signatures; i++) {
		char id[17];

		for (int j = 0; j < 8; j++)
			snprintf(id + 2 * j, 3, "%02X", e->signatures[i].key_id[7 - j]);
		append(text, &n, i ? ",{\"key_id\":\"" : "{\"key_id\":\"");
		append(text, &n, id);
		append(text, &n, "\",\"signature\":\"");
		append_base64(text, &n, e->signatures[i].bytes);
		append(text, &n, "\"}");
	}
	append(text, &n, "]}");
	return n;
}

static size_t write_line(const struct ofa_manifest *m, char text[TEXT_MAX])
{
	char hex[65];
	int n;

	for (int i = 0; i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", m->sha256[i]);
	n = snprintf(text, TEXT_MAX,
		     "{\"expires\":%llu,\"format_version\":\"%u.%u\",\"id\":\"%s\",\"profile_revision\":%s%.*s%s,"
		     "\"sequence\":%llu,\"sha256\":\"%s\",\"size\":%u}",
		     (unsigned long long)m->expires, m->major, m->minor, hex, m->profile ? "\"" : "null",
		     (int)m->profile_bytes, m->profile ? m->profile : "", m->profile ? "\"" : "",
		     (unsigned long long)m->sequence, hex, m->size);
	return (size_t)n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* exactly as many bytes as there are, so that the sanitizer sees a step over their end */
	char *copy = malloc(size ? size : 1), text[TEXT_MAX];
	struct ofa_manifest_envelope e;
	struct ofa_manifest m;

	if (!copy)
		abort();
	if (size)
		memcpy(copy, data, size);
	if (ofa_manifest_open(copy, size, &e) == OFA_MANIFEST_OK) {
		if (write_envelope(&e, text) != size || memcmp(text, copy, size) != 0)
			abort();
		if (ofa_manifest_read(e.line, e.line_bytes, &m) == OFA_MANIFEST_OK &&
		    (write_line(&m, text) != e.line_bytes || memcmp(text, e.line, e.line_bytes) != 0))
			abort();
	}
	free(copy);
	return 0;
}
