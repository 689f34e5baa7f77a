/* The package itself, for firmware without files. */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "export/formats.h"

#define SYMBOL "ofa_package"
#define PER_LINE 20
#define PIECE 4096

static const char *symbol_of(const struct ofa_export_options *opt)
{
	return opt->symbol ? opt->symbol : SYMBOL;
}

static enum ofa_status head(const struct ofa_export_graph *g, const char *symbol, struct ofa_buf *out)
{
	return ofa_buf_printf(out,
			      "/* A packed subnet (%s, %" PRIu32 " bytes).  It lies in flash and is run from there:\n"
			      " *\n"
			      " *   #include \"ofa_device.h\"\n"
			      " *   struct ofa_device_model model;\n"
			      " *   ofa_device_load(%s, sizeof(%s), &model, NULL);\n"
			      " *\n"
			      " * and then runs need %" PRIu32 " bytes of memory. */\n",
			      ofa_precision_name(g->precision), g->model.size, symbol, symbol, g->model.arena_bytes);
}

enum ofa_status ofa_export_c_header(const struct ofa_export_graph *g, const struct ofa_export_options *opt,
				    struct ofa_buf *out, struct ofa_error *err)
{
	const char *symbol = symbol_of(opt);
	char guard[OFA_EXPORT_SYMBOL_MAX + 1];
	size_t n = 0;
	enum ofa_status st;

	(void)err;
	for (; symbol[n]; n++)
		guard[n] = (char)toupper((unsigned char)symbol[n]);
	guard[n] = '\0';
	st = head(g, symbol, out);
	if (st != OFA_OK)
		return st;
	return ofa_buf_printf(out,
			      "#ifndef %s_H\n#define %s_H\n\n"
			      "#define %s_ARENA_BYTES %" PRIu32 "\n\n"
			      "#ifdef __cplusplus\nextern \"C\" {\n#endif\n"
			      "extern const unsigned char %s[%" PRIu32 "];\n"
			      "#ifdef __cplusplus\n}\n#endif\n\n#endif\n",
			      guard, guard, guard, g->model.arena_bytes, symbol, g->model.size);
}

enum ofa_status ofa_export_c(const struct ofa_export_graph *g, const struct ofa_export_options *opt,
			     struct ofa_buf *out, struct ofa_error *err)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *p = g->model.data;
	char text[PIECE];
	size_t n = 0;
	enum ofa_status st = head(g, symbol_of(opt), out);

	(void)err;
	if (st == OFA_OK)
		st = ofa_buf_printf(out,
				    "#include <stdalign.h>\n\nalignas(64) const unsigned char %s[%" PRIu32 "] = {\n",
				    symbol_of(opt), g->model.size);
	for (uint32_t i = 0; st == OFA_OK && i < g->model.size; i++) {
		const bool last = i % PER_LINE == PER_LINE - 1 || i + 1 == g->model.size;
		const char element[] = {'0', 'x', digits[p[i] >> 4], digits[p[i] & 15], ',', last ? '\n' : ' '};

		if (n + sizeof(element) > sizeof(text)) {
			st = ofa_buf_append(out, text, n);
			n = 0;
		}
		memcpy(text + n, element, sizeof(element));
		n += sizeof(element);
	}
	if (st == OFA_OK)
		st = ofa_buf_append(out, text, n);
	return st == OFA_OK ? ofa_buf_printf(out, "};\n") : st;
}
