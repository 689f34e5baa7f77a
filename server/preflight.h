/* --check-config: would it start?  Everything that can be looked at without serving, or changing anything. */
#ifndef OFAD_PREFLIGHT_H
#define OFAD_PREFLIGHT_H

#include <stdio.h>
#include "settings.h"

/* Prints the settings, then each thing that would keep the daemon from starting; how many these are. */
unsigned preflight(const struct settings *s, FILE *out);

#endif
