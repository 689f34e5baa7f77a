/* A package as an answer. */
#ifndef OFAD_API_SUBNET_REPLY_H
#define OFAD_API_SUBNET_REPLY_H

#include "http/call.h"
#include "service/packages.h"

#define PACKAGE_TYPE "application/vnd.ofa.subnet"

/* 200 with the package, its entity tag and its digest. */
void subnet_reply_package(struct http_call *call, struct package *p);

#endif
