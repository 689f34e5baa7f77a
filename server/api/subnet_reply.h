/* A package as an answer, as it is or in the format of others. */
#ifndef OFAD_API_SUBNET_REPLY_H
#define OFAD_API_SUBNET_REPLY_H

#include "http/call.h"
#include "service/exports.h"

#define PACKAGE_TYPE "application/vnd.ofa.subnet"
#define ONNX_TYPE "application/onnx"
#define TFLITE_TYPE "application/vnd.tflite"

/* 200 with the package, its entity tag and its digest. */
void subnet_reply_package(struct http_call *call, struct package *p);
/* 200 with the file, its entity tag and its digest. */
void subnet_reply_export(struct http_call *call, struct exported *x);
/* Why it cannot be had in this format: 406 where the format cannot hold it. */
void subnet_refuse_export(struct http_call *call, enum ofa_status st, const struct ofa_error *err);

#endif
