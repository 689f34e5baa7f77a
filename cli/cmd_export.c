/* ofa export: a package in the formats of others. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "commands.h"
#include "export/export.h"
#include "output.h"

#define PATH_MAX_BYTES 4096

struct export_options {
	const char *package, *format, *io, *out, *symbol;
	bool json;
};

/* Of a path: its file name without folders and what follows the last dot. */
static void stem(const char *path, const char **ret_begin, size_t *ret_length)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *dot = strrchr(name, '.');

	*ret_begin = name;
	*ret_length = dot && dot != name ? (size_t)(dot - name) : strlen(name);
}

/* A C name out of the file's. */
static void symbol_of(const char *path, char ret[OFA_EXPORT_SYMBOL_MAX + 1])
{
	static const char letters[] = "0123456789_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	const char *name;
	size_t n, at = 0;

	stem(path, &name, &n);
	if (strchr("0123456789", *name))
		ret[at++] = '_';
	for (size_t i = 0; i < n && at < OFA_EXPORT_SYMBOL_MAX; i++)
		ret[at++] = strchr(letters, name[i]) ? name[i] : '_';
	ret[at] = '\0';
}

/* PATH with another suffix; NULL path: the package's name in this folder. */
static enum ofa_status with_suffix(const struct export_options *o, const char *suffix, char ret[PATH_MAX_BYTES],
                                   struct ofa_error *err)
{
	const char *name;
	size_t n;
	int length;

	stem(o->out ? o->out : o->package, &name, &n);
	length = snprintf(ret, PATH_MAX_BYTES, "%.*s%.*s%s", o->out ? (int)(name - o->out) : 0, o->out ? o->out : "",
	                  (int)n, name, suffix);
	if (length < 0 || length >= PATH_MAX_BYTES)
		return ofa_fail(err, OFA_ERR_INVALID, "--out", "longer than %d characters", PATH_MAX_BYTES - 1);
	return OFA_OK;
}

struct written {
	char path[PATH_MAX_BYTES];
	size_t bytes;
};

/* One file.  `keep`: exactly the path that was asked for. */
static enum ofa_status export_file(const struct export_options *o, const struct ofa_map *map,
                                   enum ofa_export_format format, const struct ofa_export_options *options,
                                   bool keep, struct written *ret, struct ofa_error *err)
{
	uint8_t *data;
	enum ofa_status st = ofa_export(map->data, map->size, format, options, &data, &ret->bytes, err);

	if (st != OFA_OK) {
		ofa_error_prefix(err, "%s", o->package);
		return st;
	}
	if (keep && o->out && strlen(o->out) < sizeof(ret->path))
		snprintf(ret->path, sizeof(ret->path), "%s", o->out);
	else
		st = with_suffix(o, ofa_export_format_info(format)->suffix, ret->path, err);
	if (st == OFA_OK)
		st = ofa_file_write_atomic(ret->path, data, ret->bytes, err);
	free(data);
	return st;
}

static enum ofa_status print_files(const struct export_options *o, const struct written *files, int n,
                                   struct ofa_error *err)
{
	json_t *list;
	enum ofa_status st = OFA_OK;

	if (!o->json) {
		for (int i = 0; i < n; i++)
			printf("wrote %s (%zu bytes)\n", files[i].path, files[i].bytes);
		return OFA_OK;
	}
	list = json_array();
	for (int i = 0; i < n; i++) {
		if (json_array_append_new(list, json_pack("{s:s,s:I}", "file", files[i].path, "size_bytes",
		                                          (json_int_t)files[i].bytes)) != 0)
			st = OFA_ERR_NOMEM;
	}
	if (st == OFA_OK)
		return cli_print_json(json_pack("{s:s,s:o}", "format", o->format, "files", list), err);
	json_decref(list);
	return ofa_fail(err, st, NULL, "out of memory");
}

