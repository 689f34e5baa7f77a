# The tool `ofa`: a table of subcommands (main.c), one cmd_<name>.c each, shared helpers beside them.
bin_PROGRAMS += cli/ofa
cli_ofa_CPPFLAGS = $(ENGINE_CPPFLAGS) $(CURL_CFLAGS) $(MPI_CFLAGS)
cli_ofa_LDADD = $(ENGINE_LIBS) $(CURL_LIBS) $(MPI_LIBS)
cli_ofa_SOURCES = \
	cli/commands.h cli/main.c \
	cli/accuracy.h cli/accuracy.c cli/device_eval.h cli/device_eval.c \
	cli/api.h cli/api.c \
	cli/assess.h cli/assess.c \
	cli/card.h cli/card.c \
	cli/device_model.h cli/device_model.c \
	cli/download.h cli/download.c \
	cli/files.h cli/files.c \
	cli/fit_dtype.h cli/fit_dtype.c \
	cli/fit_pairs.h cli/fit_pairs.c \
	cli/import_report.h cli/import_report.c \
	cli/latency_probe.h cli/latency_probe.c \
	cli/network.h cli/network.c \
	cli/options.h cli/options.c \
	cli/output.h cli/output.c \
	cli/pairs.h cli/pairs.c \
	cli/predictor_save.h cli/predictor_save.c \
	cli/provenance.h cli/provenance.c \
	cli/ranks.h cli/ranks.c \
	cli/retry.h cli/retry.c \
	cli/serial_probe.h cli/serial_probe.c \
	cli/subnet.h cli/subnet.c \
	cli/survey.h cli/survey.c \
	cli/threads.h cli/threads.c \
	cli/tables.h cli/tables.c \
	cli/timing.h cli/timing.c \
	cli/transfer.h cli/transfer.c \
	cli/trust.h cli/trust.c \
	cli/cmd_card.c \
	cli/cmd_eval.c \
	cli/cmd_export.c \
	cli/cmd_import.c \
	cli/cmd_init.c \
	cli/cmd_inspect.c \
	cli/cmd_measure.c \
	cli/cmd_pack.c \
	cli/cmd_pareto.c \
	cli/cmd_predict.c \
	cli/cmd_predictor_fit.c \
	cli/cmd_profile_import.c \
	cli/cmd_pull.c \
	cli/cmd_push.c \
	cli/cmd_run.c \
	cli/cmd_search.c \
	cli/cmd_verify.c \
	cli/cmd_train.c cli/progress.h cli/progress.c
