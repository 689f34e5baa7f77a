/* --threads, the same in every subcommand that takes it. */
#ifndef OFA_CLI_THREADS_H
#define OFA_CLI_THREADS_H

#include "base/pool.h"
#include "options.h"

#define CLI_OPT_THREADS(variable)                                                                              \
	{                                                                                                      \
		.name = "threads", .kind = OPT_INT, .value = "N", .to.integer = &(variable), .min = 0,         \
		.max = OFA_MAX_THREADS, .help = "threads to use (default 0: all processors)"                   \
	}

/* threads as the option gives it. */
enum ofa_status cli_new_pool(int threads, struct ofa_pool **ret_pool, struct ofa_error *err) OFA_MUST_CHECK;

#endif
