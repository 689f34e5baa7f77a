/* ofa verify: is a package the one that somebody trusted signed?  No server is asked. */
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "commands.h"
#include "output.h"
#include "trust.h"

#define MAX_ENVELOPE 8192
#define MAX_PATH 4096

struct verify_options {
	const char *package, *manifest, *profile;
	struct opt_list trust;
	uint64_t last_sequence;
	bool ignore_expiry, json;
};

static enum ofa_status check_package(const struct verify_options *o, const struct trust_signed *s,
                                     struct ofa_error *err)
{
	struct ofa_map map;
	enum ofa_status st = ofa_map_open(o->package, &map, err);

	if (st != OFA_OK)
		return st;
	st = trust_check_package(s, map.data, map.size, err);
	ofa_map_close(&map);
	return st;
}

static enum ofa_status report(const struct verify_options *o, const struct trust_signed *s, struct ofa_error *err)
{
	if (o->json)
		return cli_print_json(trust_signed_json(s), err);
	printf("%s is the package that key %s signed: sequence %llu, made for %.*s\n", o->package, s->key,
	       (unsigned long long)s->manifest.sequence, s->manifest.profile ? (int)s->manifest.profile_bytes : 10,
	       s->manifest.profile ? s->manifest.profile : "no profile");
	return OFA_OK;
}

static enum ofa_status verify(const struct verify_options *o, struct ofa_error *err)
{
	const struct trust_wanted wanted = {o->profile, o->last_sequence, o->ignore_expiry};
	struct trust_signed accepted;
	struct trust trust;
	char beside[MAX_PATH];
	uint8_t *text;
	size_t size;
	enum ofa_status st = trust_load(&o->trust, &trust, err);

	if (st != OFA_OK)
		return st;
	snprintf(beside, sizeof beside, "%s.signed", o->package);
	st = ofa_file_read(o->manifest ? o->manifest : beside, MAX_ENVELOPE, &text, &size, err);
	if (st != OFA_OK)
		return st;
	st = trust_accept(&trust, (const char *)text, size, &wanted, &accepted, err);
	if (st == OFA_OK)
		st = check_package(o, &accepted, err);
	if (st == OFA_OK)
		st = report(o, &accepted, err);
	free(text);
	return st;
}

int cmd_verify(int argc, char **argv)
{
	struct verify_options o = {0};
	const struct opt options[] = {
		{.name = "trust", .kind = OPT_LIST, .value = "KEY|FILE", .to.list = &o.trust,
		 .help = "a public key, or a file of them; repeatable (default: ~/.config/ofa/trusted-keys)"},
		{.name = "manifest", .kind = OPT_TEXT, .value = "FILE", .to.text = &o.manifest,
		 .help = "its signed manifest (default: PACKAGE.signed, which pull leaves there)"},
		{.name = "profile", .kind = OPT_TEXT, .value = "NAME", .to.text = &o.profile,
		 .help = "refuse it unless it was made for this profile"},
		{.name = "min-sequence", .kind = OPT_U64, .value = "N", .to.u64 = &o.last_sequence,
		 .help = "refuse what was signed before this"},
		{.name = "ignore-expiry", .kind = OPT_FLAG, .to.flag = &o.ignore_expiry,
		 .help = "accept a signature that has expired"},
		{.name = "json", .kind = OPT_FLAG, .to.flag = &o.json, .help = "answer a JSON object"},
	};
	const struct opt_spec spec = {
		.command = "verify", .operands = "PACKAGE", .n_operands = 1,
		.about = "Checks that a package is, bit by bit, the one that a trusted key signed.  No server is\n"
		         "asked: the signed manifest comes from a file, which `ofa pull --trust` leaves beside the\n"
		         "package.\n",
		.examples = "  ofa verify best.ofa --trust RWQImrB1wixbUXeUv2bXGlRWSii65XoTNarcU/Zcwcfho/3ginp/sNG4\n"
		            "  ofa verify best.ofa --trust keys.json --profile acme/cam-m7 --ignore-expiry\n",
		.options = options, .n_options = OFA_ARRAY_LEN(options),
	};
	const char *operand[OPT_MAX_OPERANDS];
	struct ofa_error err = {0};
	int rc;

	if (!opt_parse(&spec, argc, argv, operand, &rc))
		return rc;
	o.package = operand[0];
	return cli_finish(spec.command, o.json, verify(&o, &err), &err);
}
