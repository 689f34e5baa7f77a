#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include "access/forwarded.h"

#define SPACE " \t"
/* Of the 128 bits, those before an IPv4 address. */
#define V4_BITS 96

/* The n bytes at s, spaces around them taken off; false when nothing is left or it does not fit. */
static bool copy_trimmed(const char *s, size_t n, char *out, size_t size)
{
	while (n > 0 && strchr(SPACE, s[0])) {
		s++;
		n--;
	}
	while (n > 0 && strchr(SPACE, s[n - 1]))
		n--;
	if (n == 0 || n >= size)
		return false;
	memcpy(out, s, n);
	out[n] = '\0';
	return true;
}

static void map_v4(const void *v4, uint8_t out[16])
{
	static const uint8_t prefix[V4_BITS / 8] = {[10] = 0xff, [11] = 0xff};

	memcpy(out, prefix, sizeof(prefix));
	memcpy(out + sizeof(prefix), v4, 4);
}

/* *ret_v4: it was written as an IPv4 address. */
static bool read_address(const char *text, uint8_t ret[16], bool *ret_v4)
{
	struct in_addr v4;

	*ret_v4 = inet_pton(AF_INET, text, &v4) == 1;
	if (*ret_v4)
		map_v4(&v4, ret);
	return *ret_v4 || inet_pton(AF_INET6, text, ret) == 1;
}

static bool in_block(const uint8_t address[16], const struct access_block *b)
{
	unsigned whole = b->bits / 8, rest = b->bits % 8;

	return memcmp(address, b->address, whole) == 0 &&
	       (rest == 0 || (address[whole] ^ b->address[whole]) >> (8 - rest) == 0);
}

static bool trusted(const struct access_proxies *p, const uint8_t address[16])
{
	for (size_t i = 0; i < p->n; i++)
		if (in_block(address, &p->list[i]))
			return true;
	return false;
}

static bool ends_in_zeros(const struct access_block *b)
{
	for (unsigned bit = b->bits; bit < 128; bit++)
		if (b->address[bit / 8] >> (7 - bit % 8) & 1)
			return false;
	return true;
}

/* ADDRESS or ADDRESS/BITS, which is cut in two. */
static bool read_block(char *text, struct access_block *ret)
{
	char *slash = strchr(text, '/'), *end;
	unsigned long bits;
	bool v4;

	if (slash)
		*slash = '\0';
	if (!read_address(text, ret->address, &v4))
		return false;
	ret->bits = 128;
	if (!slash)
		return true;
	if (slash[1] < '0' || slash[1] > '9')
		return false;
	bits = strtoul(slash + 1, &end, 10);
	if (*end || bits > (v4 ? 32 : 128))
		return false;
	ret->bits = (unsigned)bits + (v4 ? V4_BITS : 0);
	return ends_in_zeros(ret);
}

enum ofa_status access_proxies_parse(const char *text, struct access_proxies *ret, struct ofa_error *err)
{
	struct access_proxies p = {0};
	char piece[ACCESS_CLIENT_MAX + 4];

	while (text && *text) {
		size_t n = strcspn(text, ",");

		if (p.n == ACCESS_PROXIES_MAX)
			return ofa_fail(err, OFA_ERR_LIMIT, "--trust-proxy", "at most %d addresses are trusted",
					ACCESS_PROXIES_MAX);
		if (!copy_trimmed(text, n, piece, sizeof(piece)) || !read_block(piece, &p.list[p.n]))
			return ofa_fail(err, OFA_ERR_INVALID, "--trust-proxy",
					"--trust-proxy has \"%.*s\"; an address, or the first of a block and its bits "
					"(10.0.0.0/8, fd00::/8), is accepted",
					n > 64 ? 64 : (int)n, text);
		p.n++;
		text += n + (text[n] == ',');
	}
	*ret = p;
	return OFA_OK;
}

bool access_proxies_have(const struct access_proxies *p, const struct sockaddr *address)
{
	const void *any = address;
	uint8_t bytes[16];

	if (p->n == 0 || !address)
		return false;
	if (address->sa_family == AF_INET)
		map_v4(&((const struct sockaddr_in *)any)->sin_addr, bytes);
	else if (address->sa_family == AF_INET6)
		memcpy(bytes, &((const struct sockaddr_in6 *)any)->sin6_addr, sizeof(bytes));
	else
		return false;
	return trusted(p, bytes);
}

static void describe(const uint8_t address[16], struct access_client *ret)
{
	struct sockaddr_in6 in = {.sin6_family = AF_INET6};
	const void *any = &in;

	memcpy(&in.sin6_addr, address, 16);
	access_address_read(any, &ret->address);
	ret->address.loopback = false;
	if (IN6_IS_ADDR_V4MAPPED(&in.sin6_addr))
		inet_ntop(AF_INET, address + V4_BITS / 8, ret->text, sizeof(ret->text));
	else
		inet_ntop(AF_INET6, address, ret->text, sizeof(ret->text));
}

bool access_forwarded(const struct access_proxies *p, const char *field, struct access_client *ret)
{
	const char *end = field + strlen(field);
	uint8_t found[16];
	bool any = false;

	for (;;) {
		const char *begin = end;
		char piece[ACCESS_CLIENT_MAX];
		uint8_t address[16];
		bool v4;

		while (begin > field && begin[-1] != ',')
			begin--;
		if (!copy_trimmed(begin, (size_t)(end - begin), piece, sizeof(piece)) ||
		    !read_address(piece, address, &v4))
			break;
		memcpy(found, address, sizeof(found));
		any = true;
		if (begin == field || !trusted(p, address))
			break;
		end = begin - 1;
	}
	if (any)
		describe(found, ret);
	return any;
}
