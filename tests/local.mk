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

if HAVE_CHECK
check_PROGRAMS += $(ENGINE_TESTS)
TESTS += $(ENGINE_TESTS)
endif
