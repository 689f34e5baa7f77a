/* What app.c does about packages: where they are kept, how long, and making those again that were not. */
#ifndef OFAD_APP_PACKAGES_H
#define OFAD_APP_PACKAGES_H

#include "app.h"

enum ofa_status app_open_packages(struct app *app, struct ofa_error *err) OFA_MUST_CHECK;
/* Once there are workers: starts to keep track of them. */
enum ofa_status app_keep_packages(struct app *app, struct ofa_error *err) OFA_MUST_CHECK;
/* Whatever of it was begun; nobody works on packages any more. */
void app_close_packages(struct app *app);

#endif
