/* What the daemon takes from itself once everything is open: files that it has no business with (Landlock), and system
 * calls that only an intruder would want (seccomp). */
#ifndef OFAD_SANDBOX_H
#define OFAD_SANDBOX_H

#include "log.h"
#include "settings.h"

enum sandbox_mode {
	SANDBOX_AUTO, /* what the kernel has; what it lacks is logged */
	SANDBOX_ON,   /* all of it, or the daemon does not start */
	SANDBOX_OFF,
};

/* To be called by the only thread there is: those that it starts inherit it, others would not be bound.  Nothing
 * lifts it again.  Afterwards
 *   - files are read and written beneath the directories that the table of options says something is opened in again
 *     (enum option_reopened); those of this process in /proc and of control groups are read; what is open stays open;
 *     all else is refused with EACCES, and so is making a TCP connection, unless sandbox_connects();
 *   - the calls in sandbox/seccomp.c are refused with EPERM: an error that is logged beats a daemon that dies of a call
 *     that some library makes on a path nobody has tried. */
enum ofa_status sandbox_enter(const struct settings *s, const struct log *log, struct ofa_error *err) OFA_MUST_CHECK;

/* Can this kernel do what the settings insist on? */
enum ofa_status sandbox_check(const struct settings *s, struct ofa_error *err) OFA_MUST_CHECK;

/* Do the settings name servers that it has to connect to, again and again?  Then that and what libraries read for it
 * (names of hosts, authorities) stay allowed; listening does not. */
bool sandbox_connects(const struct settings *s);

/* ---- its two halves ---- */

/* The version of the kernel's interface; 0: it has none. */
int landlock_version(void);

/* One after the other: OFA_ERR_UNSUPPORTED where the kernel has none of it. */
enum ofa_status landlock_enter(const struct settings *s, struct ofa_error *err) OFA_MUST_CHECK;
enum ofa_status seccomp_enter(const struct settings *s, struct ofa_error *err) OFA_MUST_CHECK;

#endif
