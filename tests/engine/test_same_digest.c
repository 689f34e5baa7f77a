/* A package is the same bytes whatever the processor packs it: with each set of kernels that this one has, and with
 * each kind of core that OpenBLAS can be told to be on, in a process of its own.  The linker sends the engine's choice
 * of kernels here (--wrap). */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/sha256.h"
#include "net/supernet.h"
#include "ops/kernels.h"
#include "pack/pack.h"
#include "predict/predictor.h"
#include "quantise/kernels.h"
#include "random_net.h"
#include "runner.h"

#define ARCHS 3
#define TOLD_FD 3 /* where a child tells */
#define TEXT_MAX (8 * 1024)

/* What ofa_kernels() and ofa_quantised_kernels() answer; NULL: the best, as without this test. */
static const char *isa, *quantised_isa;

const struct ofa_kernels *__wrap_ofa_kernels(void);
const struct ofa_quantised_kernels *__wrap_ofa_quantised_kernels(void);

const struct ofa_kernels *__wrap_ofa_kernels(void)
{
	return ofa_kernels_named(isa);
}

const struct ofa_quantised_kernels *__wrap_ofa_quantised_kernels(void)
{
	return ofa_quantised_kernels_named(quantised_isa);
}

static struct ofa_error err;

static const char *network_path(void)
{
	static char path[1024];
	const char *src = getenv("OFA_SRCDIR");

	snprintf(path, sizeof(path), "%s/models/fashion/fashion.safetensors", src ? src : ".");
	return path;
}

static void pick_arch(const struct ofa_supernet *net, int which, struct ofa_arch *ret)
{
	struct ofa_rng rng;

	ofa_rng_init(&rng, 7 + (uint64_t)which);
	if (which == 0)
		ofa_arch_largest(&net->space, ret);
	else if (which == 1)
		ofa_arch_smallest(&net->space, ret);
	else
		ofa_arch_sample(&net->space, &rng, ret);
	ret->image_size = net->space.resolutions[0];
}

/* What the network's predictor says of the arch: it goes into the package's metadata, as the processor rounds it. */
static double predicted(const struct ofa_supernet *net, const struct ofa_arch *arch)
{
	struct ofa_predictor p;
	float *work, accuracy;

	if (ofa_predictor_load(net, &p, NULL) != OFA_OK)
		return 0.75;
	work = malloc(ofa_predictor_workspace(&p, 1) * sizeof(*work));
	ofa_predictor_predict(&net->space, &p, arch, 1, work, &accuracy);
	free(work);
	ofa_predictor_release(&p);
	return (double)accuracy;
}

/* One line for each arch and type. */
static void digests_of(const char *name, const struct ofa_supernet *net, struct ofa_buf *text)
{
	for (int a = 0; a < ARCHS; a++) {
		for (int p = 0; p < OFA_PRECISION_COUNT; p++) {
			struct ofa_arch arch;
			struct ofa_pack_info info = {
				.latency_ms = 1.25, .profile = "board", .precision = (enum ofa_precision)p};
			uint8_t *data, sha256[OFA_SHA256_BYTES];
			char hex[2 * OFA_SHA256_BYTES + 1];
			size_t size;

			pick_arch(net, a, &arch);
			info.predicted_accuracy = predicted(net, &arch);
			ASSERT_OK(ofa_pack_build(net, &arch, &info, NULL, &data, &size, NULL, &err), &err);
			ofa_sha256(data, size, sha256);
			free(data);
			ofa_hex(sha256, sizeof(sha256), hex);
			ck_assert_int_eq(ofa_buf_printf(text, "%s arch %d %s %s\n", name, a,
							ofa_precision_name(info.precision), hex),
					 OFA_OK);
		}
	}
}

