/* ofa measure: the latency table of a network, on this machine or on a device. */
#include <config.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "files.h"
#include "latency_probe.h"
#include "network.h"
#include "output.h"
#include "predict/predictor.h"
#include "timing.h"

#define CHECK_MS 300.0
#define CHECK_RUNS 3 /* on a device */
#define QUICK_SECONDS 4.0
/* Standard deviation relative to the mean, over the whole table, above which a table is not to be trusted. */
#define UNSTEADY 0.2

struct measure_options {
	const char *network, *out, *name, *dtype, *device;
	enum ofa_precision precision;
	struct cli_serial *serial; /* the device's, or NULL: this machine is measured */
	struct opt_list resolutions;
	double seconds;
	bool quick, json;
};

static bool asked_for(const struct opt_list *asked, int resolution)
{
	char text[16];

	snprintf(text, sizeof text, "%d", resolution);
	for (int i = 0; i < asked->n; i++)
		if (strcmp(asked->item[i], text) == 0)
			return true;
	return false;
}

static enum ofa_status parse_resolutions(const struct opt_list *asked, const struct ofa_space *s, uint16_t *list,
                                         int *ret_n, struct ofa_error *err)
{
	int n = 0;

	for (int i = 0; i < s->n_resolutions; i++)
		if (asked_for(asked, s->resolutions[i]))
			list[n++] = s->resolutions[i];
	if (n != asked->n)
		return ofa_fail(err, OFA_ERR_INVALID, "--resolution",
		                "each must be one of the network's (%d to %d; `ofa inspect` lists them), given once",
		                s->resolutions[0], s->resolutions[s->n_resolutions - 1]);
	*ret_n = n;
	return OFA_OK;
}

/* Those asked for, else those that the predictor knows, for no other is searched, else all. */
static enum ofa_status choose_resolutions(const struct measure_options *o, const struct ofa_supernet *net,
                                          uint16_t *list, int *ret_n, struct ofa_error *err)
{
	struct ofa_predictor predictor;
	enum ofa_status st;

	if (o->resolutions.n > 0)
		return parse_resolutions(&o->resolutions, &net->space, list, ret_n, err);
	st = ofa_predictor_load(net, &predictor, NULL);
	if (st == OFA_OK) {
		*ret_n = predictor.n_resolutions;
		memcpy(list, predictor.resolutions, (size_t)predictor.n_resolutions * sizeof *list);
		ofa_predictor_release(&predictor);
		return OFA_OK;
	}
	*ret_n = net->space.n_resolutions;
	memcpy(list, net->space.resolutions, (size_t)net->space.n_resolutions * sizeof *list);
	return OFA_OK;
}

static double unsteadiness(const struct ofa_latency_table *t)
{
	double mean = 0, std = 0;

	for (size_t i = 0; i < t->n; i++) {
		mean += t->entries[i].mean_ms;
		std += t->entries[i].std_ms;
	}
	return std / mean;
}

static enum ofa_status probe_all(const struct measure_options *o, const struct ofa_supernet *net,
                                 struct ofa_profile *profile, struct ofa_error *err)
{
	double seconds = o->quick ? QUICK_SECONDS : o->seconds;
	uint16_t list[OFA_MAX_RESOLUTIONS];
	int n = 0;
	enum ofa_status st = choose_resolutions(o, net, list, &n, err);

	for (int i = 0; st == OFA_OK && i < n; i++) {
		size_t before = profile->table.n;
		st = cli_probe_resolution(net, o->precision, list[i], 1e3 * seconds / n, o->serial, &profile->table,
		                          err);
		if (st == OFA_OK)
			fprintf(stderr, "ofa: measure: %d of %d: resolution %d, %zu keys\n", i + 1, n, list[i],
			        profile->table.n - before);
	}
	return st;
}

static enum ofa_status time_here(const struct cli_device_model *m, double *ret_ms, struct ofa_error *err)
{
	struct cli_timing timing;
	enum ofa_status st = cli_time_runs(m, CHECK_MS, &timing, err);

	if (st == OFA_OK)
		*ret_ms = timing.mean_ms;
	return st;
}

static enum ofa_status time_on_device(struct cli_serial *s, const struct cli_device_model *m, double *ret_ms,
                                      struct ofa_error *err)
{
	char kernels[CLI_SERIAL_NAME_MAX];
	struct cli_serial_counts counts;
	enum ofa_status st = cli_serial_load(s, m->model.data, m->model.size, kernels, sizeof kernels, err);

	if (st == OFA_OK)
		st = cli_serial_run(s, 0, m->model.n_ops, CHECK_RUNS, &counts, err);
	if (st == OFA_OK)
		*ret_ms = 1e3 * (double)counts.sum / counts.runs / cli_serial_info(s)->clock_hz;
	return st;
}

