/* The package that an id names, for handlers that hand something of it out. */
#ifndef OFAD_API_SUBNET_PACKAGE_H
#define OFAD_API_SUBNET_PACKAGE_H

#include "http/call.h"
#include "service/packages.h"

/* A new reference: from memory, on a worker from where packages are kept, and one that was dropped after it was made
 * again, for which the call is suspended.  False: the handler returns *ret_next, and unless that is HTTP_REPLY, where
 * the reply says why there is none, is called again and asks again. */
bool subnet_package(struct app *app, struct http_call *call, const char *id, struct package **ret,
		    enum http_next *ret_next);

#endif