/* Of the network that ships and of one of each family with random weights. */
static void digests(char text[TEXT_MAX])
{
	struct ofa_supernet *net;
	struct ofa_space space;
	struct ofa_buf buf;

	ofa_buf_init(&buf, TEXT_MAX - 1);
	ASSERT_OK(ofa_supernet_load(network_path(), &net, &err), &err);
	digests_of("fashion", net, &buf);
	ofa_supernet_free(net);
	for (int f = 0; f < 2; f++) {
		const char *family = f ? "resnet50" : "mbv3";

		ASSERT_OK(ofa_space_preset(family, 0.25, 10, &space, &err), &err);
		net = random_net(&space, &(struct random_net_options){.seed = 5, .calibration_images = 9});
		digests_of(family, net, &buf);
		ofa_supernet_free(net);
	}
	memcpy(text, buf.data, buf.len);
	text[buf.len] = '\0';
	ofa_buf_release(&buf);
}

/* This program run with `digests`, as OpenBLAS is on that core. */
static void digests_on_core(const char *core, char text[TEXT_MAX])
{
	size_t n = 0, got;
	int out[2], status;
	pid_t child;

	ck_assert_int_eq(pipe(out), 0);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		setenv("OPENBLAS_CORETYPE", core, 1);
		dup2(out[1], TOLD_FD);
		execl("/proc/self/exe", "test_same_digest", "digests", (char *)NULL);
		_exit(127);
	}
	close(out[1]);
	while (n < TEXT_MAX - 1 && (got = (size_t)read(out[0], text + n, TEXT_MAX - 1 - n)) > 0 && got != (size_t)-1)
		n += got;
	text[n] = '\0';
	close(out[0]);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "core %s: status %d", core, status);
}

/* Line by line, so that what differs is named. */
static void expect_equal(const char *what, const char *got, const char *want)
{
	while (*want) {
		const size_t n = strcspn(want, "\n") + 1;

		ck_assert_msg(strncmp(got, want, n) == 0, "%s:\n%.*sinstead of\n%.*s", what, (int)n, got, (int)n, want);
		got += n;
		want += n;
	}
}

START_TEST(test_kernel_sets)
{
	/* of floats, of bytes */
	static const char *const sets[][2] = {{"avx2", "avx2"}, {"avx512", "avx2"}, {"avx2", "avx512vnni"},
					      {"avx512", "avx512vnni"}, {"avx2", "generic"}};
	char want[TEXT_MAX], got[TEXT_MAX], what[64];

	digests(want);
	for (size_t i = 0; i < OFA_ARRAY_LEN(sets); i++) {
		if (!ofa_kernels_named(sets[i][0]) || !ofa_quantised_kernels_named(sets[i][1]))
			continue;
		isa = sets[i][0];
		quantised_isa = sets[i][1];
		digests(got);
		snprintf(what, sizeof(what), "kernels %s, %s", isa, quantised_isa);
		expect_equal(what, got, want);
	}
}
END_TEST

START_TEST(test_blas_cores)
{
	static const char *const cores[] = {"Prescott", "Sandybridge", "Haswell", "Zen", "SkylakeX"};
	char want[TEXT_MAX], got[TEXT_MAX], what[64];

	digests(want);
	for (size_t i = 0; i < OFA_ARRAY_LEN(cores); i++) {
		digests_on_core(cores[i], got);
		snprintf(what, sizeof(what), "OPENBLAS_CORETYPE=%s", cores[i]);
		expect_equal(what, got, want);
	}
}
END_TEST

START_TEST(test_tell)
{
	char text[TEXT_MAX];

	digests(text);
	ck_assert_int_eq(write(TOLD_FD, text, strlen(text)), (ssize_t)strlen(text));
}
END_TEST

int main(int argc, char **argv)
{
	const TTest *const tests[] = {test_kernel_sets, test_blas_cores}, *const tell[] = {test_tell};

	(void)argv;
	return argc > 1 ? run_tests("digests", tell, 1) : run_tests("same digest", tests, OFA_ARRAY_LEN(tests));
}
