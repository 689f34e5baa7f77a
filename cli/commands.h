/* The subcommands of `ofa`.  Each gets its own arguments, argv[0] being the last word of its name, and
 * returns the exit code of the program. */
#ifndef OFA_CLI_COMMANDS_H
#define OFA_CLI_COMMANDS_H

int cmd_train(int argc, char **argv);
int cmd_card(int argc, char **argv);
int cmd_eval(int argc, char **argv);
int cmd_export(int argc, char **argv);
int cmd_predictor_fit(int argc, char **argv);
int cmd_import(int argc, char **argv);
int cmd_init(int argc, char **argv);
int cmd_inspect(int argc, char **argv);
int cmd_predict(int argc, char **argv);
int cmd_profile_import(int argc, char **argv);
int cmd_search(int argc, char **argv);
int cmd_pareto(int argc, char **argv);
int cmd_pack(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_measure(int argc, char **argv);
int cmd_pull(int argc, char **argv);
int cmd_verify(int argc, char **argv);
int cmd_push(int argc, char **argv);

#endif
