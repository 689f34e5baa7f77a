/* What app.c does about packages: where they are kept, how long, and making those again that were not. */
#ifndef OFAD_APP_PACKAGES_H
#define OFAD_APP_PACKAGES_H

#include "app.h"

enum ofa_status app_open_packages(struct app *app, struct ofa_error *err) OFA_MUST_CHECK;
/* Can they be read, from inside the sandbox?  A package store that cannot be reached now may be reached later, which is
 * logged; one that refuses would go on to do so, and the daemon does not start. */
enum ofa_status app_check_packages(struct app *app, struct ofa_error *err) OFA_MUST_CHECK;
/* What waits for another machine is in nobody's way: a store that is slow would else hold up searches, and calls that
 * need nothing of it.  It has threads of its own, which mostly sleep; app->fetchers stays NULL where there is none. */
enum ofa_status app_start_fetchers(struct app *app, struct ofa_error *err) OFA_MUST_CHECK;
/* Once there are workers: starts to keep track of them. */
enum ofa_status app_keep_packages(struct app *app, struct ofa_error *err) OFA_MUST_CHECK;
/* Whatever of it was begun; nobody works on packages any more. */
void app_close_packages(struct app *app);

#endif
