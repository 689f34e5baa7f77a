/* What the daemon reaches beyond its own directories while it serves: TCP ports that it connects to, files that
 * libraries read on the way.  Whoever connects somewhere says so here, before the sandbox closes around the rest. */
#ifndef OFAD_REACH_H
#define OFAD_REACH_H

#include <stdint.h>
#include "base/status.h"

#define REACH_PORTS_MAX 16
#define REACH_PATHS_MAX 48

struct reach {
	bool connects; /* at all: to one of the ports, or to a socket's file */
	size_t n_ports, n_paths;
	uint16_t ports[REACH_PORTS_MAX];
	char *paths[REACH_PATHS_MAX]; /* owned; files, and directories with what is in them, that are read */
};

void reach_release(struct reach *r);
/* OFA_ERR_INVALID for what is no port, OFA_ERR_LIMIT for too many. */
enum ofa_status reach_port(struct reach *r, unsigned long port, struct ofa_error *err) OFA_MUST_CHECK;
/* Copied, once however often it is said; a path of which nothing is there is no error, nor is "". */
enum ofa_status reach_path(struct reach *r, const char *path, struct ofa_error *err) OFA_MUST_CHECK;
/* What the C library reads to find the address of a host by its name. */
enum ofa_status reach_names(struct reach *r, struct ofa_error *err) OFA_MUST_CHECK;
/* The certificates of this system's authorities, and what OpenSSL begins with. */
enum ofa_status reach_certificates(struct reach *r, struct ofa_error *err) OFA_MUST_CHECK;

#endif
