/* The network file: saved and loaded unchanged, the reference's bare state dict, and what is refused. */
#include <math.h>
#include <string.h>

#include "net/supernet.h"
#include "shared.h"
#include "spaces.h"

enum { IMAGES = 2, SIDE = 20 };

/* A small network in memory: random weights, one of everything a file can hold. */
struct network {
	struct ofa_space space;
	struct ofa_params params;
	float **data;
	char classes[10][OFA_NET_MAX_CLASS_NAME];
	float mean[1], std[1], extra[4];
	uint8_t images[IMAGES * SIDE * SIDE];
	json_t *lineage, *metadata;
	struct ofa_tensor tensor;
	struct ofa_supernet_parts parts;
};

static void fill_weights(struct network *n)
{
	struct ofa_rng rng;

	ofa_rng_init(&rng, 11);
	n->data = calloc((size_t)n->params.n, sizeof(*n->data));
	for (int i = 0; i < n->params.n; i++) {
		const struct ofa_param *p = &n->params.list[i];

		n->data[i] = malloc(p->elements * sizeof(float));
		for (size_t j = 0; j < p->elements; j++)
			n->data[i][j] = p->role == OFA_PARAM_BN_VAR ? ofa_rng_float(&rng) : ofa_rng_normal(&rng);
	}
}

static void open_network(struct network *n)
{
	struct ofa_error err = {0};

	memset(n, 0, sizeof(*n));
	load_space(tiny_json, &n->space);
	ASSERT_OK(ofa_params_init(&n->space, &n->params, &err), &err);
	fill_weights(n);
	for (int i = 0; i < 10; i++)
		snprintf(n->classes[i], OFA_NET_MAX_CLASS_NAME, "class %d", i);
	n->mean[0] = 0.286f;
	n->std[0] = 0.353f;
	for (size_t i = 0; i < sizeof(n->images); i++)
		n->images[i] = (uint8_t)(i * 7);
	n->lineage = json_pack("{s:s}", "recipe", "test");
	n->metadata = json_pack("{s:s}", "ofa.predictor", "{\"hidden\":4}");
	n->tensor = (struct ofa_tensor){
		.name = "ofa.predictor.w", .dtype = OFA_F32, .rank = 1, .shape = {4}, .data = n->extra, .size = 16};
	n->parts = (struct ofa_supernet_parts){
		.name = "tiny-net",
		.space = &n->space,
		.params = &n->params,
		.data = (const float *const *)n->data,
		.classes = (const char(*)[OFA_NET_MAX_CLASS_NAME])n->classes,
		.mean = n->mean,
		.std = n->std,
		.calibration = n->images,
		.n_calibration = IMAGES,
		.calibration_h = SIDE,
		.calibration_w = SIDE,
		.lineage = n->lineage,
		.license = "Apache-2.0",
		.extra_metadata = n->metadata,
		.extra = &n->tensor,
		.n_extra = 1,
	};
}

static void close_network(struct network *n)
{
	for (int i = 0; i < n->params.n; i++)
		free(n->data[i]);
	free(n->data);
	ofa_params_release(&n->params);
	json_decref(n->lineage);
	json_decref(n->metadata);
}

static void check_same(const struct network *n, const struct ofa_supernet *net)
{
	ck_assert_str_eq(net->name, "tiny-net");
	ck_assert_mem_eq(&net->space, &n->space, sizeof(n->space));
	ck_assert_int_eq(net->params.n, n->params.n);
	for (int i = 0; i < n->params.n; i++)
		ck_assert_mem_eq(net->data[i], n->data[i], n->params.list[i].elements * sizeof(float));
	ck_assert_mem_eq(net->classes, n->classes, sizeof(n->classes));
	ck_assert_float_eq(net->mean[0], n->mean[0]);
	ck_assert_float_eq(net->std[0], n->std[0]);
	ck_assert(net->calibration.n == IMAGES && net->calibration.h == SIDE && net->calibration.w == SIDE &&
		  net->calibration.c == 1);
	ck_assert_mem_eq(net->calibration.images, n->images, sizeof(n->images));
	ck_assert(json_equal(net->lineage, n->lineage));
	ck_assert_str_eq(ofa_safetensors_meta(&net->file, "ofa.license"), "Apache-2.0");
	ck_assert_str_eq(ofa_safetensors_meta(&net->file, "ofa.predictor"), "{\"hidden\":4}");
	ck_assert_uint_eq(net->n_extra, 1);
	ck_assert_str_eq(net->extra[0].name, "ofa.predictor.w");
}

