/* The PostgreSQL driver's functions, one file for each aggregate; store.h says what they do.
 * Nothing outside server/store includes this. */
#ifndef OFAD_STORE_PG_DRIVER_H
#define OFAD_STORE_PG_DRIVER_H

#include "store/store.h"

/* pg_profiles.c */
enum ofa_status pg_profile_put(struct store *s, const struct store_profile *p, const struct store_gate *gate,
			       enum store_written *ret, struct store_profile_state *ret_state, struct ofa_error *err);
enum ofa_status pg_profile_get(struct store *s, const char *name, struct ofa_buf *content, uint64_t *ret_revision,
			       struct ofa_error *err);
enum ofa_status pg_profile_delete(struct store *s, const char *name, const struct store_gate *gate,
				  enum store_written *ret, struct store_profile_state *ret_state,
				  struct ofa_error *err);
enum ofa_status pg_profile_list(struct store *s, const char *after, unsigned limit,
				enum ofa_status (*each)(void *ctx, const struct store_profile_entry *entry), void *ctx,
				struct ofa_error *err);

/* pg_revisions.c */
enum ofa_status pg_revision_get(struct store *s, const char *name, uint64_t revision, struct ofa_buf *content,
				struct ofa_error *err);
enum ofa_status pg_revision_list(struct store *s, const char *name, uint64_t before, unsigned limit,
				 enum ofa_status (*each)(void *ctx, const struct store_revision_entry *entry),
				 void *ctx, struct ofa_error *err);

/* pg_measurements.c */
enum ofa_status pg_measurement_put(struct store *s, const struct store_measurement *m, const struct store_keep *keep,
				   uint64_t *ret_number, struct ofa_error *err);
enum ofa_status pg_measurement_list(struct store *s, const char *subnet, uint64_t before, unsigned limit,
				    enum ofa_status (*each)(void *ctx, const struct store_measurement_entry *entry),
				    void *ctx, struct ofa_error *err);
enum ofa_status pg_measurement_of_profile(struct store *s, const char *profile, uint64_t revision, unsigned limit,
					  enum ofa_status (*each)(void *ctx,
								  const struct store_measurement_entry *entry),
					  void *ctx, struct ofa_error *err);

/* pg_deliveries.c */
enum ofa_status pg_delivery_put(struct store *s, const struct store_delivery *d, struct ofa_error *err);
enum ofa_status pg_delivery_by_question(struct store *s, const uint8_t question[OFA_SHA256_BYTES],
					struct ofa_buf *manifest, struct ofa_error *err);
enum ofa_status pg_delivery_by_subnet(struct store *s, const char *subnet, struct ofa_buf *manifest,
				      struct ofa_error *err);

/* pg_tokens.c */
enum ofa_status pg_token_add(struct store *s, const struct store_token *t, struct ofa_error *err);
enum ofa_status pg_token_list(struct store *s, enum ofa_status (*each)(void *ctx, const struct store_token *row),
			      void *ctx, struct ofa_error *err);
enum ofa_status pg_token_revoke(struct store *s, const char *id, struct ofa_error *err);
enum ofa_status pg_token_purge(struct store *s, int64_t now, unsigned *ret_n, struct ofa_error *err);

/* pg_counters.c */
enum ofa_status pg_counter_get(struct store *s, const char *name, uint64_t *ret, struct ofa_error *err);
enum ofa_status pg_counter_next(struct store *s, const char *name, uint64_t floor, uint64_t *ret,
				struct ofa_error *err);

/* pg_ledger.c */
enum ofa_status pg_ledger_add(struct store *s, const struct store_ledger *more, struct ofa_error *err);
enum ofa_status pg_ledger_get(struct store *s, const char *network, char ret_since[STORE_TIME_MAX],
			      uint64_t *ret_deliveries, uint64_t ret_n[STORE_LEDGER_WORKS],
			      double ret_cpu_seconds[STORE_LEDGER_WORKS], struct ofa_error *err);

/* pg_package_index.c */
enum ofa_status pg_package_add(struct store *s, const struct store_indexed *p, struct ofa_error *err);
enum ofa_status pg_package_used(struct store *s, const char *const *ids, size_t n, int64_t now, struct ofa_error *err);
enum ofa_status pg_package_find(struct store *s, const char *id,
				enum ofa_status (*each)(void *ctx, const struct store_indexed *p), void *ctx,
				struct ofa_error *err);
enum ofa_status pg_package_oldest(struct store *s, int64_t before, unsigned limit,
				  enum ofa_status (*each)(void *ctx, const struct store_indexed *p), void *ctx,
				  struct ofa_error *err);
enum ofa_status pg_package_dropped(struct store *s, const char *id, int64_t used_at, int64_t now, bool *ret,
				   struct ofa_error *err);
enum ofa_status pg_package_totals(struct store *s, struct store_package_totals *ret, struct ofa_error *err);

/* pg_jobs.c; these and the keys as struct store_sharing has them */
enum ofa_status pg_job_add(struct store *s, const struct store_job *j, struct ofa_error *err);
enum ofa_status pg_job_write(struct store *s, const char *id, unsigned term, const char *view, bool over,
			     bool *ret_written, struct ofa_error *err);
enum ofa_status pg_job_get(struct store *s, const char *const *ids, size_t n, bool questions,
			   void (*each)(void *ctx, const struct store_job *j), void *ctx,
			   struct ofa_error *err);
enum ofa_status pg_job_take(struct store *s, const char *id, unsigned term, bool *ret_taken,
			    struct ofa_error *err);
enum ofa_status pg_job_release(struct store *s, const char *id, struct ofa_error *err);
enum ofa_status pg_job_owners(struct store *s, void (*each)(void *ctx, const char *owner), void *ctx,
			      struct ofa_error *err);
enum ofa_status pg_job_of(struct store *s, const char *owner, unsigned limit, void (*each)(void *ctx, const char *id),
			  void *ctx, struct ofa_error *err);
enum ofa_status pg_job_prune(struct store *s, double keep_seconds, unsigned max, struct ofa_error *err);

/* pg_keys.c */
enum ofa_status pg_key_begin(struct store *s, const uint8_t *key, const uint8_t *fingerprint, double pending_seconds,
			     enum store_key *ret, struct ofa_buf *result, char ret_owner[STORE_REPLICA_CHARS + 1],
			     struct ofa_error *err);
enum ofa_status pg_key_take(struct store *s, const uint8_t *key, const char *owner, double pending_seconds,
			    bool *ret_taken, struct ofa_error *err);
enum ofa_status pg_key_settle(struct store *s, const uint8_t *key, const void *result, size_t size,
			      double keep_seconds, struct ofa_error *err);
enum ofa_status pg_key_drop(struct store *s, const uint8_t *key, bool settled, struct ofa_error *err);
enum ofa_status pg_key_prune(struct store *s, unsigned max, struct ofa_error *err);

#endif
