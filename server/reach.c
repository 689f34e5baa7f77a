#include <stdlib.h>
#include <string.h>
#include "reach.h"

void reach_release(struct reach *r)
{
	for (size_t i = 0; i < r->n_paths; i++)
		free(r->paths[i]);
	*r = (struct reach){.n_paths = 0};
}

enum ofa_status reach_port(struct reach *r, unsigned long port, struct ofa_error *err)
{
	if (port == 0 || port > UINT16_MAX)
		return ofa_fail(err, OFA_ERR_INVALID, NULL, "%lu is no port; 1 to 65535 are accepted", port);
	r->connects = true;
	for (size_t i = 0; i < r->n_ports; i++)
		if (r->ports[i] == port)
			return OFA_OK;
	if (r->n_ports == REACH_PORTS_MAX)
		return ofa_fail(err, OFA_ERR_LIMIT, NULL, "there are more than %d ports to connect to",
				REACH_PORTS_MAX);
	r->ports[r->n_ports++] = (uint16_t)port;
	return OFA_OK;
}

enum ofa_status reach_path(struct reach *r, const char *path, struct ofa_error *err)
{
	if (!*path)
		return OFA_OK;
	for (size_t i = 0; i < r->n_paths; i++)
		if (strcmp(r->paths[i], path) == 0)
			return OFA_OK;
	if (r->n_paths == REACH_PATHS_MAX)
		return ofa_fail(err, OFA_ERR_LIMIT, NULL, "there are more than %d files to read", REACH_PATHS_MAX);
	r->paths[r->n_paths] = strdup(path);
	if (!r->paths[r->n_paths])
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	r->n_paths++;
	return OFA_OK;
}

static enum ofa_status add_all(struct reach *r, const char *const *paths, size_t n, struct ofa_error *err)
{
	enum ofa_status st = OFA_OK;

	for (size_t i = 0; i < n && st == OFA_OK; i++)
		st = reach_path(r, paths[i], err);
	return st;
}

enum ofa_status reach_names(struct reach *r, struct ofa_error *err)
{
	static const char *const paths[] = {
		"/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/host.conf", "/etc/gai.conf",
		"/etc/passwd", /* by whose names some roles are called */
		/* where a resolver that runs here puts a new resolv.conf in place of the old one */
		"/run/systemd/resolve", "/run/resolvconf", "/run/NetworkManager",
	};

	return add_all(r, paths, OFA_ARRAY_LEN(paths), err);
}

enum ofa_status reach_certificates(struct reach *r, struct ofa_error *err)
{
	/* not the directories around them, which have private keys, too */
	static const char *const paths[] = {
		"/etc/ssl/certs", "/etc/ssl/cert.pem", "/etc/ssl/openssl.cnf", "/usr/lib/ssl",
		"/usr/share/ca-certificates", "/usr/local/share/ca-certificates", "/var/lib/ca-certificates",
		"/etc/pki/tls/certs", "/etc/pki/tls/cert.pem", "/etc/pki/tls/openssl.cnf", "/etc/pki/ca-trust",
	};

	return add_all(r, paths, OFA_ARRAY_LEN(paths), err);
}
