/* The steps of an answer, each on a worker.  Private to deliveries.c, which says when. */
#ifndef OFAD_SERVICE_ANSWERING_H
#define OFAD_SERVICE_ANSWERING_H

#include "service/deliveries.h"

struct deliveries {
	struct deliveries_options opt;
	struct flights flights;
	struct lru *answered; /* question -> delivery */
	const struct store_sharing *sharing; /* NULL: the store is ours alone, as is every question */
	struct parking *parking;             /* or NULL, likewise */
};

/* Takes the malloc'ed manifest (on failure too); NULL when memory is out. */
struct delivery *delivery_new(const char *id, struct ledger_account *account, char *manifest);

/* The short ones, which need no search: an answer that is in memory or on disk, or the refusal of limits that no subnet
 * keeps, or not the one that is given.  *ret_settled: that was all, and the result is the answer's.  Else its
 * rebuild is set, which is to be waited for, or its binding. */
enum ofa_status answer_look(struct answer *a, bool *ret_settled) OFA_MUST_CHECK;
/* Later: has another server that shares the store answered meanwhile?  Its rebuild may be set, too. */
enum ofa_status answer_look_again(struct answer *a, bool *ret_settled) OFA_MUST_CHECK;
/* The refusal alone; once it was passed it is not looked at again. */
enum ofa_status answer_check(struct answer *a, bool *ret_settled) OFA_MUST_CHECK;
/* The answer that was found in the store is of no use after all; err says why, if at all. */
void answer_lose(struct answer *a, const struct ofa_error *err);
/* Searches, packs, checks, keeps. */
enum ofa_status answer_find(struct answer *a) OFA_MUST_CHECK;
/* Instead of both: searches only.  *ret_manifest: malloc'ed, as manifest_foretell() has it.  Unless `patient` it does
 * not wait for a front: then *ret_put_off is set instead. */
enum ofa_status answer_foretell(struct answer *a, bool patient, char **ret_manifest,
				bool *ret_put_off) OFA_MUST_CHECK;

#endif
