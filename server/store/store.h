/* What must survive a restart: profiles and deliveries.  One interface, a const table of functions per
 * kind of database.  Thread-safe; a call that returned OFA_OK is on disk.
 *
 * Errors: OFA_ERR_NOT_FOUND when there is no such row, OFA_ERR_IO when the database refuses, OFA_ERR_UNAVAILABLE when
 * it cannot be reached: then what was to be written is there or not, but never in part.  A call may wait for the
 * network, for a few seconds at most: no HTTP thread makes one where the database is another machine's. */
#ifndef OFAD_STORE_STORE_H
#define OFAD_STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/sha256.h"

struct log;
struct reach;

#define STORE_TIME_MAX 32

struct store_profile {
	const char *name;
	const char *content; /* canonical JSON, content_size bytes */
	size_t content_size;
	const uint8_t *sha256; /* of the content */
	const char *author;    /* who stores it: id of a token, "" where none was needed */
};

/* What a name stands for at the moment. */
struct store_profile_state {
	uint64_t revision; /* 0: there is no such profile */
	uint8_t sha256[OFA_SHA256_BYTES];
};

/* Asked inside the transaction whether what is there may be changed. */
struct store_gate {
	/* `same`: it is to be replaced by what it is already */
	bool (*open)(void *ctx, const struct store_profile_state *state, bool same);
	void *ctx;
};

enum store_written { STORE_CREATED, STORE_REPLACED, STORE_UNCHANGED, STORE_REFUSED };

/* One line of the list of profiles. */
struct store_profile_entry {
	const char *name;
	uint64_t revision;
	const uint8_t *sha256;
	const char *created_at, *updated_at;
};

/* One line of the list of a profile's revisions. */
struct store_revision_entry {
	uint64_t revision;
	const uint8_t *sha256;
	uint64_t size_bytes;
	const char *author, *created_at;
};

struct store_delivery {
	const uint8_t *question; /* 32 bytes: what the answer is an answer to */
	const char *subnet;      /* hex SHA-256 of the package */
	uint64_t size_bytes;
	const char *network, *arch, *profile /* or NULL */, *limits;
	uint64_t profile_revision; /* 0: the profile is not kept here */
	double latency_ms;         /* that the profile's table predicts; NAN without one */
	uint64_t seed; /* below 2^63 */
	int evaluations;
	const char *manifest;
	/* NULL, or the subnet of an answer to this question that cannot be had any more: its row becomes this one */
	const char *replaces;
};

/* A bearer token: never the token itself. */
struct store_token {
	const char *id;        /* server/access/token.h */
	const uint8_t *sha256; /* of the token */
	const char *name, *owner; /* "" = none */
	const char *scopes;       /* as scopes_format() writes them */
	const char *created_at;
	int64_t expires;        /* Unix seconds; 0: never */
	const char *revoked_at; /* NULL: it was not */
};

/* What a device says of a package that it runs; NAN: it does not say. */
struct store_measurement {
	const char *subnet;
	const char *author; /* id of the token, "" where none was needed */
	const char *device; /* as it calls itself, or "" */
	double latency_ms, p50_ms, p95_ms, accuracy;
};

/* How many of the newest are kept of each device (as one author calls it) and of each subnet. */
struct store_keep {
	unsigned per_device, per_subnet;
};

struct store_measurement_entry {
	uint64_t number;
	struct store_measurement measured;
	/* the newest delivery of the subnet, when it was measured, that predicted a latency for a revision; NULL,
	 * 0 and NAN where there was none */
	const char *profile;
	uint64_t profile_revision;
	double predicted_ms;
	const char *created_at;
};

#define STORE_LEDGER_WORKS 3 /* searches, fronts, packages */

/* What to add to a network's row of the ledger. */
struct store_ledger {
	const char *network; /* SHA-256 of its file, hex */
	const char *name, *since; /* of a new row */
	uint64_t deliveries, n[STORE_LEDGER_WORKS];
	double cpu_seconds[STORE_LEDGER_WORKS];
};

/* A package that was made, as the index has it. */
struct store_indexed {
	const char *id; /* hex SHA-256 */
	uint64_t size_bytes;
	const char *network;        /* name of what it was made from; "" if unknown */
	const char *network_sha256; /* hex, of its file; "" if unknown */
	int64_t used_at;            /* Unix seconds */
	bool dropped;
};

