/* Packages in the formats of others (doc/export.md): everything is taken from the package, so that what can be
 * delivered can be exported. */
#ifndef OFA_EXPORT_EXPORT_H
#define OFA_EXPORT_EXPORT_H

#include "base/buf.h"
#include "base/status.h"

enum ofa_export_format {
	OFA_EXPORT_ONNX,
	OFA_EXPORT_TFLITE,
	OFA_EXPORT_SAFETENSORS,
	OFA_EXPORT_C,        /* the package itself as a C array, */
	OFA_EXPORT_C_HEADER, /* and its declaration */
	OFA_EXPORT_FORMAT_COUNT
};
#define OFA_EXPORT_CHOICES "onnx, tflite, safetensors or c"

struct ofa_export_format_info {
	const char *name;       /* "onnx" */
	const char *suffix;     /* ".onnx" */
	const char *media_type; /* "application/onnx" */
};
const struct ofa_export_format_info *ofa_export_format_info(enum ofa_export_format format);
/* False when no format is called so; *ret is then untouched. */
bool ofa_export_format_find(const char *name, enum ofa_export_format *ret);

/* What goes into and comes out of the exported network. */
enum ofa_export_io {
	OFA_EXPORT_IO_DEFAULT, /* of an int8 package in TFLite int8, else float32 */
	OFA_EXPORT_IO_FLOAT32,
	OFA_EXPORT_IO_INT8,
	OFA_EXPORT_IO_COUNT
};
#define OFA_EXPORT_IO_CHOICES "float32 or int8"
bool ofa_export_io_find(const char *name, enum ofa_export_io *ret);

/* All zero is a good default. */
struct ofa_export_options {
	enum ofa_export_io io; /* ONNX and TFLite */
	const char *symbol;    /* C: name of the array, an identifier; NULL: "ofa_package" */
};

#define OFA_EXPORT_SYMBOL_MAX 63 /* characters of a symbol: as many as C99 compilers tell apart */

/* Checks the package as ofa_package_read() does and passes on its errors, then writes it in the format into malloc'ed
 * memory; free() it.  Equal packages give equal bytes.  data lies at a multiple of 4.
 * OFA_ERR_INVALID "io" or "symbol" for an option that fits neither the package nor C; OFA_ERR_UNSUPPORTED for what the
 * format cannot hold; OFA_ERR_LIMIT past 2 GiB, of a C array 4 GiB. */
enum ofa_status ofa_export(const uint8_t *package, size_t size, enum ofa_export_format format,
			   const struct ofa_export_options *opt, uint8_t **ret_data, size_t *ret_size,
			   struct ofa_error *err) OFA_MUST_CHECK;

#endif
