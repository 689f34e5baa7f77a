/* Any bytes as an X-Forwarded-For field and as --trust-proxy: what is understood is an address, the same one when it is
 * written alone, and never the loopback's privilege.
 *
 * With libFuzzer, from the source tree, new inputs going to new-inputs/:
 *	clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -Iengine -Iserver tests/fuzz/fuzz_forwarded.c \
 *		server/access/forwarded.c server/access/address.c engine/base/status.c -o fuzz_forwarded
 *	mkdir -p new-inputs && ./fuzz_forwarded -max_len=1000 new-inputs tests/fuzz/corpus/forwarded
 * Without it, tests/fuzz/replay.c runs the corpus and simple mutations of it. */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "access/forwarded.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_field(const struct access_proxies *p, const char *field)
{
	struct access_client client, again;

	if (!access_forwarded(p, field, &client))
		return;
	if (client.address.loopback || strlen(client.text) >= ACCESS_CLIENT_MAX)
		abort();
	if (!access_forwarded(p, client.text, &again) || strcmp(client.text, again.text) != 0 ||
	    client.address.network != again.address.network)
		abort();
}

static void check_list(const char *text)
{
	struct sockaddr_in loopback = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct access_proxies p = {.n = 0};
	struct ofa_error err = {0};
	const void *any = &loopback;

	if (access_proxies_parse(text, &p, &err) != OFA_OK) {
		if (p.n || !err.message[0])
			abort();
		return;
	}
	if (p.n > ACCESS_PROXIES_MAX)
		abort();
	(void)access_proxies_have(&p, any);
	check_field(&p, text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct access_block tens = {.address = {[10] = 0xff, [11] = 0xff, [12] = 10}, .bits = 104};
	const struct access_proxies p = {.list = {tens}, .n = 1};
	/* a field as the server has it: exactly as long as its text */
	char *field = malloc(size + 1);

	if (!field)
		abort();
	if (size)
		memcpy(field, data, size);
	field[size] = '\0';
	check_field(&p, field);
	check_list(field);
	free(field);
	return 0;
}
