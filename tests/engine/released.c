#include "released.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "import/checkpoint.h"
#include "import/predictor.h"
#include "import/table.h"
#include "search/front.h"
#include "shared.h"

const char *released_path(const char *name)
{
	const char *path = shared_path(name);

	return access(path, R_OK) == 0 ? path : NULL;
}

enum ofa_status released_network(struct ofa_supernet *ret, struct ofa_error *err)
{
	enum ofa_status st;

	memset(ret, 0, sizeof(*ret));
	snprintf(ret->name, sizeof(ret->name), "mbv3-w1.2");
	st = ofa_space_preset("mbv3", 1.2, 1000, &ret->space, err);
	return st ? st : ofa_params_init(&ret->space, &ret->params, err);
}

void released_network_free(struct ofa_supernet *net)
{
	ofa_params_release(&net->params);
}

static enum ofa_status add_table(struct ofa_profile *profile, const char *path, struct ofa_error *err)
{
	struct ofa_table_source source = {.resolution = ofa_table_name_resolution(path)};
	struct ofa_table_report report;
	uint8_t *text;
	enum ofa_status st = ofa_file_read(path, 1 << 20, &text, &source.size, err);

	if (st)
		return st;
	source.text = (const char *)text;
	st = ofa_table_read(&source, profile, &report, err);
	free(text);
	return st;
}

enum ofa_status released_profile(struct ofa_profile *ret, struct ofa_error *err)
{
	struct ofa_profile profile = {.name = "note10", .table.runtime = "TensorFlow Lite"};
	enum ofa_status st = OFA_OK;

	ofa_limits_init(&profile.limits);
	for (int r = 160; r <= 224 && !st; r += 4) {
		char name[64];
		const char *path;

		snprintf(name, sizeof(name), "real/note10/%d_lookup_table.yaml", r);
		path = released_path(name);
		if (path)
			st = add_table(&profile, path, err);
	}
	if (st)
		ofa_profile_release(&profile);
	else
		*ret = profile;
	return st;
}

static enum ofa_status load_predictor(const struct ofa_space *s, const char *file, struct ofa_predictor *ret,
				      struct ofa_error *err)
{
	static const struct ofa_import_predictor_options as_released = {0};
	const char *path = released_path(file);
	struct ofa_checkpoint checkpoint;
	enum ofa_status st = ofa_checkpoint_open(path ? path : file, &checkpoint, err);

	if (st)
		return st;
	st = ofa_import_predictor(s, checkpoint.tensors, checkpoint.n_tensors, &as_released, ret, err);
	ofa_checkpoint_close(&checkpoint);
	return st;
}

enum ofa_status released_predictor(const struct ofa_space *s, struct ofa_predictor *ret, struct ofa_error *err)
{
	return load_predictor(s, "real/ofa_mbv3_w1.2_acc_predictor.pth", ret, err);
}

enum ofa_status released_resnet_predictor(const struct ofa_space *s, struct ofa_predictor *ret, struct ofa_error *err)
{
	return load_predictor(s, "real/ofa_resnet50_acc_predictor.pth", ret, err);
}

enum ofa_status released_front(struct released_front *ret, struct ofa_error *err)
{
	static const char file[] = "real/best_known_front_note10.csv";
	const char *path = released_path(file), *at;
	struct released_front known = {0};
	uint8_t *text;
	size_t size;
	enum ofa_status st = ofa_file_read(path ? path : file, 1 << 20, &text, &size, err);

	if (st)
		return st;
	/* the first line names the columns */
	for (at = strchr((char *)text, '\n'); at && known.n < RELEASED_FRONT_MAX; at = strchr(at + 1, '\n'))
		if (sscanf(at + 1, "%lf,%lf", &known.limit[known.n], &known.accuracy[known.n]) == 2)
			known.n++;
	free(text);
	if (known.n == 0)
		return ofa_fail(err, OFA_ERR_FORMAT, NULL, "%s: no limits", file);
	*ret = known;
	return OFA_OK;
}

double released_front_gap(const struct released_front *known, const struct ofa_front *front, double much,
			  int *ret_exceeding)
{
	double sum = 0;

	*ret_exceeding = 0;
	for (int i = 0; i < known->n; i++) {
		double best = 0;

		for (size_t j = 0; j < front->n && front->points[j].value[front->metric] <= known->limit[i]; j++)
			best = front->points[j].predicted_accuracy;
		sum += known->accuracy[i] - best;
		*ret_exceeding += known->accuracy[i] - best > much;
	}
	return sum / known->n;
}
