/* ofa import: somebody's checkpoint as our network file, with a released predictor and calibration images. */
#include <config.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/sha256.h"
#include "commands.h"
#include "import/predictor.h"
#include "import_report.h"
#include "options.h"
#include "output.h"

#define DEFAULT_SIDE 224
#define DEFAULT_IMAGES 256
#define QUIET_SECONDS 2.0 /* before progress is told, and between its lines */

struct import_options {
	const char *source, *predictor, *resolutions, *calibration, *calibration_dir, *name, *out;
	int images, side;
	bool json;
};

/* The network that is being put together; parts borrow from the rest. */
struct work {
	struct ofa_import import; /* the source, unless it is a network file of ours: */
	struct ofa_supernet *net;
	struct ofa_supernet_parts parts;
	struct ofa_predictor predictor;
	bool has_new_predictor;
	struct ofa_tensor tensors[2 * OFA_PREDICTOR_MAX_LAYERS];
	struct ofa_calibration calibration;
	json_t *metadata, *lineage; /* owned */
};

static void work_release(struct work *w)
{
	if (w->has_new_predictor)
		ofa_predictor_release(&w->predictor);
	ofa_calibration_release(&w->calibration);
	ofa_supernet_free(w->net);
	ofa_import_close(&w->import);
	json_decref(w->metadata);
	json_decref(w->lineage);
}

/* Does the file hold a space, as only network files of ours do? */
static bool is_network(const char *path)
{
	struct ofa_safetensors file;
	bool is;

	if (ofa_safetensors_open(path, &file, NULL) != OFA_OK)
		return false;
	is = ofa_safetensors_meta(&file, "ofa.space") != NULL;
	ofa_safetensors_close(&file);
	return is;
}

