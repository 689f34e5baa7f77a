# sources of bench/
noinst_PROGRAMS += bench/train
bench_train_SOURCES = bench/train.c
bench_train_CPPFLAGS = $(ENGINE_CPPFLAGS)
bench_train_LDADD = $(ENGINE_LIBS)
noinst_PROGRAMS += bench/search
bench_search_SOURCES = bench/search.c bench/problem.h bench/problem.c tests/engine/released.h \
	tests/engine/released.c
bench_search_CPPFLAGS = $(ENGINE_CPPFLAGS) -I$(top_srcdir)/tests/engine
bench_search_LDADD = $(ENGINE_LIBS)
noinst_PROGRAMS += bench/samples
bench_samples_SOURCES = bench/samples.c bench/problem.h bench/problem.c tests/engine/released.h \
	tests/engine/released.c
bench_samples_CPPFLAGS = $(ENGINE_CPPFLAGS) -I$(top_srcdir)/tests/engine
bench_samples_LDADD = $(ENGINE_LIBS)
noinst_PROGRAMS += bench/predictor
bench_predictor_SOURCES = bench/predictor.c tests/engine/released.h tests/engine/released.c
bench_predictor_CPPFLAGS = $(ENGINE_CPPFLAGS) -I$(top_srcdir)/tests/engine
bench_predictor_LDADD = $(ENGINE_LIBS)
noinst_PROGRAMS += bench/pack
bench_pack_SOURCES = bench/pack.c bench/imagenet.h bench/imagenet.c
bench_pack_CPPFLAGS = $(ENGINE_CPPFLAGS)
bench_pack_LDADD = $(ENGINE_LIBS)
noinst_PROGRAMS += bench/run
bench_run_SOURCES = bench/run.c bench/imagenet.h bench/imagenet.c
bench_run_CPPFLAGS = $(ENGINE_CPPFLAGS)
bench_run_LDADD = $(ENGINE_LIBS)
# bench/serve is a script: ofad against libmicrohttpd alone.
noinst_PROGRAMS += bench/bare_server bench/loopback
bench_bare_server_SOURCES = bench/bare_server.c
bench_bare_server_CPPFLAGS = -D_GNU_SOURCE $(ENGINE_CPPFLAGS) $(MICROHTTPD_CFLAGS)
bench_bare_server_LDADD = $(ENGINE_LIBS) $(MICROHTTPD_LIBS)
bench_loopback_SOURCES = bench/loopback.c
bench_loopback_CPPFLAGS = -D_GNU_SOURCE
EXTRA_DIST += bench/serve bench/ranks bench/post.lua bench/plot_latency.py
noinst_PROGRAMS += bench/latency
bench_latency_SOURCES = bench/latency.c cli/latency_probe.h cli/latency_probe.c cli/serial_probe.c cli/timing.h cli/timing.c \
	cli/device_model.h cli/device_model.c
bench_latency_CPPFLAGS = $(ENGINE_CPPFLAGS) -I$(top_srcdir)/cli
bench_latency_LDADD = $(ENGINE_LIBS)
noinst_PROGRAMS += bench/quantise
bench_quantise_SOURCES = bench/quantise.c
bench_quantise_CPPFLAGS = $(ENGINE_CPPFLAGS)
bench_quantise_LDADD = $(ENGINE_LIBS)
# bench/device_onnx.mjs runs it in turns with onnxruntime.
noinst_PROGRAMS += bench/device
bench_device_SOURCES = bench/device.c
bench_device_CPPFLAGS = $(ENGINE_CPPFLAGS)
bench_device_LDADD = $(ENGINE_LIBS)
EXTRA_DIST += bench/cold-packages.mjs bench/dashboard.mjs bench/device_onnx.mjs bench/scale.mjs bench/unit-costs.mjs
# What the database costs: SQLite, PostgreSQL.
noinst_PROGRAMS += bench/store
bench_store_SOURCES = bench/store.c
bench_store_CPPFLAGS = $(server_libofad_a_CPPFLAGS)
bench_store_LDADD = $(SERVER_LIBS)
