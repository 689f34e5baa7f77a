/* The ranks that mpirun started, where it did: `mpirun -np N ofa train ..`.  The one place that sees MPI, in a build
 * --with-mpi; in others, and without mpirun, a program is a rank alone. */
#ifndef OFA_CLI_RANKS_H
#define OFA_CLI_RANKS_H

#include "base/comm.h"

struct ranks {
	struct ofa_comm comm;
	int here; /* of them on this machine, this one included */
};

/* Meets the others.  OFA_ERR_UNSUPPORTED where mpirun started several and this build has no MPI or another one: each
 * would take itself for the only one.  One thread calls ranks_*() and the functions of base/comm.h. */
enum ofa_status ranks_join(struct ranks *r, struct ofa_error *err) OFA_MUST_CHECK;
/* Does not return where other ranks may still wait for this one: it ends them all, with CLI_EXIT_FAILURE. */
void ranks_leave(struct ranks *r, enum ofa_status status);

/* Threads of this rank where no number is asked for: its share of the processors. */
int ranks_threads(const struct ranks *r);

#endif
