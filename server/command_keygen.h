/* `ofad keygen`: a new signing key. */
#ifndef OFAD_COMMAND_KEYGEN_H
#define OFAD_COMMAND_KEYGEN_H

/* argv[0] is "keygen"; returns the exit status of the program. */
int command_keygen(int argc, char **argv);

#endif
