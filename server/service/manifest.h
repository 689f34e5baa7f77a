/* The manifest: what is told about a subnet beside its weights. */
#ifndef OFAD_SERVICE_MANIFEST_H
#define OFAD_SERVICE_MANIFEST_H

#include "pack/pack.h"
#include "service/packages.h"
#include "service/question.h"

#define MANIFEST_MAX ((size_t)1 << 20) /* bytes of any manifest */

/* The JSON text, malloc'ed; NULL when memory is out.  The package was just built from `found`. */
char *manifest_format(const struct question *q, const struct ofa_search_result *found,
		      const struct ofa_package_summary *summary, const struct package *package);
/* The same of a package that was not built: its id, digest and links are left out.  Malloc'ed; NULL when memory is
 * out. */
char *manifest_foretell(const struct question *q, const struct ofa_search_result *found);

#endif