struct store_package_totals {
	uint64_t n, bytes; /* of those that are kept */
};

struct store;

#define STORE_CONNECTIONS_MAX 256

struct store_options {
	unsigned connections;  /* of a database that has them; 0: a few */
	const struct log *log; /* borrowed; NULL: nothing is said */
};

struct store_driver {
	const char *name;
	/* NULL: the database is one process's own. */
	const struct store_sharing *sharing;
	/* NULL: packages are kept elsewhere. */
	const struct store_package_bytes *package_bytes;
	/* Creates or migrates the database at `location`: a file, whose directory exists, or a URL. */
	enum ofa_status (*open)(const char *location, const struct store_options *opt, struct store **ret,
				struct ofa_error *err);
	void (*close)(struct store *s);
	/* store_check() and store_reach() of a location. */
	enum ofa_status (*check)(const char *location, bool *ret_tokens, struct ofa_error *err);
	enum ofa_status (*reach)(const char *location, struct reach *r, struct ofa_error *err); /* NULL: of nothing */

	/* Makes the content the next revision of its name, unless it is the current one already or the gate (NULL:
	 * none) is closed.  *ret_state: what the name stands for afterwards. */
	enum ofa_status (*profile_put)(struct store *s, const struct store_profile *p, const struct store_gate *gate,
				       enum store_written *ret, struct store_profile_state *ret_state,
				       struct ofa_error *err);
	/* The current content is appended to `content`. */
	enum ofa_status (*profile_get)(struct store *s, const char *name, struct ofa_buf *content,
				       uint64_t *ret_revision, struct ofa_error *err);
	/* The content of a revision, whether or not the profile was deleted. */
	enum ofa_status (*revision_get)(struct store *s, const char *name, uint64_t revision, struct ofa_buf *content,
					struct ofa_error *err);
	/* Its revisions stay.  *ret: STORE_REPLACED or STORE_REFUSED; *ret_state: what the name stood for. */
	enum ofa_status (*profile_delete)(struct store *s, const char *name, const struct store_gate *gate,
					  enum store_written *ret, struct store_profile_state *ret_state,
					  struct ofa_error *err);
	/* By name, ascending, those after `after` ("" from the start), at most `limit`.  Each entry is valid
	 * during its call; a non-OK status ends the listing. */
	enum ofa_status (*profile_list)(struct store *s, const char *after, unsigned limit,
					enum ofa_status (*each)(void *ctx, const struct store_profile_entry *entry),
					void *ctx, struct ofa_error *err);
	/* The newest first, those before the revision `before` (0: from the latest); otherwise the same.  A name that
	 * never was one has none. */
	enum ofa_status (*revision_list)(struct store *s, const char *name, uint64_t before, unsigned limit,
					 enum ofa_status (*each)(void *ctx, const struct store_revision_entry *entry),
					 void *ctx, struct ofa_error *err);

	/* OFA_ERR_NOT_FOUND for a subnet that was never delivered. */
	enum ofa_status (*measurement_put)(struct store *s, const struct store_measurement *m,
					   const struct store_keep *keep, uint64_t *ret_number, struct ofa_error *err);
	/* Of a subnet, the newest first, those before the number `before` (0: all). */
	enum ofa_status (*measurement_list)(struct store *s, const char *subnet, uint64_t before, unsigned limit,
					    enum ofa_status (*each)(void *ctx,
								    const struct store_measurement_entry *entry),
					    void *ctx, struct ofa_error *err);
	/* Of all subnets, the newest `limit` that belong to this revision, in the order of subnet, author, device and
	 * latency. */
	enum ofa_status (*measurement_of_profile)(struct store *s, const char *profile, uint64_t revision,
						  unsigned limit,
						  enum ofa_status (*each)(void *ctx,
									  const struct store_measurement_entry *entry),
						  void *ctx, struct ofa_error *err);

	/* A question that has a row already keeps it, but for d->replaces. */
	enum ofa_status (*delivery_put)(struct store *s, const struct store_delivery *d, struct ofa_error *err);
	/* The manifest that answered this question, appended to `manifest`. */
	enum ofa_status (*delivery_by_question)(struct store *s, const uint8_t question[OFA_SHA256_BYTES],
						struct ofa_buf *manifest, struct ofa_error *err);
	/* The manifest of the first delivery of this subnet. */
	enum ofa_status (*delivery_by_subnet)(struct store *s, const char *subnet, struct ofa_buf *manifest,
					      struct ofa_error *err);