START_TEST(networks_round_trip)
{
	struct ofa_supernet *net, *again;
	struct ofa_supernet_parts parts;
	struct ofa_error err = {0};
	char first[512], second[512];
	struct network n;

	open_network(&n);
	snprintf(first, sizeof(first), "%s", temporary_path("first.safetensors"));
	snprintf(second, sizeof(second), "%s", temporary_path("second.safetensors"));
	ASSERT_OK(ofa_supernet_save(first, &n.parts, &err), &err);
	ASSERT_OK(ofa_supernet_load(first, &net, &err), &err);
	check_same(&n, net);
	/* Loaded and saved again: the same parts, and from then on the same bytes. */
	ofa_supernet_parts(net, &parts);
	ASSERT_OK(ofa_supernet_save(second, &parts, &err), &err);
	ASSERT_OK(ofa_supernet_load(second, &again, &err), &err);
	check_same(&n, again);
	ofa_supernet_parts(again, &parts);
	ASSERT_OK(ofa_supernet_save(first, &parts, &err), &err);
	ofa_supernet_free(net);
	ASSERT_OK(ofa_supernet_load(first, &net, &err), &err);
	ck_assert_mem_eq(net->sha256, again->sha256, sizeof(net->sha256));
	ofa_supernet_free(net);
	ofa_supernet_free(again);
	unlink(first);
	unlink(second);
	close_network(&n);
}
END_TEST

START_TEST(optional_parts_may_be_absent)
{
	const char *path = temporary_path("bare.safetensors");
	struct ofa_error err = {0};
	struct ofa_supernet *net;
	struct network n;

	open_network(&n);
	n.parts.classes = NULL;
	n.parts.calibration = NULL;
	n.parts.lineage = NULL;
	n.parts.license = NULL;
	n.parts.extra_metadata = NULL;
	n.parts.n_extra = 0;
	ASSERT_OK(ofa_supernet_save(path, &n.parts, &err), &err);
	ASSERT_OK(ofa_supernet_load(path, &net, &err), &err);
	ck_assert_ptr_null(net->classes);
	ck_assert_ptr_null(net->lineage);
	ck_assert_int_eq(net->calibration.n, 0);
	ck_assert_uint_eq(net->n_extra, 0);
	ofa_supernet_free(net);
	unlink(path);
	close_network(&n);
}
END_TEST

START_TEST(calibration_images_are_normalised)
{
	const char *path = temporary_path("calibration.safetensors");
	float x[SIDE * SIDE], small[15 * 15];
	struct ofa_error err = {0};
	struct ofa_supernet *net;
	double sum = 0, small_sum = 0;
	struct network n;

	open_network(&n);
	ASSERT_OK(ofa_supernet_save(path, &n.parts, &err), &err);
	ASSERT_OK(ofa_supernet_load(path, &net, &err), &err);
	ofa_supernet_calibration_input(net, 1, 1, SIDE, x);
	for (int i = 0; i < SIDE * SIDE; i++) {
		float want = ((float)n.images[SIDE * SIDE + i] / 255 - n.mean[0]) / n.std[0];

		ck_assert_float_eq_tol(x[i], want, 1e-5f);
		sum += (double)x[i];
	}
	ofa_supernet_calibration_input(net, 1, 1, 15, small);
	for (int i = 0; i < 15 * 15; i++)
		small_sum += (double)small[i];
	ck_assert_double_eq_tol(small_sum / (15 * 15), sum / (SIDE * SIDE), 0.05);
	ofa_supernet_free(net);
	unlink(path);
	close_network(&n);
}
END_TEST

