/* Several daemons on one database of a test's own: what the tests of replicas stand on. */
#ifndef OFA_TESTS_REPLICA_SET_H
#define OFA_TESTS_REPLICA_SET_H

#include "cluster.h"
#include "job_client.h"

enum { REPLICAS_MAX = 3, REPLICA_PATIENCE_MS = 60000 };

#define PROFILE_PATH "/profiles/" NETWORK

/* Data directories and the database are named after the test. */
struct replica_set {
	char name[32], url[CLUSTER_URL_MAX], packages[512];
	struct daemon replica[REPLICAS_MAX];
};
extern struct replica_set replicas; /* the test's: each runs in a process of its own */

/* An empty database, and no replica yet. */
void replicas_begin(const char *name);
void replica_start(int i);
/* With another way to the database, and an option with its value or NULL. */
void replica_start_at(int i, const char *url, const char *option, const char *value);
const char *replica_data(int i);

/* Of the first n replicas. */
double replicas_sum(const char *series, int n);
/* Until the metric is at least this. */
void await_metric(int i, const char *series, double least);

/* The profile that comes with the networks, limited to 1000 ms and this number: each makes another revision. */
void write_profile(const struct daemon *d, int number);
/* Which one the replica takes for the current one. */
int number_of(const struct daemon *d);
/* By which revision it answers. */
int revision_of(const struct daemon *d);

/* An admin's; the header that presents it. */
void add_token(char *header, size_t cap);
/* By `ofad token`: the oldest one that was not. */
void revoke_token(void);
/* Until GET /networks has this status; how long that took, ms. */
double await_status(const struct daemon *d, const char *header, long status);

#endif