	/* created_at and revoked_at are not looked at: it is created now and valid. */
	enum ofa_status (*token_add)(struct store *s, const struct store_token *t, struct ofa_error *err);
	/* All, by age.  Each row is valid during its call; a non-OK status ends the listing and is returned. */
	enum ofa_status (*token_list)(struct store *s,
				      enum ofa_status (*each)(void *ctx, const struct store_token *row), void *ctx,
				      struct ofa_error *err);
	/* One that was revoked before stays as it was. */
	enum ofa_status (*token_revoke)(struct store *s, const char *id, struct ofa_error *err);
	/* Forgets those that were revoked or had expired at `now`, Unix seconds. */
	enum ofa_status (*token_purge)(struct store *s, int64_t now, unsigned *ret_n, struct ofa_error *err);
	/* The last number that was given out under this name; 0 before the first. */
	enum ofa_status (*counter_get)(struct store *s, const char *name, uint64_t *ret, struct ofa_error *err);
	/* Gives out the next number: higher than every one before, also of earlier runs, and at least `floor`
	 * (below 2^62).  It is on disk when it is given out. */
	enum ofa_status (*counter_next)(struct store *s, const char *name, uint64_t floor, uint64_t *ret,
					struct ofa_error *err);

	/* Makes the row if there is none. */
	enum ofa_status (*ledger_add)(struct store *s, const struct store_ledger *more, struct ofa_error *err);
	enum ofa_status (*ledger_get)(struct store *s, const char *network, char ret_since[STORE_TIME_MAX],
				      uint64_t *ret_deliveries, uint64_t ret_n[STORE_LEDGER_WORKS],
				      double ret_cpu_seconds[STORE_LEDGER_WORKS], struct ofa_error *err);

	/* The index of packages.  Times are Unix seconds; a package's used_at never falls. */
	/* Makes the row, or has it say that the package is kept (again) and was used at p->used_at; a digest of the
	 * network that is not known leaves the one that is. */
	enum ofa_status (*package_add)(struct store *s, const struct store_indexed *p, struct ofa_error *err);
	/* These n were used at `now`; those that are not kept stay as they are. */
	enum ofa_status (*package_used)(struct store *s, const char *const *ids, size_t n, int64_t now,
					struct ofa_error *err);
	/* The row, valid during the call of `each`, whose result is returned. */
	enum ofa_status (*package_find)(struct store *s, const char *id,
					enum ofa_status (*each)(void *ctx, const struct store_indexed *p), void *ctx,
					struct ofa_error *err);
	/* Of those that are kept and were not used since `before`, the least recently used, at most `limit`. */
	enum ofa_status (*package_oldest)(struct store *s, int64_t before, unsigned limit,
					  enum ofa_status (*each)(void *ctx, const struct store_indexed *p), void *ctx,
					  struct ofa_error *err);
	/* Notes that the package is gone, unless it was used after `used_at`: then *ret is false. */
	enum ofa_status (*package_dropped)(struct store *s, const char *id, int64_t used_at, int64_t now, bool *ret,
					   struct ofa_error *err);
	enum ofa_status (*package_totals)(struct store *s, struct store_package_totals *ret, struct ofa_error *err);
};

/* ---- what replicas need of each other ---- */

/* Told to every replica, the one that tells included. */
enum store_topic {
	STORE_TOPIC_PROFILE,  /* a profile's name: it was written or deleted */
	STORE_TOPIC_TOKENS,   /* "": one was made, revoked or purged */
	STORE_TOPIC_DELIVERY, /* a question, hex: its lock was given back, with an answer or without */
	STORE_TOPIC_JOB,      /* a job: it has changed */
	STORE_TOPIC_COUNT
};
const char *store_topic_name(enum store_topic topic);
#define STORE_TEXT_MAX 4000 /* bytes that are told at once */

