/* The exporters behind ofa_export(), one per format.  Each fills a buffer that is empty; OFA_ERR_LIMIT past its
 * ceiling, OFA_ERR_UNSUPPORTED for what the format cannot hold. */
#ifndef OFA_EXPORT_FORMATS_H
#define OFA_EXPORT_FORMATS_H

#include "export/export.h"
#include "export/graph.h"

enum ofa_status ofa_export_onnx(const struct ofa_export_graph *g, const struct ofa_export_options *opt,
				struct ofa_buf *out, struct ofa_error *err) OFA_MUST_CHECK;
enum ofa_status ofa_export_tflite(const struct ofa_export_graph *g, const struct ofa_export_options *opt,
				  struct ofa_buf *out, struct ofa_error *err) OFA_MUST_CHECK;
enum ofa_status ofa_export_safetensors(const struct ofa_export_graph *g, const struct ofa_export_options *opt,
				       struct ofa_buf *out, struct ofa_error *err) OFA_MUST_CHECK;
enum ofa_status ofa_export_c(const struct ofa_export_graph *g, const struct ofa_export_options *opt,
			     struct ofa_buf *out, struct ofa_error *err) OFA_MUST_CHECK;
enum ofa_status ofa_export_c_header(const struct ofa_export_graph *g, const struct ofa_export_options *opt,
				    struct ofa_buf *out, struct ofa_error *err) OFA_MUST_CHECK;

#endif
