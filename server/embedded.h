/* Files that are built into the program, so that it runs without its source tree: texts by server/embed.awk, the
 * dashboard by server/embed-files. */
#ifndef OFAD_EMBEDDED_H
#define OFAD_EMBEDDED_H

#include <stddef.h>
#include <stdint.h>

extern const char embedded_openapi_yaml[];
extern const size_t embedded_openapi_yaml_size;
extern const char embedded_schema_0001[];
extern const size_t embedded_schema_0001_size;
extern const char embedded_schema_0002[];
extern const size_t embedded_schema_0002_size;
extern const char embedded_schema_0003[];
extern const size_t embedded_schema_0003_size;
extern const char embedded_schema_postgresql_0001[];
extern const size_t embedded_schema_postgresql_0001_size;
extern const char embedded_schema_postgresql_0002[];
extern const size_t embedded_schema_postgresql_0002_size;
extern const char embedded_schema_postgresql_0003[];
extern const size_t embedded_schema_postgresql_0003_size;

/* The dashboard's files as browsers get them. */
struct embedded_content {
	const char *data;
	size_t size;
	uint8_t sha256[32];
};
struct embedded_file {
	const char *name; /* without a folder */
	const char *type; /* media type without parameters */
	struct embedded_content plain;
	struct embedded_content gzip; /* data is NULL where it would not be smaller */
};
extern const struct embedded_file embedded_files[];
extern const size_t n_embedded_files;

#endif
