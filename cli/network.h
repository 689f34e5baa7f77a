/* Opening a network or package file, whichever it is. */
#ifndef OFA_CLI_NETWORK_H
#define OFA_CLI_NETWORK_H

#include "net/supernet.h"

/* True when the file begins as a packed subnet does.  Unreadable files are reported here. */
enum ofa_status cli_is_package(const char *path, bool *ret_is_package, struct ofa_error *err) OFA_MUST_CHECK;

/* ofa_supernet_load(), which also takes a bare state dict (no metadata) of a published once-for-all
 * family: the family and the width multiplier (a multiple of 0.05 up to 2) whose parameters have exactly the file's
 * names and shapes.  Such a network has no normalisation, calibration images or predictor. */
enum ofa_status cli_open_network(const char *path, struct ofa_supernet **ret_net, struct ofa_error *err) OFA_MUST_CHECK;

/* Writes the network with this metadata (an object of strings, as net->file.metadata is) to `out`, which may be its own
 * file; all else stays. */
enum ofa_status cli_save_metadata(const struct ofa_supernet *net, json_t *metadata, const char *out,
                                  struct ofa_error *err) OFA_MUST_CHECK;

#endif
