/* A distrustful reader of YAML: one document of mappings and scalars, event by event, with line numbers.
 * JSON text is read as well: it is YAML in flow style.
 *
 * Refused by name: anchors and aliases (what YAML bombs are made of), tags, directives, sequences unless the
 * dialect has them, several documents, nesting deeper than OFA_YAML_MAX_DEPTH, scalars longer than
 * OFA_YAML_MAX_SCALAR, texts larger than OFA_YAML_MAX_BYTES. */
#ifndef OFA_IMPORT_YAML_H
#define OFA_IMPORT_YAML_H

#include <stddef.h>

#include "base/status.h"

#define OFA_YAML_MAX_BYTES ((size_t)32 << 20)
#define OFA_YAML_MAX_DEPTH 4
#define OFA_YAML_MAX_SCALAR 1024 /* bytes with the NUL */

enum ofa_yaml_kind {
	OFA_YAML_MAP,
	OFA_YAML_MAP_END,
	OFA_YAML_SEQUENCE,
	OFA_YAML_SEQUENCE_END,
	OFA_YAML_SCALAR,
	OFA_YAML_END
};

struct ofa_yaml_event {
	enum ofa_yaml_kind kind;
	int line;                       /* where it begins; the first is 1 */
	bool plain;                     /* a scalar without quotes */
	char text[OFA_YAML_MAX_SCALAR]; /* of a scalar, without a NUL inside; "" otherwise */
};

/* What the document is for. */
struct ofa_yaml_dialect {
	const char *rule; /* ends the message of a refusal: "a latency table is one plain mapping" */
	bool sequences;
};

struct ofa_yaml;

/* `text` and `dialect` are borrowed until ofa_yaml_close(). */
enum ofa_status ofa_yaml_open(const char *text, size_t size, const struct ofa_yaml_dialect *dialect,
			      struct ofa_yaml **ret, struct ofa_error *err) OFA_MUST_CHECK;
void ofa_yaml_close(struct ofa_yaml *y); /* NULL is allowed */

/* The document's first event is an OFA_YAML_MAP and its last, after which nothing may be read, OFA_YAML_END. */
enum ofa_status ofa_yaml_next(struct ofa_yaml *y, struct ofa_yaml_event *ret, struct ofa_error *err) OFA_MUST_CHECK;

#endif
