#include "export/export.h"

#include <string.h>

#include "export/formats.h"

#define MAX_BYTES ((size_t)0x7fffffff)

static const struct ofa_export_format_info formats[OFA_EXPORT_FORMAT_COUNT] = {
	[OFA_EXPORT_ONNX] = {"onnx", ".onnx", "application/onnx"},
	[OFA_EXPORT_TFLITE] = {"tflite", ".tflite", "application/vnd.tflite"},
	[OFA_EXPORT_SAFETENSORS] = {"safetensors", ".safetensors", "application/vnd.safetensors"},
	[OFA_EXPORT_C] = {"c", ".c", "text/x-c"},
	[OFA_EXPORT_C_HEADER] = {"h", ".h", "text/x-c"},
};

static enum ofa_status (*const writers[OFA_EXPORT_FORMAT_COUNT])(const struct ofa_export_graph *,
								 const struct ofa_export_options *, struct ofa_buf *,
								 struct ofa_error *) = {
	[OFA_EXPORT_ONNX] = ofa_export_onnx,
	[OFA_EXPORT_TFLITE] = ofa_export_tflite,
	[OFA_EXPORT_SAFETENSORS] = ofa_export_safetensors,
	[OFA_EXPORT_C] = ofa_export_c,
	[OFA_EXPORT_C_HEADER] = ofa_export_c_header,
};

const struct ofa_export_format_info *ofa_export_format_info(enum ofa_export_format format)
{
	return &formats[format];
}

bool ofa_export_format_find(const char *name, enum ofa_export_format *ret)
{
	for (int i = 0; i < OFA_EXPORT_FORMAT_COUNT; i++) {
		if (strcmp(formats[i].name, name) == 0) {
			*ret = (enum ofa_export_format)i;
			return true;
		}
	}
	return false;
}

bool ofa_export_io_find(const char *name, enum ofa_export_io *ret)
{
	static const char *const names[OFA_EXPORT_IO_COUNT] = {
		[OFA_EXPORT_IO_DEFAULT] = "default",
		[OFA_EXPORT_IO_FLOAT32] = "float32",
		[OFA_EXPORT_IO_INT8] = "int8",
	};

	for (int i = 0; i < OFA_EXPORT_IO_COUNT; i++) {
		if (strcmp(names[i], name) == 0) {
			*ret = (enum ofa_export_io)i;
			return true;
		}
	}
	return false;
}

static bool is_identifier(const char *s)
{
	static const char digits_first[] = "0123456789_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	const size_t n = strlen(s);

	return n <= OFA_EXPORT_SYMBOL_MAX && strspn(s, digits_first) == n && strspn(s, digits_first + 10) > 0;
}

static enum ofa_status check_options(const struct ofa_export_graph *g, const struct ofa_export_options *opt,
				     struct ofa_error *err)
{
	if (opt->io == OFA_EXPORT_IO_INT8 && g->precision != OFA_INT8)
		return ofa_fail(err, OFA_ERR_INVALID, "io",
				"int8 input and output need an int8 package, and this one is %s; float32 is accepted",
				ofa_precision_name(g->precision));
	if (opt->symbol && !is_identifier(opt->symbol))
		return ofa_fail(err, OFA_ERR_INVALID, "symbol",
				"\"%.80s\" is no C name: letters, digits and _, at most %d, not a digit first",
				opt->symbol, OFA_EXPORT_SYMBOL_MAX);
	return OFA_OK;
}

enum ofa_status ofa_export(const uint8_t *package, size_t size, enum ofa_export_format format,
			   const struct ofa_export_options *opt, uint8_t **ret_data, size_t *ret_size,
			   struct ofa_error *err)
{
	struct ofa_export_graph g;
	struct ofa_buf out;
	enum ofa_status st = ofa_export_graph_init(package, size, &g, err);

	if (st != OFA_OK)
		return st;
	ofa_buf_init(&out, format == OFA_EXPORT_C ? 2 * MAX_BYTES : MAX_BYTES);
	st = check_options(&g, opt, err);
	if (st == OFA_OK)
		st = writers[format](&g, opt, &out, err);
	ofa_export_graph_release(&g);
	if (st != OFA_OK) {
		ofa_buf_release(&out);
		return ofa_fail(err, st, NULL, "the %s file: %s", formats[format].name,
				st == OFA_ERR_LIMIT ? "too large" : "out of memory");
	}
	*ret_data = out.data;
	*ret_size = out.len;
	return OFA_OK;
}
