#include <config.h>

#include <stdlib.h>
#include <unistd.h>

#include "base/pool.h"
#include "ranks.h"

/* What those who start ranks tell them: Open MPI's mpirun, and the interfaces by which batch systems do it. */
static int ranks_announced(void)
{
	static const char *const names[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"};

	for (size_t i = 0; i < OFA_ARRAY_LEN(names); i++) {
		const char *text = getenv(names[i]);

		if (text)
			return (int)strtol(text, NULL, 10);
	}
	return getenv("PMIX_RANK") ? 1 : 0;
}

#ifdef HAVE_MPI
#include <mpi.h>

#define MAX_COUNT ((size_t)1 << 24) /* of one call, which counts in int and keeps copies */

static bool sum(void *v, size_t n, size_t size, MPI_Datatype type)
{
	for (size_t at = 0; at < n; at += MAX_COUNT) {
		size_t count = n - at < MAX_COUNT ? n - at : MAX_COUNT;

		if (MPI_Allreduce(MPI_IN_PLACE, (char *)v + at * size, (int)count, type, MPI_SUM, MPI_COMM_WORLD) !=
		    MPI_SUCCESS)
			return false;
	}
	return true;
}

static bool sum_floats(void *ctx, float *v, size_t n)
{
	(void)ctx;
	return sum(v, n, sizeof *v, MPI_FLOAT);
}

static bool sum_doubles(void *ctx, double *v, size_t n)
{
	(void)ctx;
	return sum(v, n, sizeof *v, MPI_DOUBLE);
}

static bool broadcast(void *ctx, int root, void *data, size_t size)
{
	(void)ctx;
	for (size_t at = 0; at < size; at += MAX_COUNT) {
		size_t count = size - at < MAX_COUNT ? size - at : MAX_COUNT;

		if (MPI_Bcast((char *)data + at, (int)count, MPI_BYTE, root, MPI_COMM_WORLD) != MPI_SUCCESS)
			return false;
	}
	return true;
}

static const struct ofa_comm_driver by_mpi = {
	.sum_floats = sum_floats, .sum_doubles = sum_doubles, .broadcast = broadcast,
};

static enum ofa_status count_here(struct ranks *r, struct ofa_error *err)
{
	MPI_Comm here;

	if (MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &here) != MPI_SUCCESS)
		return ofa_fail(err, OFA_ERR_IO, "mpirun", "the ranks cannot reach each other");
	MPI_Comm_size(here, &r->here);
	MPI_Comm_free(&here);
	return OFA_OK;
}

enum ofa_status ranks_join(struct ranks *r, struct ofa_error *err)
{
	int announced = ranks_announced(), level;

	*r = (struct ranks){.comm = {.size = 1}, .here = 1};
	if (announced == 0)
		return OFA_OK;
	if (MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &level) != MPI_SUCCESS)
		return ofa_fail(err, OFA_ERR_IO, "mpirun", "MPI cannot be started");
	MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
	r->comm.driver = &by_mpi;
	MPI_Comm_rank(MPI_COMM_WORLD, &r->comm.rank);
	MPI_Comm_size(MPI_COMM_WORLD, &r->comm.size);
	if (r->comm.size < announced)
		return ofa_fail(err, OFA_ERR_UNSUPPORTED, "mpirun",
				"started %d ranks that do not find each other: it is of another MPI than this program",
				announced);
	if (r->comm.size > OFA_MAX_RANKS) {
		r->comm.agreed = true; /* each has counted them */
		return ofa_fail(err, OFA_ERR_LIMIT, "mpirun", "started %d ranks; at most %d", r->comm.size,
				OFA_MAX_RANKS);
	}
	return count_here(r, err);
}

void ranks_leave(struct ranks *r, enum ofa_status status)
{
	if (!r->comm.driver)
		return;
	if (status == OFA_OK || status == OFA_ERR_CANCELLED || r->comm.agreed)
		MPI_Finalize();
	else
		MPI_Abort(MPI_COMM_WORLD, EXIT_FAILURE);
}

#else

enum ofa_status ranks_join(struct ranks *r, struct ofa_error *err)
{
	int announced = ranks_announced();

	*r = (struct ranks){.comm = {.size = 1}, .here = 1};
	if (announced <= 1)
		return OFA_OK;
	return ofa_fail(err, OFA_ERR_UNSUPPORTED, "mpirun",
			"started %d ranks, each of which would train alone: configure with --with-mpi", announced);
}

void ranks_leave(struct ranks *r, enum ofa_status status)
{
	(void)r;
	(void)status;
}

#endif

int ranks_threads(const struct ranks *r)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);
	int allowed = (int)ofa_cpu_count(), share = (int)online / r->here;

	/* A rank that mpirun bound to some processors has those for itself, or shares them with its neighbours. */
	if (share < 1)
		share = 1;
	return allowed < share ? allowed : share;
}
