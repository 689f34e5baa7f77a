/* Measuring a latency table: every key that the subnets of a network need at one resolution, timed inside
 * whole runs of the device runtime.
 *
 * A few "covering" subnets of full depth hold every (kernel, expand) choice at the first and at a later
 * position of every stage, and that for every pair of widths where widths are elastic.  They are packed, and
 * run in turns, as many at a time as fit into half a gigabyte; each run is timed unit by unit, so a unit's caches
 * are as warm as they are in use, and a disturbance of the machine hits a few samples of many keys, which the
 * trimming then drops.  Every third run is timed as a whole: the ratio of both scales the table.  Units of an
 * int8 package that run in turns, row by row, are timed together: the time is the last one's, and the rows of
 * the others say that it includes them. */
#ifndef OFA_CLI_LATENCY_PROBE_H
#define OFA_CLI_LATENCY_PROBE_H

#include "base/precision.h"
#include "cost/profile.h"
#include "net/supernet.h"
#include "serial_probe.h"

/* Appends one entry per key of `resolution` to the table (entries grown by realloc, keys owned by it).
 * Runs on the calling thread for about budget_ms, longer when that is too little for 20 samples; or on the device,
 * if that is not NULL, one package after the other, each at least twice.  OFA_ERR_LIMIT: one is too large for it. */
enum ofa_status cli_probe_resolution(const struct ofa_supernet *net, enum ofa_precision precision, int resolution,
                                     double budget_ms, struct cli_serial *device, struct ofa_latency_table *table,
                                     struct ofa_error *err) OFA_MUST_CHECK;

/* A subnet's package in malloc'ed memory, calibrated on few images: for timing, not for use. */
enum ofa_status cli_probe_pack(const struct ofa_supernet *net, const struct ofa_arch *arch,
                               enum ofa_precision precision, uint8_t **ret_data, size_t *ret_size,
                               struct ofa_error *err) OFA_MUST_CHECK;

#endif
