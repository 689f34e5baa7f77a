/* `ofa`: the tool around once-for-all networks.  The table below is the program. */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "commands.h"
#include "options.h"
#include "tensor/gemm.h"

struct command {
	const char *name; /* one or two words */
	const char *summary;
	int (*run)(int argc, char **argv);
};

static const struct command commands[] = {
	{"train", "train a network by progressive shrinking", cmd_train},
	{"init", "a network of a published family with random weights", cmd_init},
	{"import", "a PyTorch checkpoint as a network, with its predictor", cmd_import},
	{"eval", "accuracy of a subnet or a package on a data set", cmd_eval},
	{"predictor fit", "measure sampled subnets and fit the accuracy predictor", cmd_predictor_fit},
	{"card", "how a network was trained, and published points beside it", cmd_card},
	{"inspect", "what a network or package file holds", cmd_inspect},
	{"predict", "accuracy, costs and latency of given subnets", cmd_predict},
	{"search", "the best subnet under limits", cmd_search},
	{"pareto", "the best subnets over one resource, all limits together", cmd_pareto},
	{"pack", "take a subnet out of a network into a package", cmd_pack},
	{"export", "a package as ONNX, TFLite, safetensors or a C array", cmd_export},
	{"run", "logits of a package or a subnet", cmd_run},
	{"measure", "this machine's latency table for a network", cmd_measure},
	{"profile import", "published latency tables, brought into a device profile", cmd_profile_import},
	{"pull", "get a package for a device from a server", cmd_pull},
	{"verify", "is a package the one that somebody trusted signed?", cmd_verify},
	{"push", "send a device profile to a server", cmd_push},
};

static void print_help(FILE *out)
{
	fprintf(out, "usage: ofa COMMAND [arguments]\n\n"
	             "Train a once-for-all network, find the subnet that fits a device, take it out, run it.\n\n");
	for (size_t i = 0; i < OFA_ARRAY_LEN(commands); i++)
		fprintf(out, "  %-15s %s\n", commands[i].name, commands[i].summary);
	fprintf(out, "\n`ofa COMMAND --help` explains one of them with examples; each takes --json.\n"
	             "Exit codes: 0 done, 1 failed, 2 wrong usage.\n");
}

/* Number of leading arguments that spell the command's name, 0 if they do not. */
static int match_words(const char *name, int argc, char **argv)
{
	const char *space = strchr(name, ' ');
	size_t first = space ? (size_t)(space - name) : strlen(name);

	if (argc < 1 || strlen(argv[0]) != first || memcmp(argv[0], name, first) != 0)
		return 0;
	if (!space)
		return 1;
	return argc > 1 && strcmp(argv[1], space + 1) == 0 ? 2 : 0;
}

static int run_command(int argc, char **argv)
{
	for (size_t i = 0; i < OFA_ARRAY_LEN(commands); i++) {
		int words = match_words(commands[i].name, argc, argv);
		if (words)
			return commands[i].run(argc - (words - 1), argv + (words - 1));
	}
	fprintf(stderr, "ofa: unknown command '%s'; `ofa --help` lists them\n", argv[0]);
	return CLI_EXIT_USAGE;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		print_help(stderr);
		return CLI_EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
		print_help(stdout);
		return CLI_EXIT_OK;
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("ofa %s\n", PACKAGE_VERSION);
		return CLI_EXIT_OK;
	}
	ofa_blas_single_thread();
	return run_command(argc - 1, argv + 1);
}