static enum ofa_status parse_options(const struct export_options *o, enum ofa_export_format *ret_format,
                                     struct ofa_export_options *ret, struct ofa_error *err)
{
	if (!ofa_export_format_find(o->format, ret_format) || *ret_format == OFA_EXPORT_C_HEADER)
		return ofa_fail(err, OFA_ERR_INVALID, "--to",
		                "\"%.40s\" is no format; " OFA_EXPORT_CHOICES " is accepted", o->format);
	if (o->io && (!ofa_export_io_find(o->io, &ret->io) || ret->io == OFA_EXPORT_IO_DEFAULT))
		return ofa_fail(err, OFA_ERR_INVALID, "--io", "\"%.40s\" is not accepted; " OFA_EXPORT_IO_CHOICES " is",
		                o->io);
	if (o->io && *ret_format != OFA_EXPORT_ONNX && *ret_format != OFA_EXPORT_TFLITE)
		return ofa_fail(err, OFA_ERR_INVALID, "--io", "only networks in onnx and tflite have ends to choose");
	if (o->symbol && *ret_format != OFA_EXPORT_C)
		return ofa_fail(err, OFA_ERR_INVALID, "--symbol", "only a C array has a name");
	return OFA_OK;
}

static enum ofa_status export(const struct export_options *o, struct ofa_error *err)
{
	char symbol[OFA_EXPORT_SYMBOL_MAX + 1];
	struct ofa_export_options options = {.symbol = o->symbol ? o->symbol : symbol};
	enum ofa_export_format format;
	struct written *files;
	struct ofa_map map;
	int n = 1;
	enum ofa_status st = parse_options(o, &format, &options, err);

	if (st != OFA_OK)
		return st;
	symbol_of(o->out ? o->out : o->package, symbol);
	st = ofa_map_open(o->package, &map, err);
	if (st != OFA_OK)
		return st;
	files = calloc(2, sizeof(*files));
	st = files ? export_file(o, &map, format, &options, true, &files[0], err)
	           : ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	if (st == OFA_OK && format == OFA_EXPORT_C)
		st = export_file(o, &map, OFA_EXPORT_C_HEADER, &options, false, &files[n++], err);
	ofa_map_close(&map);
	if (st == OFA_OK)
		st = print_files(o, files, n, err);
	free(files);
	return st;
}

int cmd_export(int argc, char **argv)
{
	struct export_options o = {0};
	const struct opt options[] = {
		{.name = "to", .kind = OPT_TEXT, .required = true, .value = "FORMAT", .to.text = &o.format,
		 .help = OFA_EXPORT_CHOICES},
		{.name = "out", .letter = 'o', .kind = OPT_TEXT, .value = "FILE", .to.text = &o.out,
		 .help = "(the package's name with the format's suffix, in this folder)"},
		{.name = "io", .kind = OPT_TEXT, .value = "TYPE", .to.text = &o.io,
		 .help = "of input and logits of an int8 network: float32 or int8 (onnx: float32, tflite: int8)"},
		{.name = "symbol", .kind = OPT_TEXT, .value = "NAME", .to.text = &o.symbol,
		 .help = "c: what the array is called (as the file)"},
		{.name = "json", .kind = OPT_FLAG, .to.flag = &o.json, .help = "answer a JSON object"},
	};
	const struct opt_spec spec = {
		.command = "export", .operands = "PACKAGE", .n_operands = 1,
		.about = "Writes a package, float32 or int8, in a format that others read:\n"
		         "  onnx         ONNX opset 14, input (1,c,h,w); int8 as QDQ\n"
		         "  tflite       TensorFlow Lite, input (1,h,w,c); int8 computes with the package's numbers\n"
		         "  safetensors  the weights, row-major, and in the metadata what to do with them\n"
		         "  c            the package itself, an array in FILE.c that FILE.h declares, for firmware\n"
		         "The input is (pixel / 255 - mean) / std, as mean and std in the file's metadata say.\n"
		         "float16 packages are written as float32.\n",
		.examples = "  ofa export best.ofa --to onnx\n"
		            "  ofa export best-int8.ofa --to tflite --io float32 -o model.tflite\n"
		            "  ofa export best.ofa --to c -o firmware/net.c\n",
		.options = options, .n_options = OFA_ARRAY_LEN(options),
	};
	const char *operand[OPT_MAX_OPERANDS];
	struct ofa_error err = {0};
	int rc;

	if (!opt_parse(&spec, argc, argv, operand, &rc))
		return rc;
	o.package = operand[0];
	return cli_finish(spec.command, o.json, export(&o, &err), &err);
}
