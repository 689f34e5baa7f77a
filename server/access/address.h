/* Where a call comes from, as far as limits tell callers apart. */
#ifndef OFAD_ACCESS_ADDRESS_H
#define OFAD_ACCESS_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct access_address {
	uint64_t network; /* the IPv4 address; of IPv6 the first 64 bits, which one customer of a provider has whole */
	bool loopback;    /* this machine; what has no address at all counts as it (a socket of the file system) */
};

/* An IPv4 address in IPv6's clothes is the IPv4 address.  NULL is allowed. */
void access_address_read(const struct sockaddr *address, struct access_address *ret);

#endif
