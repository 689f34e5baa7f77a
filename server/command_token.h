/* `ofad token`: makes, lists and revokes bearer tokens in the data directory, whether or not a daemon runs on it. */
#ifndef OFAD_COMMAND_TOKEN_H
#define OFAD_COMMAND_TOKEN_H

/* argv[0] is "token".  The exit status: 0, 1 when it failed, 2 when the command line is wrong. */
int command_token(int argc, char **argv);

#endif