/* What the table says of one subnet and what a whole run of it takes. */
static enum ofa_status check_subnet(const struct measure_options *o, const struct ofa_supernet *net,
                                    const struct ofa_latency_model *model, const struct ofa_arch *arch,
                                    double *ret_table_ms, double *ret_measured_ms, struct ofa_error *err)
{
	struct cli_device_model m;
	uint8_t *data;
	size_t size;
	enum ofa_status st = cli_probe_pack(net, arch, o->precision, &data, &size, err);

	if (st != OFA_OK)
		return st;
	st = cli_device_load(data, size, &m, err);
	if (st == OFA_OK) {
		st = o->serial ? time_on_device(o->serial, &m, ret_measured_ms, err)
		               : time_here(&m, ret_measured_ms, err);
		cli_device_close(&m);
	}
	free(data);
	if (st == OFA_OK)
		*ret_table_ms = ofa_latency_ms(model, arch);
	return st;
}

/* The smallest subnet at the lowest and the largest at the highest measured resolution. */
static enum ofa_status check_table(const struct measure_options *o, const struct ofa_supernet *net,
                                   const struct ofa_profile *profile, double table_ms[2], double measured_ms[2],
                                   struct ofa_error *err)
{
	const struct ofa_latency_table *t = &profile->table;
	struct ofa_latency_model *model;
	struct ofa_arch arch;
	enum ofa_status st = ofa_latency_model_new(&net->space, &net->params, t, &model, err);

	if (st != OFA_OK)
		return st;
	ofa_arch_smallest(&net->space, &arch);
	arch.image_size = t->entries[0].resolution;
	st = check_subnet(o, net, model, &arch, &table_ms[0], &measured_ms[0], err);
	ofa_arch_largest(&net->space, &arch);
	arch.image_size = t->entries[t->n - 1].resolution;
	if (st == OFA_OK)
		st = check_subnet(o, net, model, &arch, &table_ms[1], &measured_ms[1], err);
	ofa_latency_model_free(model);
	return st;
}

static enum ofa_status save(const char *path, const struct ofa_profile *profile, struct ofa_error *err)
{
	json_t *json = ofa_profile_format(profile);
	char *text = json ? json_dumps(json, JSON_INDENT(1) | JSON_REAL_PRECISION(9)) : NULL;
	enum ofa_status st;

	json_decref(json);
	if (!text)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory for the profile");
	st = ofa_file_write_atomic(path, text, strlen(text), err);
	free(text);
	return st;
}

static enum ofa_status report(const struct measure_options *o, const struct ofa_profile *p, const double table_ms[2],
                              const double measured_ms[2], struct ofa_error *err)
{
	double spread = unsteadiness(&p->table);

	if (spread > UNSTEADY)
		fprintf(stderr,
		        "ofa: measure: times vary by %.0f %%: the machine is busy or changes its clock; measure again "
		        "when it is idle\n",
		        100 * spread);
	if (o->json)
		return cli_print_json(json_pack("{s:s,s:s,s:I,s:s,s:f,s:{s:f,s:f},s:{s:f,s:f}}", "file", o->out, "name",
		                                p->name, "entries", (json_int_t)p->table.n, "runtime", p->table.runtime,
		                                "spread", spread, "smallest", "table_ms", table_ms[0], "measured_ms",
		                                measured_ms[0], "largest", "table_ms", table_ms[1], "measured_ms",
		                                measured_ms[1]),
		                      err);
	printf("wrote %s: profile %s, %zu keys, %s\n", o->out, p->name, p->table.n, p->table.runtime);
	printf("check: smallest subnet %.4f ms by the table, %.4f ms measured whole\n", table_ms[0], measured_ms[0]);
	printf("       largest subnet  %.4f ms by the table, %.4f ms measured whole\n", table_ms[1], measured_ms[1]);
	return OFA_OK;
}

static enum ofa_status name_device_runtime(struct cli_serial *s, const struct cli_device_model *m, char *out,
                                           size_t cap, struct ofa_error *err)
{
	const struct cli_serial_info *info = cli_serial_info(s);
	char kernels[CLI_SERIAL_NAME_MAX];
	enum ofa_status st = cli_serial_load(s, m->model.data, m->model.size, kernels, sizeof kernels, err);

	if (st == OFA_OK)
		snprintf(out, cap, "ofa-device %.8s %.10s, %.16s, %s", PACKAGE_VERSION, kernels, info->core,
		         info->instructions ? "instructions" : "cycles");
	return st;
}

/* Which kernels ran: the table holds for them only. */
static enum ofa_status name_runtime(const struct measure_options *o, const struct ofa_supernet *net, char *out,
                                    size_t cap, struct ofa_error *err)
{
	struct cli_device_model m;
	struct ofa_arch arch;
	uint8_t *data;
	size_t size;
	enum ofa_status st;

	ofa_arch_smallest(&net->space, &arch);
	st = cli_probe_pack(net, &arch, o->precision, &data, &size, err);
	if (st != OFA_OK)
		return st;
	st = cli_device_load(data, size, &m, err);
	if (st == OFA_OK) {
		if (o->serial)
			st = name_device_runtime(o->serial, &m, out, cap, err);
		else
			snprintf(out, cap, "ofa-device %s %s", PACKAGE_VERSION, ofa_device_kernel_name(&m.model));
		cli_device_close(&m);
	}
	free(data);
	return st;
}

