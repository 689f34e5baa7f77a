/* Makes a network that works but knows nothing: random weights for the space of a recipe, calibration images
 * of noise, and a predictor fitted on accuracies that grow with the cost, which promises less of int8 and nothing of
 * float16, and a card that is made up.  Beside it a profile whose latency table has every key the network needs.  For
 * tests of what surrounds a network.
 *
 *   make_network NAME RECIPE.json NETWORK.safetensors PROFILE.json */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cost/costs.h"
#include "cost/profile.h"
#include "predict/predictor.h"
#include "random_net.h"

#define INT8_DROP 0.0125

enum { SAMPLES = 600, IMAGES = 32, SIDE = 28, EPOCHS = 30 };

static int complain(const struct ofa_error *err)
{
	fprintf(stderr, "make_network: %s\n", err->message);
	return EXIT_FAILURE;
}

static enum ofa_status read_space(const char *path, struct ofa_space *ret, struct ofa_error *err)
{
	json_t *recipe = json_load_file(path, 0, NULL);
	enum ofa_status st = ofa_space_parse(json_object_get(recipe, "space"), ret, err);

	json_decref(recipe);
	return st;
}

static enum ofa_status fit(const struct ofa_space *s, const struct ofa_params *params, struct ofa_predictor *ret,
			   struct ofa_error *err)
{
	const struct ofa_predictor_fit_options options = {
		.hidden = {32}, .n_hidden = 1, .epochs = EPOCHS, .batch = 64, .lr = 3e-3f, .seed = 1};
	struct ofa_arch *archs = calloc(SAMPLES, sizeof(*archs));
	float *accuracy = calloc(SAMPLES, sizeof(*accuracy));
	struct ofa_plan *plan = malloc(sizeof(*plan));
	struct ofa_rng rng;
	enum ofa_status st;

	ofa_rng_init(&rng, 5);
	for (int i = 0; i < SAMPLES; i++) {
		ofa_arch_sample(s, &rng, &archs[i]);
		ofa_plan_init(s, params, &archs[i], plan);
		accuracy[i] = 0.4f + 0.03f * (float)log((double)ofa_plan_macs(plan));
	}
	st = ofa_predictor_fit(s, archs, accuracy, SAMPLES, &options, ret, err);
	free(archs);
	free(accuracy);
	free(plan);
	return st;
}

static json_t *references(void)
{
	return json_pack("[{s:s, s:f, s:i, s:i, s:{s:f}, s:s, s:s}, {s:s, s:f, s:i, s:i, s:s}]", "name",
			 "somebody's subnet", "accuracy", 0.75, "macs", 2000000, "params", 150000, "latency_ms",
			 "acme/cam-m7", 4.5, "dtype", "float32", "source", "a paper", "name", "somebody's bytes",
			 "accuracy", 0.7, "peak_memory_bytes", 65536, "storage_bytes", 400000, "source",
			 "https://example.org/");
}

static json_t *history(void)
{
	return json_pack("{s:s, s:[{s:s, s:f, s:f}, {s:s, s:f, s:f}], s:[{s:f, s:s, s:f, s:n}, {s:f, s:s, s:f, s:f}]}",
			 "measured_on", "nothing", "phases", "name", "full", "begin_epoch", 0.0, "epochs", 2.0, "name",
			 "all", "begin_epoch", 2.0, "epochs", 1.5, "evaluations", "epoch", 2.0, "phase", "full",
			 "largest", 0.5, "smallest", "epoch", 3.5, "phase", "all", "largest", 0.75, "smallest", 0.625);
}

static json_t *make_metadata(const struct ofa_predictor *p)
{
	json_t *object = ofa_predictor_metadata(p), *metadata = json_object();

	json_object_set_new(object, "dtypes",
			    json_pack("{s:{s:s, s:f, s:f}}", "int8", "model", "constant", "slope", 1.0, "offset",
				      -INT8_DROP));
	if (!ofa_supernet_set_metadata(metadata, "ofa.predictor", object) ||
	    !ofa_supernet_set_metadata(metadata, "ofa.references", references()) ||
	    !ofa_supernet_set_metadata(metadata, "ofa.history", history()))
		abort();
	return metadata;
}

