#include <netinet/in.h>
#include "access/address.h"

/* Beside every network of IPv6: none of those begins with 0:ffff. */
#define V4 ((uint64_t)0xffff << 32)

static void read_v4(uint32_t host_order, struct access_address *ret)
{
	ret->network = V4 | host_order;
	ret->loopback = host_order >> 24 == 127;
}

static void read_v6(const struct in6_addr *a, struct access_address *ret)
{
	const uint8_t *b = a->s6_addr;

	if (IN6_IS_ADDR_V4MAPPED(a)) {
		read_v4((uint32_t)b[12] << 24 | (uint32_t)b[13] << 16 | (uint32_t)b[14] << 8 | b[15], ret);
		return;
	}
	ret->network = 0;
	for (int i = 0; i < 8; i++)
		ret->network = ret->network << 8 | b[i];
	ret->loopback = IN6_IS_ADDR_LOOPBACK(a);
}

void access_address_read(const struct sockaddr *address, struct access_address *ret)
{
	const void *any = address;

	*ret = (struct access_address){.loopback = true};
	if (!address)
		return;
	if (address->sa_family == AF_INET)
		read_v4(ntohl(((const struct sockaddr_in *)any)->sin_addr.s_addr), ret);
	else if (address->sa_family == AF_INET6)
		read_v6(&((const struct sockaddr_in6 *)any)->sin6_addr, ret);
}
