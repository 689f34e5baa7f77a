/* The packages in the tree are read for ever, and the writer still makes them: every byte but the logits of
 * the self-test, which depend on the processor's order of summation, and the digest over them.  Of int8 packages all
 * numbers do, by way of the calibration; their operations do not.
 * With OFA_WRITE_GOLDEN=FOLDER they are written anew. */
#include <math.h>

#include "base/sha256.h"
#include "golden_package.h"
#include "ofa_device.h"
#include "ofa_format.h"
#include "pack/pack.h"
#include "random_net.h"
#include "spaces.h"

static const struct golden {
	const char *file, *sha256, *space;
	enum ofa_precision precision;
} goldens[] = {
	{GOLDEN_PACKAGE, "f8b7f2c97bafa9a532d39cfe266032c21a9674e298bd6436b19fad62206b736e", golden_space, OFA_FLOAT32},
	{GOLDEN_RESNET, "9b1608182ee936370da279f998144fe140483bcb7a499f15b55112b10c26f882", golden_resnet_space,
	 OFA_FLOAT32},
	{GOLDEN_FLOAT16, "e68c51f48523aaee4b62a2e2b381fe156dd29535efefb1ac284ac166bbc8f44e", golden_space, OFA_FLOAT16},
	{GOLDEN_INT8, "2c2fd60a06d26922de313d5e79d59afce0ec0388a0597e71555a6fe86c9ec166", golden_space, OFA_INT8},
	{GOLDEN_RESNET_INT8, "1fd6f0636dabadfae04a02b44d7e45b09d97674fdd53618e82e428bf4767abea", golden_resnet_space,
	 OFA_INT8},
};

enum { CALIBRATION_IMAGES = 6 };

static uint8_t *make_package(const struct golden *g, size_t *ret_size)
{
	const struct ofa_pack_info info = {
		.predicted_accuracy = 0.5, .latency_ms = NAN, .profile = "golden/profile", .precision = g->precision};
	struct ofa_error err = {0};
	struct ofa_space space;
	struct ofa_supernet *net;
	struct ofa_arch arch;
	uint8_t *data;

	load_space(g->space, &space);
	net = random_net(&space, &(struct random_net_options){
					 .seed = 42,
					 .class_names = true,
					 .calibration_images = g->precision == OFA_INT8 ? CALIBRATION_IMAGES : 0});
	memset(net->sha256, 0x5a, sizeof(net->sha256));
	ofa_arch_largest(&net->space, &arch);
	ASSERT_OK(ofa_pack_build(net, &arch, &info, NULL, &data, ret_size, NULL, &err), &err);
	ofa_supernet_free(net);
	return data;
}

START_TEST(golden_is_read)
{
	char hex[2 * OFA_SHA256_BYTES + 1];
	struct ofa_package_summary s;
	struct ofa_device_model m;
	struct ofa_error err = {0};
	size_t size;
	uint8_t *data = read_source_file(goldens[_i].file, &size), *arena;

	ASSERT_OK(ofa_package_read(data, size, &s, &err), &err);
	ofa_hex(s.sha256, sizeof(s.sha256), hex);
	ck_assert_str_eq(hex, goldens[_i].sha256);
	ck_assert_int_eq(ofa_device_load(data, size, &m, NULL), OFA_DEVICE_OK);
	ck_assert_int_eq(ofa_device_verify(&m, NULL), OFA_DEVICE_OK);
	ck_assert_str_eq(ofa_device_class_name(&m, 0), "class 0");
	ck_assert_str_eq(ofa_device_class_name(&m, 1), "naïve \"1\"");
	ck_assert_str_eq(ofa_device_class_name(&m, 2), "class 2");
	ck_assert_ptr_null(ofa_device_class_name(&m, 3));
	arena = malloc(m.arena_bytes);
	ck_assert_int_eq(ofa_device_self_test(&m, arena, m.arena_bytes), OFA_DEVICE_OK);
	free(arena);
	ofa_package_summary_release(&s);
	free(data);
}
END_TEST

static void check_float(const uint8_t *data, const uint8_t *want, size_t size)
{
	struct ofa_device_model m;
	size_t logits, logits_end;

	ck_assert_int_eq(ofa_device_load(want, size, &m, NULL), OFA_DEVICE_OK);
	logits = (size_t)((const uint8_t *)m.logits - want);
	logits_end = logits + m.classes * sizeof(float);
	ck_assert_mem_eq(data, want, logits);
	ck_assert_mem_eq(data + logits_end, want + logits_end, size - OFA_FMT_TRAILER_BYTES - logits_end);
	for (uint32_t i = 0; i < m.classes; i++)
		ck_assert_float_eq_tol(((const float *)(const void *)(data + logits))[i], m.logits[i], 1e-5f);
}

/* Header, operations, and tensors but for their hashes. */
static void check_int8(const uint8_t *data, const uint8_t *want, size_t size)
{
	struct ofa_device_model m;

	ck_assert_int_eq(ofa_device_load(want, size, &m, NULL), OFA_DEVICE_OK);
	ck_assert_mem_eq(data, want, m.tensor_offset);
	for (size_t at = m.tensor_offset; at < m.quant_offset; at += OFA_FMT_TENSOR_BYTES)
		ck_assert_mem_eq(data + at, want + at, OFA_FMT_TENSOR_HASH);
}

START_TEST(writer_still_makes_it)
{
	const char *folder = getenv("OFA_WRITE_GOLDEN");
	struct ofa_error err = {0};
	size_t size, want_size;
	uint8_t *data = make_package(&goldens[_i], &size), *want;
	char path[1024];

	if (folder) {
		snprintf(path, sizeof(path), "%s/%s", folder, strrchr(goldens[_i].file, '/') + 1);
		ASSERT_OK(ofa_file_write_atomic(path, data, size, &err), &err);
	}
	want = read_source_file(goldens[_i].file, &want_size);
	ck_assert_uint_eq(size, want_size);
	if (goldens[_i].precision == OFA_INT8)
		check_int8(data, want, size);
	else
		check_float(data, want, size);
	free(data);
	free(want);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("golden packages");
	TCase *tcase = tcase_create("golden packages");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_loop_test(tcase, golden_is_read, 0, (int)OFA_ARRAY_LEN(goldens));
	tcase_add_loop_test(tcase, writer_still_makes_it, 0, (int)OFA_ARRAY_LEN(goldens));
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