/* Called by one thread of the store's, which hears nothing meanwhile. */
struct store_listener {
	void (*heard)(void *ctx, enum store_topic topic, const char *text);
	/* Contact is there, at first or again: whatever was told before went unheard. */
	void (*missed)(void *ctx);
	/* Contact is lost; once until it is there again. */
	void (*lost)(void *ctx, const char *why);
	/* The database has answered, as it does twice a second; `measurement` is the number of the newest one, from
	 * whichever replica it came. */
	void (*answered)(void *ctx, uint64_t measurement);
	void *ctx;
};

#define STORE_REPLICA_CHARS 16 /* lower-case hex: 64 random bits */
#define STORE_JOB_ID_CHARS 32  /* lower-case hex */
#define STORE_JOBS_MAX 100     /* that are asked for at once */
#define STORE_JOBS_RELEASED "released" /* what is told instead of an id when jobs are nobody's */

/* A job as all replicas see it; what it is: service/jobs.h. */
struct store_job {
	const char *id;
	const char *owner;    /* the replica that works at it; NULL: none does */
	unsigned term;        /* 0, and one more with each owner that took it: what an earlier one says is old */
	unsigned deaths;      /* of owners, from whom it was taken */
	const char *question; /* JSON: enough to ask it again */
	const char *view;     /* JSON: what clients are told */
	bool over;
};

enum store_key {
	STORE_KEY_FIRST, /* it was not used, or is forgotten */
	STORE_KEY_BUSY,  /* under way */
	STORE_KEY_OTHER, /* with another fingerprint */
	STORE_KEY_DONE,
};

/* Of drivers whose database several servers, "replicas", have together. */
struct store_sharing {
	/* What this process is known by among those that share the database: hex, another for each open store. */
	const char *(*replica)(struct store *s);
	/* Once, before the others; `l` is copied.  Whether there is contact is told to the listener. */
	enum ofa_status (*listen)(struct store *s, const struct store_listener *l, struct ofa_error *err);
	/* The listener is not called any more once this returns; without listen() nothing happens. */
	void (*unlisten)(struct store *s);
	/* For how long nothing has been heard of the database, which is asked twice a second. */
	double (*silence_ms)(struct store *s);
	/* Is there a replica of this name that listens and is in contact?  One that has just lost it may be taken for
	 * dead until it is in contact again, and one that has just died for alive, for some seconds. */
	enum ofa_status (*replica_lives)(struct store *s, const char *replica, bool *ret, struct ofa_error *err);
	enum ofa_status (*publish)(struct store *s, enum store_topic topic, const char *text, struct ofa_error *err);

	/* Takes the question for this replica unless another one has it (*ret_held false).  It is given back by
	 * question_unlock(), which tells so, and by losing the database: then two may work on it, which costs time and
	 * nothing else. */
	enum ofa_status (*question_lock)(struct store *s, const uint8_t question[OFA_SHA256_BYTES], bool *ret_held,
					 struct ofa_error *err);
	/* One that is not held is no error. */
	void (*question_unlock)(struct store *s, const uint8_t question[OFA_SHA256_BYTES]);

	/* ---- jobs ---- */

	/* A job of this replica's, or of nobody's when owner is NULL.  Each change of a job is told: STORE_TOPIC_JOB,
	 * with "ID VIEW" where that is short enough, else "ID". */
	enum ofa_status (*job_add)(struct store *s, const struct store_job *j, struct ofa_error *err);
	/* What it says from now on, and with `over` for good.  *ret_written false: it is over already, or another term
	 * has begun, and nothing was changed. */
	enum ofa_status (*job_write)(struct store *s, const char *id, unsigned term, const char *view, bool over,
				     bool *ret_written, struct ofa_error *err);
	/* Of these ids, STORE_JOBS_MAX at most, those that there are, with their questions or without (NULL).  Each is
	 * valid during its call. */
	enum ofa_status (*job_get)(struct store *s, const char *const *ids, size_t n, bool questions,
				   void (*each)(void *ctx, const struct store_job *j), void *ctx,
				   struct ofa_error *err);
	/* This replica's from now on, in the next term, where it may be already; false where it is over or in another
	 * term. */
	enum ofa_status (*job_take)(struct store *s, const char *id, unsigned term, bool *ret_taken,
				    struct ofa_error *err);
	/* Nobody's from now on: for id NULL all of this replica's, which is told: STORE_JOBS_RELEASED; or this one,
	 * which could not be worked at here and is found by who looks for such. */
	enum ofa_status (*job_release)(struct store *s, const char *id, struct ofa_error *err);
	/* Whose jobs are not over: other replicas, and NULL for nobody. */
	enum ofa_status (*job_owners)(struct store *s, void (*each)(void *ctx, const char *owner), void *ctx,
				      struct ofa_error *err);
	/* Some of an owner's that are not over, `limit` at most, any of them; owner NULL: of nobody's. */
	enum ofa_status (*job_of)(struct store *s, const char *owner, unsigned limit,
				  void (*each)(void *ctx, const char *id), void *ctx, struct ofa_error *err);
	/* Forgets those that were over keep_seconds ago, and those over for longest beyond `max` jobs in all. */
	enum ofa_status (*job_prune)(struct store *s, double keep_seconds, unsigned max, struct ofa_error *err);

