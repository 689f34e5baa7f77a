/* Who is behind a proxy: the field X-Forwarded-For, of which each proxy appends whom it was called by.
 *
 * A caller may write there what it likes, so the field is read from its end, for as long as it was written by proxies
 * that are trusted: the first address that is none of theirs is the caller's, and what stands before it is not looked
 * at. */
#ifndef OFAD_ACCESS_FORWARDED_H
#define OFAD_ACCESS_FORWARDED_H

#include "access/address.h"
#include "base/status.h"

#define ACCESS_PROXIES_MAX 16

/* The addresses with these first bits; an IPv4 address is the IPv6 one that stands for it (::ffff:0:0/96). */
struct access_block {
	uint8_t address[16];
	unsigned bits;
};

/* Proxies that are believed; all zero: none. */
struct access_proxies {
	struct access_block list[ACCESS_PROXIES_MAX];
	size_t n;
};

/* "ADDRESS[/BITS],...", spaces allowed around each; NULL is none.  Errors name --trust-proxy, the piece and what would
 * be accepted: bits of an address beyond its prefix must be zero. */
enum ofa_status access_proxies_parse(const char *text, struct access_proxies *ret,
				     struct ofa_error *err) OFA_MUST_CHECK;
/* Is this one of them?  NULL and what has no address (a socket of the file system) never are. */
bool access_proxies_have(const struct access_proxies *p, const struct sockaddr *address);

#define ACCESS_CLIENT_MAX 46 /* INET6_ADDRSTRLEN */

struct access_client {
	struct access_address address; /* no claim makes it the loopback */
	char text[ACCESS_CLIENT_MAX];
};

/* Whom a trusted proxy speaks for, by its field, lines joined with commas.  False: it does not say so in a form that is
 * understood (addresses alone, without ports or names); the caller is then the proxy.  A few 100 ns. */
bool access_forwarded(const struct access_proxies *p, const char *field, struct access_client *ret);

#endif
