/* Writes protocol buffers (protobuf.dev/programming-guides/encoding), front to back.  The first failure sticks: the
 * functions after it do nothing, and the status is looked at once, at the end. */
#ifndef OFA_EXPORT_PROTO_H
#define OFA_EXPORT_PROTO_H

#include "base/buf.h"

struct ofa_proto {
	struct ofa_buf out;
	enum ofa_status status;
};

void ofa_proto_init(struct ofa_proto *p, size_t max_bytes);
void ofa_proto_release(struct ofa_proto *p);

void ofa_proto_int(struct ofa_proto *p, uint32_t field, int64_t v);
void ofa_proto_float(struct ofa_proto *p, uint32_t field, float v);
void ofa_proto_bytes(struct ofa_proto *p, uint32_t field, const void *data, size_t size);
void ofa_proto_text(struct ofa_proto *p, uint32_t field, const char *s);

/* A message inside another: what is written between the two is its content.  Returns what end wants. */
size_t ofa_proto_begin(struct ofa_proto *p, uint32_t field);
void ofa_proto_end(struct ofa_proto *p, size_t begun);

#endif
