/* One foreign document -> entries of a latency table. */
#ifndef OFA_IMPORT_TABLE_BUILD_H
#define OFA_IMPORT_TABLE_BUILD_H

#include "import/table.h"

/* What OFA_TABLE_PROFILE is not: rows read, dialect, unit and resolutions settled, keys and numbers translated.
 * ret_table is unsorted and the caller's to release. */
enum ofa_status ofa_table_build(const struct ofa_table_source *s, struct ofa_latency_table *ret_table,
				struct ofa_table_report *ret_report, struct ofa_error *err) OFA_MUST_CHECK;

/* The one place that knows what a unit is in milliseconds. */
double ofa_time_unit_ms(enum ofa_time_unit u);
/* OFA_ERR_INVALID when both are stated and differ. */
enum ofa_status ofa_time_units_agree(enum ofa_time_unit stated, enum ofa_time_unit given,
				     struct ofa_error *err) OFA_MUST_CHECK;

#endif
