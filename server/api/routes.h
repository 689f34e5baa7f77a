/* THE table: every operation of the API. */
#ifndef OFAD_API_ROUTES_H
#define OFAD_API_ROUTES_H

#include "http/route.h"

extern const struct http_route api_routes[];
extern const size_t n_api_routes;

/* What the admin listener answers: probes and metrics, which are on the other one as well. */
extern const struct http_route admin_routes[];
extern const size_t n_admin_routes;

#endif
