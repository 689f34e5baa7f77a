/* What a device says of a package: probe PATH PACKAGE RUNS, JSON on stdout.  By the tool's own side of the protocol. */
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "ofa_device.h"
#include "serial_probe.h"

static enum ofa_status print_counts(struct cli_serial *s, uint32_t n_ops, uint32_t runs, struct ofa_error *err)
{
	struct cli_serial_counts c;
	enum ofa_status st = cli_serial_run(s, 0, n_ops, runs, &c, err);

	if (st != OFA_OK)
		return st;
	printf("\"runs\": %u, \"sum\": %llu, \"least\": %llu, \"most\": %llu, \"operations\": %u", c.runs,
	       (unsigned long long)c.sum, (unsigned long long)c.least, (unsigned long long)c.most, n_ops);
	return OFA_OK;
}

static enum ofa_status probe(const char *path, const char *package, uint32_t runs, struct ofa_error *err)
{
	struct cli_serial *s = NULL;
	struct ofa_device_model m;
	struct ofa_map map = {0};
	char kernels[32];
	enum ofa_status st = ofa_map_open(package, &map, err);

	if (st == OFA_OK && ofa_device_load(map.data, map.size, &m, NULL) != OFA_DEVICE_OK)
		st = ofa_fail(err, OFA_ERR_FORMAT, NULL, "%s is no package", package);
	if (st == OFA_OK)
		st = cli_serial_open(path, &s, err);
	if (st == OFA_OK)
		st = cli_serial_load(s, map.data, map.size, kernels, sizeof kernels, err);
	if (st == OFA_OK) {
		const struct cli_serial_info *i = cli_serial_info(s);
		printf("{\"core\": \"%s\", \"board\": \"%s\", \"kernels\": \"%s\", \"instructions\": %s, "
		       "\"clock_hz\": %u, \"arena_bytes\": %u, ",
		       i->core, i->board, kernels, i->instructions ? "true" : "false", i->clock_hz, i->arena_bytes);
		st = print_counts(s, m.n_ops, runs, err);
		printf("}\n");
	}
	cli_serial_close(s);
	ofa_map_close(&map);
	return st;
}

int main(int argc, char **argv)
{
	struct ofa_error err = {0};

	if (argc != 4)
		return 2;
	if (probe(argv[1], argv[2], (uint32_t)strtoul(argv[3], NULL, 10), &err) == OFA_OK)
		return 0;
	fprintf(stderr, "probe: %s\n", err.message);
	return 1;
}