/* Saves after a change and expects the loader to name `field`. */
static void expect_refusal(struct network *n, enum ofa_status status, const char *field)
{
	const char *path = temporary_path("refused.safetensors");
	struct ofa_supernet *net = NULL;
	struct ofa_error err = {0};
	enum ofa_status st;

	ASSERT_OK(ofa_supernet_save(path, &n->parts, &err), &err);
	st = ofa_supernet_load(path, &net, &err);
	ck_assert_msg(st == status, "%s: %s at \"%s\": %s", field, ofa_status_name(st), err.field, err.message);
	ck_assert_str_eq(err.field, field);
	ck_assert_ptr_null(net);
	unlink(path);
}

/* The same images as pixels and as normalised floats are the same inputs at every size, and at their own they are the
 * stored floats to the bit. */
START_TEST(calibration_inputs_may_be_floats)
{
	static const int sizes[] = {SIDE, 15, SIDE + 5};
	const char *paths[] = {temporary_path("pixels.safetensors"), temporary_path("floats.safetensors")};
	float inputs[IMAGES * SIDE * SIDE], x[2][(SIDE + 5) * (SIDE + 5)];
	struct ofa_error err = {0};
	struct ofa_supernet *nets[2];
	struct network n;

	open_network(&n);
	for (size_t i = 0; i < sizeof(n.images); i++)
		inputs[i] = ((float)n.images[i] / 255 - n.mean[0]) / n.std[0];
	ASSERT_OK(ofa_supernet_save(paths[0], &n.parts, &err), &err);
	n.parts.calibration = NULL;
	n.parts.calibration_inputs = inputs;
	ASSERT_OK(ofa_supernet_save(paths[1], &n.parts, &err), &err);
	for (int i = 0; i < 2; i++)
		ASSERT_OK(ofa_supernet_load(paths[i], &nets[i], &err), &err);
	ck_assert_int_eq(nets[1]->calibration.n, IMAGES);
	for (size_t s = 0; s < OFA_ARRAY_LEN(sizes); s++) {
		size_t values = (size_t)(sizes[s] * sizes[s]);

		for (int i = 0; i < 2; i++)
			ofa_supernet_calibration_input(nets[i], 1, 1, sizes[s], x[i]);
		for (size_t i = 0; i < values; i++)
			ck_assert_float_eq_tol(x[0][i], x[1][i], 1e-5f);
		if (sizes[s] == SIDE)
			ck_assert_mem_eq(x[1], inputs + SIDE * SIDE, values * sizeof(float));
	}
	for (int i = 0; i < 2; i++) {
		ofa_supernet_free(nets[i]);
		unlink(paths[i]);
	}
	inputs[3] = NAN;
	expect_refusal(&n, OFA_ERR_FORMAT, "ofa.calibration.inputs");
	inputs[3] = 0;
	n.tensor = (struct ofa_tensor){.name = "ofa.calibration.images", .dtype = OFA_U8, .rank = 4,
				       .shape = {1, 2, 2, 1}, .data = n.images, .size = 4};
	expect_refusal(&n, OFA_ERR_FORMAT, "ofa.calibration.inputs");
	close_network(&n);
}
END_TEST

START_TEST(bad_values_are_named)
{
	struct network n;

	open_network(&n);
	n.data[n.params.stem][5] = NAN;
	expect_refusal(&n, OFA_ERR_FORMAT, "first_conv.conv.weight");
	n.data[n.params.stem][5] = INFINITY;
	expect_refusal(&n, OFA_ERR_FORMAT, "first_conv.conv.weight");
	n.data[n.params.stem][5] = 0;
	n.data[n.params.stem_bn + 3][0] = -1e-6f;
	expect_refusal(&n, OFA_ERR_FORMAT, "first_conv.bn.running_var");
	close_network(&n);
}
END_TEST

