/* ofa pack: a subnet out of the network into a package file. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "assess.h"
#include "base/sha256.h"
#include "commands.h"
#include "files.h"
#include "network.h"
#include "output.h"
#include "pack/pack.h"

struct pack_options {
	const char *network, *arch, *profile, *out, *dtype;
	bool json;
};

static enum ofa_status print_result(const struct pack_options *o, const struct cli_assessor *a,
                                    const struct ofa_arch *arch, const struct cli_figures *f, const char *sha256,
                                    struct ofa_error *err)
{
	json_t *answer;

	if (!o->json) {
		cli_figures_print(&a->net->space, arch, f);
		printf("  type                %s\n", ofa_precision_name(a->precision));
		printf("  sha256              %s\n", sha256);
		printf("wrote %s; `ofa run %s --input FILE.safetensors:TENSOR` runs it\n", o->out, o->out);
		return OFA_OK;
	}
	answer = cli_figures_json(&a->net->space, arch, f);
	if (!answer || json_object_set_new(answer, "file", json_string(o->out)) != 0 ||
	    json_object_set_new(answer, "sha256", json_string(sha256)) != 0) {
		json_decref(answer);
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	}
	return cli_print_json(answer, err);
}

/* On one thread, as a server builds: the sums of the recalibration depend on the number of threads in their
 * last bits, and equal requests should give equal bytes. */
static enum ofa_status build(const struct pack_options *o, const struct cli_assessor *a, const struct ofa_arch *arch,
                             struct ofa_error *err)
{
	char hex[2 * OFA_SHA256_BYTES + 1];
	uint8_t digest[OFA_SHA256_BYTES], *data;
	struct ofa_pack_timing timing;
	struct ofa_pack_info info;
	struct cli_figures f;
	size_t size;
	enum ofa_status st;

	cli_assess(a, arch, &f);
	info = (struct ofa_pack_info){.predicted_accuracy = f.accuracy,
	                              .latency_ms = f.latency_ms,
	                              .profile = a->has_profile ? a->profile.name : NULL,
	                              .precision = a->precision};
	st = ofa_pack_build(a->net, arch, &info, NULL, &data, &size, &timing, err);
	if (st != OFA_OK)
		return st;
	ofa_sha256(data, size, digest);
	ofa_hex(digest, sizeof digest, hex);
	st = ofa_file_write_atomic(o->out, data, size, err);
	free(data);
	return st == OFA_OK ? print_result(o, a, arch, &f, hex, err) : st;
}

static enum ofa_status pack(const struct pack_options *o, struct ofa_error *err)
{
	struct ofa_supernet *net = NULL;
	struct cli_assessor assessor = {0};
	enum ofa_precision precision;
	struct ofa_arch arch;
	enum ofa_status st = o->dtype ? cli_parse_dtype(o->dtype, &precision, err)
	                              : cli_load_dtype(o->arch, &precision, err);

	if (st == OFA_OK)
		st = cli_open_network(o->network, &net, err);
	if (st == OFA_OK)
		st = cli_assessor_init(net, o->profile, precision, &assessor, err);
	if (st == OFA_OK)
		st = cli_load_arch(&net->space, o->arch, &arch, err);
	if (st == OFA_OK)
		st = build(o, &assessor, &arch, err);
	cli_assessor_release(&assessor);
	ofa_supernet_free(net);
	return st;
}

int cmd_pack(int argc, char **argv)
{
	struct pack_options o = {0};
	const struct opt options[] = {
		{.name = "arch", .kind = OPT_TEXT, .required = true, .value = "FILE", .to.text = &o.arch,
		 .help = "a JSON arch, or the answer of `ofa search --json`"},
		{.name = "out", .letter = 'o', .kind = OPT_TEXT, .required = true, .value = "OUT", .to.text = &o.out,
		 .help = "the package file"},
		{.name = "dtype", .kind = OPT_TEXT, .value = "TYPE", .to.text = &o.dtype,
		 .help = OFA_PRECISION_CHOICES " (default: what FILE was searched for, else float32)"},
		{.name = "profile", .kind = OPT_TEXT, .value = "FILE", .to.text = &o.profile,
		 .help = "device profile; its name and the latency go into the package"},
		{.name = "json", .kind = OPT_FLAG, .to.flag = &o.json, .help = "answer a JSON object"},
	};
	const struct opt_spec spec = {
		.command = "pack", .operands = "NET", .n_operands = 1,
		.about = "Takes one subnet out of the network: slices the weights, bakes the kernel transforms,\n"
		         "recalibrates batch norm on the network's calibration images, folds it, adds a self-test and\n"
		         "writes the package.  float16 halves the weights.  int8 is for the smallest devices: the\n"
		         "calibration images tell the range of every activation, and a run needs neither floating\n"
		         "point nor the wide tensors as a whole.  `ofa eval` tells what a type costs in accuracy.\n",
		.examples = "  ofa search fashion.safetensors --limit macs=2000000 --json > best.json\n"
		            "  ofa pack fashion.safetensors --arch best.json -o best.ofa\n"
		            "  ofa search fashion.safetensors --dtype int8 --limit peak_memory_bytes=16000 \\\n"
		            "      --json > tiny.json\n"
		            "  ofa pack fashion.safetensors --arch tiny.json -o tiny.ofa\n"
		            "  ofa inspect tiny.ofa\n",
		.options = options, .n_options = OFA_ARRAY_LEN(options),
	};
	const char *operand[OPT_MAX_OPERANDS];
	struct ofa_error err = {0};
	int rc;

	if (!opt_parse(&spec, argc, argv, operand, &rc))
		return rc;
	o.network = operand[0];
	return cli_finish(spec.command, o.json, pack(&o, &err), &err);
}
