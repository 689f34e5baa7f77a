/* A network as clients see it. */
#ifndef OFAD_API_JSON_NETWORK_H
#define OFAD_API_JSON_NETWORK_H

#include "service/networks.h"

/* New references; NULL when memory is out. */
json_t *network_summary_format(const struct network *n); /* one element of GET /networks */
json_t *network_format(const struct network *n);         /* GET /networks/{name} */

#endif
