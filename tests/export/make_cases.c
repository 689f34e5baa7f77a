/* Packages to export, of networks as different as they come, each with images and the device runtime's logits:
 * NAME.ofa, NAME.input (n,h,w,c), NAME.logits (n,classes), and a line of cases.jsonl; into the folder that
 * OFA_EXPORT_CASES names.  Inputs and logits of int8 packages are there as int8 too, .input8 and .logits8. */
#include <math.h>
#include <stdlib.h>

#include "../device/golden_package.h"
#include "base/precision.h"
#include "cases.h"
#include "pack/pack.h"
#include "spaces.h"

#define FASHION "/usr/share/datasets/fashion-mnist"
#define ARCHS 4
/* Units to which those of single layers may add up in a whole network: one that was trained is steady, one with random
 * weights makes more of every unit, and how much more is chance: what holds there is that each layer agrees. */
#define TRAINED_LIMIT 8
#define RANDOM_LIMIT 128

/* Odd sizes from end to end: SAME is what all windows want, so that no exported network has PAD. */
static const char odd_json[] =
	"{\"family\":\"mbconv\",\"name\":\"odd\",\"input_channels\":1,\"classes\":10,\"bn_eps\":1e-5,"
	"\"resolutions\":[17,33],\"stem\":{\"width\":8,\"stride\":2,\"act\":\"h_swish\"},"
	"\"first\":{\"width\":8,\"kernel\":3,\"act\":\"relu\",\"se\":false,\"residual\":true},"
	"\"kernels\":[3,5],\"expands\":[2,4],\"depths\":[1,2],"
	"\"stages\":[{\"width\":12,\"stride\":2,\"act\":\"relu6\",\"se\":true},"
	"{\"width\":16,\"stride\":2,\"act\":\"h_swish\",\"se\":true}],"
	"\"head\":{\"expand_width\":48,\"expand_act\":\"h_swish\",\"mix_width\":24,\"mix_act\":\"h_swish\"}}";

void case_write(const struct work *w, const char *name, const char *suffix, const void *data, size_t size)
{
	struct ofa_error err = {0};
	char path[1024];

	snprintf(path, sizeof(path), "%s/%s%s", w->folder, name, suffix);
	ASSERT_OK(ofa_file_write_atomic(path, data, size, &err), &err);
}

void case_list(const struct work *w, const struct case_line *l)
{
	fprintf(w->list,
		"{\"name\": \"%s\", \"dtype\": \"%s\", \"layer\": \"%s\", \"height\": %u, \"width\": %u, \"channels\": "
		"%u, "
		"\"out\": [%u, %u, %u], \"unit\": %.9g, \"zero\": %d, \"limit\": %u}\n",
		l->name, l->dtype, l->layer ? l->layer : "", l->in[0], l->in[1], l->in[2], l->out[0], l->out[1],
		l->out[2], (double)l->affine.scale, l->affine.zero, l->limit);
}

/* The images again, with as many channels as the network takes: each a pixel further on. */
static void widen(const struct ofa_dataset *d, int channels, struct ofa_dataset *ret)
{
	const size_t pixels = (size_t)d->h * (size_t)d->w;

	*ret = *d;
	ret->n = IMAGES;
	ret->c = channels;
	ret->images = malloc(IMAGES * pixels * (size_t)channels);
	for (size_t i = 0; i < IMAGES * pixels; i++) {
		for (size_t c = 0; c < (size_t)channels; c++)
			ret->images[i * (size_t)channels + c] = d->images[i + c];
	}
}

void case_images(const struct work *w, const struct ofa_device_model *m, float *x)
{
	static const uint32_t index[IMAGES] = {0, 1, 2, 3, 4, 5};
	uint8_t labels[IMAGES];
	struct ofa_dataset d;

	widen(w->images, (int)m->channels, &d);
	ofa_dataset_batch(&d, index, IMAGES, (int)m->height, m->mean, m->std, NULL, 0, 0, x, labels);
	free(d.images);
}

void case_dequantise(const int8_t *q, size_t n, struct ofa_affine affine, float *x)
{
	for (size_t i = 0; i < n; i++)
		x[i] = affine.scale * (float)(q[i] - affine.zero);
}

void case_quantise(const float *x, size_t n, struct ofa_affine affine, int8_t *q)
{
	for (size_t i = 0; i < n; i++)
		q[i] = (int8_t)fminf(fmaxf(rintf(x[i] / affine.scale) + (float)affine.zero, -128.0f), 127.0f);
}

static void run_float(const struct ofa_device_model *m, void *arena, const float *x, float *logits)
{
	const size_t pixels = (size_t)m->height * m->width * m->channels;

	for (size_t i = 0; i < IMAGES; i++)
		ck_assert_int_eq(ofa_device_run(m, arena, m->arena_bytes, x + i * pixels, logits + i * m->classes),
				 OFA_DEVICE_OK);
}