START_TEST(bad_metadata_is_named)
{
	static const struct {
		const char *key, *value;
	} cases[] = {
		{"ofa.lineage", "{"},
		{"ofa.lineage", ""},
		{"ofa.classes", "[\"one\"]"},
		{"ofa.classes", "{}"},
		{"ofa.classes", "[0,1,2,3,4,5,6,7,8,9]"},
	};
	struct network n;

	open_network(&n);
	n.parts.classes = NULL;
	n.parts.lineage = NULL;
	for (size_t i = 0; i < OFA_ARRAY_LEN(cases); i++) {
		json_t *meta = json_pack("{s:s}", cases[i].key, cases[i].value);

		n.parts.extra_metadata = meta;
		expect_refusal(&n, OFA_ERR_FORMAT, cases[i].key);
		json_decref(meta);
	}
	n.parts.extra_metadata = NULL;
	n.std[0] = 0;
	expect_refusal(&n, OFA_ERR_FORMAT, "ofa.std");
	n.std[0] = 1;
	n.mean[0] = 1000;
	expect_refusal(&n, OFA_ERR_FORMAT, "ofa.mean");
	n.mean[0] = 0;
	n.parts.name = "";
	expect_refusal(&n, OFA_ERR_FORMAT, "ofa.name");
	close_network(&n);
}
END_TEST

/* Saves the network's tensors by hand, one of them changed, and expects the refusal to name it. */
static void refuse_tensor(struct network *n, int id, const struct ofa_tensor *replacement, enum ofa_status status,
			  const char *field)
{
	struct ofa_tensor *tensors = calloc((size_t)n->params.n + 1, sizeof(*tensors));
	const char *path = temporary_path("tensor.safetensors");
	struct ofa_supernet *net = NULL;
	struct ofa_error err = {0};
	size_t count = 0;

	for (int i = 0; i < n->params.n; i++) {
		const struct ofa_param *p = &n->params.list[i];
		struct ofa_tensor t = {.name = p->name, .rank = p->rank, .data = n->data[i], .size = p->elements * 4};

		for (int j = 0; j < p->rank; j++)
			t.shape[j] = p->shape[j];
		if (i != id)
			tensors[count++] = t;
	}
	if (replacement)
		tensors[count++] = *replacement;
	ASSERT_OK(ofa_safetensors_save(path, tensors, count, NULL, &err), &err);
	ASSERT_FAILS(ofa_supernet_load_as(path, &n->space, &net, &err), status);
	ck_assert_str_eq(err.field, field);
	unlink(path);
	free(tensors);
}

START_TEST(bad_tensors_are_named)
{
	struct ofa_tensor t;
	float zeros[64] = {0};
	struct network n;

	open_network(&n);
	refuse_tensor(&n, 0, NULL, OFA_ERR_MISMATCH, "first_conv.conv.weight"); /* missing */
	t = (struct ofa_tensor){.name = "first_conv.bn.weight", .rank = 1, .shape = {7}, .data = zeros, .size = 28};
	refuse_tensor(&n, 1, &t, OFA_ERR_MISMATCH, t.name); /* too short */
	t = (struct ofa_tensor){.name = "first_conv.bn.weight", .rank = 2, .shape = {8, 1}, .data = zeros, .size = 32};
	refuse_tensor(&n, 1, &t, OFA_ERR_MISMATCH, t.name); /* another rank */
	t = (struct ofa_tensor){
		.name = "first_conv.bn.weight", .dtype = OFA_I32, .rank = 1, .shape = {8}, .data = zeros, .size = 32};
	refuse_tensor(&n, 1, &t, OFA_ERR_MISMATCH, t.name); /* another type */
	t = (struct ofa_tensor){.name = "blocks.99.conv", .rank = 1, .shape = {8}, .data = zeros, .size = 32};
	refuse_tensor(&n, -1, &t, OFA_ERR_MISMATCH, t.name); /* unknown */
	t = (struct ofa_tensor){.name = "ofa.calibration.images",
				.dtype = OFA_U8,
				.rank = 4,
				.shape = {1, 2, 2, 3},
				.data = zeros,
				.size = 12};
	refuse_tensor(&n, -1, &t, OFA_ERR_FORMAT, t.name); /* colour images for a grey network */
	close_network(&n);
}
END_TEST

