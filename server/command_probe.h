/* `ofad probe`: asks a running ofad whether it is ready, for health checks of containers without a client of HTTP. */
#ifndef OFAD_COMMAND_PROBE_H
#define OFAD_COMMAND_PROBE_H

/* argv[0] is "probe".  The exit status: 0 yes, 1 no or no answer, 2 when the command line or the configuration is
 * wrong. */
int command_probe(int argc, char **argv);

#endif
