/* Status codes and the error report that every fallible function shares.
 *
 * A fallible function returns enum ofa_status, must be checked, and writes its
 * results only through trailing ret_x pointers, untouched on failure.  The last
 * parameter, struct ofa_error *err, may be NULL; the first error wins. */
#ifndef OFA_BASE_STATUS_H
#define OFA_BASE_STATUS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#define OFA_MUST_CHECK __attribute__((warn_unused_result))
#define OFA_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define OFA_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

enum ofa_status {
	OFA_OK = 0,
	OFA_ERR_NOMEM,       /* allocation failed */
	OFA_ERR_INVALID,     /* a value from outside is not acceptable; field names it */
	OFA_ERR_FORMAT,      /* a file or message is malformed */
	OFA_ERR_IO,          /* the operating system refused a read or write */
	OFA_ERR_NOT_FOUND,   /* the named thing does not exist */
	OFA_ERR_LIMIT,       /* larger than the stated maximum */
	OFA_ERR_INFEASIBLE,  /* no subnet satisfies the limits */
	OFA_ERR_MISMATCH,    /* two artefacts do not belong together */
	OFA_ERR_UNSUPPORTED, /* well-formed, but of a kind this build does not handle */
	OFA_ERR_CANCELLED,   /* stopped on request */
	OFA_ERR_EXHAUSTED,   /* the system has no room now: disk, descriptors, a lock; trying again may help */
	OFA_ERR_UNAVAILABLE, /* another program that this needs cannot be reached now; trying again may help */
	OFA_ERR_GONE,        /* it was there, was given up and cannot be made again */
	OFA_STATUS_COUNT
};

/* Lives on the caller's stack; all zero means "no error yet". */
/* Holds the pointer to any row of a latency table, whose keys have up to 191 characters. */
#define OFA_FIELD_MAX 320
struct ofa_error {
	enum ofa_status status;
	char field[OFA_FIELD_MAX]; /* JSON pointer, option, tensor or gene that is wrong; may be "" */
	char message[512];         /* one sentence: what is wrong, the value, what would be accepted */
	struct ofa_faults *further; /* borrowed; NULL: the first error is all that is wanted */
};

/* Errors of one input beyond its first, in its order.  Who shows them sets ofa_error.further; who reads an input of
 * parts that can be judged one without the other goes on after a faulty one (ofa_error_go_on()). */
#define OFA_FAULTS_MAX 15
struct ofa_faults {
	size_t n;
	struct ofa_error list[OFA_FAULTS_MAX];
};

/* Records the error unless one is recorded already, and returns `status`.
 * `field` may be NULL. */
enum ofa_status ofa_fail(struct ofa_error *err, enum ofa_status status,
                         const char *field, const char *fmt, ...) OFA_PRINTF(4, 5);

/* Records what was wrong with a part of an input, as the first error or a further one.  True: the other parts are to be
 * judged too; the caller returns err->status after them. */
bool ofa_error_go_on(struct ofa_error *err, const struct ofa_error *part) OFA_MUST_CHECK;

/* Messages quote foreign bytes and end up in JSON and on terminals: what is no UTF-8 and control characters become
 * '?'. */
void ofa_make_printable(char *text);

/* Puts "context: " before the message that is recorded (file name, say). */
void ofa_error_prefix(struct ofa_error *err, const char *fmt, ...) OFA_PRINTF(2, 3);

/* Short stable name of a status: "ok", "invalid", ... */
const char *ofa_status_name(enum ofa_status status);

#endif