START_TEST(other_files_are_not_networks)
{
	const char *path = temporary_path("other.safetensors");
	json_t *meta = json_pack("{s:s}", "ofa.format", "2");
	struct ofa_supernet *net;
	struct ofa_error err = {0};

	ASSERT_FAILS(ofa_supernet_load("/nonexistent", &net, NULL), OFA_ERR_NOT_FOUND);
	ASSERT_OK(ofa_safetensors_save(path, NULL, 0, NULL, &err), &err);
	ASSERT_FAILS(ofa_supernet_load(path, &net, &err), OFA_ERR_FORMAT);
	ck_assert_str_eq(err.field, "ofa.format");
	ASSERT_OK(ofa_safetensors_save(path, NULL, 0, meta, NULL), &err);
	ASSERT_FAILS(ofa_supernet_load(path, &net, NULL), OFA_ERR_UNSUPPORTED);
	json_object_set_new(meta, "ofa.format", json_string("1"));
	json_object_set_new(meta, "ofa.space", json_string("{\"family\":\"vgg\"}"));
	memset(&err, 0, sizeof(err));
	ASSERT_OK(ofa_safetensors_save(path, NULL, 0, meta, NULL), &err);
	ASSERT_FAILS(ofa_supernet_load(path, &net, &err), OFA_ERR_INVALID);
	ck_assert_str_eq(err.field, "/family");
	ck_assert_msg(strstr(err.message, path) != NULL && strstr(err.message, "ofa.space") != NULL, "%s", err.message);
	json_decref(meta);
	unlink(path);
}
END_TEST

START_TEST(truncated_networks_are_refused)
{
	const char *path = temporary_path("cut.safetensors");
	struct ofa_supernet *net;
	struct ofa_error err = {0};
	struct network n;
	uint8_t *file;
	size_t size;

	open_network(&n);
	ASSERT_OK(ofa_supernet_save(path, &n.parts, &err), &err);
	ASSERT_OK(ofa_file_read(path, 1 << 24, &file, &size, &err), &err);
	for (size_t at = 0; at < size; at += size / 50 + 1) {
		ASSERT_OK(ofa_file_write_atomic(path, file, at, &err), &err);
		ASSERT_FAILS(ofa_supernet_load(path, &net, NULL), OFA_ERR_FORMAT);
	}
	free(file);
	unlink(path);
	close_network(&n);
}
END_TEST

START_TEST(reference_state_dict_loads)
{
	struct ofa_supernet *net;
	struct ofa_error err = {0};
	struct ofa_space space;

	if (!shared_available())
		return;
	preset_space("mbv3", 0.25, 10, &space);
	ASSERT_OK(ofa_supernet_load_as(shared_path("golden/mbv3_w0.25.safetensors"), &space, &net, &err), &err);
	ck_assert_str_eq(net->name, "mbv3_w0.25");
	ck_assert_float_eq(net->std[0], 1.0f);
	ck_assert_int_eq(net->calibration.n, 0);
	ofa_supernet_free(net);
	preset_space("mbv3", 0.5, 10, &space);
	ASSERT_FAILS(ofa_supernet_load_as(shared_path("golden/mbv3_w0.25.safetensors"), &space, &net, &err),
		     OFA_ERR_MISMATCH);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		networks_round_trip,          optional_parts_may_be_absent,   calibration_images_are_normalised,
		calibration_inputs_may_be_floats,
		bad_values_are_named,         bad_metadata_is_named,          bad_tensors_are_named,
		other_files_are_not_networks, truncated_networks_are_refused, reference_state_dict_loads,
	};

	return run_tests("supernet", tests, OFA_ARRAY_LEN(tests));
}