static enum ofa_status measure_network(const struct measure_options *o, const struct ofa_supernet *net,
                                       struct ofa_profile *profile, struct ofa_error *err)
{
	double table_ms[2], measured_ms[2];
	struct ofa_latency_table *table = &profile->table;
	enum ofa_status st = name_runtime(o, net, table->runtime, sizeof table->runtime, err);

	if (!o->serial && !cli_pin_to_cpu())
		fprintf(stderr, "ofa: measure: cannot stay on one processor; times may vary\n");
	if (st == OFA_OK)
		st = probe_all(o, net, profile, err);
	if (st == OFA_OK)
		st = check_table(o, net, profile, table_ms, measured_ms, err);
	if (st == OFA_OK)
		st = save(o->out, profile, err);
	return st == OFA_OK ? report(o, profile, table_ms, measured_ms, err) : st;
}

static enum ofa_status measure(struct measure_options *o, struct ofa_error *err)
{
	struct ofa_profile profile = {.has_table = true};
	struct ofa_supernet *net;
	enum ofa_status st;

	if (!ofa_profile_name_ok(o->name) || strlen(o->name) >= sizeof profile.name)
		return ofa_fail(err, OFA_ERR_INVALID, "--name",
		                "'%s': 1 to %d letters, digits, '.', '_' or '-', with '/' between parts", o->name,
		                OFA_PROFILE_NAME_MAX - 1);
	if (!ofa_precision_find(o->dtype, &o->precision))
		return ofa_fail(err, OFA_ERR_INVALID, "--dtype", "'%s' is none; there are " OFA_PRECISION_CHOICES,
		                o->dtype);
	st = cli_open_network(o->network, &net, err);
	if (st != OFA_OK)
		return st;
	snprintf(profile.name, sizeof profile.name, "%s", o->name);
	ofa_limits_init(&profile.limits);
	profile.table.precision = o->precision;
	if (o->device)
		st = cli_serial_open(o->device, &o->serial, err);
	if (st == OFA_OK)
		st = measure_network(o, net, &profile, err);
	cli_serial_close(o->serial);
	ofa_profile_release(&profile);
	ofa_supernet_free(net);
	return st;
}

int cmd_measure(int argc, char **argv)
{
	struct measure_options o = {.name = "this-machine", .seconds = 20, .dtype = "float32"};
	const struct opt options[] = {
		{.name = "out", .letter = 'o', .kind = OPT_TEXT, .required = true, .value = "PROFILE",
		 .to.text = &o.out, .help = "the profile file"},
		{.name = "name", .kind = OPT_TEXT, .value = "NAME", .to.text = &o.name,
		 .help = "name of the profile (default this-machine)"},
		{.name = "dtype", .kind = OPT_TEXT, .value = "TYPE", .to.text = &o.dtype,
		 .help = OFA_PRECISION_CHOICES ": of the packages that are timed (default float32)"},
		{.name = "device", .kind = OPT_TEXT, .value = "PORT", .to.text = &o.device,
		 .help = "measure the device at this serial port, which runs the firmware `measure`"},
		{.name = "resolution", .kind = OPT_LIST, .value = "R", .to.list = &o.resolutions,
		 .help = "measure only this one; repeatable"},
		{.name = "seconds", .kind = OPT_NUMBER, .value = "N", .to.number = &o.seconds, .min = 0.1,
		 .max = 36000, .help = "time to spend on runs (default 20)"},
		{.name = "quick", .kind = OPT_FLAG, .to.flag = &o.quick, .help = "spend 4 seconds"},
		{.name = "json", .kind = OPT_FLAG, .to.flag = &o.json, .help = "answer a JSON object"},
	};
	const struct opt_spec spec = {
		.command = "measure", .operands = "NET", .n_operands = 1,
		.about = "Measures on this machine the latency of every block that the network's subnets are made of,\n"
		         "by the device runtime on one processor, and writes a profile with the table.  A subnet's\n"
		         "latency is the sum of its blocks; two whole subnets are timed to show how well that holds.\n"
		         "A microcontroller is measured over a serial port, or an emulator over a Unix socket; an\n"
		         "emulator counts instructions, which the profile says, and each is taken for a cycle.\n",
		.examples = "  ofa measure fashion.safetensors -o laptop.json --name laptop\n"
		            "  ofa search fashion.safetensors --profile laptop.json --limit latency_ms=0.5\n"
		            "  ofa push http://127.0.0.1:8080 laptop.json\n"
		            "  ofa measure fashion.safetensors -o m4.json --name m4 --device /dev/ttyACM0\n",
		.options = options, .n_options = OFA_ARRAY_LEN(options),
	};
	const char *operand[OPT_MAX_OPERANDS];
	struct ofa_error err = {0};
	int rc;

	if (!opt_parse(&spec, argc, argv, operand, &rc))
		return rc;
	o.network = operand[0];
	return cli_finish(spec.command, o.json, measure(&o, &err), &err);
}