static enum ofa_status save(const char *path, const char *name, const struct ofa_space *s,
			    const struct ofa_params *params, const struct ofa_predictor *predictor,
			    struct ofa_error *err)
{
	static const float mean[] = {0.25f, 0.25f, 0.25f, 0.25f}, std[] = {0.5f, 0.5f, 0.5f, 0.5f};
	static uint8_t images[IMAGES * SIDE * SIDE * 4];
	struct ofa_tensor tensors[2 * OFA_PREDICTOR_MAX_LAYERS];
	json_t *metadata = make_metadata(predictor);
	float **data = random_net_data(params, 3);
	struct ofa_rng rng;
	enum ofa_status st;

	ofa_rng_init(&rng, 4);
	for (size_t i = 0; i < sizeof(images); i++)
		images[i] = (uint8_t)ofa_rng_below(&rng, 256);
	st = ofa_supernet_save(path,
			       &(struct ofa_supernet_parts){
				       .name = name,
				       .space = s,
				       .params = params,
				       .data = (const float *const *)data,
				       .mean = mean,
				       .std = std,
				       .calibration = images,
				       .n_calibration = IMAGES,
				       .calibration_h = SIDE,
				       .calibration_w = SIDE,
				       .license = "CC0-1.0",
				       .extra_metadata = metadata,
				       .extra = tensors,
				       .n_extra = ofa_predictor_tensors(predictor, tensors),
			       },
			       err);
	for (int i = 0; i < params->n; i++)
		free(data[i]);
	free(data);
	json_decref(metadata);
	return st;
}

/* Grows with the unit's input and output, as times do. */
static double mean_ms(const char *key)
{
	int h = 1, w = 1, c = 1, kernel = 1;
	const char *at = strstr(key, "-kernel:");

	if (at)
		kernel = (int)strtol(at + strlen("-kernel:"), NULL, 10);
	if (sscanf(key, "%*[^:]:%dx%dx%d", &h, &w, &c) != 3)
		return 0.001;
	return 0.001 + 2e-7 * h * w * c * kernel * kernel;
}

static enum ofa_status save_profile(const char *path, const char *name, const struct ofa_space *s,
				    const struct ofa_params *params, struct ofa_error *err)
{
	json_t *entries = json_object(), *profile;
	enum ofa_status st = OFA_OK;

	for (int i = 0; st == OFA_OK && i < s->n_resolutions; i++) {
		struct ofa_key_list keys;
		json_t *rows = json_object();
		char resolution[8];

		st = ofa_latency_keys(s, params, s->resolutions[i], &keys, err);
		for (size_t k = 0; st == OFA_OK && k < keys.n; k++)
			json_object_set_new(rows, keys.keys[k], json_pack("{s:f}", "mean", mean_ms(keys.keys[k])));
		if (st == OFA_OK)
			ofa_key_list_release(&keys);
		snprintf(resolution, sizeof(resolution), "%u", s->resolutions[i]);
		json_object_set_new(entries, resolution, rows);
	}
	profile = json_pack("{s:s, s:{s:s, s:s, s:o}}", "name", name, "latency_table", "unit", "ms", "runtime", "test",
			    "entries", entries);
	if (st == OFA_OK && json_dump_file(profile, path, JSON_INDENT(1)))
		st = ofa_fail(err, OFA_ERR_IO, NULL, "cannot write %s", path);
	json_decref(profile);
	return st;
}

int main(int argc, char **argv)
{
	struct ofa_error err = {0};
	struct ofa_predictor predictor;
	struct ofa_params params;
	struct ofa_space space;
	enum ofa_status st;

	if (argc != 5) {
		fprintf(stderr, "usage: make_network NAME RECIPE.json NETWORK.safetensors PROFILE.json\n");
		return EXIT_FAILURE;
	}
	if (read_space(argv[2], &space, &err) != OFA_OK || ofa_params_init(&space, &params, &err) != OFA_OK)
		return complain(&err);
	st = fit(&space, &params, &predictor, &err);
	if (st == OFA_OK) {
		st = save(argv[3], argv[1], &space, &params, &predictor, &err);
		ofa_predictor_release(&predictor);
	}
	if (st == OFA_OK)
		st = save_profile(argv[4], argv[1], &space, &params, &err);
	ofa_params_release(&params);
	return st == OFA_OK ? EXIT_SUCCESS : complain(&err);
}