/* On the images as int8 has them, which floats then repeat. */
static void run_int8(const struct work *w, const char *name, const struct ofa_device_model *m, void *arena, float *x,
		     float *logits)
{
	const struct ofa_affine in = {m->in_scale, m->in_zero}, out = {m->out_scale, m->out_zero};
	const size_t pixels = (size_t)m->height * m->width * m->channels;
	int8_t *q = malloc(IMAGES * pixels), *results = malloc(IMAGES * m->classes);

	case_quantise(x, IMAGES * pixels, in, q);
	case_dequantise(q, IMAGES * pixels, in, x);
	for (size_t i = 0; i < IMAGES; i++)
		ck_assert_int_eq(
			ofa_device_run_int8(m, arena, m->arena_bytes, q + i * pixels, results + i * m->classes),
			OFA_DEVICE_OK);
	case_dequantise(results, IMAGES * m->classes, out, logits);
	case_write(w, name, ".input8", q, IMAGES * pixels);
	case_write(w, name, ".logits8", results, IMAGES * m->classes);
	free(q);
	free(results);
}

static void run_images(const struct work *w, const char *name, const struct ofa_device_model *m,
		       enum ofa_precision precision)
{
	const size_t floats = IMAGES * (size_t)m->height * m->width * m->channels;
	float *x = malloc(floats * sizeof(*x)), *logits = malloc(IMAGES * m->classes * sizeof(*logits));
	void *arena = aligned_alloc(64, (ofa_device_arena_bytes(m) + 63) / 64 * 64);

	case_images(w, m, x);
	if (precision == OFA_INT8)
		run_int8(w, name, m, arena, x, logits);
	else
		run_float(m, arena, x, logits);
	case_write(w, name, ".input", x, floats * sizeof(*x));
	case_write(w, name, ".logits", logits, IMAGES * m->classes * sizeof(*logits));
	case_list(w, &(struct case_line){.name = name,
					 .dtype = ofa_precision_name(precision),
					 .in = {m->height, m->width, m->channels},
					 .out = {1, 1, m->classes},
					 .affine = {m->out_scale, m->out_zero},
					 .limit = strncmp(name, "fashion", 7) == 0 ? TRAINED_LIMIT : RANDOM_LIMIT});
	free(x);
	free(logits);
	free(arena);
}

static void make_case(const struct work *w, const struct ofa_supernet *net, const struct ofa_arch *arch,
		      enum ofa_precision precision, const char *name, bool layers)
{
	const struct ofa_pack_info info = {.predicted_accuracy = NAN, .latency_ms = NAN, .precision = precision};
	struct ofa_device_model model;
	struct ofa_error err = {0};
	uint8_t *package;
	size_t size;

	ASSERT_OK(ofa_pack_build(net, arch, &info, NULL, &package, &size, NULL, &err), &err);
	ck_assert_int_eq(ofa_device_load(package, size, &model, NULL), OFA_DEVICE_OK);
	case_write(w, name, ".ofa", package, size);
	run_images(w, name, &model, precision);
	if (layers)
		case_layers(w, net, arch, package, size, name);
	free(package);
}

/* Smallest, largest and two in between, in every type; layers of the largest. */
static void make_cases(const struct work *w, const struct ofa_supernet *net)
{
	struct ofa_arch arch;
	struct ofa_rng rng;
	char name[96];

	ofa_rng_init(&rng, 7);
	for (int i = 0; i < ARCHS; i++) {
		if (i == 0)
			ofa_arch_smallest(&net->space, &arch);
		else if (i == 1)
			ofa_arch_largest(&net->space, &arch);
		else
			ofa_arch_sample(&net->space, &rng, &arch);
		for (int p = 0; p < OFA_PRECISION_COUNT; p++) {
			snprintf(name, sizeof(name), "%s-%d-%s", net->space.name, i,
				 ofa_precision_name((enum ofa_precision)p));
			make_case(w, net, &arch, (enum ofa_precision)p, name, p == OFA_INT8 && i == 1);
		}
	}
}

static const char *const spaces[] = {tiny_json,    small_resnet_json,   tiny_resnet_json,
				     golden_space, golden_resnet_space, odd_json};

/* The shipped network, then a random one of each space. */
static struct ofa_supernet *open_network(int i)
{
	struct ofa_error err = {0};
	struct ofa_supernet *net;
	struct ofa_space space;
	char path[1024];

	if (i == 0) {
		snprintf(path, sizeof(path), "%s/models/fashion/fashion.safetensors", getenv("OFA_SRCDIR"));
		ASSERT_OK(ofa_supernet_load(path, &net, &err), &err);
		return net;
	}
	load_space(spaces[i - 1], &space);
	return random_net(&space, &(struct random_net_options){
					  .seed = 10 + (uint64_t)i, .class_names = true, .calibration_images = 16});
}

START_TEST(make)
{
	struct ofa_supernet *net = open_network(_i);
	struct ofa_dataset train, test;
	struct ofa_error err = {0};
	struct work w = {.folder = getenv("OFA_EXPORT_CASES"), .images = &test};
	char path[1024];

	ck_assert_ptr_nonnull(w.folder);
	snprintf(path, sizeof(path), "%s/cases.jsonl", w.folder);
	w.list = fopen(path, "a");
	ck_assert_ptr_nonnull(w.list);
	ASSERT_OK(ofa_dataset_load(FASHION, &train, &test, &err), &err);
	make_cases(&w, net);
	ofa_supernet_free(net);
	ofa_dataset_release(&train);
	ofa_dataset_release(&test);
	ck_assert_int_eq(fclose(w.list), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("packages to export");
	TCase *tcase = tcase_create("packages to export");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_set_timeout(tcase, 300);
	tcase_add_loop_test(tcase, make, 0, (int)OFA_ARRAY_LEN(spaces) + 1);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
