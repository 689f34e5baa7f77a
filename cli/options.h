/* Command lines as tables: one row per option drives parsing, checking and --help. */
#ifndef OFA_CLI_OPTIONS_H
#define OFA_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exit codes of every subcommand. */
enum cli_exit { CLI_EXIT_OK = 0, CLI_EXIT_FAILURE = 1, CLI_EXIT_USAGE = 2 };

#define OPT_MAX 32 /* options of one command */
#define OPT_LIST_MAX 16
#define OPT_MAX_OPERANDS 64

/* Values of an option that may be repeated, in the order given; borrowed from argv. */
struct opt_list {
	int n;
	const char *item[OPT_LIST_MAX];
};

/* OPT_U64 takes 0 to 2^63-1: the answers and requests it goes into are JSON, whose integers end there. */
enum opt_kind { OPT_FLAG, OPT_TEXT, OPT_INT, OPT_U64, OPT_NUMBER, OPT_LIST };

struct opt {
	const char *name;  /* long name without dashes */
	char letter;       /* short name, 0 if none */
	enum opt_kind kind;
	bool required;
	const char *value; /* how help names the value, e.g. "FILE" */
	const char *help;  /* one line */
	double min, max;   /* OPT_INT and OPT_NUMBER: both ends are legal; both 0: any value */
	union {            /* where the value goes; holds the default before parsing */
		bool *flag;
		const char **text; /* borrowed from argv */
		int *integer;
		uint64_t *u64;
		double *number;
		struct opt_list *list;
	} to;
};

struct opt_spec {
	const char *command;  /* "search" */
	const char *operands; /* how help writes them, e.g. "URL PROFILE" */
	int n_operands;       /* at least so many */
	int max_operands;     /* at most so many, up to OPT_MAX_OPERANDS; 0: exactly n_operands */
	const char *about;    /* what it does and what comes next; lines end with a newline */
	const char *examples; /* lines, each beginning with two spaces and ending with a newline */
	const struct opt *options;
	size_t n_options; /* at most OPT_MAX */
};

/* Parses argv[1..] ("--name value", "--name=value", "-o value"; "--" ends the options).  True: go on,
 * operand[] holds the operands and, behind them, NULL.  False: return *ret_exit at once; --help was answered on
 * stdout or the mistake was told on stderr. */
bool opt_parse(const struct opt_spec *spec, int argc, char **argv, const char *operand[OPT_MAX_OPERANDS],
               int *ret_exit);

#endif