/* Written in place, a checkpoint would be gone, and with it what a network file does not keep. */
static bool is_same_file(const char *a, const char *b)
{
	struct stat x, y;

	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static enum ofa_status open_source(const struct import_options *o, struct work *w, struct ofa_error *err)
{
	enum ofa_status st;

	if (is_network(o->source)) {
		st = ofa_supernet_load(o->source, &w->net, err);
		if (st == OFA_OK)
			ofa_supernet_parts(w->net, &w->parts);
	} else if (is_same_file(o->source, o->out)) {
		st = ofa_fail(err, OFA_ERR_INVALID, "--out", "%s is the checkpoint itself; name another file", o->out);
	} else {
		st = ofa_import_open(o->source, "ofa " PACKAGE_VERSION, &w->import, err);
		if (st == OFA_OK)
			ofa_import_parts(&w->import, &w->parts);
	}
	if (st != OFA_OK)
		return st;
	if (o->name)
		w->parts.name = o->name;
	w->metadata = w->parts.extra_metadata ? json_copy(w->parts.extra_metadata) : json_object();
	w->lineage = w->parts.lineage ? json_copy(w->parts.lineage) : json_object();
	if (!w->metadata || !w->lineage)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	w->parts.extra_metadata = w->metadata;
	return OFA_OK;
}

/* "128,160,192": ascending numbers; the engine checks the rest. */
static enum ofa_status parse_resolutions(const char *text, struct ofa_import_predictor_options *ret,
                                         struct ofa_error *err)
{
	const char *at = text;

	while (*at) {
		char *end;
		unsigned long v;

		errno = 0;
		v = strtoul(at, &end, 10);
		if (end == at || errno || v < 1 || v > OFA_MAX_IMAGE_SIZE || (*end && *end != ',') || *at == '-' ||
		    ret->n_resolutions == OFA_MAX_RESOLUTIONS)
			return ofa_fail(err, OFA_ERR_INVALID, "--resolutions",
			                "'%s' is no list of sizes from 1 to %d like 128,160,192", text,
			                OFA_MAX_IMAGE_SIZE);
		ret->resolutions[ret->n_resolutions++] = (uint16_t)v;
		at = *end ? end + 1 : end;
	}
	return OFA_OK;
}

/* {"file","sha256","format"} of a file that something came from. */
static json_t *origin(const char *path, const struct ofa_checkpoint *c)
{
	const char *base = strrchr(path, '/');
	char hex[2 * OFA_SHA256_BYTES + 1];
	uint8_t digest[OFA_SHA256_BYTES];

	ofa_sha256(c->map.data, c->map.size, digest);
	ofa_hex(digest, sizeof(digest), hex);
	return json_pack("{s:s, s:s, s:s}", "file", base ? base + 1 : path, "sha256", hex, "format",
	                 ofa_checkpoint_format_name(c->format));
}

/* Puts the predictor's description into the metadata, with where it came from; `source` is taken. */
static enum ofa_status describe_predictor(struct work *w, json_t *source, struct ofa_error *err)
{
	json_t *meta = ofa_predictor_metadata(&w->predictor);
	char *text = NULL;

	if (meta && json_object_set(meta, "source", source) == 0)
		text = json_dumps(meta, JSON_COMPACT | JSON_REAL_PRECISION(9));
	json_decref(meta);
	json_decref(source);
	if (!text || json_object_set_new(w->metadata, "ofa.predictor", json_string(text)) != 0) {
		free(text);
		return ofa_fail(err, OFA_ERR_NOMEM, NULL,
		                "cannot describe the predictor: out of memory, or its file's name is not UTF-8");
	}
	free(text);
	w->parts.extra = w->tensors;
	w->parts.n_extra = ofa_predictor_tensors(&w->predictor, w->tensors);
	return OFA_OK;
}

static enum ofa_status attach_predictor(const struct import_options *o, struct work *w, struct ofa_error *err)
{
	struct ofa_import_predictor_options options = {0};
	struct ofa_checkpoint file;
	enum ofa_status st = o->resolutions ? parse_resolutions(o->resolutions, &options, err) : OFA_OK;

	if (st == OFA_OK)
		st = ofa_checkpoint_open(o->predictor, &file, err);
	if (st != OFA_OK)
		return st;
	st = ofa_import_predictor(w->parts.space, file.tensors, file.n_tensors, &options, &w->predictor, err);
	if (st == OFA_OK) {
		w->has_new_predictor = true;
		st = describe_predictor(w, origin(o->predictor, &file), err);
	} else {
		ofa_error_prefix(err, "%s", o->predictor);
	}
	ofa_checkpoint_close(&file);
	return st;
}

struct reading {
	struct timespec since;
	double told;
	bool terminal;
};

static void tell_reading(void *ctx, int done, int total)
{
	struct reading *r = ctx;
	struct timespec now;
	double seconds;

	clock_gettime(CLOCK_MONOTONIC, &now);
	seconds = (double)(now.tv_sec - r->since.tv_sec) + 1e-9 * (double)(now.tv_nsec - r->since.tv_nsec);
	if (seconds - r->told < QUIET_SECONDS && !(done == total && r->told > 0))
		return;
	r->told = seconds;
	fprintf(stderr, "%sread %d of %d images%s", r->terminal ? "\r" : "", done, total,
	        r->terminal && done < total ? "" : "\n");
}

static enum ofa_status read_calibration(const struct import_options *o, struct work *w, struct ofa_error *err)
{
	const struct ofa_space *s = w->parts.space;
	int largest = s->resolutions[s->n_resolutions - 1];
	const struct ofa_calibration_tensor_options tensor = {
		.mean = w->parts.mean, .std = w->parts.std, .channels = s->input_channels};
	struct reading reading = {.terminal = isatty(STDERR_FILENO)};
	const struct ofa_calibration_dir_options dir = {
		.channels = s->input_channels,
		.side = o->side ? o->side : largest < DEFAULT_SIDE ? largest : DEFAULT_SIDE,
		.max_images = o->images,
		.progress = tell_reading,
		.ctx = &reading,
	};

	clock_gettime(CLOCK_MONOTONIC, &reading.since);
	if (o->calibration)
		return ofa_calibration_from_tensor(o->calibration, &tensor, &w->calibration, err);
	return ofa_calibration_from_dir(o->calibration_dir, &dir, &w->calibration, err);
}

static const char *calibration_source(const struct import_options *o)
{
	return o->calibration ? o->calibration : o->calibration_dir;
}

static enum ofa_status attach_calibration(const struct import_options *o, struct work *w, struct ofa_error *err)
{
	const char *source = calibration_source(o), *base = strrchr(source, '/');
	enum ofa_status st = read_calibration(o, w, err);
	json_t *told;

	if (st != OFA_OK)
		return st;
	w->parts.calibration = w->calibration.images;
	w->parts.calibration_inputs = w->calibration.inputs;
	w->parts.n_calibration = w->calibration.n;
	w->parts.calibration_h = w->calibration.h;
	w->parts.calibration_w = w->calibration.w;
	told = json_pack("{s:s, s:i}", "source", base && base[1] ? base + 1 : source, "images", w->calibration.n);
	if (!told || json_object_set_new(w->lineage, "calibration", told) != 0)
		return ofa_fail(err, OFA_ERR_INVALID, source, "the name cannot be kept: it is not UTF-8");
	w->parts.lineage = w->lineage;
	return OFA_OK;
}

static enum ofa_status report(const struct import_options *o, const struct work *w, struct ofa_error *err)
{
	const struct cli_import_report r = {
		.source = o->source,
		.out = o->out,
		.parts = &w->parts,
		.import = w->net ? NULL : &w->import,
		.predictor = w->has_new_predictor ? &w->predictor : NULL,
		.has_predictor = w->parts.n_extra > 0,
		.calibration = w->calibration.n ? &w->calibration : NULL,
		.calibration_source = calibration_source(o),
	};

	if (o->json)
		return cli_print_json(cli_import_json(&r), err);
	cli_import_print(&r);
	return OFA_OK;
}

static enum ofa_status check_options(const struct import_options *o, struct ofa_error *err)
{
	if (o->calibration && o->calibration_dir)
		return ofa_fail(err, OFA_ERR_INVALID, "--calibration",
		                "give either --calibration or --calibration-dir, not both");
	if (o->resolutions && !o->predictor)
		return ofa_fail(err, OFA_ERR_INVALID, "--resolutions",
		                "tells what the slots of --predictor mean, which is not given");
	return OFA_OK;
}

static enum ofa_status import(const struct import_options *o, struct ofa_error *err)
{
	struct work w = {0};
	enum ofa_status st = check_options(o, err);

	if (st == OFA_OK)
		st = open_source(o, &w, err);
	if (st == OFA_OK && o->predictor)
		st = attach_predictor(o, &w, err);
	if (st == OFA_OK && calibration_source(o))
		st = attach_calibration(o, &w, err);
	if (st == OFA_OK)
		st = ofa_supernet_save(o->out, &w.parts, err);
	if (st == OFA_OK)
		st = report(o, &w, err);
	work_release(&w);
	return st;
}

int cmd_import(int argc, char **argv)
{
	struct import_options o = {.images = DEFAULT_IMAGES};
	const struct opt options[] = {
		{.name = "out", .letter = 'o', .kind = OPT_TEXT, .required = true, .value = "NET", .to.text = &o.out,
		 .help = "the network file"},
		{.name = "predictor", .kind = OPT_TEXT, .value = "FILE", .to.text = &o.predictor,
		 .help = "a released accuracy predictor's state dict, to be attached"},
		{.name = "resolutions", .kind = OPT_TEXT, .value = "LIST", .to.text = &o.resolutions,
		 .help = "image sizes of its slots, e.g. 128,160,192,224, where the file cannot tell"},
		{.name = "calibration", .kind = OPT_TEXT, .value = "FILE:TENSOR", .to.text = &o.calibration,
		 .help = "calibration images: U8 pixels, or floats normalised with the network's mean and std"},
		{.name = "calibration-dir", .kind = OPT_TEXT, .value = "DIR", .to.text = &o.calibration_dir,
		 .help = "calibration images: JPEG and PNG files below a folder"},
		{.name = "calibration-images", .kind = OPT_INT, .value = "N", .to.integer = &o.images, .min = 1,
		 .max = OFA_CALIBRATION_MAX_IMAGES, .help = "how many of them at most (default 256)"},
		{.name = "calibration-size", .kind = OPT_INT, .value = "PIXELS", .to.integer = &o.side, .min = 8,
		 .max = OFA_CALIBRATION_MAX_SIDE,
		 .help = "their side, cropped and stored (default 224, or the largest image size if that is less)"},
		{.name = "name", .kind = OPT_TEXT, .value = "NAME", .to.text = &o.name,
		 .help = "the network's name (default: family and width; of a network file, its own)"},
		{.name = "json", .kind = OPT_FLAG, .to.flag = &o.json, .help = "answer a JSON object"},
	};
	const struct opt_spec spec = {
		.command = "import", .operands = "CHECKPOINT", .n_operands = 1,
		.about = "Writes a once-for-all network that somebody trained with PyTorch as a network file.  Reads\n"
		         "torch.save's zip format, its older one (the official files are of that kind) and\n"
		         "safetensors; family, width, classes and choices follow from the tensors' names and shapes.\n"
		         "Nothing in a checkpoint is run: what a state dict does not need is refused by its name.\n"
		         "A network file is accepted too, to attach a predictor or calibration images to it.\n",
		.examples = "  ofa import ofa_mbv3_d234_e346_k357_w1.2 -o mbv3.safetensors \\\n"
		            "      --predictor ofa_mbv3_w1.2_acc_predictor.pth --calibration-dir imagenet/train\n"
		            "  ofa import mbv3.safetensors --calibration-dir photos -o mbv3.safetensors\n"
		            "  ofa import net.pth --calibration images.safetensors:x -o net.safetensors --json\n",
		.options = options, .n_options = OFA_ARRAY_LEN(options),
	};
	const char *operand[OPT_MAX_OPERANDS];
	struct ofa_error err = {0};
	int rc;

	if (!opt_parse(&spec, argc, argv, operand, &rc))
		return rc;
	o.source = operand[0];
	return cli_finish(spec.command, o.json, import(&o, &err), &err);
}
