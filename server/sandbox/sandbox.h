/* What the daemon takes from itself once everything is open: files that it has no business with (Landlock), and system
 * calls that only an intruder would want (seccomp). */
#ifndef OFAD_SANDBOX_H
#define OFAD_SANDBOX_H

#include "log.h"
#include "reach.h"
#include "settings.h"

enum sandbox_mode {
	SANDBOX_AUTO, /* what the kernel has; what it lacks is logged */
	SANDBOX_ON,   /* all of it, or the daemon does not start */
	SANDBOX_OFF,
};

/* To be called by the only thread there is: those that it starts inherit it, others would not be bound.  Nothing
 * lifts it again.  Afterwards
 *   - files are read and written beneath the directories that the table of options says something is opened in again
 *     (enum option_reopened); those of this process in /proc and of control groups are read, and what a database on
 *     another machine needs (reach.h); what is open stays open; all else is refused with EACCES, and so is making a
 *     TCP connection to a port that is not in reach;
 *   - the calls in sandbox/seccomp.c are refused with EPERM: an error that is logged beats a daemon that dies of a call
 *     that some library makes on a path nobody has tried. */
enum ofa_status sandbox_enter(const struct settings *s, const struct log *log, struct ofa_error *err) OFA_MUST_CHECK;

/* Can this kernel do what the settings insist on? */
enum ofa_status sandbox_check(const struct settings *s, struct ofa_error *err) OFA_MUST_CHECK;

/* ---- its two halves ---- */

/* The version of the kernel's interface; 0: it has none. */
int landlock_version(void);

/* One after the other: OFA_ERR_UNSUPPORTED where the kernel has none of it. */
enum ofa_status landlock_enter(const struct settings *s, const struct reach *reach,
			       struct ofa_error *err) OFA_MUST_CHECK;
/* connects: sockets are made and connected. */
enum ofa_status seccomp_enter(bool connects, struct ofa_error *err) OFA_MUST_CHECK;

#endif
