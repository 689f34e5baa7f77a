# Tests mirror the tree: tests/engine, tests/device, tests/server, tests/cli; one Check program per subject.
# A program's source is its own name with .c (automake's default) unless a _SOURCES line says otherwise;
# programs without lines of their own are compiled and linked with the next two.
AM_CPPFLAGS = $(ENGINE_CPPFLAGS) -I$(top_srcdir)/tests/engine $(CHECK_CFLAGS)
LDADD = $(ENGINE_LIBS) $(CHECK_LIBS)

# Tests find the source tree by OFA_SRCDIR and, from it or by OFA_SHARED, the shared reference data.
AM_TESTS_ENVIRONMENT = OFA_SRCDIR='$(abs_top_srcdir)'; OFA_BUILDDIR='$(abs_top_builddir)'; export OFA_SRCDIR OFA_BUILDDIR;

ENGINE_TESTS = \
	tests/engine/test_arch \
	tests/engine/test_base \
	tests/engine/test_dataset \
	tests/engine/test_kernels \
	tests/engine/test_gradient \
	tests/engine/test_golden \
	tests/engine/test_plan \
	tests/engine/test_pool \
	tests/engine/test_recipe \
	tests/engine/test_rng \
	tests/engine/test_safetensors \
	tests/engine/test_shrink \
	tests/engine/test_space \
	tests/engine/test_step \
	tests/engine/test_supernet
EXTRA_DIST += tests/engine/shared.h tests/engine/runner.h tests/engine/spaces.h

SEARCH_TESTS = \
	tests/engine/test_latency \
	tests/engine/test_predict \
	tests/engine/test_profile \
	tests/engine/test_search
tests_engine_test_latency_SOURCES = tests/engine/test_latency.c tests/engine/released.h tests/engine/released.c
tests_engine_test_predict_SOURCES = tests/engine/test_predict.c tests/engine/released.h tests/engine/released.c
tests_engine_test_search_SOURCES = tests/engine/test_search.c tests/engine/released.h tests/engine/released.c

if HAVE_CHECK
check_PROGRAMS += $(ENGINE_TESTS) $(SEARCH_TESTS)
TESTS += $(ENGINE_TESTS) $(SEARCH_TESTS)
endif

# The package format and the device runtime.
DEVICE_TESTS = \
	tests/device/test_device_kernels \
	tests/device/test_golden_package \
	tests/device/test_hostile \
	tests/device/test_runtime \
	tests/engine/test_pack
EXTRA_DIST += tests/device/golden_package.h tests/device/golden.ofa tests/engine/random_net.h
if HAVE_CHECK
check_PROGRAMS += $(DEVICE_TESTS)
TESTS += $(DEVICE_TESTS)
endif

# Fuzz targets replay their corpus with damaged copies; each source says how libFuzzer runs it.
FUZZ_TESTS = tests/fuzz/fuzz_package
tests_fuzz_fuzz_package_SOURCES = tests/fuzz/fuzz_package.c tests/fuzz/replay.c
EXTRA_DIST += tests/fuzz/corpus
check_PROGRAMS += $(FUZZ_TESTS)
TESTS += $(FUZZ_TESTS)

# The tool and the service from outside: shell programs that need jq; rules of the tree that scripts check.
SHELL_TESTS = \
	scripts/check-headers \
	scripts/check-layers \
	scripts/check-style \
	tests/device/test-c99 \
	tests/cli/test-golden \
	tests/cli/test-network \
	tests/cli/test-usage \
	tests/e2e/test-service
TESTS += $(SHELL_TESTS)
EXTRA_DIST += $(SHELL_TESTS) tests/cli/lib.sh tests/cli/tiny-network.sh tests/cli/tiny-recipe.json
