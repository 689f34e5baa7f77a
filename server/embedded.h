/* Files that are built into the program (server/embed.awk), so that it runs without its source tree. */
#ifndef OFAD_EMBEDDED_H
#define OFAD_EMBEDDED_H

#include <stddef.h>

extern const char embedded_openapi_yaml[];
extern const size_t embedded_openapi_yaml_size;
extern const char embedded_index_html[];
extern const size_t embedded_index_html_size;
extern const char embedded_schema_0001[];
extern const size_t embedded_schema_0001_size;
extern const char embedded_schema_0002[];
extern const size_t embedded_schema_0002_size;

#endif