	/* ---- idempotency keys: 32 bytes, as the fingerprints ---- */

	/* Makes the key this replica's for pending_seconds, unless it is there.  STORE_KEY_DONE: the result is
	 * appended. STORE_KEY_BUSY: ret_owner is told. */
	enum ofa_status (*key_begin)(struct store *s, const uint8_t *key, const uint8_t *fingerprint,
				     double pending_seconds, enum store_key *ret, struct ofa_buf *result,
				     char ret_owner[STORE_REPLICA_CHARS + 1], struct ofa_error *err);
	/* Makes one that is under way at `owner` this replica's; false: it is not any more. */
	enum ofa_status (*key_take)(struct store *s, const uint8_t *key, const char *owner, double pending_seconds,
				    bool *ret_taken, struct ofa_error *err);
	/* What came of one that is this replica's. */
	enum ofa_status (*key_settle)(struct store *s, const uint8_t *key, const void *result, size_t size,
				      double keep_seconds, struct ofa_error *err);
	/* Forgets it if it is this replica's and under way; `settled`: if it is settled, whoever did so. */
	enum ofa_status (*key_drop)(struct store *s, const uint8_t *key, bool settled, struct ofa_error *err);
	/* Forgets what is too old, and the oldest beyond `max` keys. */
	enum ofa_status (*key_prune)(struct store *s, unsigned max, struct ofa_error *err);
};

/* ---- packages, where the database keeps them ---- */

struct store_package {
	const char *id; /* hex SHA-256 */
	const uint8_t *data;
	size_t size;
};

/* Takes bytes in order; a non-OK status ends the reading and is returned. */
struct store_reader {
	enum ofa_status (*take)(void *ctx, const void *data, size_t size, struct ofa_error *err);
	void *ctx;
};

/* Whole packages, or none: whatever fails, and whoever else puts or drops the same one. */
struct store_package_bytes {
	/* *ret_present: there is one of this id, which stays; with `replace` only if another one came in between. */
	enum ofa_status (*put)(struct store *s, const struct store_package *p, bool replace, bool *ret_present,
			       struct ofa_error *err);
	/* OFA_ERR_NOT_FOUND, perhaps after some bytes, when there is none or it was dropped meanwhile. */
	enum ofa_status (*get)(struct store *s, const char *id, const struct store_reader *reader,
			       struct ofa_error *err);
	/* OFA_OK too where there is none. */
	enum ofa_status (*drop)(struct store *s, const char *id, struct ofa_error *err);
};

/* First member of every driver's state. */
struct store {
	const struct store_driver *driver;
};

extern const struct store_driver store_sqlite;
extern const struct store_driver store_postgresql;

/* "sqlite:FILE" or "postgresql://..." (also "postgres://..."); url NULL: sqlite:DIR/ofad.db.  Errors name --store and
 * never tell a password. */
enum ofa_status store_open(const char *url, const char *dir, const struct store_options *opt, struct store **ret,
			   struct ofa_error *err) OFA_MUST_CHECK;
/* Would it open, and be migrated?  Changes nothing.  *ret_tokens: does it have tokens, of whatever state?  Of a file
 * that is not told: false. */
enum ofa_status store_check(const char *url, const char *dir, bool *ret_tokens, struct ofa_error *err) OFA_MUST_CHECK;
static inline void store_close(struct store *s) /* NULL is allowed */
{
	if (s)
		s->driver->close(s);
}
static inline const struct store_sharing *store_sharing(const struct store *s)
{
	return s->driver->sharing;
}

#endif
