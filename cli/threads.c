#include "threads.h"

enum ofa_status cli_new_pool(int threads, struct ofa_pool **ret_pool, struct ofa_error *err)
{
	unsigned n = threads > 0 ? (unsigned)threads : ofa_cpu_count();
	enum ofa_status st;

	if (n > OFA_MAX_THREADS)
		n = OFA_MAX_THREADS;
	st = ofa_pool_new(n, ret_pool);

	return st == OFA_OK ? OFA_OK : ofa_fail(err, st, "--threads", "cannot start %u threads", n);
}
